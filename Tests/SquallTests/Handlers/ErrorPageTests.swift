import HTTPTypes
import Logging
import Squall
import Testing

private final class PlainErrors: RequestHandler {
    let trace: Trace
    init(_ trace: Trace) { self.trace = trace }

    override func setDefaultHeaders() { setHeader("X-Page", "own") }
    override func writeError(_ error: HTTPError) async throws {
        setHeader("Content-Type", "text/plain")
        write("\(error.status) \(error.message ?? "-")")
    }
    override func logException(_ error: any Error) { trace("\(error)") }
}

@Suite struct ErrorPageTests {
    @Test func `an error is a short page, and JSON to a client that prefers it`() async throws {
        try await withServer(routes: {
            Route("/") { _ in throw HTTPError(409, "taken \"twice\"") }
        }) { server in
            let page = try await server.get("/")
            #expect(page["content-type"] == "text/html; charset=UTF-8")
            #expect(page.text.contains("<h1>409: Conflict</h1><p>taken &quot;twice&quot;</p>"))
            let browser = try await server.get("/", "Accept: text/html, application/json\r\n")
            #expect(browser["content-type"] == "text/html; charset=UTF-8")
            for accept in ["application/json", "application/json, text/html"] {
                let json = try await server.get("/", "Accept: \(accept)\r\n")
                #expect(json["content-type"] == "application/json; charset=UTF-8")
                #expect(json.text.contains(#""message":"taken \"twice\"""#))
                #expect(json.text.contains(#""status":409"#))
            }
        }
    }

    @Test func `an error's fields of one name are all sent, in place of the handler's`() async throws {
        final class Guarded: RequestHandler {
            override func setDefaultHeaders() { setHeader("WWW-Authenticate", "None") }
            override func get() async throws {
                throw HTTPError(401, headers: [("WWW-Authenticate", "Basic"), ("www-authenticate", "Bearer")])
            }
        }
        try await withServer(routes: { Route("/", Guarded.init) }) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1", "Host: h\r\nConnection: close\r\n"))
            let lines = text(try await client.readToEnd()).split(separator: "\r\n")
            let fields = lines.filter { $0.lowercased().hasPrefix("www-authenticate") }
            #expect(fields == ["WWW-Authenticate: Basic", "www-authenticate: Bearer"])
        }
    }

    @Test func `a status that is no error becomes 500`() async throws {
        try await withServer(routes: {
            Route("/") { _ in throw HTTPError(200, "fine") }
        }) { server in
            let response = try await server.get("/")
            #expect(response.status == 500)
        }
    }

    @Test func `a handler renders its own errors`() async throws {
        final class Own: RequestHandler {
            override func get() async throws { throw HTTPError(418, "teapot", headers: [("X-Short", "stout")]) }
            override func writeError(_ error: HTTPError) async throws {
                write("own: \(error.status) \(error.message ?? "") \(responseStatus)")
            }
        }
        try await withServer(routes: { Route("/", Own.init) }) { server in
            let response = try await server.get("/")
            #expect(response.status == 418)
            #expect(response["x-short"] == "stout")
            #expect(response.text == "own: 418 teapot 418")
            // What the base class refuses is rendered by it too.
            let refused = try await server.post("/", "")
            #expect(refused.status == 405)
            #expect(refused.text == "own: 405  405")
        }
    }

    @Test func `errorHandler renders what no route answers`() async throws {
        let (clock, trace) = (TestClock(), Trace())
        try await withServer(
            { settings in
                settings.errorHandler = { PlainErrors(trace) }
                settings.limits.bodyBytes = 10
            }, clock: clock,
            routes: {
                Route("/", methods: [.post]) { _ in }
                Route("/slow") { _ in try await Gate().wait() }
            }
        ) { server in
            let cases: [(String, Int)] = [
                (request("GET /none HTTP/1.1", "Host: h\r\nConnection: close\r\n"), 404),
                ("nonsense\r\n\r\n", 400), (request("GET / HTTP/2.0"), 505), (request("CONNECT h:1 HTTP/1.1"), 501),
                (request("POST / HTTP/1.1", "Host: h\r\nContent-Length: 11\r\n"), 413), ("GET / HT", 408),
                (request("POST / HTTP/1.1", "Host: h\r\nExpect: x\r\n"), 417), (request("GET /slow HTTP/1.1"), 503),
                (request("GET / HTTP/1.1", "Host: h\r\n" + String(repeating: "A: b\r\n", count: 200)), 431),
            ]
            for (bytes, status) in cases {
                let client = try await server.client()
                try await client.send(bytes)
                try await clock.advance(by: .seconds(30))
                let responses = try await client.responsesToEnd()
                #expect(responses.map(\.status) == [status])
                #expect(responses.first?.text.hasPrefix("\(status) ") == true)
                #expect(responses.first?["x-page"] == "own")
                #expect(trace.all.last?.hasPrefix("\(status) ") == true)
            }
            // The connection goes on after an unknown path.
            let client = try await server.client()
            try await client.send(request("GET /none HTTP/1.1") + request("POST / HTTP/1.1"))
            #expect(try await client.responses(2).map(\.status) == [404, 200])
        }
    }

    @Test func `without an errorHandler a plain page is sent`() async throws {
        try await withServer(routes: {}) { server in
            let response = try await server.get("/none")
            #expect(response.status == 404)
            #expect(response.text.contains("<h1>404: Not Found</h1>"))
            // A flood of unknown paths is no flood of log lines.
            #expect(server.log.entries.allSatisfy { $0.level <= .debug })
        }
    }

    @Test func `an errorHandler that fails is a bare 500`() async throws {
        final class Failing: RequestHandler {
            override func writeError(_ error: HTTPError) async throws { throw HTTPError(400) }
        }
        try await withServer({ $0.errorHandler = { Failing() } }, routes: {}) { server in
            let response = try await server.get("/none")
            #expect(response.status == 500)
            #expect(response.body.isEmpty)
        }
    }

    @Test func `errors are logged at the level that they deserve`() async throws {
        struct Oops: Error {}
        try await withServer(routes: {
            Route("/client") { _ in throw HTTPError(400, "told") }
            Route("/server") { _ in throw HTTPError(502, "told", logMessage: "kept") }
            Route("/plain") { _ in throw HTTPError(503) }
            Route("/other") { _ in throw Oops() }
        }) { server in
            for path in ["/client", "/server", "/plain", "/other"] { _ = try await server.get(path) }
            #expect(
                server.log.entries.map { "\($0.level) \($0.message) \($0.metadata["route"] ?? "")" } == [
                    "info 400 Bad Request: told GET /client", "error 502 Bad Gateway: kept GET /server",
                    "info 503 Service Unavailable GET /plain", "error Oops() GET /other",
                ])
        }
    }
}
