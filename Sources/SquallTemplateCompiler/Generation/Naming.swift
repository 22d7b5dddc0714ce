/// What the generated types and files are called.
enum Naming {
    /// A file's ending, what its type's name ends in, and what a browser is told that it is.
    static let kinds: [(ending: String, suffix: String, contentType: String, language: PageContext.Language)] = [
        ("html", "Page", "text/html; charset=UTF-8", .html),
        ("txt", "Text", "text/plain; charset=UTF-8", .plain),
        ("xml", "XML", "application/xml; charset=UTF-8", .xml),
        ("svg", "SVG", "image/svg+xml", .xml),
        ("js", "JavaScript", "text/javascript; charset=UTF-8", .script),
        ("css", "CSS", "text/css; charset=UTF-8", .style),
    ]

    static func kind(of name: String) -> (suffix: String, contentType: String, language: PageContext.Language)? {
        for kind in kinds where name.hasSuffix("." + kind.ending) {
            return (kind.suffix, kind.contentType, kind.language)
        }
        return nil
    }

    /// Whether a template has a type. Those whose file's name begins with `_` are parts of others only.
    static func isPart(_ name: String) -> Bool { name.split(separator: "/").last?.first == "_" }

    /// `reports/by-year.html` is `ReportsByYearPage`.
    static func type(_ name: String) -> String {
        let stem = name[..<(name.lastIndex(of: ".") ?? name.endIndex)]
        var result = ""
        for word in stem.split(whereSeparator: { !($0.isLetter || $0.isNumber) }) {
            result += word.prefix(1).uppercased() + word.dropFirst()
        }
        if result.isEmpty || result.first?.isNumber == true { result = "Template" + result }
        return result + (kind(of: name)?.suffix ?? "")
    }

    /// `reports/by-year.html` is `reports.by-year.html.swift`: no other source file of a target is called so.
    static func file(_ name: String) -> String { name.split(separator: "/").joined(separator: ".") + ".swift" }
}

/// A string literal of Swift.
func literal(_ text: some Sequence<UInt8>) -> String {
    var output: [UInt8] = [UInt8(ascii: "\"")]
    for byte in text {
        switch byte {
        case UInt8(ascii: "\\"), UInt8(ascii: "\""): output += [UInt8(ascii: "\\"), byte]
        case UInt8(ascii: "\n"): output += "\\n".utf8
        case UInt8(ascii: "\r"): output += "\\r".utf8
        case UInt8(ascii: "\t"): output += "\\t".utf8
        case 0..<0x20, 0x7f: output += "\\u{\(String(byte, radix: 16))}".utf8
        default: output.append(byte)
        }
    }
    output.append(UInt8(ascii: "\""))
    return String(decoding: output, as: UTF8.self)
}
