import Logging

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A page while it is rendered: the request that it is for, and what its parts need.
public final class TemplatePage {
    let handler: RequestHandler?
    var resources = PageResources()
    private var placed = PageResources()
    var isStreaming = false
    /// For the head of the response, which is sent with the first of the page.
    var contentType: String?
    /// URLs of static files that were asked for before.
    var staticURLs: [String: String] = [:]
    var reload: TemplateReload.Snapshot?
    /// Templates that have changed so that the program must be built again.
    var stale: [String] = []
    var hasHead = false
    var hasBody = false
    /// Where the body ends in the output, as far as it is not sent.
    var bodyEnd: Int?

    init(_ handler: RequestHandler?) { self.handler = handler }

    func handler(_ name: String) throws -> RequestHandler {
        guard let handler else { throw TemplateContextError(name) }
        return handler
    }

    // MARK: what every template can use

    public func xsrfToken() throws -> String { try handler("xsrfToken").xsrfToken() }
    public func xsrfFormHTML() throws -> HTML { HTML(try handler("xsrfFormHTML").xsrfFormHTML()) }

    public func path(named name: String, _ arguments: [String: String]) throws -> String {
        try handler("path").path(named: name, arguments)
    }

    /// A file whose name is known when the template is compiled was looked up before; others are looked up here.
    public func staticURL(_ path: String, named name: String) throws -> String {
        if name == "static", let url = staticURLs[path] { return url }
        return try handler("staticURL").staticURLNow(path, named: name)
    }

    // MARK: style sheets and scripts

    func appendStyles(to bytes: inout [UInt8]) throws {
        for file in resources.cssFiles where !placed.cssFiles.contains(file) {
            placed.cssFiles.append(file)
            put("<link rel=\"stylesheet\" href=\"", try url(file), "\">\n", to: &bytes)
        }
        for text in resources.embeddedCSS where !placed.embeddedCSS.contains(text) {
            placed.embeddedCSS.append(text)
            bytes += "<style>\n\(text)\n</style>\n".utf8
        }
        for markup in resources.head where !placed.head.contains(markup) {
            placed.head.append(markup)
            bytes += "\(markup)\n".utf8
        }
    }

    func appendScripts(to bytes: inout [UInt8]) throws {
        if hasBody { return }
        for file in resources.javascriptFiles {
            put("<script src=\"", try url(file), "\"></script>\n", to: &bytes)
        }
        if !resources.embeddedJavaScript.isEmpty {
            let nonce = handler.map { " nonce=\"\($0.cspNonce)\"" } ?? ""
            bytes += "<script\(nonce)>\n\(resources.embeddedJavaScript.joined(separator: "\n"))\n</script>\n".utf8
        }
        for markup in resources.body { bytes += "\(markup)\n".utf8 }
    }

    private func put(_ before: String, _ url: String, _ after: String, to bytes: inout [UInt8]) {
        bytes += before.utf8
        Escape.appendHTML(url, to: &bytes)
        bytes += after.utf8
    }

    private func url(_ file: String) throws -> String {
        if file.hasPrefix("/") || file.contains("://") { return file }
        return try staticURL(file, named: "static")
    }

    /// A whole page without the places for what it needs is told in the log. What a script puts into another page needs none.
    func warnOfUnplaced(_ type: Any.Type) {
        guard let handler, !resources.isEmpty, !hasHead || !hasBody, handler.request.header("hx-request") != "true"
        else {
            return
        }
        let missing = [hasHead ? nil : "</head>", hasBody ? nil : "</body>"].compactMap { $0 }
        handler.logger.warning(
            "\(type) has style sheets or scripts that belong before \(missing.joined(separator: " and ")), which it lacks"
        )
    }

    // MARK: development

    /// Says in the page that it is not what its files say.
    func appendStaleness(to bytes: inout [UInt8]) {
        guard !stale.isEmpty else { return }
        var note: [UInt8] = []
        note +=
            "<div style=\"position:fixed;z-index:2147483647;left:0;right:0;bottom:0;max-height:50%;overflow:auto;".utf8
        note += "padding:.7em 1em;background:#fd7;color:#000;font:14px/1.4 sans-serif\" role=\"status\">".utf8
        note += "<b>Build the program again to see this change:</b>".utf8
        for text in stale {
            note += "<br>".utf8
            Escape.appendHTML(text, to: &note)
        }
        note += "</div>\n".utf8
        let at = min(bodyEnd ?? bytes.count, bytes.count)
        bytes.insert(contentsOf: note, at: at)
    }
}
