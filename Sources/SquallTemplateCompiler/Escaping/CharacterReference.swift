/// `&quot;` and the like, which in an attribute stand for what a script, a style or a URL is made of.
enum CharacterReference {
    /// What stands at the beginning: the byte that it means, and how long it is written. A character beyond ASCII is `0x80`: for
    /// those who ask it is a letter like any.
    static func first(_ bytes: ArraySlice<UInt8>) -> (byte: UInt8, count: Int)? {
        guard let first = bytes.first else { return nil }
        guard first == UInt8(ascii: "&") else { return (first, 1) }
        let rest = bytes.dropFirst().prefix(40)
        return (rest.first == UInt8(ascii: "#") ? number(rest.dropFirst()) : name(rest)) ?? (first, 1)
    }

    /// Up to so many of them.
    static func decode(_ bytes: ArraySlice<UInt8>, most: Int) -> (bytes: [UInt8], counts: [Int]) {
        var result: (bytes: [UInt8], counts: [Int]) = ([], [])
        var rest = bytes
        while result.bytes.count < most, let next = first(rest) {
            result.bytes.append(next.byte)
            result.counts.append(next.count)
            rest = rest.dropFirst(next.count)
        }
        return result
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> (byte: UInt8, count: Int)? {
        let isHex = digits.first.map { $0 | 0x20 } == UInt8(ascii: "x")
        var value = 0
        var count = 0
        for byte in digits.dropFirst(isHex ? 1 : 0) {
            guard let digit = Character(UnicodeScalar(byte)).hexDigitValue, isHex || digit < 10 else { break }
            value = min(value * (isHex ? 16 : 10) + digit, 0x11_0000)
            count += 1
        }
        guard count > 0 else { return nil }
        let end = digits.dropFirst(count + (isHex ? 1 : 0)).first == UInt8(ascii: ";") ? 1 : 0
        let length = 2 + (isHex ? 1 : 0) + count + end
        // The separators of lines and paragraphs end a line of a script.
        if value == 0x2028 || value == 0x2029 { return (0x0a, length) }
        if let scalar = UnicodeScalar(value), value >= 0x80, scalar.properties.isWhitespace || value == 0xfeff {
            return (0x20, length)
        }
        return (value > 0 && value < 0x80 ? UInt8(value) : 0x80, length)
    }

    private static func name(_ letters: ArraySlice<UInt8>) -> (byte: UInt8, count: Int)? {
        let name = letters.prefix { isLetter($0) || isDigit($0) }
        guard !name.isEmpty else { return nil }
        let text = String(decoding: name, as: UTF8.self)
        if letters.dropFirst(name.count).first == UInt8(ascii: ";") {
            // No other name means a character of ASCII; what there is no such name for stays as it is.
            return (names[text] ?? 0x80, name.count + 2)
        }
        // These were written without a semicolon once, and still can be.
        let isAttribute = letters.dropFirst(name.count).first == UInt8(ascii: "=")
        guard !isAttribute, ["quot", "QUOT", "amp", "AMP", "lt", "LT", "gt", "GT"].contains(text),
            let byte = names[text]
        else { return nil }
        return (byte, name.count + 1)
    }

    private static let names: [String: UInt8] = {
        let list =
            "Tab \t NewLine \n excl ! quot \" QUOT \" num # dollar $ percnt % amp & AMP & apos ' lpar ( rpar ) ast * midast * "
            + "plus + comma , period . sol / colon : semi ; lt < LT < nvlt < equals = bne = gt > GT > nvgt > quest ? "
            + "commat @ lsqb [ lbrack [ bsol \\ rsqb ] rbrack ] Hat ^ lowbar _ UnderBar _ grave ` DiacriticalGrave ` "
            + "lcub { lbrace { verbar | vert | VerticalLine | rcub } rbrace }"
        let words = list.split(separator: " ")
        var names: [String: UInt8] = [:]
        for index in stride(from: 0, to: words.count - 1, by: 2) {
            names[String(words[index])] = words[index + 1].utf8.first
        }
        for space in [
            "nbsp", "NonBreakingSpace", "ensp", "emsp", "emsp13", "emsp14", "numsp", "puncsp", "thinsp", "ThinSpace",
            "hairsp", "VeryThinSpace", "MediumSpace",
        ] {
            names[space] = UInt8(ascii: " ")
        }
        return names
    }()
}
