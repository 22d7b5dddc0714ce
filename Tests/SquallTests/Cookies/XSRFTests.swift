import HTTPTypes
import Squall
import SquallIO
import Testing

@Suite struct XSRFTests {
    private func withXSRF(
        _ change: @escaping (inout Application.Settings) -> Void = { $0.cookieSecret = "It's a secret to everybody" },
        _ body: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
        final class Page: RequestHandler {
            override func get() async throws { write("\(try xsrfToken()) \(try xsrfToken())") }
            override func post() async throws { write("ok") }
            override func put() async throws { write("ok") }
        }
        try await withServer(
            change,
            routes: {
                Route("/", Page.init)
                Route("/form") { handler in handler.write(try handler.xsrfFormHTML()) }
                Route("/program", options: .init(checksXSRF: false), Page.init)
                Group("/programs", options: .init(checksXSRF: false)) {
                    Route("/a", Page.init)
                    Route("/checked", options: .init(checksXSRF: true), Page.init)
                }
                Route("/upload", methods: [.post], options: .init(streamsBody: true)) { handler in
                    for try await _ in handler.body {}
                    handler.write("ok")
                }
            }, body)
    }

    private struct Answer: Equatable {
        var status: Int
        var text: String

        func isRefusal(_ message: String) -> Bool { status == 403 && text.contains("\"message\":\"\(message)\"") }
    }

