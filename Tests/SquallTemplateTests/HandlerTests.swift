import Foundation
import Logging
import Squall
import SquallTesting
import Testing

/// Waits for nothing, as far as the page can tell.
func pause(_ text: String) async -> String {
    await Task.yield()
    return text
}

@Suite struct HandlerTests {
    @Test func `a handler renders a page`() async throws {
        let site = try Application {
            Route("/page") { handler in try await handler.render(HelloPage(name: "a")) }
            Route("/both") { handler in
                handler.write("before ")
                try await handler.render(TextText(name: "a", lines: []))
                handler.setStatus(201)
                handler.write("after")
            }
            Route("/svg") { handler in try await handler.render(DotSVG(radius: 1)) }
            Route("/string") { handler in
                let text = try await handler.renderString(TextText(name: "b", lines: []))
                handler.write("\(text.utf8.count)")
            }
        }
        try await withApplication(site) { client in
            let page = try await client.get("/page")
            #expect(page.text == "<p>Hello, a</p>\n")
            #expect(page["Content-Type"] == "text/html; charset=UTF-8")
            let both = try await client.get("/both")
            #expect(both.status.code == 201 && both.text.hasPrefix("before Dear a") && both.text.hasSuffix("after"))
            #expect(both["Content-Type"] == "text/plain; charset=UTF-8")
            #expect(try await client.get("/svg")["Content-Type"] == "image/svg+xml")
            let length = try TextText(name: "b", lines: []).renderString().utf8.count
            #expect(try await client.get("/string").text == "\(length)")
        }
    }

    @Test func `a page that fails leaves nothing behind`() async throws {
        let site = try Application {
            Route("/") { handler in
                handler.write("before ")
                do { try await handler.render(FailingPage()) } catch { handler.write("\(error)") }
            }
        }
        try await withApplication(site) { client in
            let text = try await client.get("/").text
            #expect(text == "before out of <stock>")
        }
    }

