extension Escape {
    /// Plain text as HTML in which URLs are links: Tornado's `linkify`. All else is escaped. Takes linear time.
    ///
    /// A link begins with a protocol and up to three slashes, or with `www.`, and ends before punctuation; parentheses in it
    /// are part of it if they are closed.
    ///
    /// - Parameters:
    ///   - shortening: long URLs are shown shortened, and whole in their `title`.
    ///   - attributes: further attributes of a link, given its URL, such as `rel="nofollow"`. They are not escaped.
    ///   - requiringProtocol: `www.` alone makes no link.
    ///   - protocols: those that may be linked to. Leave out what can run code, such as `javascript`.
    public static func linkify(
        _ text: String, shortening: Bool = false, requiringProtocol: Bool = false,
        protocols: [String] = ["http", "https"], attributes: (String) -> String = { _ in "" }
    ) -> String {
        var output = ""
        // In escaped text an ampersand begins an entity, of which `&amp;` and `&quot;` may be in a URL.
        var scanner = LinkScanner(html(text))
        while let (before, link) = scanner.next() {
            output += before
            guard let link else { break }
            if link.protocolName.map(protocols.contains) ?? !requiringProtocol {
                output += anchor(link, shortening, attributes)
            } else {
                output += link.text
            }
        }
        return output
    }

    private static func anchor(_ link: LinkScanner.Link, _ shortening: Bool, _ attributes: (String) -> String) -> String
    {
        let href = link.protocolName == nil ? "http://" + link.text : link.text
        var extra = attributes(href).trimmingBlanks
        if !extra.isEmpty { extra = " " + extra }
        var shown = link.text
        if shortening, let shortened = shortened(link) {
            shown = shortened
            extra += " title=\"\(href)\""
        }
        return "<a href=\"\(href)\"\(extra)>\(shown)</a>"
    }

    /// The host and the beginning of the path; nil if that is no shorter.
    private static func shortened(_ link: LinkScanner.Link) -> String? {
        let most = 30
        guard link.text.unicodeScalars.count > most else { return nil }
        let scalars = Array(link.text.unicodeScalars)
        var shown = scalars
        let parts = scalars[link.prefixLength...].split(separator: "/", omittingEmptySubsequences: false)
        if parts.count > 1 {
            let path = parts[1].prefix(8).prefix { $0 != "?" }.prefix { $0 != "." }
            shown = Array(scalars[..<link.prefixLength]) + parts[0] + ["/"] + path
        }
        if shown.count > most * 3 / 2 { shown = Array(shown[..<most]) }
        guard shown.count < scalars.count else { return nil }
        // No entity is cut in two.
        if let ampersand = shown.lastIndex(of: "&"), ampersand > most - 5 { shown = Array(shown[..<ampersand]) }
        guard shown.count + 3 < scalars.count else { return nil }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: shown)
        return String(text) + "..."
    }
}

/// Finds URLs in text that is escaped for HTML.
private struct LinkScanner {
    struct Link {
        var text: String
        var protocolName: String?
        /// The protocol with its colon and slashes.
        var prefixLength: Int
    }

    private let scalars: [Unicode.Scalar]
    private var index = 0

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    /// The text before the next link, and that link, or all that is left. Nil at the end.
    mutating func next() -> (before: String, link: Link?)? {
        let begin = index
        guard begin < scalars.count else { return nil }
        while index < scalars.count {
            guard isWord(scalars[index]) else {
                index += 1
                continue
            }
            // A run of letters, digits and hyphens is a protocol, or ends in `www`.
            let start = index
            while index < scalars.count, isWord(scalars[index]) || scalars[index] == "-" { index += 1 }
            if let link = link(start, index) {
                return (text(begin..<link.start), link.link)
            }
        }
        return (text(begin..<scalars.count), nil)
    }

    private mutating func link(_ start: Int, _ end: Int) -> (start: Int, link: Link)? {
        if end < scalars.count, scalars[end] == ":" {
            var slashes = 0
            while slashes < 3, end + 1 + slashes < scalars.count, scalars[end + 1 + slashes] == "/" { slashes += 1 }
            let body = end + 1 + slashes
            if slashes > 0, let stop = stop(body) {
                index = stop
                let link = Link(text: text(start..<stop), protocolName: text(start..<end), prefixLength: body - start)
                return (start, link)
            }
        }
        let www = end - 3
        if www >= start, end < scalars.count, scalars[end] == ".", scalars[www..<end].allSatisfy({ $0 == "w" }),
            www == start || scalars[www - 1] == "-", let stop = stop(end + 1)
        {
            index = stop
            return (www, Link(text: text(www..<stop), protocolName: nil, prefixLength: 0))
        }
        return nil
    }

    /// Where a link ends whose part after the protocol begins at `start`; nil if nothing there can be part of one.
    private func stop(_ start: Int) -> Int? {
        var stop = start
        while true {
            var end = run(stop)
            if end > stop {
                while end > stop, isPunctuation(scalars[end - 1]) { end -= 1 }
                guard end > stop else { break }
                stop = end
            } else if end < scalars.count, scalars[end] == "(" {
                let close = run(end + 1)
                guard close < scalars.count, scalars[close] == ")" else { break }
                stop = close + 1
            } else {
                break
            }
        }
        return stop > start ? stop : nil
    }

    /// The end of a run of what may be in a URL outside parentheses.
    private func run(_ start: Int) -> Int {
        var index = start
        while index < scalars.count {
            switch scalars[index] {
            case "(", ")": return index
            case "&":
                if begins("&amp;", at: index) {
                    index += 5
                } else if begins("&quot;", at: index) {
                    index += 6
                } else {
                    return index
                }
            case let scalar:
                if scalar.properties.isWhitespace { return index }
                index += 1
            }
        }
        return index
    }

    private func begins(_ text: String, at start: Int) -> Bool {
        scalars[start...].starts(with: text.unicodeScalars)
    }

    private func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }

    private func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "-", "/", "\\", "_": false
        default: scalar.isASCII && (0x21...0x7e).contains(scalar.value) && !isWord(scalar)
        }
    }

    private func text(_ range: Range<Int>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars[range])
        return String(text)
    }
}
