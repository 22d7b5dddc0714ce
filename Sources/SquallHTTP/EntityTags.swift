/// Entity tags and the conditions on them (RFC 9110 sections 8.8.3 and 13.1).
public enum EntityTags {
    /// Whether text can stand in a tag's quotation marks: no quotation mark, no blank, no control character.
    public static func isOpaque(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "\"") }
    }

    /// Whether `If-None-Match` has the tag, compared weakly: `W/` makes no difference. Linear.
    ///
    /// What is malformed in the field is skipped; an asterisk counts where it stands first.
    public static func contains(_ field: String, weakly tag: String) -> Bool {
        contains(field) { opaque($0) == opaque(tag[...]) }
    }

    /// Whether `If-Match` has the tag, compared strongly: weak tags match nothing.
    public static func contains(_ field: String, strongly tag: String) -> Bool {
        contains(field) { $0 == tag[...] && !$0.hasPrefix("W/") }
    }

    private static func contains(_ field: String, _ matches: (Substring) -> Bool) -> Bool {
        let quote = UInt8(ascii: "\"")
        let bytes = field.utf8
        if bytes.first(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }) == UInt8(ascii: "*") {
            return true
        }
        var start = bytes.startIndex
        while let open = bytes[start...].firstIndex(of: quote) {
            let content = bytes.index(after: open)
            guard let close = bytes[content...].firstIndex(of: quote) else { return false }
            let end = bytes.index(after: close)
            let isWeak = field[start..<open].hasSuffix("W/")
            let from = isWeak ? bytes.index(open, offsetBy: -2) : open
            if matches(field[from..<end]) { return true }
            start = end
        }
        return false
    }

    private static func opaque(_ tag: Substring) -> Substring { tag.hasPrefix("W/") ? tag.dropFirst(2) : tag }
}
