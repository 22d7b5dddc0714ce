import HTTPTypes
import Squall
import SquallTesting
import Testing

/// What most responses begin with is made once and kept.
@Suite struct CommonHeadTests {
    private static let types = ["text/plain", "text/html; charset=UTF-8", "image/svg+xml", "image/png"]

    @Test func `responses of every type and length have their own head, in any order`() async throws {
        let site = try Application {
            Route("/{length}") { handler in
                let length = try handler.pathArgument("length", as: Int.self)
                handler.setHeader("Content-Type", Self.types[length % Self.types.count])
                handler.write(String(repeating: "x", count: length))
            }
        }
        try await withApplication(site) { client in
            for length in [0, 1, 2, 3, 4, 9, 10, 11, 99, 100, 250, 251, 1_000, 1_001, 1_002, 0, 3, 2, 1] {
                let response = try await client.get("/\(length)")
                let type = Self.types[length % Self.types.count]
                #expect(response.status == 200)
                #expect(response["content-type"] == type)
                #expect(response["content-length"] == "\(length)")
                #expect(response.body.count == length)
                #expect(response["x-content-type-options"] == "nosniff")
                // Scripts can run in these.
                let isDocument = type.contains("html") || type.contains("xml")
                #expect((response["x-frame-options"] != nil) == isDocument)
                #expect((response["content-security-policy"] != nil) == isDocument)
            }
        }
    }

    @Test func `types of one length do not get each other's head`() async throws {
        let types = ["image/png", "text/html", "font/woff", "audio/mp4"]
        let site = try Application {
            Route("/{index}") { handler in
                let index = try handler.pathArgument("index", as: Int.self)
                handler.setHeader("Content-Type", types[index])
                handler.write("body")
            }
        }
        try await withApplication(site) { client in
            for index in [0, 1, 2, 3, 1, 0, 0, 1] {
                let response = try await client.get("/\(index)")
                #expect(response["content-type"] == types[index])
                #expect((response["x-frame-options"] != nil) == (types[index] == "text/html"))
            }
        }
    }

    @Test func `a type with a line end is an error each time`() async throws {
        let site = try Application {
            Route("/") { handler in
                handler.setHeader("Content-Type", "text/plain\r\nX-Injected: 1")
                handler.write("body")
            }
        }
        try await withApplication(site, unexpectedErrors: .ignored) { client in
            for _ in 0..<2 {
                let response = try await client.get("/")
                #expect(response.status == 500)
                #expect(response["x-injected"] == nil)
            }
        }
    }

    @Test func `the date moves with the clock`() async throws {
        let clock = TestClock()
        let site = try Application { Route("/") { $0.write("now") } }
        try await withApplication(site, clock: clock) { client in
            var dates: [String] = []
            for _ in 0..<3 {
                dates.append(try #require(try await client.get("/")["date"]))
                try await clock.advance(by: .seconds(2))
            }
            #expect(Set(dates).count == 3)
        }
    }

    @Test func `what a request has of its own is in its head alone`() async throws {
        let site = try Application {
            Route("/plain") { $0.write("body") }
            Route("/field") { handler in
                handler.setHeader("X-Own", "1")
                handler.write("body")
            }
            Route("/cookie") { handler in
                try handler.setCookie("a", "b")
                handler.write("body")
            }
            Route("/status") { handler in
                handler.setStatus(201)
                handler.write("body")
            }
            Route("/nonce") { $0.write($0.cspNonce) }
        }
        try await withApplication(site) { client in
            for path in ["/field", "/cookie", "/status", "/nonce"] {
                let own = try await client.get(path)
                let plain = try await client.get("/plain")
                #expect(plain.status == 200)
                #expect(plain["x-own"] == nil && plain["set-cookie"] == nil)
                #expect(plain["content-security-policy"]?.contains("nonce-") == false)
                switch path {
                case "/field": #expect(own["x-own"] == "1")
                case "/cookie": #expect(own["set-cookie"]?.hasPrefix("a=b") == true)
                case "/status": #expect(own.status == 201)
                default: #expect(own["content-security-policy"]?.contains("'nonce-\(own.text)'") == true)
                }
            }
        }
    }

    @Test func `each byte is as it should be, whatever was answered before`() async throws {
        let clock = TestClock()
        try await withServer(
            clock: clock,
            routes: {
                Route("/") { handler in
                    handler.setHeader("Content-Type", "text/plain")
                    handler.write("hello")
                }
                Route("/none") { $0.clearHeader("Content-Type") }
                Route("/empty") { $0.setHeader("Content-Type", "") }
            }
        ) { server in
            let client = try await server.client()
            let closing = "Host: h\r\nConnection: close\r\n"
            let requests =
                request("GET / HTTP/1.1") + request("GET / HTTP/1.1") + request("HEAD / HTTP/1.1")
                + request("GET / HTTP/1.0", "Connection: keep-alive\r\n") + request("GET /none HTTP/1.1")
                + request("GET /empty HTTP/1.1") + request("GET / HTTP/1.1", closing)
            try await client.send(requests)
            let answers = text(try await client.readToEnd())
            func head(_ type: String?, _ length: Int, _ connection: String? = nil) -> String {
                let date = answers.split(separator: "\r\n")[1]
                return "HTTP/1.1 200 OK\r\n\(date)\r\n" + (type.map { "Content-Type: \($0)\r\n" } ?? "")
                    + "X-Content-Type-Options: nosniff\r\nReferrer-Policy: strict-origin-when-cross-origin\r\n"
                    + "Content-Length: \(length)\r\n" + (connection.map { "Connection: \($0)\r\n" } ?? "") + "\r\n"
            }
            let plain = head("text/plain", 5)
            let expected = [
                plain + "hello", plain + "hello", plain, head("text/plain", 5, "keep-alive") + "hello", head(nil, 0),
                head("", 0), head("text/plain", 5, "close") + "hello",
            ]
            #expect(answers.hasPrefix("HTTP/1.1 200 OK\r\nDate: "))
            #expect(answers == expected.joined())
        }
    }

    @Test func `where heads depend on the route, each route has its own`() async throws {
        let cors = try CORS(origins: ["*"])
        let site = try Application {
            Route("/plain") { $0.write("a") }
            Route("/bare", options: .init(securityHeaders: .off)) { $0.write("a") }
            Route("/open", options: .init(cors: cors)) { $0.write("a") }
        }
        try await withApplication(site) { client in
            for _ in 0..<2 {
                for path in ["/plain", "/bare", "/open"] {
                    let response = try await client.get(path, headers: ["Origin": "https://a.example"])
                    #expect((response["x-content-type-options"] == nil) == (path == "/bare"))
                    #expect((response["access-control-allow-origin"] != nil) == (path == "/open"))
                }
            }
        }
    }
}
