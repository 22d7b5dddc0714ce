// Text is put into buffers a piece at a time, thousands of pieces to a page. What the library's own
// `append(contentsOf: text.utf8)` costs besides copying is twice what is here.

extension Array where Element == UInt8 {
    /// Appends the text's UTF-8.
    package mutating func append(text: String) {
        // The span borrows the text, which holds the memory as long as the closure runs.
        text.utf8.span.withUnsafeBufferPointer { append(contentsOf: $0) }
    }

    /// Appends the text's UTF-8 with `& < > " '` as references: for text and attributes of HTML and XML.
    package mutating func append(escapingHTML text: String) {
        text.utf8.span.withUnsafeBufferPointer { bytes in
            var start = 0
            while let special = Self.special(bytes, from: start) {
                append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<special]))
                switch bytes[special] {
                case UInt8(ascii: "&"): append(text: "&amp;")
                case UInt8(ascii: "<"): append(text: "&lt;")
                case UInt8(ascii: ">"): append(text: "&gt;")
                case UInt8(ascii: "\""): append(text: "&quot;")
                default: append(text: "&#x27;")
                }
                start = special + 1
            }
            append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start...]))
        }
    }

    /// Where the next byte is that has to be escaped.
    private static func special(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        var index = start
        let raw = UnsafeRawBufferPointer(bytes)
        // Eight bytes at a time. `&` and `'` differ in their last bit only, `<` and `>` in the one before.
        while index + 8 <= bytes.count {
            let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let found =
                zeros((word | 0x0101_0101_0101_0101) ^ 0x2727_2727_2727_2727)
                | zeros((word | 0x0202_0202_0202_0202) ^ 0x3e3e_3e3e_3e3e_3e3e) | zeros(word ^ 0x2222_2222_2222_2222)
            if found != 0 { break }
            index += 8
        }
        while index < bytes.count {
            let byte = bytes[index]
            // All five are below 64.
            if byte < 64, (0x5000_00c4_0000_0000 as UInt64) >> UInt64(byte) & 1 != 0 { return index }
            index += 1
        }
        return nil
    }

    /// Not zero if one of the eight bytes is.
    @inline(__always)
    private static func zeros(_ word: UInt64) -> UInt64 {
        (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
    }
}
