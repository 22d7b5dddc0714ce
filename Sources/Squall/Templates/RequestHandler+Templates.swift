#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension RequestHandler {
    // MARK: templates

    /// Adds a template to the body, and says in Content-Type what it is. Tornado's `render`, but that the response can still be
    /// added to: it is finished when the method's function returns.
    ///
    /// ```swift
    /// override func get() async throws {
    ///     let report = try database.report(pathArgument("id", as: Int.self))
    ///     try await render(ReportPage(report: report))
    /// }
    /// ```
    ///
    /// - Parameter streaming: what there is of the page is sent before each `await` in it. The response's status and fields
    ///   cannot be changed any more then, so that an error breaks the page off.
    /// - Throws: what the template's expressions throw, with nothing added to the body; as ``flush()`` when streaming.
    public func render(_ template: some Template, streaming: Bool = false) async throws {
        let type = type(of: template)
        var output = try await start(type, streaming: streaming)
        try await output.page(template)
        end(output, type)
    }

    /// Adds a part of a page to the body, a `{% fragment %}`, for a script that puts it into the page: htmx, for one.
    /// - Throws: as ``render(_:streaming:)``.
    public func render<Page: FragmentedTemplate>(_ template: Page, fragment: sending Page.Fragment) async throws {
        var output = try await start(Page.self, streaming: false)
        try await template.render(fragment, to: &output)
        try output.finish()
        end(output, Page.self)
    }

    /// A template's text: Tornado's `render_string`. The page that it goes into is told nothing of its style sheets.
    /// - Throws: what the template's expressions throw.
    public func renderString(_ template: some Template) async throws -> String {
        var output = TemplateOutput(page: try await page(type(of: template)))
        try await output.page(template)
        return String(decoding: output.bytes, as: UTF8.self)
    }

    /// Whether a script of the page asked for a part of it only: htmx says so by `HX-Request`. A request of htmx for a whole
    /// page, by `hx-boost` or for its history, is none. Says in Vary that the answer depends on it.
    public var wantsFragment: Bool {
        if !fields.contains(where: { $0.name.equalsIgnoringCase("vary") && $0.value.contains("HX-Request") }) {
            addHeader("Vary", "HX-Request, HX-Boosted, HX-History-Restore-Request")
        }
        return request.header("hx-request") == "true" && request.header("hx-boosted") != "true"
            && request.header("hx-history-restore-request") != "true"
    }

    private func start(_ type: (some Template).Type, streaming: Bool) async throws -> TemplateOutput {
        if case .finished = phase {
            throw ResponseStateError(description: "the response is finished; render before finish()")
        }
        let page = try await page(type)
        if streaming {
            page.isStreaming = true
            page.contentType = type.contentType
            // Both are in the head, which is sent before it is known whether the page asks for them.
            _ = cspNonce
            if application?.checksXSRF == true { _ = try xsrfToken() }
        }
        gather()
        // What was written before stays where it is; a page that fails takes back only its own.
        return TemplateOutput(page: page)
    }

    private func page(_ type: (some Template).Type) async throws -> TemplatePage {
        let page = TemplatePage(self)
        let needed = type.resources.cssFiles + type.resources.javascriptFiles
        for name in type.staticFiles + needed.filter({ !$0.hasPrefix("/") && !$0.contains("://") }) {
            // One that is not there is told where it is asked for, if it is.
            page.staticURLs[name] = try? await recentStaticURL(name)
        }
        if application?.settings.isDevelopment == true, let source = type.source {
            page.reload = await TemplateReload.snapshot(of: source.folder)
        }
        return page
    }

    private func end(_ output: TemplateOutput, _ type: (some Template).Type) {
        if case .open = phase { contentType = type.contentType }
        if chunk.isEmpty { chunk = output.bytes } else { chunk += output.bytes }
    }
}

extension RequestHandler {
    // MARK: what templates can use

    /// Who asks, if the application has found out: Tornado's `current_user`. Set it in ``prepare()``. A template reads it as
    /// `currentUser`. Nil unless set.
    public var currentUser: (any Sendable)? {
        get { extras?.currentUser }
        set { ensureExtras().currentUser = newValue }
    }

    /// The language and region that the response is written in, for templates and the application's own code: Tornado's
    /// `locale`. Set it in ``prepare()``. American English unless set.
    public var locale: Locale {
        get { extras?.locale ?? Self.defaultLocale }
        set { ensureExtras().locale = newValue }
    }
    static let defaultLocale = Locale(identifier: "en_US")

    /// A message for the next page that this client is shown, after a redirect for one.
    public struct Flash: Codable, Hashable, Sendable {
        /// Such as `error`, for a page that shows kinds of messages differently.
        public var kind: String
        public var message: String

        public init(kind: String, message: String) {
            self.kind = kind
            self.message = message
        }
    }

    private static var flashCookie: String { "flash" }

    /// Keeps a message for the next page that asks for ``flashes()``, in a signed cookie, for an hour. Of more than some 3 KB
    /// the oldest are dropped.
    /// - Throws: ``MissingSettingError`` if the application has no cookie secret.
    public func flash(_ message: String, kind: String = "info") throws {
        // What this page has shown is not kept for another.
        var all = try extras?.newFlashes ?? (extras?.readFlashes == nil ? keptFlashes() : [])
        all.append(Flash(kind: kind, message: message))
        ensureExtras().addedFlashes += 1
        try keep(all)
    }

    private func keep(_ messages: [Flash]) throws {
        var all = messages
        var data = try JSONEncoder().encode(all)
        // Browsers drop a cookie of more than 4 KiB: then rather the oldest messages.
        while data.count > 2_800, all.count > 1 {
            all.removeFirst()
            data = try JSONEncoder().encode(all)
        }
        ensureExtras().newFlashes = all
        try setSignedCookie(Self.flashCookie, data.base64EncodedString(), maxAge: 3_600)
    }

    /// The messages that were kept for this page, each of which is shown once. A template reads them as `flashes`. Once the
    /// head is sent there are none: the next page has them.
    public func flashes() throws -> [Flash] {
        if let read = extras?.readFlashes { return read }
        guard case .open = phase, application?.settings.cookieSecret != nil else { return [] }
        let kept = try keptFlashes()
        ensureExtras().readFlashes = kept
        guard !kept.isEmpty else { return [] }
        if let new = extras?.newFlashes {
            try keep(new.suffix(extras?.addedFlashes ?? 0))
        } else {
            try clearCookie(Self.flashCookie)
        }
        return kept
    }

    private func keptFlashes() throws -> [Flash] {
        guard cookie(Self.flashCookie) != nil, let text = try signedCookie(Self.flashCookie, maxAge: 3_600),
            let data = Data(base64Encoded: text)
        else { return [] }
        return (try? JSONDecoder().decode([Flash].self, from: data)) ?? []
    }
}
