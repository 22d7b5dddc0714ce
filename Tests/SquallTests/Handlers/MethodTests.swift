import HTTPTypes
import Squall
import Testing

@Suite struct MethodTests {
    private final class All: RequestHandler {
        override func get() async throws { write("get") }
        override func post() async throws { write("post") }
        override func put() async throws { write("put") }
        override func delete() async throws { write("delete") }
        override func patch() async throws { write("patch") }
        override func options() async throws { write("options") }
    }
    private class Some: RequestHandler {
        override func post() async throws { write("post") }
        override func delete() async throws { write("delete") }
    }
    private final class More: Some {
        override func get() async throws { write("get") }
    }
    private final class HeadOnly: RequestHandler {
        override func head() async throws { setHeader("X-Head", "1") }
    }
    private final class Nothing: RequestHandler {}

    @Test(arguments: ["get", "post", "put", "delete", "patch", "options"])
    func `each method has its function`(_ name: String) async throws {
        try await withServer(routes: { Route("/", All.init) }) { server in
            let response = try await server.ask(request("\(name.uppercased()) / HTTP/1.1"))
            #expect(response.status == 200)
            #expect(response.text == name)
        }
    }

    @Test(arguments: [
        ("/some", "GET", "POST, DELETE, OPTIONS"), ("/some", "PUT", "POST, DELETE, OPTIONS"),
        ("/some", "TRACE", "POST, DELETE, OPTIONS"), ("/some", "HEAD", "POST, DELETE, OPTIONS"),
        ("/more", "PATCH", "GET, HEAD, POST, DELETE, OPTIONS"), ("/head", "GET", "HEAD, OPTIONS"),
        ("/nothing", "GET", "OPTIONS"), ("/closure", "POST", "GET, HEAD, OPTIONS"),
        ("/posts", "GET", "POST, PUT, OPTIONS"),
        ("/closure", "TRACE", "GET, HEAD, OPTIONS"),
    ])
    func `a method that a resource has not is answered 405 with those that it has`(
        _ path: String, _ method: String, _ allowed: String
    ) async throws {
        try await withServer(routes: { Self.routes }) { server in
            let client = try await server.client()
            try await client.send(request("\(method) \(path) HTTP/1.1"))
            let response = try await client.response(toHead: method == "HEAD")
            #expect(response.status == 405)
            #expect(response["allow"] == allowed)
            try await client.send(request("OPTIONS \(path) HTTP/1.1"))
            let options = try await client.response()
            #expect(options.status == 204)
            #expect(options["allow"] == allowed)
        }
    }

    @Test(arguments: ["/some", "/closure"])
    func `a method that nobody knows is answered 501`(_ path: String) async throws {
        try await withServer(routes: { Self.routes }) { server in
            let response = try await server.ask(request("BREW \(path) HTTP/1.1"))
            #expect(response.status == 501)
            #expect(response["allow"] == nil)
        }
    }

    @Test func `a closure may be for any method`() async throws {
        try await withServer(routes: {
            Route("/", methods: [HTTPRequest.Method("BREW") ?? .get]) { handler in handler.write("brewed") }
        }) { server in
            let response = try await server.ask(request("BREW / HTTP/1.1"))
            #expect(response.text == "brewed")
        }
    }

    @Test func `HEAD is answered by head, and by get where there is none`() async throws {
        try await withServer(routes: { Self.routes }) { server in
            let own = try await server.ask(request("HEAD /head HTTP/1.1"), toHead: true)
            #expect(own["x-head"] == "1")
            let fromGet = try await server.ask(request("HEAD /more HTTP/1.1"), toHead: true)
            #expect(fromGet.status == 200)
            #expect(fromGet["content-length"] == "3")
        }
    }

    @RouteBuilder private static var routes: [Route] {
        Route("/some", Some.init)
        Route("/more", More.init)
        Route("/head", HeadOnly.init)
        Route("/nothing", Nothing.init)
        Route("/closure") { handler in handler.write("closure") }
        Route("/posts", methods: [.post, .put]) { _ in }
    }
}
