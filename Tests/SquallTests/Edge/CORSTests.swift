import HTTPTypes
import Squall
import SquallIO
import Synchronization
import Testing

@Suite struct CORSTests {
    private final class Made: Sendable {
        let handlers = Counter()
    }

    private static func with(
        _ cors: CORS?, group: CORS? = nil, made: Made = Made(),
        _ change: (inout Application.Settings) -> Void = { _ in }, _ body: (TestServer) async throws -> Void
    ) async throws {
        final class Resource: RequestHandler {
            let made: Made
            init(_ made: Made) { self.made = made }
            override func prepare() async throws { made.handlers.add() }
            override func get() async throws { write("ok") }
            override func post() async throws { write("ok") }
            override func put() async throws { throw HTTPError(500) }
            override func options() async throws { write("mine") }
        }
        try await withServer(
            {
                $0.cookieSecret = "It's a secret to everybody"
                $0.cors = cors
                change(&$0)
            },
            routes: {
                Group("/g", options: .init(cors: group)) {
                    Route("/r") { Resource(made) }
                    Route("/small", methods: [.post], options: .init(bodyLimit: 1, checksXSRF: false)) { _ in }
                    Route("/own") { $0.setHeader("access-control-allow-origin", "https://own.example") }
                    Route("/vary") { $0.setHeader("Vary", "Accept") }
                    Route("/never", options: .init(cors: CORS.off)) { _ in }
                    Route("/stream") { handler in
                        handler.write("a")
                        try await handler.flush()
                    }
                }
            }, body)
    }

    private static func fields(_ response: RawResponse) -> [String] {
        // The pages of errors vary by Accept, too.
        response.headers
            .filter { $0.name.hasPrefix("Access-Control-") || $0.name == "Vary" && $0.value != "Accept" }
            .map { "\($0.name): \($0.value)" }.sorted()
    }
    private static func preflight(_ path: String, _ origin: String, method: String = "PUT") -> String {
        request(
            "OPTIONS \(path) HTTP/1.1", "Host: h\r\nOrigin: \(origin)\r\nAccess-Control-Request-Method: \(method)\r\n")
    }
    private static let allowed = ["Access-Control-Allow-Origin: https://a.example", "Vary: Origin"]

    @Test func `without it there is nothing, and OPTIONS is the handler's`() async throws {
        try await Self.with(nil) { server in
            let plain = try await server.get("/g/r", "Origin: https://a.example\r\n")
            #expect(plain.status == 200 && Self.fields(plain) == [])
            let options = try await server.ask(Self.preflight("/g/r", "https://a.example"))
            #expect(options.text == "mine" && Self.fields(options) == [])
        }
    }

