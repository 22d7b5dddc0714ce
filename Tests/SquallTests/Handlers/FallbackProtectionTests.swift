import HTTPTypes
import Squall
import Testing

@Suite struct FallbackProtectionTests {
    private static let long = String(repeating: "Every response of mine is compressed. ", count: 100)

    private static func inner(_ change: (inout Application.Settings) throws -> Void) throws -> Application {
        var settings = Application.Settings()
        try change(&settings)
        return try Application(settings: settings) {
            Route("/in/page") { handler in handler.write(Self.long) }
            Route("/in/plain", options: .init(compressesResponse: false)) { handler in handler.write(Self.long) }
            Route("/in/open", options: .init(cors: try? CORS(origins: ["https://b.example"], methods: [.put]))) { _ in }
            Route("/in/put", methods: [.put]) { handler in handler.write("put") }
            Route("/in/fails") { _ in throw HTTPError(418) }
            Route("/in/own", options: .init(securityHeaders: SecurityHeaders.off)) { _ in }
        }
    }

    private func withMounted(
        _ inner: Application, log: LogRecorder = LogRecorder(), _ change: (inout Application.Settings) throws -> Void,
        _ body: (TestServer) async throws -> Void
    ) async throws {
        var logged = Application.Settings()
        logged.logger = log.logger()
        let middle = try Application(settings: logged) { Route("/in/{path...}") { FallbackHandler(inner) } }
        var made = Application.Settings()
        try change(&made)
        let settings = made
        try await withServer(
            {
                $0.securityHeaders = settings.securityHeaders
                $0.cors = settings.cors
                $0.compressesResponses = settings.compressesResponses
                $0.middleware = settings.middleware
            },
            routes: {
                Route("/own") { handler in handler.write(Self.long) }
                Route("/{path...}") { FallbackHandler(middle) }
            }, body)
    }

    private static func preflight(_ path: String, _ origin: String) -> String {
        request(
            "OPTIONS \(path) HTTP/1.1", "Host: h\r\nOrigin: \(origin)\r\nAccess-Control-Request-Method: PUT\r\n")
    }

    @Test func `the other application's security headers are sent, errors' too`() async throws {
        let strict = try Self.inner {
            $0.securityHeaders.contentSecurityPolicy = "default-src 'none'"
            $0.securityHeaders.frameOptions = "DENY"
        }
        try await withMounted(strict, { $0.securityHeaders.frameOptions = nil }) { server in
            for (path, status) in [("/in/page", 200), ("/in/fails", 418), ("/in/none", 404)] {
                let response = try await server.get(path)
                #expect(response.status == status)
                #expect(response["content-security-policy"] == "default-src 'none'")
                #expect(response["x-frame-options"] == "DENY")
            }
            let own = try await server.get("/own")
            #expect(own["x-frame-options"] == nil)
            #expect(own["content-security-policy"] != "default-src 'none'")
            // Those of a route stand in place of those of its application.
            #expect(try await server.get("/in/own")["x-content-type-options"] == nil)
        }
    }

    @Test func `security headers that cannot be sent are an error, and not left out`() async throws {
        let broken = try Self.inner { $0.securityHeaders.frameOptions = "DENY\r\nX: y" }
        let log = LogRecorder()
        try await withMounted(broken, log: log, { _ in }) { server in
            let response = try await server.get("/in/page")
            #expect(response.status == 500)
            #expect(response["x"] == nil)
            #expect(log.entries.contains { $0.message.contains("X-Frame-Options cannot be sent") })
        }
    }

    @Test func `CORS is the other application's, for preflights too`() async throws {
        let closed = try Self.inner { $0.cors = .off }
        let settings: (inout Application.Settings) throws -> Void = {
            $0.cors = try CORS(origins: ["https://a.example"], methods: [.put])
            // Nothing of the application's that is served stands between a browser and its permission.
            $0.middleware = [
                Middleware { handler, next in
                    guard handler.request.method != .options else { throw HTTPError(401) }
                    try await next()
                }
            ]
        }
        try await withMounted(closed, settings) { server in
            let page = try await server.get("/in/page", "Origin: https://a.example\r\n")
            #expect(page.status == 200)
            #expect(page["access-control-allow-origin"] == nil)
            // No permission, and no preflight: an OPTIONS like any other.
            let refused = try await server.ask(Self.preflight("/in/put", "https://a.example"))
            #expect(refused.status == 401)
            #expect(refused["access-control-allow-methods"] == nil)
            let missing = try await server.ask(Self.preflight("/in/none", "https://a.example"))
            #expect(missing["access-control-allow-methods"] == nil)
            let open = try await server.ask(Self.preflight("/in/open", "https://b.example"))
            #expect(open.status == 204)
            #expect(open["access-control-allow-origin"] == "https://b.example")
            #expect(open["access-control-allow-methods"] == "GET, HEAD, POST, PUT")
            let other = try await server.ask(Self.preflight("/in/open", "https://a.example"))
            #expect(other.status == 204)
            #expect(other["access-control-allow-origin"] == nil)
            let own = try await server.ask(Self.preflight("/own", "https://a.example"))
            #expect(own["access-control-allow-origin"] == "https://a.example")
        }
    }

    @Test func `whether responses are compressed says the other application`() async throws {
        let small = try Self.inner { $0.compressesResponses = true }
        try await withMounted(small, { _ in }) { server in
            let codings = try await Self.codings(server)
            #expect(codings == ["gzip", nil, nil])
        }
        let large = try Self.inner { _ in }
        try await withMounted(large, { $0.compressesResponses = true }) { server in
            let codings = try await Self.codings(server)
            #expect(codings == [nil, nil, "gzip"])
        }
    }

    private static func codings(_ server: TestServer) async throws -> [String?] {
        var codings: [String?] = []
        for path in ["/in/page", "/in/plain", "/own"] {
            codings.append(try await server.get(path, "Accept-Encoding: gzip\r\n")["content-encoding"])
        }
        return codings
    }

    @Test func `all fields of one name that middleware has set are kept, for errors and other applications`()
        async throws
    {
        final class Defaults: RequestHandler {
            override func setDefaultHeaders() { setHeader("X-Default", "mine") }
            override func get() async throws { throw HTTPError(418) }
        }
        let inner = try Application {
            Route("/in/page") { _ in }
            Route("/in/fails", Defaults.init)
        }
        let outer: (inout Application.Settings) -> Void = {
            $0.middleware = [
                Middleware { handler, next in
                    handler.addHeader("Vary", "Cookie")
                    handler.addHeader("Vary", "Accept-Language")
                    handler.addHeader("X-Default", "middleware's")
                    try await next()
                }
            ]
        }
        try await withServer(
            outer,
            routes: {
                Route("/in/{path...}") { FallbackHandler(inner) }
                Route("/fails") { _ in throw HTTPError(418) }
            }
        ) { server in
            for path in ["/fails", "/in/page", "/in/fails"] {
                let response = try await server.get(path)
                let vary = response.headers.filter { $0.name == "Vary" }.map(\.value)
                #expect(vary.starts(with: ["Cookie", "Accept-Language"]), "\(path) \(vary)")
            }
            let fails = try await server.get("/in/fails")
            #expect(fails.status == 418)
            #expect(fails.headers.filter { $0.name == "X-Default" }.map(\.value) == ["mine"])
        }
    }
}
