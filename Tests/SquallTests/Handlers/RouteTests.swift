import HTTPTypes
import Logging
import Squall
import Testing

@Suite struct RouteTests {
    @Test(arguments: [
        ("/", 200, "root"), ("/reports/7", 200, "report 7"), ("/reports/x", 404, ""), ("/reports/+7", 404, ""),
        ("/reports/99999999999999999999", 404, ""), ("/reports/", 404, ""), ("/reports/7/", 404, ""),
        ("/files/", 200, "file "), ("/files/a/b%20c", 200, "file a/b c"), ("/files", 404, ""),
        ("/hello/J%C3%BCrgen", 200, "hello J\u{c3}\u{bc}rgen"), ("/hello/a%2Fb", 200, "hello a/b"),
        ("/hello/%ff", 400, ""), ("/hello/special", 200, "special"), ("/v1.2", 200, "1 2"), ("/none", 404, ""),
        ("//", 404, ""), ("/HELLO/x", 404, ""), ("/?a=b", 200, "root"), ("/hello/x?y#", 400, ""),
    ])
    func `a path finds its route and its arguments`(_ target: String, _ status: Int, _ body: String) async throws {
        try await withServer(routes: {
            Route("/") { handler in handler.write("root") }
            Route("/reports/{id}") { handler in handler.write("report \(try handler.pathArgument("id", as: Int.self))")
            }
            Route("/files/{path...}") { handler in handler.write("file \(try handler.pathArgument("path"))") }
            Route("/hello/{name}") { handler in handler.write("hello \(try handler.pathArgument("name"))") }
            Route("/hello/special") { handler in handler.write("special") }
            Route("/v{major}.{minor}") { handler in
                handler.write("\(try handler.pathArgument("major")) \(try handler.pathArgument("minor"))")
            }
        }) { server in
            let response = try await server.get(target)
            #expect(response.status == status)
            if status == 200 { #expect(response.text == body) }
        }
    }

    /// Tornado's vectors.
    @Test(arguments: [
        ("/group/%C3%A9?arg=%C3%A9", "/group/%C3%A9 \u{e9} \u{e9}"), ("/group/%3F?arg=%3F", "/group/%3F ? ?"),
        ("/slashes/foo/bar", "/slashes/foo/bar foo bar"), ("/slashes/a%2Fb/c%2Fd", "/slashes/a%2Fb/c%2Fd a/b c/d"),
    ])
    func `a path is kept as sent, and its arguments are decoded`(target: String, answer: String) async throws {
        try await withServer(routes: {
            Route("/group/{a}") { handler in
                let argument = try handler.queryArgument("arg") ?? "-"
                handler.write("\(handler.request.path) \(try handler.pathArgument("a")) \(argument)")
            }
            Route("/slashes/{a}/{b}") { handler in
                let arguments = "\(try handler.pathArgument("a")) \(try handler.pathArgument("b"))"
                handler.write("\(handler.request.path) \(arguments)")
            }
        }) { server in
            let response = try await server.get(target)
            #expect(response.text == text(answer.utf8))
        }
    }

    @Test func `a parameter that the route has not is the application's mistake`() async throws {
        try await withServer(routes: {
            Route("/{a}") { handler in handler.write(try handler.pathArgument("b")) }
        }) { server in
            let response = try await server.get("/x")
            #expect(response.status == 500)
            #expect(server.log.messages(at: .error).contains { $0.contains("has no parameter 'b'") })
        }
    }

    @Test func `named routes are written with their arguments`() async throws {
        try await withServer(routes: {
            Route("/reports/{id}", name: "report") { handler in
                handler.write(try handler.path(named: "report", ["id": "a/b é"]))
            }
            Route("/unknown") { handler in handler.write(try handler.path(named: "nothing")) }
            Group("/g") { Route("/{x...}", name: "grouped") { _ in } }
        }) { server in
            let response = try await server.get("/reports/1")
            #expect(response.text == "/reports/a%2Fb%20%C3%A9")
            #expect(try server.application.path(named: "grouped", ["x": "1/2"]) == "/g/1/2")
            #expect(throws: UnknownRouteError.self) { try server.application.path(named: "nothing") }
            #expect(throws: PathFillingError.self) { try server.application.path(named: "report") }
            let unknown = try await server.get("/unknown")
            #expect(unknown.status == 500)
            #expect(
                server.log.messages(at: .error) == [
                    "no route is named 'nothing'; those that have names are grouped, report"
                ])
        }
    }