    @Test func `preflight is answered before the handler is asked`() async throws {
        let made = Made()
        let cors = try CORS(
            origins: ["https://a.example"], methods: [.put, .get, .delete], headers: ["X-A", "Content-Type"],
            exposedHeaders: ["X-Total", "ETag"], credentials: true, maxAge: 60)
        try await Self.with(nil, group: cors, made: made) { server in
            let answer = try await server.ask(Self.preflight("/g/r", "https://a.example"))
            #expect(answer.status == 204)
            #expect(
                Self.fields(answer) == [
                    "Access-Control-Allow-Credentials: true", "Access-Control-Allow-Headers: X-A, Content-Type",
                    "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, DELETE",
                    "Access-Control-Allow-Origin: https://a.example", "Access-Control-Expose-Headers: X-Total, ETag",
                    "Access-Control-Max-Age: 60", "Vary: Origin",
                ])
            let refused = try await server.ask(Self.preflight("/g/r", "https://b.example"))
            #expect(refused.status == 204 && Self.fields(refused) == ["Vary: Origin"])
            let post = try await server.ask(Self.preflight("/g/small", "https://a.example", method: "POST"))
            #expect(post.status == 204)
            #expect(made.handlers.value == 0)
            // What is no preflight is the handler's.
            let options = try await server.ask(
                request("OPTIONS /g/r HTTP/1.1", "Host: h\r\nOrigin: https://a.example\r\n"))
            #expect(options.text == "mine")
            let other = try await server.ask(
                request("OPTIONS /g/r HTTP/1.1", "Host: h\r\nAccess-Control-Request-Method: PUT\r\n"))
            #expect(other.text == "mine")
            #expect(made.handlers.value == 2)
        }
    }

    @Test func `every response has the fields, errors too, and each varies by origin`() async throws {
        try await Self.with(nil, group: try CORS(origins: ["https://a.example"])) { server in
            let origin = "Origin: https://a.example\r\n"
            let plain = try await server.get("/g/r", origin)
            #expect(plain.status == 200 && Self.fields(plain) == Self.allowed)
            let forbidden = try await server.post("/g/r", "", origin)
            #expect(forbidden.status == 403 && Self.fields(forbidden) == Self.allowed)
            let method = try await server.ask(request("DELETE /g/stream HTTP/1.1", "Host: h\r\n\(origin)"))
            #expect(Self.fields(method) == Self.allowed)
            let large = try await server.post("/g/small", "ab", origin)
            #expect(large.status == 413 && Self.fields(large) == Self.allowed)
            let stream = try await server.get("/g/stream", origin)
            #expect(Self.fields(stream) == Self.allowed)
            let none = try await server.get("/g/r")
            #expect(Self.fields(none) == ["Vary: Origin"])
            let other = try await server.get("/g/r", "Origin: https://b.example\r\n")
            #expect(other.status == 200 && Self.fields(other) == ["Vary: Origin"])
            let two = try await server.get("/g/r", origin + origin)
            #expect(Self.fields(two) == ["Vary: Origin"])
            let vary = try await server.get("/g/vary", origin)
            #expect(vary["vary"] == "Accept | Origin")
            #expect(Self.fields(vary) == Self.allowed)
            let own = try await server.get("/g/own", origin)
            #expect(own["access-control-allow-origin"] == "https://own.example")
            let never = try await server.get("/g/never", origin)
            #expect(Self.fields(never) == [])
            let unknown = try await server.get("/unknown", origin)
            #expect(unknown.status == 404 && Self.fields(unknown) == [])
        }
    }

    @Test func `an error of the handler's has them`() async throws {
        try await Self.with(nil, group: try CORS(origins: ["https://a.example"]), { $0.checksXSRF = false }) { server in
            let failed = try await server.ask(request("PUT /g/r HTTP/1.1", "Host: h\r\nOrigin: https://a.example\r\n"))
            #expect(failed.status == 500 && Self.fields(failed) == Self.allowed)
        }
    }

    @Test func `the application's is for all that have no other, and for what has no route`() async throws {
        try await Self.with(try CORS(origins: ["https://a.example"])) { server in
            for path in ["/g/r", "/unknown"] {
                let response = try await server.get(path, "Origin: https://a.example\r\n")
                #expect(Self.fields(response) == Self.allowed)
            }
            let never = try await server.get("/g/never", "Origin: https://a.example\r\n")
            #expect(Self.fields(never) == [])
        }
        let group = try CORS(origins: ["https://b.example"])
        try await Self.with(try CORS(origins: ["https://a.example"]), group: group) { server in
            let response = try await server.get("/g/r", "Origin: https://a.example\r\n")
            #expect(Self.fields(response) == ["Vary: Origin"])
        }
    }

    @Test func `all origins are a star, which does not vary`() async throws {
        try await Self.with(try CORS(origins: ["*"], headers: ["*"], exposedHeaders: ["*"])) { server in
            for fields in ["", "Origin: https://a.example\r\n", "Origin: null\r\n"] {
                let response = try await server.get("/g/r", fields)
                #expect(
                    Self.fields(response) == ["Access-Control-Allow-Origin: *", "Access-Control-Expose-Headers: *"])
            }
            let answer = try await server.ask(Self.preflight("/g/r", "https://a.example"))
            #expect(answer.status == 204)
            #expect(
                Self.fields(answer) == [
                    "Access-Control-Allow-Headers: *", "Access-Control-Allow-Methods: GET, HEAD, POST",
                    "Access-Control-Allow-Origin: *", "Access-Control-Expose-Headers: *", "Access-Control-Max-Age: 600",
                ])
        }
    }

    @Test(arguments: [
        (["https://a.example"], "https://a.example", true), (["https://a.example"], "https://a.example:443", true),
        (["https://a.example:443"], "https://a.example", true), (["http://a.example"], "http://a.example:80", true),
        (["HTTPS://A.example"], "https://a.EXAMPLE", true), (["http://localhost:3000"], "http://localhost:3000", true),
        (["http://[::1]:3000"], "http://[::1]:3000", true), (["null"], "null", true), (["app://a"], "app://a", true),
        (["https://a.example"], "http://a.example", false), (["https://a.example"], "https://a.example:80", false),
        (["https://a.example"], "https://a.example:8443", false), (["https://a.example"], "https://b.a.example", false),
        (["https://a.example"], "https://a.example.evil", false), (["https://a.example"], "https://a.example/", false),
        (["https://a.example"], "https://a.example@evil", false),
        (["https://a.example"], "evilhttps://a.example", false),
        (["https://a.example"], "https://a.example, https://b.example", false), (["https://a.example"], "null", false),
        (["https://a.example"], "", false), (["https://a.example"], "a.example", false),
        (["https://k.example"], "https://\u{e2}\u{84}\u{aa}.example", false),
        (["http://a.example:443"], "http://a.example", false),
        (["null"], "NULL", false),
    ]) func `origins are compared as a whole`(origins: [String], origin: String, isAllowed: Bool) async throws {
        try await Self.with(try CORS(origins: origins, credentials: true)) { server in
            let response = try await server.get("/g/r", "Origin: \(origin)\r\n")
            #expect(response["access-control-allow-origin"] == (isAllowed ? origin : nil))
            #expect(response["access-control-allow-credentials"] == (isAllowed ? "true" : nil))
            #expect(response["vary"] == "Origin")
        }
    }

    @Test func `what would be wrong or dangerous is refused where it is made`() {
        func message(_ make: () throws -> CORS) -> String {
            do {
                _ = try make()
                return ""
            } catch { return "\(error)" }
        }
        #expect(
            message { try CORS(origins: ["*"], credentials: true) }.contains("cannot have '*'; list what is allowed"))
        #expect(
            message { try CORS(origins: ["https://a"], headers: ["*"], credentials: true) }.contains("cannot have '*'"))
        for origin in [
            "a.example", "https://a.example/", "https://", "//a", "https://*.example", "", "https://a:b", "1://a",
        ] {
            #expect(
                message { try CORS(origins: [origin]) }.contains("no origin; write one such as https://app.example"))
        }
        #expect(message { try CORS(origins: [], headers: ["a b"]) }.contains("no name of a field"))
        #expect(message { try CORS(origins: [], exposedHeaders: ["a\r\nb"]) }.contains("no name of a field"))
    }
}
