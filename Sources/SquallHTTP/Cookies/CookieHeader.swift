/// The `Cookie` field of a request (RFC 6265 section 4.2), read as browsers and Tornado read it.
public enum CookieHeader {
    /// Parses `a=1; b="two"`. Linear; never fails.
    ///
    /// A semicolon always ends a pair, even between quotation marks. Blanks round names and values are dropped. What has no
    /// `=` is a value without a name; pairs of which nothing is left are skipped. A value between quotation marks is
    /// unquoted: `\"` is `"`, and `\054` the byte of that octal number. Pairs keep their order, and names may repeat: the
    /// last one counts.
    ///
    /// Bytes that are not UTF-8 are taken for Latin-1.
    public static func parse(_ bytes: Span<UInt8>) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        var start = 0
        for index in 0...bytes.count {
            guard index == bytes.count || bytes[index] == UInt8(ascii: ";") else { continue }
            if let pair = pair(bytes, start..<index) { pairs.append(pair) }
            start = index &+ 1
        }
        return pairs
    }

    /// Parses the bytes of text; see ``parse(_:)-(Span<UInt8>)``.
    public static func parse(_ text: String) -> [(name: String, value: String)] { parse(Array(text.utf8).span) }

    private static func pair(_ bytes: Span<UInt8>, _ range: Range<Int>) -> (name: String, value: String)? {
        let equals = range.first { bytes[$0] == UInt8(ascii: "=") }
        let name = trim(bytes, range.lowerBound..<(equals ?? range.lowerBound))
        let value = trim(bytes, (equals.map { $0 &+ 1 } ?? range.lowerBound)..<range.upperBound)
        if name.isEmpty, value.isEmpty { return nil }
        return (text(copy(bytes, name)), unquoted(bytes, value))
    }

    private static func trim(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var (lower, upper) = (range.lowerBound, range.upperBound)
        while lower < upper, isBlank(bytes[lower]) { lower &+= 1 }
        while upper > lower, isBlank(bytes[upper &- 1]) { upper &-= 1 }
        return lower..<upper
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == ASCII.space || (9...13).contains(byte) }

    private static func copy(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8] { range.map { bytes[$0] } }

    private static func unquoted(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        let quote = UInt8(ascii: "\"")
        guard range.count >= 2, bytes[range.lowerBound] == quote, bytes[range.upperBound &- 1] == quote else {
            return text(copy(bytes, range))
        }
        var output: [UInt8] = []
        var index = range.lowerBound &+ 1
        let end = range.upperBound &- 1
        while index < end {
            var byte = bytes[index]
            index &+= 1
            if byte == UInt8(ascii: "\\"), index < end {
                if end &- index >= 3, let high = octal(bytes[index]), high < 4, let middle = octal(bytes[index &+ 1]),
                    let low = octal(bytes[index &+ 2])
                {
                    byte = high &<< 6 | middle &<< 3 | low
                    index &+= 3
                } else {
                    byte = bytes[index]
                    index &+= 1
                }
            }
            output.append(byte)
        }
        return text(output)
    }

    private static func octal(_ byte: UInt8) -> UInt8? { (0x30...0x37).contains(byte) ? byte &- 0x30 : nil }

    private static func text(_ bytes: [UInt8]) -> String {
        String(validating: bytes, as: UTF8.self)
            ?? String(String.UnicodeScalarView(bytes.lazy.map { Unicode.Scalar($0) }))
    }
}
