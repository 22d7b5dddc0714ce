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
            Route("/redirect") { handler in try handler.redirect("http://x/\(value)") }
            Route("/error") { _ in throw HTTPError(401, headers: [("WWW-Authenticate", value)]) }
        }) { server in
            for path in ["/", "/stream", "/type", "/add", "/redirect", "/error"] {
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

    @Test(arguments: ["OK\r\nInjected: 1", "OK\n", "\r\n\r\n", "a\0b", "\u{7f}"])
    func `a reason with a control character is replaced`(_ reason: String) async throws {
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
            // A reason of printable text is the application's to choose; it stays on its line.
            let reason = try await server.get("/reason?text=\(script)")
            #expect(reason.reason == "<script>alert('x')</script>&\"")
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
