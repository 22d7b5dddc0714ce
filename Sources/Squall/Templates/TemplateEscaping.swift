import SquallIO

/// Text made safe for each place in a page.
enum TemplateEscaping {
    static func append(_ text: String, _ context: TemplateOutput.Context, to output: inout [UInt8]) {
        switch context {
        case .text, .attribute, .characterData: output.append(escapingHTML: text)
        case .plain: output.append(text: text)
        case .unquoted: appendUnquoted(text, to: &output)
        case .url:
            // In a loop, or behind branches, a slash may be before it.
            let url = isAfterFirstSlash(output) ? withoutHost(text, after: output) : text
            output.append(escapingHTML: encode(checked(url), keeping: urlBytes, keepsEscapes: true))
        case .sourceSet: output.append(escapingHTML: sourceSet(text))
        case .animation: output.append(escapingHTML: text.utf8.contains(UInt8(ascii: ":")) ? unsafeURL : text)
        case .urlRoot: output.append(escapingHTML: encode(withoutHost(text, after: output), keeping: pathBytes))
        case .urlPath: output.append(escapingHTML: encode(text, keeping: pathBytes))
        case .urlQuery: output.append(escapingHTML: encode(text, keeping: unreservedBytes))
        case .scriptString: appendScriptString(text, to: &output)
        case .comment: appendComment(text, to: &output)
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

    // MARK: comments

    /// Dashes end a comment.
    private static func appendComment(_ text: String, to output: inout [UInt8]) {
        let start = output.count
        output.append(escapingHTML: text)
        let dash = UInt8(ascii: "-")
        guard output[start...].contains(dash) else { return }
        let parts = output[start...].split(separator: dash, omittingEmptySubsequences: false)
        output.replaceSubrange(start..., with: Array(parts.joined(separator: "&#45;".utf8)))
    }

    // MARK: URLs

    /// What stands in the place of a URL that could run code.
    private static let unsafeURL = "about:invalid#unsafe"
    private static let schemes: Set = ["http", "https", "mailto", "tel", "sms", "ws", "wss"]

    private static func checked(_ url: String) -> String {
        let utf8 = url.utf8
        let ends: [UInt8] = [UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")]
        guard let end = utf8.firstIndex(where: ends.contains), utf8[end] == UInt8(ascii: ":") else { return url }
        let scheme = url[..<end].lowercased()
        if schemes.contains(scheme) || scheme == "data" && isPicture(url[utf8.index(after: end)...]) { return url }
        return unsafeURL
    }

    /// After `data:`, a picture that can have no script in it, as SVG can.
    private static func isPicture(_ data: Substring) -> Bool {
        guard let comma = data.utf8.firstIndex(of: UInt8(ascii: ",")) else { return false }
        let type = data[..<comma].lowercased()
        return pictures.contains(where: { type == "image/\($0);base64" })
            && data[data.utf8.index(after: comma)...].utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20) || "+/=".utf8.contains(byte)
            }
    }
    private static let pictures = ["png", "jpeg", "jpg", "gif", "webp", "avif", "bmp"]

    /// Where nothing or one slash is before a path, another slash would begin a host.
    private static func withoutHost(_ path: String, after output: [UInt8]) -> String {
        let slashes = path.utf8.prefix(while: isSlash).count
        let rest = Substring(path).utf8.dropFirst(slashes).text
        // What is before may have been sent.
        guard isAfterFirstSlash(output) || output.isEmpty else {
            let isFirst = output.last.map(startsURL) ?? true
            return isFirst && slashes > 1 ? "/" + rest : path
        }
        // A slash may follow.
        return rest.isEmpty ? "." : rest
    }

    private static func isAfterFirstSlash(_ output: [UInt8]) -> Bool {
        guard let last = output.last, isSlash(last) else { return false }
        return output.dropLast().last.map(startsURL) ?? true
    }

    private static func isSlash(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\") }

    /// What stands before a URL in an attribute. In the URL it would have been encoded.
    private static func startsURL(_ byte: UInt8) -> Bool { "\"'= \n\t\r".utf8.contains(byte) }

    /// URLs with their widths or densities, between commas.
    private static func sourceSet(_ text: String) -> String {
        var rest = Substring(text).utf8
        var candidates: [String] = []
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
        let comma = UInt8(ascii: ",")
        while true {
            rest = rest.drop { isBlank($0) || $0 == comma }
            guard !rest.isEmpty else { return candidates.joined(separator: ", ") }
            var url = rest.prefix { !isBlank($0) }
            rest = rest.dropFirst(url.count)
            var descriptors: [Substring.UTF8View] = []
            if url.last == comma {
                while url.last == comma { url = url.dropLast() }
            } else {
                let all = rest.prefix { $0 != comma }
                rest = rest.dropFirst(all.count)
                descriptors = all.split(whereSeparator: isBlank)
            }
            let candidate = encode(checked(url.text), keeping: urlBytes, keepsEscapes: true)
            let words = descriptors.map { encode($0.text, keeping: unreservedBytes) }
            candidates.append(([candidate] + words).joined(separator: " "))
        }
    }

    private static let unreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
    private static func table(_ more: String) -> [Bool] {
        let kept = Set((unreserved + more).utf8)
        return (0..<256).map { kept.contains(UInt8($0)) }
    }
    private static let unreservedBytes = table("")
    private static let pathBytes = table("/!$&*+,;=@")
    private static let urlBytes = table("/!$&*+,;=@:?#[]")

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
            // An exclamation mark could make a comment of HTML of a '<' before.
            case "\"", "'", "`", "\\", "/", "<", ">", "&", "=", "$", "+", "{", "}", "!", "\u{2028}", "\u{2029}",
                "\0"..<" ",
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

extension Substring.UTF8View {
    fileprivate var text: String { String(Substring(self)) }
}
