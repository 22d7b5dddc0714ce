/// A field value with parameters, such as `form-data; name="a"; filename="b.txt"` (RFC 9110 section 5.6.6).
public struct HeaderParameters: Sendable {
    /// What stands before the first semicolon, in lower case.
    public var value: String
    /// Names in lower case, in order.
    public var parameters: [(name: String, value: String)]

    /// The first parameter of this name.
    public subscript(_ name: String) -> String? { parameters.first { $0.name == name }?.value }

    /// Nil if it is malformed: a parameter without a name, a quotation mark that is not closed, a control character. Linear.
    ///
    /// In a quoted value `\"` and `\\` stand for the character; another backslash for itself, as some browsers send paths.
    public init?(_ bytes: Span<UInt8>) {
        var position = 0
        func trimmed(_ range: Range<Int>) -> Range<Int> {
            var (lower, upper) = (range.lowerBound, range.upperBound)
            while lower < upper, ASCII.isBlank(bytes[lower]) { lower += 1 }
            while upper > lower, ASCII.isBlank(bytes[upper - 1]) { upper -= 1 }
            return lower..<upper
        }
        func text(_ range: Range<Int>) -> String? { String(validating: range.map { bytes[$0] }, as: UTF8.self) }
        func upTo(_ stops: UInt8...) -> Range<Int> {
            let start = position
            while position < bytes.count, !stops.contains(bytes[position]) { position += 1 }
            return trimmed(start..<position)
        }
        for index in 0..<bytes.count where ASCII.isForbiddenControl(bytes[index]) { return nil }
        guard let value = text(upTo(UInt8(ascii: ";"))) else { return nil }
        var parameters: [(name: String, value: String)] = []
        while position < bytes.count {
            position += 1
            let name = upTo(UInt8(ascii: "="), UInt8(ascii: ";"))
            guard position < bytes.count, bytes[position] == UInt8(ascii: "=") else {
                // An empty parameter is skipped (RFC 9110 section 5.6.6).
                guard name.isEmpty else { return nil }
                continue
            }
            guard !name.isEmpty, name.allSatisfy({ ByteSet.token.contains(bytes[$0]) }),
                let name = text(name)?.lowercased()
            else { return nil }
            position += 1
            while position < bytes.count, ASCII.isBlank(bytes[position]) { position += 1 }
            if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
                guard let quoted = Self.quoted(bytes, &position) else { return nil }
                guard upTo(UInt8(ascii: ";")).isEmpty else { return nil }
                parameters.append((name, quoted))
            } else {
                guard let value = text(upTo(UInt8(ascii: ";"))) else { return nil }
                parameters.append((name, value))
            }
        }
        self.value = value.lowercased()
        self.parameters = parameters
    }

    /// Reads text; see ``init(_:)-(Span<UInt8>)``.
    public init?(_ text: String) { self.init(Array(text.utf8).span) }

    private static func quoted(_ bytes: Span<UInt8>, _ position: inout Int) -> String? {
        let (quote, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))
        var output: [UInt8] = []
        position += 1
        while position < bytes.count {
            var byte = bytes[position]
            position += 1
            if byte == quote { return String(validating: output, as: UTF8.self) }
            if byte == backslash, position < bytes.count, bytes[position] == quote || bytes[position] == backslash {
                byte = bytes[position]
                position += 1
            }
            output.append(byte)
        }
        return nil
    }

    /// A value with its character set, `UTF-8''%C3%A4.txt` (RFC 8187 section 3.2). Nil if it is none, or not in UTF-8 or
    /// Latin-1.
    public static func extendedValue(_ text: String) -> String? {
        let parts = text.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let bytes = PercentCoding.percentDecode(Array(parts[2].utf8).span)
        switch parts[0].lowercased() {
        case "utf-8": return String(validating: bytes, as: UTF8.self)
        case "iso-8859-1": return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        default: return nil
        }
    }
}
