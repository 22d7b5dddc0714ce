import SquallIO

/// Text made safe for each place in a page.
enum TemplateEscaping {
    static func append(_ text: String, _ context: TemplateOutput.Context, to output: inout [UInt8]) {
        switch context {
        case .text, .attribute, .characterData: output.append(escapingHTML: text)
        case .plain: output.append(text: text)
        case .unquoted: appendUnquoted(text, to: &output)
        case .url: output.append(escapingHTML: encode(checked(text), keeping: urlBytes, keepsEscapes: true))
        case .sourceSet: output.append(escapingHTML: encode(checked(text), keeping: sourceSetBytes, keepsEscapes: true))
        case .urlRoot: output.append(escapingHTML: encode(withoutHost(text), keeping: pathBytes))
        case .urlPath: output.append(escapingHTML: encode(text, keeping: pathBytes))
        case .urlQuery: output.append(escapingHTML: encode(text, keeping: unreservedBytes))
        case .scriptString: appendScriptString(text, to: &output)
        case .style: output.append(contentsOf: (isSafeStyle(text) ? text : "unset").utf8)
        case .styleString: appendStyleString(text, to: &output)
        case .styleURL: appendStyleString(encode(checked(text), keeping: urlBytes, keepsEscapes: true), to: &output)
        case .document: output.append(escapingHTML: Escape.html(text))
        }
    }

    // MARK: attributes

    /// Whatever could end a value that has no quotation marks is a reference.
    private static func appendUnquoted(_ text: String, to output: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case 0...0x20, UInt8(ascii: "\""), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "+"),
                UInt8(ascii: "/"),
                UInt8(ascii: "<"), UInt8(ascii: "="), UInt8(ascii: ">"), UInt8(ascii: "`"):
                // There is no reference to NUL.
                output += byte == 0 ? "&#xfffd;".utf8 : "&#\(byte);".utf8
            default: output.append(byte)
            }
        }
    }

    // MARK: URLs

    /// What stands in the place of a URL that could run code.
    private static let unsafeURL = "about:invalid#unsafe"
    private static let schemes: Set = ["http", "https", "mailto", "tel", "sms"]

    private static func checked(_ url: String) -> String {
        let utf8 = url.utf8
        let ends: [UInt8] = [UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")]
        guard let end = utf8.firstIndex(where: ends.contains), utf8[end] == UInt8(ascii: ":") else { return url }
        return schemes.contains(url[..<end].lowercased()) ? url : unsafeURL
    }

    /// After a slash, another would begin a host.
    private static func withoutHost(_ path: String) -> String {
        String(path.drop { $0 == "/" || $0 == "\\" })
    }

    private static let unreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
    private static func table(_ more: String) -> [Bool] {
        let kept = Set((unreserved + more).utf8)
        return (0..<256).map { kept.contains(UInt8($0)) }
    }
    private static let unreservedBytes = table("")
    private static let pathBytes = table("/!$&*+,;=@")
    private static let urlBytes = table("/!$&*+,;=@:?#[]")
    private static let sourceSetBytes = table("/!$&*+;=@:?#[]")

    /// - Parameter keepsEscapes: whether `%20` is one already.
    private static func encode(_ text: String, keeping kept: [Bool], keepsEscapes: Bool = false) -> String {
        guard text.utf8.contains(where: { !kept[Int($0)] }) else { return text }
        let bytes = Array(text.utf8)
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count * 2)
        let digits = Array("0123456789ABCDEF".utf8)
        for (index, byte) in bytes.enumerated() {
            let isEscape =
                keepsEscapes && byte == UInt8(ascii: "%") && index + 2 < bytes.count && isHex(bytes[index + 1])
                && isHex(bytes[index + 2])
            if kept[Int(byte)] || isEscape {
                output.append(byte)
            } else {
                output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }

    // MARK: scripts

    /// JSON without a byte that ends a script, or an attribute.
    static func appendJSON(_ json: some Sequence<UInt8>, isAttribute: Bool, to output: inout [UInt8]) {
        var last: (UInt8, UInt8) = (0, 0)
        for byte in json {
            switch byte {
            case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"): appendEscape(UInt32(byte), to: &output)
            case UInt8(ascii: "\"") where isAttribute: output += "&quot;".utf8
            case UInt8(ascii: "'") where isAttribute: output += "&#x27;".utf8
            case 0xa8 where last == (0xe2, 0x80), 0xa9 where last == (0xe2, 0x80):
                // The separators of lines and paragraphs end a string in older browsers.
                output.removeLast(2)
                appendEscape(byte == 0xa8 ? 0x2028 : 0x2029, to: &output)
            default: output.append(byte)
            }
            last = (last.1, byte)
        }
    }

    private static func appendEscape(_ value: UInt32, to output: inout [UInt8]) {
        let digits = String(value, radix: 16)
        output += "\\u".utf8
        output += repeatElement(UInt8(ascii: "0"), count: max(0, 4 - digits.utf8.count))
        output += digits.utf8
    }

    private static func appendScriptString(_ text: String, to output: inout [UInt8]) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "'", "`", "\\", "/", "<", ">", "&", "=", "$", "+", "{", "}", "\u{2028}", "\u{2029}", "\0"..<" ",
                "\u{7f}":
                appendEscape(scalar.value, to: &output)
            default: output += String(scalar).utf8
            }
        }
    }

    // MARK: style sheets

    /// One value: words, numbers, units, colours.
    private static func isSafeStyle(_ text: String) -> Bool {
        let isPlain = text.utf8.allSatisfy { byte in
            byte >= 0x80 || isHex(byte) || (0x61...0x7a).contains(byte | 0x20) || " .,#%+-_!".utf8.contains(byte)
        }
        let letters = String(decoding: text.utf8.filter { (0x61...0x7a).contains($0 | 0x20) }, as: UTF8.self)
            .lowercased()
        return isPlain && !text.isEmpty && !letters.contains("expression") && !letters.contains("mozbinding")
    }

    private static func appendStyleString(_ text: String, to output: inout [UInt8]) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "'", "\\", "<", ">", "&", "(", ")", "{", "}", "/", ":", ";", "+", "\0"..<" ", "\u{7f}":
                output += "\\\(String(scalar == "\0" ? 0xfffd : scalar.value, radix: 16)) ".utf8
            default: output += String(scalar).utf8
            }
        }
    }
}
