import HTTPTypes
import Squall
import Testing

@Suite struct ReadyMiddlewareTests {
    @Test func `authenticated sends strangers to the login page, and refuses what may change something`() async throws {
        let guarding = Middleware.authenticated(loginURL: "/login?why=1") { $0.request.header("x-user") == "me" }
        try await withServer(routes: {
            Group("/admin", options: .init(middleware: [guarding])) {
                Route("/{path...}", methods: [.get, .post]) { handler in handler.write("admin") }
            }
            Route("/{path...}", options: .init(middleware: [guarding])) { _ in }
        }) { server in
            let known = try await server.get("/admin/x", "X-User: me\r\n")
            #expect(known.text == "admin")
            for (target, next) in [
                ("/admin/x", "%2Fadmin%2Fx"), ("/admin/x?a=b&c=%26", "%2Fadmin%2Fx%3Fa%3Db%26c%3D%2526"),
                ("http://h/admin/y?q", "%2Fadmin%2Fy%3Fq"), ("//evil.example", "%2F"),
                ("http://h//evil.example/", "%2F"),
            ] {
                for method in ["GET", "HEAD"] {
                    let response = try await server.ask(
                        request("\(method) \(target) HTTP/1.1"), toHead: method == "HEAD")
                    #expect(response.status == 302)
                    #expect(response["location"] == "/login?why=1&next=\(next)")
                }
            }
            let post = try await server.post("/admin/x", "")
            #expect(post.status == 403)
            #expect(!post.text.contains("admin"))
        }
    }

    @Test func `authenticated: an error of the question is an error`() async throws {
        struct Down: Error {}
        let guarding = Middleware.authenticated(loginURL: "/login") { _ in throw Down() }
        try await withServer({ $0.middleware = [guarding] }, routes: { Route("/") { _ in } }) { server in
            let response = try await server.get("/")
            #expect(response.status == 500)
        }
    }

    @Test(arguments: [
        ("GET", "/x", 301, "/x/"), ("HEAD", "/x?a=b&c", 301, "/x/?a=b&c"), ("GET", "/x/", 200, nil),
        ("POST", "/x", 404, nil), ("POST", "/x/", 200, nil), ("GET", "//evil.example", 404, nil),
        ("GET", "/%2F/evil.example", 301, "/%2F/evil.example/"), ("GET", "http://h//evil.example", 404, nil),
        ("GET", "/x?", 301, "/x/?"), ("GET", "/caf%C3%A9", 301, "/caf%C3%A9/"),
    ])
    func `addSlash`(_ method: String, _ target: String, _ status: Int, _ location: String?) async throws {
        try await withServer(routes: {
            for path in ["/x", "/x/", "/{path...}"] {
                Route(path, methods: [.get, .post], options: .init(middleware: [.addSlash])) { _ in }
            }
        }) { server in
            let response = try await server.ask(request("\(method) \(target) HTTP/1.1"), toHead: method == "HEAD")
            #expect(response.status == status)
            #expect(response["location"] == location)
        }
    }

    @Test(arguments: [
        ("GET", "/x/", 301, "/x"), ("HEAD", "/x//?a=b/", 301, "/x?a=b/"), ("GET", "/x", 200, nil),
        ("POST", "/x/", 404, nil), ("GET", "/", 200, nil), ("GET", "//", 200, nil),
        ("GET", "//evil.example/", 404, nil),
        ("GET", "http://h//evil.example/", 404, nil), ("GET", "/a/b/", 301, "/a/b"),
    ])
    func `removeSlash`(_ method: String, _ target: String, _ status: Int, _ location: String?) async throws {
        try await withServer(routes: {
            Route("/{path...}", methods: [.get, .post], options: .init(middleware: [.removeSlash])) { _ in }
        }) { server in
            let response = try await server.ask(request("\(method) \(target) HTTP/1.1"), toHead: method == "HEAD")
            #expect(response.status == status)
            #expect(response["location"] == location)
        }
    }
}