    @Test func `parts of a page are rendered alone`() async throws {
        let page = ListPage(items: [Item(name: "<a>"), Item(name: "b")])
        let site = try Application {
            Route("/") { handler in
                if handler.wantsFragment {
                    try await handler.render(page, fragment: .rows)
                    try await handler.render(page, fragment: .count)
                } else {
                    try await handler.render(page)
                }
            }
        }
        try await withApplication(site) { client in
            let whole = try await client.get("/")
            #expect(
                whole.text
                    == "<html><head></head><body><ul><li>&lt;a&gt;</li><li>b</li></ul><i>2</i></body></html>\n")
            #expect(whole["Vary"] == "HX-Request, HX-Boosted, HX-History-Restore-Request")
            let part = try await client.get("/", headers: ["HX-Request": "true"])
            #expect(part.text == "<li>&lt;a&gt;</li><li>b</li><i>2</i>")
            for field in ["HX-Boosted", "HX-History-Restore-Request"] {
                let other = try await client.get("/", headers: ["HX-Request": "true", field: "true"])
                #expect(other.text == whole.text)
            }
        }
    }

    @Test func `a page waits for what it shows, whole or streamed`() async throws {
        let site = try Application {
            Route("/whole") { handler in
                try await handler.render(SlowPage(first: "1") { await pause("2") })
            }
            Route("/streamed") { handler in
                try await handler.render(SlowPage(first: "1") { await pause("2") }, streaming: true)
            }
        }
        let expected =
            "<p>1</p>2<details><summary>a</summary>c<footer>none</footer></details>\nD<u>part</u>b"
            + "<script src=\"/card.js\"></script>\n"
        try await withApplication(site) { client in
            let whole = try await client.get("/whole")
            #expect(whole.text.contains("<body>" + expected))
            #expect(whole.text.contains("<head><link rel=\"stylesheet\" href=\"/card.css\">"))
            let streamed = try await client.get("/streamed")
            #expect(streamed.text.contains("<body>" + expected))
        }
    }

    /// A gate that a page waits at.
    actor Gate {
        private var isOpen = false
        private var waiting: [CheckedContinuation<Void, Never>] = []
        func open() {
            isOpen = true
            for continuation in waiting { continuation.resume() }
            waiting = []
        }
        func pass() async {
            if !isOpen { await withCheckedContinuation { waiting.append($0) } }
        }
    }

    @Test func `a streamed page is sent up to what it waits for`() async throws {
        let gate = Gate()
        let site = try Application {
            Route("/") { handler in
                try await handler.render(GatePage { await gate.pass() }, streaming: true)
            }
        }
        try await withApplication(site) { client in
            let response = try await client.stream(.get, "/")
            var text = ""
            for try await piece in response.body {
                text += String(decoding: piece, as: UTF8.self)
                if text == "<p>before</p>" { await gate.open() }
            }
            #expect(text == "<p>before</p><p>after</p>")
        }
    }

    @Test func `a streamed page says what it is`() async throws {
        let site = try Application {
            Route("/") { handler in
                try await handler.render(SlowFeedXML { await pause("b") }, streaming: true)
            }
        }
        try await withApplication(site) { client in
            let response = try await client.get("/")
            #expect(response.text == "<a>b</a>\n")
            #expect(response["Content-Type"] == "application/xml; charset=UTF-8")
        }
    }

    @Test(arguments: [true, false])
    func `a message is shown once, though the page that shows it leaves another`(_ showsFirst: Bool) async throws {
        var settings = Application.Settings()
        settings.cookieSecret = CookieSecret("a secret of thirty-two characters")
        let site = try Application(settings: settings) {
            Route("/first") { handler in try handler.flash("first") }
            Route("/second") { handler in
                if !showsFirst { try handler.flash("second") }
                handler.write(try handler.flashes().map(\.message).joined(separator: ","))
                if showsFirst { try handler.flash("second") }
            }
            Route("/third") { handler in
                handler.write(try handler.flashes().map(\.message).joined(separator: ","))
            }
        }
        try await withApplication(site) { client in
            _ = try await client.get("/first")
            #expect(try await client.get("/second").text == "first")
            #expect(try await client.get("/third").text == "second")
            #expect(try await client.get("/third").text == "")
        }
    }

    @Test func `what every template can use`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "squall-templates-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("body {}".utf8).write(to: folder.appending(path: "site.css"))
        var settings = Application.Settings()
        settings.cookieSecret = CookieSecret("a secret of thirty-two characters")
        let site = try Application(settings: settings) {
            StaticFiles("/static", root: folder.path(percentEncoded: false))
            Route("/items/{id}", name: "items") { handler in
                handler.currentUser = "<anna>"
                handler.locale = Locale(identifier: "de_CH")
                try await handler.render(NamespacePage())
            }
            Route("/flash") { handler in
                try handler.flash("saved & <sent>", kind: "good")
                try handler.flash("again")
                try handler.redirect("/items/1")
            }
        }
        try await withApplication(site) { client in
            let page = try await client.get("/items/3")
            let text = page.text
            #expect(text.hasPrefix("<form action=\"/items/7\"><input type=\"hidden\" name=\"_xsrf\" value=\"2|"))
            #expect(text.contains("<a href=\"/static/site.css?v="))
            #expect(text.contains("\">/items/3</a>de_CH\n&lt;anna&gt;\n"))
            #expect(text.contains("see <a href=\"http://www.example.com\">www.example.com</a>"))
            let policy = try #require(page["Content-Security-Policy"])
            let nonce = try #require(policy.split(separator: "'nonce-").last?.prefix { $0 != "'" })
            #expect(text.contains("<script nonce=\"\(nonce)\">let x = 1</script><script nonce=\"\(nonce)\"></script>"))
            #expect(!text.contains("<p class"))
            // It is another each time.
            #expect(page["ETag"] == nil)

            #expect(try await client.get("/flash").status == .found)
            let shown = try await client.get("/items/3").text
            #expect(shown.contains("<p class=\"good\">saved &amp; &lt;sent&gt;</p><p class=\"info\">again</p>"))
            let later = try await client.get("/items/3").text
            #expect(!later.contains("<p class"))
        }
    }

    @Test func `a static file whose name is not known before is found while the page is rendered`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "squall-files-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["a.css", "b.css"] { try Data(name.utf8).write(to: folder.appending(path: name)) }
        let site = try Application {
            StaticFiles("/static", root: folder.path(percentEncoded: false))
            Route("/urls") { handler in
                for name in ["a.css", "b.css"] { handler.write(try await handler.staticURL(name) + " ") }
            }
            Route("/page") { handler in try await handler.render(FilesPage(names: ["a.css", "b.css"])) }
            Route("/missing") { handler in try await handler.render(FilesPage(names: ["c.css"])) }
            Route("/unused") { handler in try await handler.render(PerhapsPage(isShown: false)) }
            Route("/used") { handler in try await handler.render(PerhapsPage(isShown: true)) }
        }
        try await withApplication(site, unexpectedErrors: .ignored) { client in
            let page = try await client.get("/page").text
            let urls = try await client.get("/urls").text
            #expect(page == urls + "\n")
            #expect(page.hasPrefix("/static/a.css?v="))
            let missing = try await client.get("/missing")
            #expect(missing.status == .internalServerError)
            // A missing file fails the page that shows it, and no other.
            let unused = try await client.get("/unused")
            #expect(unused.text == "<p>there</p>")
            let used = try await client.get("/used")
            #expect(used.status == .internalServerError)
        }
    }

    @Test func `a page that has no place for what it needs is told in the log`() async throws {
        let site = try Application {
            Route("/") { handler in try await handler.render(PartsCardPage(title: "a")) }
        }
        try await withApplication(site) { client in
            try await client.expectLog(
                "PartsCardPage has style sheets or scripts that belong before </head> and </body>, which it lacks",
                level: .warning
            ) { _ = try await client.get("/") }
        }
    }

    @Test func `flashes fit into their cookie, and wait for a page that can take them`() async throws {
        var settings = Application.Settings()
        settings.cookieSecret = CookieSecret("a secret of thirty-two characters")
        let site = try Application(settings: settings) {
            Route("/many") { handler in
                for number in 1...9 { try handler.flash("\(number)" + String(repeating: "x", count: 600)) }
            }
            Route("/late") { handler in
                handler.write("a")
                try await handler.flush()
                handler.write("\(try handler.flashes().count)")
            }
            Route("/shown") { handler in
                handler.write(try handler.flashes().map { "\($0.message.prefix(1))" }.joined())
            }
        }
        try await withApplication(site) { client in
            _ = try await client.get("/many")
            #expect(try await client.get("/late").text == "a0")
            #expect(try await client.get("/shown").text == "6789")
            #expect(try await client.get("/shown").text == "")
        }
    }
}
