import HTTPTypes
import Logging
import Squall
import Testing

@Suite struct ReadyHandlerTests {
    @Test(arguments: [
        ("/old", 301, "/new"), ("/old?a=b&c=%20", 301, "/new?a=b&c=%20"), ("/photos/7", 301, "/pictures/7?x=1#top"),
        ("/photos/7?y=2", 301, "/pictures/7?x=1&y=2#top"),
        ("/photos/a%2Fb%20%C3%A9", 301, "/pictures/a%2Fb%20%C3%A9?x=1#top"),
        ("/photos/%2E%2E", 404, nil), ("/docs/a/b?c", 302, "https://docs.example/v1/a/b?c"),
        ("/docs/", 302, "https://docs.example/v1/"), ("/docs/../../x", 404, nil),
        ("/docs//evil", 302, "https://docs.example/v1//evil"),
        ("/moved//evil.example", 404, nil), ("/moved/%2Fevil.example", 404, nil), ("/moved/x", 301, "/x"),
        ("/moved/%5Cevil.example", 301, "/%5Cevil.example"), ("/moved/a%0D%0AX:y", 301, "/a%0D%0AX:y"),
        ("/photos/%ff", 400, nil),
        ("/wide", 301, "http://h.example:8080/"),
    ])
    func `redirects put parameters in and keep the query`(
        _ target: String, _ status: Int, _ location: String?
    ) async throws {
        try await withServer(routes: {
            Route("/old", redirectTo: "/new")
            Route("/photos/{id}", redirectTo: "/pictures/{id}?x=1#top")
            Route("/docs/{path...}", redirectTo: "https://docs.example/v1/{path...}", permanent: false)
            Route("/moved/{path...}", redirectTo: "/{path...}")
            Route("/wide", redirectTo: "http://h.example:8080")
        }) { server in
            let response = try await server.get(target)
            #expect(response.status == status)
            #expect(response["location"] == location)
        }
    }

    @Test func `a redirect answers GET and HEAD, and what leads nowhere is refused when it is declared`() async throws {
        try await withServer(routes: {
            Route("/old", redirectTo: "/new")
            Route("/lost", redirectTo: "/new/{id}")
        }) { server in
            let head = try await server.ask(request("HEAD /old HTTP/1.1"), toHead: true)
            #expect(head.status == 301)
            #expect(try await server.post("/old", "").status == 405)
            // A parameter that the route has not is the application's mistake.
            #expect(try await server.get("/lost").status == 500)
        }
        #expect(throws: PathPatternError.self) { try Application { Route("/a", redirectTo: "new") } }
        #expect(throws: PathPatternError.self) { try Application { Route("/a", redirectTo: "//evil.example") } }
        #expect(throws: PathPatternError.self) { try RedirectHandler("/{") }
    }

    @Test func `ErrorHandler answers every method with its status`() async throws {
        try await withServer(
            { $0.checksXSRF = true },
            routes: { Route("/{path...}") { ErrorHandler(410, "it was here") } }
        ) { server in
            for method in ["GET", "POST", "DELETE"] {
                let response = try await server.ask(request("\(method) /x HTTP/1.1"))
                #expect(response.status == 410)
                #expect(response.text.contains("it was here"))
            }
        }
    }

    @Test func `FallbackHandler hands on to a function, whatever the method`() async throws {
        try await withServer(
            { $0.checksXSRF = true },
            routes: {
                Route("/{path...}") {
                    FallbackHandler { handler in
                        handler.write("\(handler.request.method.rawValue) \(try handler.pathArgument("path"))")
                    }
                }
            }
        ) { server in
            let get = try await server.get("/a/b")
            #expect(get.text == "GET a/b")
            // It is this application's, and checks as any handler does.
            let forged = try await server.post("/a", "")
            #expect(forged.status == 403)
            let token = "0123456789abcdef0123456789abcdef"
            let sent = try await server.post("/a", "", "Cookie: _xsrf=\(token)\r\nX-XSRFToken: \(token)\r\n")
            #expect(sent.text == "POST a")
        }
    }

    @Test func `FallbackHandler hands on to another application, which answers as if it stood alone`() async throws {
        final class Page: RequestHandler {
            override func writeError(_ error: HTTPError) async throws { write("other's \(error.status)") }
        }
        let trace = Trace()
        let log = LogRecorder()
        var settings = Application.Settings()
        settings.errorHandler = { Page() }
        settings.logger = log.logger()
        settings.checksXSRF = true
        settings.middleware = [
            Middleware { handler, next in
                handler.setHeader("X-Inner", "1")
                try await next()
            }
        ]
        let other = try Application(settings: settings) {
            Route("/things/{id}", name: "thing") { handler in
                handler.write("thing \(try handler.pathArgument("id")) ")
                handler.write("\(try handler.path(named: "thing", ["id": "8"])) \(handler.request.route)")
                handler.setHeader("Content-Length", "none of it")
            }
            Route("/fails") { _ in throw HTTPError(400, "inner") }
            Route("/posts", methods: [.post]) { _ in }
            Route("/stream") { handler in
                handler.write("a")
                try await handler.flush()
                handler.write("b")
            }
        }
        try await withServer(
            {
                $0.middleware = [
                    Middleware { handler, next in
                        handler.setHeader("X-Outer", "1")
                        try await next()
                        trace("\(handler.responseStatus)")
                    }
                ]
            },
            routes: {
                Route("/own") { handler in handler.write("own") }
                Route("/{path...}") { FallbackHandler(other) }
            }
        ) { server in
            #expect(try await server.get("/own").text == "own")
            let thing = try await server.get("/things/7")
            #expect(thing.text == "thing 7 /things/8 /{path...}")
            #expect(thing["x-inner"] == "1")
            #expect(thing["x-outer"] == "1")
            #expect(try await server.get("/stream").text == "ab")
            let missing = try await server.get("/none")
            #expect(missing.status == 404)
            #expect(missing.text == "other's 404")
            #expect(missing["x-inner"] == "1")
            #expect(try await server.get("/fails").status == 400)
            try await waitUntil("both are logged") { log.messages(at: .info).count >= 2 }
            #expect(log.messages(at: .info) == ["404 Not Found", "400 Bad Request: inner"])
            #expect(try await server.post("/things/7", "").status == 403)
            #expect(try await server.post("/posts", "").status == 403)
            // What middleware does after an answer, the client does not wait for.
            try await waitUntil("the middleware has come to its end") { trace.all.count == 7 }
            #expect(trace.all == ["200", "200", "200", "404", "400", "403", "403"])
            // The connection goes on.
            let client = try await server.client()
            try await client.send(request("GET /none HTTP/1.1") + request("GET /things/1 HTTP/1.1"))
            #expect(try await client.responses(2).map(\.status) == [404, 200])
        }
    }

    @Test func `applications that hand on to many others come to an end`() async throws {
        var application = try Application { Route("/") { handler in handler.write("deep") } }
        for _ in 0..<8 {
            let inner = application
            application = try Application { Route("/") { FallbackHandler(inner) } }
        }
        let deep = application
        try await withServer(routes: {
            Route("/") { FallbackHandler(deep) }
        }) { server in
            let response = try await server.get("/")
            #expect(response.status == 500)
        }
    }
}
