import SquallIO

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Where a template puts what it renders: bytes, and what is known of the page that they become.
public struct TemplateOutput {
    /// What was rendered so far, and is not sent.
    public var bytes: [UInt8]
    /// The page that this is a part of.
    public let page: TemplatePage
    /// Where style sheets go that come to be needed after the head.
    private var headEnd: Int?
    private var holds = 0

    /// For a page outside of any request.
    public init() { self.init(page: TemplatePage(nil)) }

    init(page: TemplatePage) {
        self.page = page
        bytes = []
        // Most pages are larger, and would grow from nothing in many steps.
        bytes.reserveCapacity(2_048)
    }

    // MARK: for handwritten templates

    /// Adds markup as it is.
    public mutating func write(_ markup: String) { bytes.append(text: markup) }

    /// The handler whose response the page is.
    public var handler: RequestHandler { get throws { try page.handler("handler") } }

    /// Adds another template, and takes over what the page needs for it.
    /// - Parameter context: where it stands: in the text of a page, in which what is no markup is escaped, or in a file that is none.
    public mutating func module<Module: SynchronousTemplate>(_ template: Module, _ context: Context = .text) throws {
        require(Module.resources)
        let start = bytes.count
        try template.render(to: &self)
        if context == .text, !Self.isMarkup(Module.contentType) { escape(from: start) }
    }

    /// Adds another template, and takes over what the page needs for it.
    /// - Parameter context: where it stands: in the text of a page, in which what is no markup is escaped, or in a file that is none.
    public nonisolated(nonsending) mutating func module<Module: Template>(
        _ template: Module, _ context: Context = .text
    ) async throws {
        require(Module.resources)
        guard context == .text, !Self.isMarkup(Module.contentType) else { return try await template.render(to: &self) }
        // Nothing of it is sent before it is escaped.
        hold()
        defer { release() }
        let start = bytes.count
        try await template.render(to: &self)
        escape(from: start)
    }

    private mutating func escape(from start: Int) {
        let text = String(decoding: bytes[start...], as: UTF8.self)
        bytes.removeSubrange(start...)
        bytes.append(escapingHTML: text)
    }

    private static func isMarkup(_ contentType: String) -> Bool {
        contentType.hasPrefix("text/html") || contentType.prefix { $0 != ";" }.hasSuffix("xml")
    }

    /// What the page needs: once, however often it is asked for.
    public mutating func require(_ resources: PageResources) {
        if !resources.isEmpty { page.resources.add(resources) }
    }

    // MARK: for generated code

    /// Adds a piece of a template's text, or what the file has in its place now.
    public mutating func write(_ text: String, _ texts: TemplateTexts?, _ index: Int) {
        if let texts {
            texts.append(index, text, to: &bytes)
        } else {
            bytes.append(text: text)
        }
    }

    /// What a template's file has now, if the program is being developed and only text has changed.
    public func texts(of source: TemplateSource?) -> TemplateTexts? {
        guard let source, let reload = page.reload else { return nil }
        return reload.texts(of: source, page)
    }

    /// How far the output has come.
    public struct Mark {
        fileprivate let count: Int
        fileprivate let headEnd: Int?
    }

    public var mark: Mark { Mark(count: bytes.count, headEnd: headEnd) }

    /// Drops what came after a mark.
    public mutating func rewind(to mark: Mark) {
        bytes.removeLast(max(0, bytes.count - mark.count))
        headEnd = mark.headEnd
    }

    /// Nothing is sent until the next ``release()``.
    public mutating func hold() { holds += 1 }
    public mutating func release() { holds -= 1 }

    /// Puts what came after a mark through a function.
    public mutating func apply(from mark: Mark, _ function: (String) throws -> some CustomStringConvertible) throws {
        let start = min(mark.count, bytes.count)
        let text = String(decoding: bytes[start...], as: UTF8.self)
        let result = try function(text).description
        bytes.removeSubrange(start...)
        write(result)
    }

    /// Puts what came after a mark through a function.
    public nonisolated(nonsending) mutating func apply(
        from mark: Mark, _ function: nonisolated(nonsending) (String) async throws -> some CustomStringConvertible
    ) async throws {
        let start = min(mark.count, bytes.count)
        let text = String(decoding: bytes[start...], as: UTF8.self)
        let result = try await function(text).description
        bytes.removeSubrange(start...)
        write(result)
    }

    public var locale: Locale { page.handler?.locale ?? RequestHandler.defaultLocale }

    /// An inline script is let run by the response's nonce.
    public mutating func writeNonce() {
        guard let handler = page.handler else { return }
        write(" nonce=\"\(handler.cspNonce)\"")
    }

    public mutating func endHead() {
        headEnd = bytes.count
        page.hasHead = true
    }

    /// Adds the scripts that the page needs.
    public mutating func endBody() throws {
        // Where there is no head any more to put them into.
        if headEnd == nil { try page.appendStyles(to: &bytes) }
        try page.appendScripts(to: &bytes)
        page.hasBody = true
        page.bodyEnd = bytes.count
    }

    /// Sends what there is before something is waited for, if the page is to be streamed.
    public nonisolated(nonsending) mutating func flushBeforeWaiting() async throws {
        guard page.isStreaming, holds == 0, let handler = page.handler else { return }
        try insertStyles()
        guard !bytes.isEmpty else { return }
        if case .open = handler.phase { handler.contentType = page.contentType }
        handler.write(bytes)
        bytes.removeAll(keepingCapacity: true)
        headEnd = nil
        try await handler.flush()
    }

    // MARK: whole pages

    /// A whole page, with what it needs.
    mutating func page(_ template: some SynchronousTemplate) throws {
        require(type(of: template).resources)
        try template.render(to: &self)
        page.warnOfUnplaced(type(of: template))
        try finish()
    }

    nonisolated(nonsending) mutating func page(_ template: some Template) async throws {
        require(type(of: template).resources)
        try await template.render(to: &self)
        page.warnOfUnplaced(type(of: template))
        try finish()
    }

    mutating func finish() throws {
        try insertStyles()
        page.appendStaleness(to: &bytes)
    }

    /// Puts the style sheets where the head ended. Those of what comes
    /// after the head was sent stand at the body's end.
    private mutating func insertStyles() throws {
        guard let at = headEnd else { return }
        var styles: [UInt8] = []
        try page.appendStyles(to: &styles)
        guard !styles.isEmpty else { return }
        bytes.insert(contentsOf: styles, at: min(at, bytes.count))
        headEnd = at + styles.count
        page.bodyEnd = page.bodyEnd.map { $0 + styles.count }
    }
}