    /// Posts a form with these fields and cookie.
    private static func post(
        _ server: TestServer, _ form: String, cookie: String? = nil, fields: String = "", path: String = "/",
        method: String = "POST"
    ) async throws -> Answer {
        let cookies = cookie.map { "Cookie: _xsrf=\($0)\r\n" } ?? ""
        let response = try await server.ask(
            request(
                "\(method) \(path) HTTP/1.1",
                "Host: h\r\nAccept: application/json\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                    + "Content-Length: \(form.utf8.count)\r\n\(cookies)\(fields)", form))
        return Answer(status: response.status, text: response.text)
    }

    private static let ok = Answer(status: 200, text: "ok")

    @Test func `a form with the token of its cookie is taken, in each place for it`() async throws {
        try await withXSRF { server in
            let page = try await server.get("/")
            let tokens = page.text.split(separator: " ").map(String.init)
            #expect(tokens.count == 2 && tokens[0] != tokens[1])
            let set = try #require(page["set-cookie"])
            #expect(set.hasPrefix("_xsrf=2|") && set.hasSuffix("; Max-Age=2592000; Path=/; SameSite=Lax"))
            let cookie = String(set.dropFirst("_xsrf=".count).prefix { $0 != ";" })
            for token in tokens + [cookie] {
                let escaped = Escape.url(token)
                #expect(try await Self.post(server, "_xsrf=\(escaped)", cookie: cookie) == Self.ok)
                #expect(try await Self.post(server, "", cookie: cookie, path: "/?_xsrf=\(escaped)") == Self.ok)
                #expect(try await Self.post(server, "", cookie: cookie, fields: "X-XSRFToken: \(token)\r\n") == Self.ok)
                #expect(try await Self.post(server, "", cookie: cookie, fields: "X-CSRFToken: \(token)\r\n") == Self.ok)
                let upload = try await Self.post(
                    server, "body", cookie: cookie, fields: "X-XSRFToken: \(token)\r\n", path: "/upload")
                #expect(upload == Self.ok)
            }
            // The next page keeps the token, under another mask.
            let next = try await server.ask(request("GET / HTTP/1.1", "Host: h\r\nCookie: _xsrf=\(cookie)\r\n"))
            let token = try #require(next.text.split(separator: " ").first.map(String.init))
            #expect(token != tokens[0])
            #expect(try await Self.post(server, "_xsrf=\(Escape.url(token))", cookie: cookie) == Self.ok)
        }
    }

    @Test func `a browser that has the page can send its form, and another one cannot`() async throws {
        try await withXSRF { server in
            let browser = server.user
            let token = try #require(try await browser.get("/").text.split(separator: " ").first.map(String.init))
            #expect(try await browser.post("/", form: ["_xsrf": token]).text == "ok")
            #expect(try await browser.put("/", headers: ["X-XSRFToken": token]).text == "ok")
            #expect(try await browser.post("/").status == .forbidden)
            let other = browser.another()
            _ = try await other.get("/")
            #expect(try await other.post("/", form: ["_xsrf": token]).status == .forbidden)
        }
    }

    @Test func `tokens of both versions are read, and each with the other`() async throws {
        try await withXSRF { server in
            let v1 = "00112233445566778899aabbccddeeff"
            let zero = "2|00000000|\(v1)|1300000000"
            let masked = "2|ffffffff|ffeeddccbbaa99887766554433221100|1300000000"
            // The last is neither hexadecimal nor long.
            for (sent, cookie) in [
                (v1, v1), (zero, v1), (v1, zero), (masked, v1), (masked, zero), ("abcxyz", "abcxyz"),
            ] {
                let answer = try await Self.post(server, "_xsrf=\(Escape.url(sent))", cookie: cookie)
                #expect(answer == Self.ok)
            }
        }
    }

    @Test func `a form without the token is refused, and told why`() async throws {
        try await withXSRF { server in
            let token = "00112233445566778899aabbccddeeff"
            for (form, method) in [("a=b", "POST"), ("_xsrf=", "POST"), ("", "PUT")] {
                // A field that only scripts can send exempts nobody.
                for fields in ["", "X-Requested-With: XMLHttpRequest\r\n"] {
                    let answer = try await Self.post(server, form, cookie: token, fields: fields, method: method)
                    #expect(answer.isRefusal("'_xsrf' argument missing from \(method)"))
                }
            }
            for bad in [
                "2||00|1", "2|ab|00112233|1", "2|zz|00|1", "3|00000000|00|1", "2|00000000|00", "2|00000000||1", "|",
            ] {
                let sent = try await Self.post(server, "_xsrf=\(Escape.url(bad))", cookie: token)
                #expect(sent.isRefusal("'_xsrf' argument has invalid format"))
                let kept = try await Self.post(server, "_xsrf=\(token)", cookie: bad)
                #expect(kept.isRefusal("XSRF cookie does not match POST argument"))
            }
            for cookie in [nil, "ffeeddccbbaa99887766554433221100", ""] {
                let answer = try await Self.post(server, "_xsrf=\(token)", cookie: cookie)
                #expect(answer.isRefusal("XSRF cookie does not match POST argument"))
            }
        }
    }

    @Test func `a malformed cookie is no token, and an oversized one is not read`() async throws {
        try await withXSRF { server in
            for bad in ["2|zz|00|1", "2|00000000|0|1", "2||||", "2|00000000|00112233|", "2|"] {
                let answer = try await Self.post(server, "", cookie: bad)
                #expect(answer.isRefusal("'_xsrf' argument missing from POST"))
            }
            let (longest, long) = (String(repeating: "a", count: 128), String(repeating: "a", count: 129))
            #expect(try await Self.post(server, "_xsrf=\(longest)", cookie: longest) == Self.ok)
            let sent = try await Self.post(server, "_xsrf=\(long)", cookie: long)
            #expect(sent.isRefusal("'_xsrf' argument has invalid format"))
            let kept = try await Self.post(server, "_xsrf=\(longest)", cookie: long)
            #expect(kept.isRefusal("XSRF cookie does not match POST argument"))
            let huge = try await Self.post(server, "_xsrf=2|00000000|\(String(repeating: "0", count: 500_000))|1")
            #expect(huge.isRefusal("'_xsrf' argument has invalid format"))
        }
    }

    @Test func `routes and applications may do without it`() async throws {
        try await withXSRF { server in
            for (path, status) in [("/program", 200), ("/programs/a", 200), ("/programs/checked", 403), ("/none", 404)]
            {
                let answer = try await Self.post(server, "", path: path)
                #expect(answer.status == status)
            }
        }
        for (secret, checks, status) in [
            (nil, nil, 200), ("secret", false, 200), (nil, true, 403), ("secret", nil, 403),
        ] as [(String?, Bool?, Int)] {
            try await withXSRF({ settings in
                settings.cookieSecret = secret.map { CookieSecret($0) }
                settings.checksXSRF = checks
            }) { server in
                let answer = try await Self.post(server, "")
                #expect(answer.status == status)
            }
        }
    }

    @Test func `the form's element holds the token`() async throws {
        try await withXSRF { server in
            let response = try await server.get("/form")
            #expect(response.text.hasPrefix("<input type=\"hidden\" name=\"_xsrf\" value=\"2|"))
            #expect(response.text.hasSuffix("\"/>"))
        }
    }
}
