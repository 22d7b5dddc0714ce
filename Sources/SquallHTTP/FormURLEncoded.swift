/// A form was refused.
public struct FormURLEncodedError: Error, Equatable, Sendable {
    /// The status to answer: 400.
    public var status: Int

    /// What the peer must mend. Static text.
    public var message: String
}

/// `application/x-www-form-urlencoded`, the format of form bodies and of queries (URL Standard section 5.1).
public enum FormURLEncoded {
    /// Parses `a=1&b=2`.
    ///
    /// Linear. Pairs keep their order, and names may repeat. Pairs are separated by `&` only; empty ones are
    /// skipped and count for nothing. A pair without `=` has an empty value. `+` and escapes are decoded, `%zz` is
    /// left as it is, and invalid UTF-8 is repaired with U+FFFD.
    ///
    /// - Parameter maxFields: How many pairs there may be.
    /// - Throws: ``FormURLEncodedError`` when there are more.
    public static func parse(
        _ bytes: Span<UInt8>, maxFields: Int = 1_000
    ) throws(FormURLEncodedError) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        var start = 0
        var equals = -1
        var index = 0
        while index <= bytes.count {
            if index == bytes.count || bytes[index] == UInt8(ascii: "&") {
                if index > start {
                    guard pairs.count < maxFields else {
                        throw FormURLEncodedError(status: 400, message: "the form has too many fields; send fewer")
                    }
                    let nameEnd = equals >= 0 ? equals : index
                    let valueStart = equals >= 0 ? equals &+ 1 : index
                    pairs.append((text(bytes, start..<nameEnd), text(bytes, valueStart..<index)))
                }
                start = index &+ 1
                equals = -1
            } else if bytes[index] == UInt8(ascii: "="), equals < 0 {
                equals = index
            }
            index &+= 1
        }
        return pairs
    }

    /// Parses the bytes of an array; see ``parse(_:maxFields:)-(Span<UInt8>,_)``.
    public static func parse(
        _ bytes: [UInt8], maxFields: Int = 1_000
    ) throws(FormURLEncodedError) -> [(name: String, value: String)] {
        try parse(bytes.span, maxFields: maxFields)
    }

    private static func text(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        String(decoding: PercentCoding.percentDecode(bytes.extracting(range), plusIsSpace: true), as: UTF8.self)
    }
}