    @Test func `a malformed path is refused when the application is made`() throws {
        #expect(throws: PathPatternError.self) { try Application { Route("/{") { _ in } } }
    }

    @Test func `routes of a host are for that host only`() async throws {
        let own = try HostPattern("own.example")
        let tenants = try HostPattern("{tenant}.example.com")
        try await withServer(routes: {
            Route("/", options: .init(host: own)) { handler in handler.write("own") }
            Group("", options: .init(host: tenants)) {
                Route("/") { handler in handler.write("tenant \(handler.hostArgument("tenant") ?? "-")") }
                Route("/more") { handler in handler.write("more") }
            }
            Route("/any") { handler in handler.write("any") }
        }) { server in
            @Sendable func ask(_ host: String, _ target: String = "/") async throws -> String {
                let response = try await server.ask(request("GET \(target) HTTP/1.1", "Host: \(host)\r\n"))
                return response.status == 200 ? response.text : "\(response.status)"
            }
            let plain = try await ask("own.example")
            #expect(plain == "own")
            #expect(try await ask("OWN.Example:8080") == "own")
            #expect(try await ask("a.example.com") == "tenant a")
            #expect(try await ask("evil.example", "http://b.example.com/") == "tenant b")
            #expect(try await ask("a.example.com", "/more") == "more")
            #expect(try await ask("own.example", "/more") == "404")
            #expect(try await ask("evil.example") == "404")
            #expect(try await ask("evil.example", "/any") == "any")
            // The target's authority counts, not the field.
            #expect(try await ask("evil.example", "http://own.example/") == "own")
            #expect(try await ask("own.example", "http://evil.example/") == "404")
        }
    }

    @Test func `groups give their prefix and their options, and routes override these`() async throws {
        try await withServer(routes: {
            Group("/a", options: .init(bodyLimit: 3)) {
                Route("", methods: [.get, .post]) { handler in handler.write("a") }
                Group("/b") {
                    Route("/c", methods: [.post]) { handler in handler.write("c") }
                    Route("/d", methods: [.post], options: .init(bodyLimit: 10)) { handler in handler.write("d") }
                }
            }
            if Bool(true) { Route("/if") { handler in handler.write("if") } } else { Route("/else") { _ in } }
            for name in ["x", "y"] { Route("/\(name)") { handler in handler.write(name) } }
        }) { server in
            for (path, body) in [("/a", "a"), ("/if", "if"), ("/x", "x"), ("/y", "y")] {
                let response = try await server.get(path)
                #expect(response.text == body)
            }
            #expect(try await server.get("/else").status == 404)
            #expect(try await server.post("/a/b/c", "123").text == "c")
            #expect(try await server.post("/a/b/c", "1234").status == 413)
            #expect(try await server.post("/a/b/d", "0123456789").text == "d")
        }
    }

    @Test func `a request tells what it is`() async throws {
        try await withServer(routes: {
            Route("/r/{x}", methods: [.post]) { handler in
                let request = handler.request
                handler.write("\(request.method.rawValue) \(request.target) \(request.path) \(request.query ?? "-") ")
                handler.write("\(request.version) \(request.authority ?? "-") \(request.route) ")
                handler.write("\(request.body.count) \(request.headers[.userAgent] ?? "-")")
            }
        }) { server in
            let response = try await server.post("/r/a%20b?c=%20", "xyz", "User-Agent: test\r\n")
            #expect(response.text == "POST /r/a%20b?c=%20 /r/a%20b c=%20 HTTP/1.1 h /r/{x} 3 test")
        }
    }

    @Test func `requests have ids that differ`() async throws {
        try await withServer(
            { $0.loops = 2 },
            routes: {
                Route("/") { handler in handler.write(handler.request.id) }
            }
        ) { server in
            var ids: Set<String> = []
            for _ in 0..<10 {
                let client = try await server.client()
                try await client.send(String(repeating: request("GET / HTTP/1.1"), count: 10))
                ids.formUnion(try await client.responses(10).map(\.text))
            }
            #expect(ids.count == 100)
        }
    }
}
