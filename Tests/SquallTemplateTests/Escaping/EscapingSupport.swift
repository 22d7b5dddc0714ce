import Squall
import Testing

/// A page's lines.
func lines(_ page: some SynchronousTemplate) throws -> [String] {
    try page.renderString().split(separator: "\n").map(String.init)
}

/// How the compiled page writes each value, in their order.
func contexts(_ text: String, _ name: String = "a.html") -> [String] {
    let calls = generated([name: text], name).split(separator: "_o.put(", omittingEmptySubsequences: false).dropFirst()
    return calls.map { call in
        // Code that stands too far to the left for the call before it has a line to itself.
        let lines = call.split(separator: "\n")
        let isOpen = call.hasPrefix("script: \n") || call.hasPrefix("raw: \n")
        let text = isOpen ? lines.prefix(2).joined() : String(lines.first ?? "")
        if text.hasPrefix("script:") { return text.hasSuffix("inAttribute: true)") ? "scriptAttribute" : "script" }
        if text.hasPrefix("raw:") { return "raw" }
        let parts = text.split(separator: ", .")
        return parts.count > 1 ? String(parts[parts.count - 1].dropLast()) : "text"
    }
}
