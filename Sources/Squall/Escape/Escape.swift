import SquallHTTP
import SquallIO

/// Text made safe for the place where it is put: Tornado's `escape` module.
public enum Escape {
    // MARK: HTML

    /// Text for HTML and XML, also between quotation marks: `& < > " '` become entities. Tornado's `xhtml_escape`.
    public static func html(_ text: String) -> String {
        var output: [UInt8] = []
        output.append(escapingHTML: text)
        return output.count == text.utf8.count ? text : String(decoding: output, as: UTF8.self)
    }

    /// Appends the text's UTF-8, escaped as by ``html(_:)``.
    public static func appendHTML(_ text: String, to output: inout [UInt8]) {
        output.append(escapingHTML: text)
    }

    /// Undoes ``html(_:)``: Tornado's `xhtml_unescape`. Knows numbers (`&#228;`, `&#xe4;`), the five entities of XML and
    /// `&nbsp;`; what else looks like an entity is left as it is.
    public static func unescapeHTML(_ text: String) -> String {
        var output = String.UnicodeScalarView()
        let scalars = Array(text.unicodeScalars)
        var index = 0
        while index < scalars.count {
            if scalars[index] == "&", let (scalar, end) = entity(scalars, at: index + 1) {
                output.append(scalar)
                index = end
            } else {
                output.append(scalars[index])
                index += 1
            }
        }
        return String(output)
    }

    /// The entity whose name begins at `start`, and where the text goes on.
    private static func entity(_ scalars: [Unicode.Scalar], at start: Int) -> (Unicode.Scalar, Int)? {
        let longest = 10
        guard let end = (start..<min(scalars.count, start + longest)).first(where: { scalars[$0] == ";" }) else {
            return nil
        }
        var name = String.UnicodeScalarView()
        name.append(contentsOf: scalars[start..<end])
        guard let scalar = scalar(ofEntity: String(name)) else { return nil }
        return (scalar, end + 1)
    }

    private static func scalar(ofEntity name: String) -> Unicode.Scalar? {
        switch name {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        case "nbsp": return "\u{a0}"
        default:
            guard name.first == "#" else { return nil }
            let digits = name.dropFirst()
            let isHex = digits.first == "x" || digits.first == "X"
            let number = isHex ? digits.dropFirst() : digits
            guard number.utf8.allSatisfy({ isHex ? Character(.init($0)).isHexDigit : (0x30...0x39).contains($0) })
            else {
                return nil
            }
            return UInt32(number, radix: isHex ? 16 : 10).flatMap { $0 == 0 ? nil : Unicode.Scalar($0) }
        }
    }

    // MARK: JSON, URLs, blanks

    /// JSON for a `<script>` of a page: `</` becomes `<\/`, so that no string ends the script, and every other `<` its
    /// escape `\u003c`, so that none begins a comment or another script, in which the end would not be seen.
    public static func scriptJSON(_ json: String) -> String {
        var output: [UInt8] = []
        output.reserveCapacity(json.utf8.count + 8)
        var followsLess = false
        for byte in json.utf8 {
            if followsLess { output += byte == UInt8(ascii: "/") ? "<\\".utf8 : "\\u003c".utf8 }
            followsLess = byte == UInt8(ascii: "<")
            if !followsLess { output.append(byte) }
        }
        if followsLess { output += "\\u003c".utf8 }
        return String(decoding: output, as: UTF8.self)
    }

    /// Adds arguments to a URL's query, before its fragment: Tornado's `url_concat`. What the query has stays as it is.
    public static func url(_ url: String, adding arguments: [(name: String, value: String)]) -> String {
        guard !arguments.isEmpty else { return url }
        let parts = url.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let halves = parts[0].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var pairs =
            halves.count > 1 ? halves[1].split(separator: "&").map { $0.contains("=") ? "\($0)" : "\($0)=" } : []
        pairs += arguments.map { "\(Escape.url($0.name))=\(Escape.url($0.value))" }
        return "\(halves[0])?\(pairs.joined(separator: "&"))" + (parts.count > 1 ? "#\(parts[1])" : "")
    }

    /// Text for a place in a URL: Tornado's `url_escape`.
    /// - Parameter plus: a space is `+`, as in queries and forms; otherwise `%20`, as in paths.
    public static func url(_ text: String, plus: Bool = true) -> String {
        let encoded = PercentCoding.percentEncode(queryComponent: text)
        guard plus, text.utf8.contains(UInt8(ascii: " ")) else { return encoded }
        // A percent sign of the text's own is `%25` by now.
        return encoded.split(separator: "%20", omittingEmptySubsequences: false).joined(separator: "+")
    }

    /// Undoes ``url(_:plus:)``: Tornado's `url_unescape`. Nil if the result is not UTF-8.
    public static func unescapeURL(_ text: String, plus: Bool = true) -> String? {
        PercentCoding.percentDecodedString(text, plusIsSpace: plus)
    }

    /// Each run of blanks and control characters becomes one space, and there are none at the ends.
    public static func squeeze(_ text: String) -> String {
        var output = String.UnicodeScalarView()
        var isPending = false
        for scalar in text.unicodeScalars {
            if scalar.value <= 0x20 {
                isPending = !output.isEmpty
            } else {
                if isPending { output.append(" ") }
                isPending = false
                output.append(scalar)
            }
        }
        return String(output)
    }
}
