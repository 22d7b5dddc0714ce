/// A plain page whose texts are escaped as they are added.
struct HTMLPage {
    private(set) var bytes: [UInt8] = []

    init(title: String) {
        put("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>")
        Escape.appendHTML(title, to: &bytes)
        put("</title><style>")
        put(
            "body{font:15px/1.4 sans-serif;margin:2em auto;max-width:70em;padding:0 1em}pre{overflow:auto;padding:.6em;"
        )
        put(
            "background:#f4f4f4}td{padding:.1em 1em .1em 0;vertical-align:top;font-family:monospace;overflow-wrap:anywhere}"
        )
        put("mark{background:#fd7}</style></head><body>\n")
        add("h1", title)
    }

    /// - Parameter element: the name of one, from the program.
    mutating func add(_ element: StaticString, _ text: String) {
        put("<\(element)>")
        Escape.appendHTML(text, to: &bytes)
        put("</\(element)>\n")
    }

    mutating func addTable(_ rows: [(String, String)]) {
        put("<table>\n")
        for (name, value) in rows {
            put("<tr><td>")
            Escape.appendHTML(name, to: &bytes)
            put("</td><td>")
            Escape.appendHTML(value, to: &bytes)
            put("</td></tr>\n")
        }
        put("</table>\n")
    }

    mutating func add(_ excerpt: SourceExcerpt?) {
        guard let excerpt else { return }
        put("<pre>")
        for (number, text) in excerpt.lines {
            if number == excerpt.line { put("<mark>") }
            Escape.appendHTML("\(number)  \(text)", to: &bytes)
            if number == excerpt.line { put("</mark>") }
            put("\n")
        }
        put("</pre>\n")
    }

    private mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }
}
