import Foundation
import Squall
import SquallTemplateCompiler
import SquallTesting
import Synchronization
import Testing

/// As the compiler would make it of `a.html`.
private struct ReloadedPage: SynchronousTemplate {
    static let place = Mutex<TemplateSource?>(nil)
    static var source: TemplateSource? { place.withLock { $0 } }
    var value: String

    func render(to output: inout TemplateOutput) throws {
        let texts = output.texts(of: Self.source)
        output.write("<body><p>", texts, 0)
        try output.put(value)
        output.write("</p>", texts, 1)
        try output.endBody()
        output.write("</body>", texts, 2)
    }
}

/// As the compiler would make it of another target's `a.html`.
private struct OtherModule: SynchronousTemplate {
    static let source: TemplateSource? = TemplateSource("a.html", in: "/nowhere", skeleton: 1)

    func render(to output: inout TemplateOutput) throws { output.write("<hr>", output.texts(of: Self.source), 0) }
}

private struct PageWithModule: SynchronousTemplate {
    static var source: TemplateSource? { ReloadedPage.source }
    var page: ReloadedPage

    func render(to output: inout TemplateOutput) throws {
        try output.module(page)
        try output.module(OtherModule())
    }
}

/// While a program is developed, its templates' files count.
@Suite(.serialized) struct ReloadTests {
    private static let original = "{% parameters value: String %}\n<body><p>{{ value }}</p></body>"

    private func withPage(
        isDevelopment: Bool = true,
        _ body: @escaping @Sendable (TestClient, _ change: @Sendable (String) throws -> Void) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "squall-reload-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let change: @Sendable (String) throws -> Void = { text in
            try Data(text.utf8).write(to: folder.appending(path: "a.html"), options: .atomic)
        }
        try change(Self.original)
        let skeleton = try TemplateCompiler([("a.html", Array(Self.original.utf8))], folder: "").texts(of: "a.html")
            .skeleton
        let path = folder.path(percentEncoded: false)
        ReloadedPage.place.withLock {
            $0 = TemplateSource("a.html", in: path.hasSuffix("/") ? String(path.dropLast()) : path, skeleton: skeleton)
        }
        var settings = Application.Settings()
        settings.isDevelopment = isDevelopment
        let site = try Application(settings: settings) {
            Route("/") { handler in try await handler.render(ReloadedPage(value: "<1>")) }
            Route("/with-module") { handler in
                try await handler.render(PageWithModule(page: ReloadedPage(value: "<1>")))
            }
        }
        try await withApplication(site) { client in try await body(client, change) }
    }

    @Test func `changed text is seen at once`() async throws {
        try await withPage { client, change in
            let before = try await client.get("/").text
            #expect(before == "<body><p>&lt;1&gt;</p></body>")
            try change("{% parameters value: String %}\n<body>\n\n<p>new: {{ value }}.</p>\n  </body>")
            let after = try await client.get("/").text
            #expect(after == "<body>\n<p>new: &lt;1&gt;.</p>\n</body>")
            try change(Self.original)
            let again = try await client.get("/").text
            #expect(again == before)
        }
    }

    @Test(
        arguments: [
            (
                "{% parameters value: String %}\n<body><p>{{ value + value }}</p></body>",
                "a.html: an expression or a tag has changed"
            ),
            // The same expression, where it must be escaped otherwise.
            (
                "{% parameters value: String %}\n<body><p onclick=\"{{ value }}\"></p></body>",
                "a.html: an expression or a tag has changed"
            ),
            ("{% parameters value: String %}\n<body><p>{{ value }</p></body>", "closes nothing"),
            (
                "{% parameters value: Int %}\n<body><p>{{ value }}</p></body>",
                "a.html: an expression or a tag has changed"
            ),
        ]) func `a changed expression is told on the page, which stays as it was built`(_ text: String, _ note: String)
        async throws
    {
        try await withPage { client, change in
            try change(text)
            let page = try await client.get("/").text
            #expect(page.hasPrefix("<body><p>&lt;1&gt;</p><div style="))
            #expect(page.contains("Build the program again to see this change:"))
            #expect(page.contains(note))
            #expect(page.hasSuffix("</div>\n</body>"))
        }
    }

    @Test func `a module from another folder stays as it was built`() async throws {
        try await withPage { client, change in
            // The file that the module was made from has the same name as the page's, and other text.
            let page = try await client.get("/with-module").text
            #expect(page == "<body><p>&lt;1&gt;</p></body><hr>")
        }
    }

    @Test func `elsewhere files do not count`() async throws {
        try await withPage(isDevelopment: false) { client, change in
            try change("{% parameters value: String %}\n<body>new {{ value }}</body>")
            let page = try await client.get("/").text
            #expect(page == "<body><p>&lt;1&gt;</p></body>")
        }
    }
}
