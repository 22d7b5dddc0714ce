/// Percent-encoding (RFC 3986 section 2.1).
public enum PercentCoding {
    /// Decodes `%41` and the like. What is no escape, such as `%zz` or `%4` at the end, is left as it is.
    ///
    /// - Parameter plusIsSpace: Whether `+` stands for a space, as in forms and queries, but not in paths.
    public static func percentDecode(_ bytes: Span<UInt8>, plusIsSpace: Bool = false) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: bytes.count) { output, count in
            // Each turn reads at `index` < bytes.count and writes one byte at `count` <= `index`.
            var index = 0
            while index < bytes.count {
                var byte = bytes[index]
                index &+= 1
                if byte == UInt8(ascii: "%"), bytes.count &- index >= 2, let high = ASCII.hexValue(bytes[index]),
                    let low = ASCII.hexValue(bytes[index &+ 1])
                {
                    byte = high &<< 4 | low
                    index &+= 2
                } else if byte == UInt8(ascii: "+"), plusIsSpace {
                    byte = ASCII.space
                }
                output[count] = byte
                count &+= 1
            }
        }
    }

    /// Decodes a slice; see ``percentDecode(_:plusIsSpace:)-(Span<UInt8>,_)``.
    public static func percentDecode(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool = false) -> [UInt8] {
        percentDecode(bytes.span, plusIsSpace: plusIsSpace)
    }

    /// Decodes to text; nil if the result is not valid UTF-8.
    public static func percentDecodedString(_ bytes: Span<UInt8>, plusIsSpace: Bool = false) -> String? {
        String(validating: percentDecode(bytes, plusIsSpace: plusIsSpace), as: UTF8.self)
    }

    /// Decodes text to text; nil if the result is not valid UTF-8.
    public static func percentDecodedString(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        percentDecodedString(Array(text.utf8).span, plusIsSpace: plusIsSpace)
    }

    /// Encodes text as one segment of a path: everything but `pchar` of RFC 3986 section 3.3, the slash included.
    ///
    /// The segments `.` and `..` have no encoded form that clients would not resolve; they come back unchanged.
    public static func percentEncode(pathSegment text: String) -> String {
        encode(text, keeping: .pathSegment)
    }

    /// Encodes text as a name or value in a query: everything but letters, digits and `-._~`; a space is `%20`.
    public static func percentEncode(queryComponent text: String) -> String {
        encode(text, keeping: .unreserved)
    }

    /// Encodes what the value of a Location field cannot have: blanks, control characters and all beyond ASCII, as their
    /// bytes in UTF-8. Escapes are left as they are.
    public static func percentEncode(location text: String) -> String {
        encode(text) { (0x21...0x7e).contains($0) }
    }

    private static func encode(_ text: String, keeping kept: ByteSet) -> String { encode(text, kept.contains) }

    private static func encode(_ text: String, _ isKept: (UInt8) -> Bool) -> String {
        if text.utf8.allSatisfy(isKept) { return text }
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count + 16)
        for byte in text.utf8 {
            if isKept(byte) {
                output.append(byte)
            } else {
                output.append(UInt8(ascii: "%"))
                output.append(upperHexDigit(byte &>> 4))
                output.append(upperHexDigit(byte & 0xf))
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func upperHexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 &+ value : 0x37 &+ value }
}
