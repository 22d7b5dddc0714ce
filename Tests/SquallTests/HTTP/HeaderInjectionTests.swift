import HTTPTypes
import Logging
import Squall
import Testing

/// Text of an attacker's that an application hands on cannot break out of its line.
@Suite struct HeaderInjectionTests {
    @Test(arguments: ["a\nb", "a\r\nInjected: 1", "a\rb", "a\0b", "a\u{7f}b", "\r\n\r\n<script>", "a\u{b}b", "a\u{1}"])
    func `a value with a control character makes the response a 500`(_ value: String) async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.setHeader("X-A", value)
                handler.write("hello")
            }
            Route("/stream") { handler in
                handler.setHeader("X-A", value)
                handler.write("hello")
                try await handler.flush()
            }
            Route("/type") { handler in handler.setHeader("Content-Type", value) }
            Route("/add") { handler in handler.addHeader("X-A", value) }
            Route("/error") { _ in throw HTTPError(401, headers: [("WWW-Authenticate", value)]) }
        }) { server in
            for path in ["/", "/stream", "/type", "/add", "/error"] {
                let client = try await server.client()
                try await client.send(request("GET \(path) HTTP/1.1") + request("GET /none HTTP/1.1"))
                let responses = try await client.responses(2)
                #expect(responses.map(\.status) == [500, 404], "\(path)")
                #expect(responses[0]["injected"] == nil)
                #expect(responses[0]["x-a"] == nil)
                #expect(!responses[0].text.contains("<script>"))
            }
            #expect(server.log.messages(at: .error).contains { $0.contains("control character") })
        }
    }

    @Test(arguments: ["", "a b", "a:b", "a\r\nb", "é", "a\0", "(a)", "X-A\n"])
    func `a name that is no token makes the response a 500`(_ name: String) async throws {
        try await withServer(
            { $0.securityHeaders = .off },
            routes: {
                Route("/") { handler in
                    handler.setHeader(name, "b")
                    handler.write("hello")
                }
            }
        ) { server in
            let response = try await server.get("/")
            #expect(response.status == 500)
            #expect(response.headers.map(\.name).sorted() == ["Content-Length", "Content-Type", "Date", "Vary"])
        }
    }

    @Test(arguments: ["OK\r\nInjected: 1", "OK\n", "\r\n\r\n", "a\0b", "\u{7f}", "", "a<b", "<script>"])
    func `what is no reason phrase is replaced, and what looks like HTML`(_ reason: String) async throws {
        try await withServer(routes: {
            Route("/") { handler in handler.setStatus(404, reason: reason) }
            Route("/stream") { handler in
                handler.setStatus(404, reason: reason)
                try await handler.flush()
            }
        }) { server in
            for path in ["/", "/stream"] {
                let response = try await server.get(path)
                #expect("\(response.status) \(response.reason)" == "404 Not Found")
                #expect(response["injected"] == nil)
            }
        }
    }

    @Test func `the default error page escapes what it is told`() async throws {
        try await withServer(routes: {
            Route("/message") { handler in throw HTTPError(400, try handler.argument("text")) }
            Route("/reason") { handler in
                handler.setStatus(400, reason: try handler.argument("text"))
                handler.write("x")
            }
        }) { server in
            let script = "%3Cscript%3Ealert('x')%3C/script%3E%26%22"
            let response = try await server.get("/message?text=\(script)")
            #expect(response.status == 400)
            #expect(response.text.contains("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;&quot;"))
            #expect(!response.text.contains("<script>"))
            let reason = try await server.get("/reason?text=\(script)")
            #expect(reason.reason == "Bad Request")
        }
    }

    @Test func `a reason from the query adds no field`() async throws {
        try await withServer(routes: {
            Route("/") { handler in handler.setStatus(200, reason: try handler.queryArgument("reason")) }
            Route("/error") { handler in
                throw HTTPError(400, try handler.queryArgument("reason") ?? "")
            }
        }) { server in
            for (path, line) in [("/", "200"), ("/error", "400")] {
                let client = try await server.client()
                let target = "\(path)?reason=OK%0D%0AX-Injection:injected"
                try await client.send(request("GET \(target) HTTP/1.1") + request("GET /none HTTP/1.1"))
                let responses = try await client.responses(2)
                #expect(responses.map { "\($0.status)" } == [line, "404"])
                #expect(responses[0]["x-injection"] == nil)
                #expect(responses[0].reason.allSatisfy { $0 >= " " })
            }
            let plain = try await server.get("/?reason=All%20well%09%C3%A9")
            #expect(plain.reason.hasPrefix("All well"))
        }
    }

    @Test(arguments: [
        ("/a b", "/a%20b"), ("/\u{e9}?q=\u{20ac}", "/%C3%A9?q=%E2%82%AC"), ("/%20%zz?a=%26#f", "/%20%zz?a=%26#f"),
        ("/a\r\nInjected: 1", "/a%0D%0AInjected:%201"), ("/\0\u{7f}\t", "/%00%7F%09"),
        ("https://h.example:1/[]!~", "https://h.example:1/[]!~"), ("", ""),
    ]) func `a redirect escapes what a Location cannot have`(location: String, sent: String) async throws {
        try await withServer(routes: { Route("/") { try $0.redirect(location) } }) { server in
            let response = try await server.get("/")
            #expect(response.status == 302 && response["location"] == sent)
            #expect(response["injected"] == nil)
        }
    }

    @Test func `a value may hold tabs and bytes over 127`() async throws {
        try await withServer(routes: {
            Route("/") { handler in handler.setHeader("X-A", "a\tbé") }
        }) { server in
            let response = try await server.get("/")
            #expect(response.status == 200)
            #expect(response["x-a"] == "a\tb\u{c3}\u{a9}")
        }
    }
}
