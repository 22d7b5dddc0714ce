import Logging
import Squall
import SquallIO
import Testing

/// Who the client is, as far as trusted proxies tell.
@Suite struct ForwardedFieldTests {
    /// The answer says what the request looks like.
    private static func ask(
        _ fields: String, trusting: [String] = ["127.0.0.1", "5.5.5.5"], by: ForwardedFields? = nil,
        line: String = "GET /a%20b?c=d HTTP/1.1", host: String = "Host: h\r\n"
    ) async throws -> String {
        let ranges = try trusting.map(AddressRange.init)
        return try await withServer(
            {
                $0.trustedProxies = ranges
                if let by { $0.forwardedFields = by }
            },
            routes: {
                Route("/{path...}") { handler in
                    let request = handler.request
                    handler.write("\(request.remoteAddress.host) \(request.fullURL) \(request.peerAddress.host)")
                    handler.write(request.isSecure ? " secure" : "")
                }
            }
        ) { try await $0.ask(request(line, host + fields)).text }
    }

    private static func client(
        _ fields: String, trusting: [String] = ["127.0.0.1", "5.5.5.5"], by: ForwardedFields? = nil
    ) async throws -> String? {
        try await ask(fields, trusting: trusting, by: by).split(separator: " ").first.map(String.init)
    }

    @Test func `by default nobody is believed`() async throws {
        let everything =
            "X-Forwarded-For: 4.4.4.4\r\nX-Real-IP: 4.4.4.4\r\nX-Forwarded-Proto: https\r\nX-Scheme: https\r\n"
            + "X-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\nForwarded: for=4.4.4.4;proto=https;host=evil\r\n"
        #expect(try await Self.ask(everything, trusting: []) == "127.0.0.1 http://h/a%20b?c=d 127.0.0.1")
        // Neither is a peer that is none of the trusted.
        let all = ForwardedFields(rawValue: .max)
        #expect(
            try await Self.ask(everything, trusting: ["5.5.5.5", "::1", "unix"], by: all)
                == "127.0.0.1 http://h/a%20b?c=d 127.0.0.1")
        // What is not listed is not believed of a trusted one either.
        #expect(try await Self.ask(everything, by: []) == "127.0.0.1 http://h/a%20b?c=d 127.0.0.1")
        #expect(try await Self.ask(everything) == "4.4.4.4 https://h/a%20b?c=d 127.0.0.1 secure")
    }

    @Test(arguments: [
        ("X-Real-IP: 4.4.4.4", "4.4.4.4"),
        ("X-Forwarded-For: 127.0.0.1, 4.4.4.4", "4.4.4.4"),
        ("X-Forwarded-For: 127.0.0.1, 4.4.4.4, 5.5.5.5", "4.4.4.4"),
        ("X-Forwarded-For: ::1, 2620:0:1cfe:face:b00c::3", "2620:0:1cfe:face:b00c::3"),
        ("X-Forwarded-For: 4.4.4.4<script>", "127.0.0.1"),
        ("X-Forwarded-For: 4.4.4.4, 5.5.5.5<script>", "127.0.0.1"),
        ("X-Forwarded-For: www.google.com", "127.0.0.1"),
        ("X-Real-IP: 4.4.4.4<script>", "127.0.0.1"),
        ("X-Real-IP: www.google.com", "127.0.0.1"),
        // The client wrote all that stands left of what the proxy added.
        ("X-Forwarded-For: <script>, 4.4.4.4", "4.4.4.4"),
        ("X-Forwarded-For: <script>, 5.5.5.5", "127.0.0.1"),
        ("X-Forwarded-For: 4.4.4.4\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 5.5.5.5", "6.6.6.6"),
        ("X-Forwarded-For: 4.4.4.4:1234", "4.4.4.4"),
        ("X-Forwarded-For: [2620::3]:1234", "2620::3"),
        ("X-Forwarded-For: ::ffff:4.4.4.4", "4.4.4.4"),
        ("X-Forwarded-For: 4.4.4.4, ::ffff:5.5.5.5", "4.4.4.4"),
        // All are trusted: the first of them asked.
        ("X-Forwarded-For: 127.0.0.1, 5.5.5.5", "127.0.0.1"),
        ("X-Forwarded-For: 5.5.5.5, 127.0.0.1", "5.5.5.5"),
        ("X-Forwarded-For:", "127.0.0.1"), ("X-Forwarded-For: ,", "127.0.0.1"),
        ("X-Forwarded-For: 4.4.4.4,", "127.0.0.1"),
        ("X-Forwarded-For: unknown", "127.0.0.1"), ("X-Forwarded-For: _hidden", "127.0.0.1"),
        ("X-Real-IP: 4.4.4.4\r\nX-Forwarded-For: 6.6.6.6", "4.4.4.4"),
        ("X-Real-IP: nonsense\r\nX-Forwarded-For: 6.6.6.6", "127.0.0.1"),
        ("X-Real-IP: 4.4.4.4, 6.6.6.6", "127.0.0.1"), ("X-Real-IP: 4.4.4.4\r\nX-Real-IP: 6.6.6.6", "127.0.0.1"),
    ]) func `the client is the last that is no trusted proxy`(fields: String, client: String) async throws {
        #expect(try await Self.client("\(fields)\r\n", by: .tornado) == client)
    }

    @Test func `peers are trusted by range, and a header list at its limit is read`() async throws {
        #expect(try await Self.client("X-Forwarded-For: 4.4.4.4\r\n", trusting: ["127.0.0.0/8"]) == "4.4.4.4")
        #expect(try await Self.client("X-Forwarded-For: 4.4.4.4\r\n", trusting: ["::ffff:127.0.0.0/104"]) == "4.4.4.4")
        let list = "4.4.4.4" + String(repeating: ",5.5.5.5", count: 8_000)
        #expect(try await Self.client("X-Forwarded-For: \(list)\r\n") == "4.4.4.4")
    }

    @Test(arguments: [
        ("X-Forwarded-Proto: https , http", "http"), ("X-Forwarded-Proto: http, https", "https"),
        ("X-Forwarded-Proto: HTTPS", "https"), ("X-Forwarded-Proto: ftp", "http"),
        ("X-Forwarded-Proto: https<", "http"),
        ("X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http", "http"), ("X-Forwarded-Proto:", "http"),
        ("X-Scheme: https", "https"), ("X-Scheme: http\r\nX-Forwarded-Proto: https", "http"),
        ("X-Scheme: nonsense\r\nX-Forwarded-Proto: https", "http"),
    ]) func `the scheme is http or https`(fields: String, scheme: String) async throws {
        let answer = try await Self.ask("\(fields)\r\n", by: .tornado)
        #expect(
            answer == "127.0.0.1 \(scheme)://h/a%20b?c=d 127.0.0.1\(scheme == "https" ? " secure" : "")")
    }

    @Test(arguments: [
        ("X-Forwarded-Host: a.example", "http://a.example"), ("X-Forwarded-Host: a.example:81", "http://a.example:81"),
        ("X-Forwarded-Host: evil, a.example", "http://a.example"), ("X-Forwarded-Host: a<b", "http://h"),
        ("X-Forwarded-Host: a/b", "http://h"), ("X-Forwarded-Host:", "http://h"), ("X-Forwarded-Host: a@b", "http://h"),
        ("X-Forwarded-Port: 81", "http://h:81"), ("X-Forwarded-Port: 80", "http://h"),
        ("X-Forwarded-Port: 0", "http://h"),
        ("X-Forwarded-Port: 65536", "http://h"), ("X-Forwarded-Port: +1", "http://h"),
        ("X-Forwarded-Port: x", "http://h"),
        ("X-Forwarded-Port: 443\r\nX-Forwarded-Proto: https", "https://h"),
        ("X-Forwarded-Port: 80\r\nX-Forwarded-Proto: https", "https://h:80"),
        ("X-Forwarded-Host: a:1\r\nX-Forwarded-Port: 2", "http://a:2"),
        ("X-Forwarded-Host: [::1]\r\nX-Forwarded-Port: 2", "http://[::1]:2"),
        ("X-Forwarded-Host: [::1]:3\r\nX-Forwarded-Port: 2", "http://[::1]:2"),
    ]) func `host and port are those that the client asked for`(fields: String, origin: String) async throws {
        let answer = try await Self.ask(
            "\(fields)\r\n", by: [.xForwardedHost, .xForwardedPort, .xForwardedProto])
        #expect(answer.contains(" \(origin)/a%20b?c=d "))
    }

    @Test(arguments: [
        ("Forwarded: for=4.4.4.4;proto=https;host=a.example", "4.4.4.4 https://a.example"),
        ("Forwarded: FOR=\"[2620::3]:99\"; Host=\"a.example:8443\"", "2620::3 http://a.example:8443"),
        ("Forwarded: for=\"4.4.4.4:99\"", "4.4.4.4 http://h"),
        ("Forwarded: for=6.6.6.6;proto=https, for=4.4.4.4;proto=http", "4.4.4.4 http://h"),
        // What the first trusted proxy was asked, not the second.
        ("Forwarded: for=4.4.4.4;proto=https;host=a, for=5.5.5.5;proto=http;host=b", "4.4.4.4 https://a"),
        ("Forwarded: for=4.4.4.4;proto=https;host=a\r\nForwarded: for=5.5.5.5;host=b", "4.4.4.4 https://a"),
        // The proxy is the client where the client is hidden; what else the proxy says is believed.
        ("Forwarded: for=unknown;proto=https", "127.0.0.1 https://h"),
        ("Forwarded: for=_hidden;host=a", "127.0.0.1 http://a"),
        ("Forwarded: for=4.4.4.4, for=_hidden", "127.0.0.1 http://h"),
        ("Forwarded: for=4.4.4.4, proto=https", "127.0.0.1 https://h"),
        ("Forwarded: for=4.4.4.4<script>", "127.0.0.1 http://h"),
        ("Forwarded: for=4.4.4.4;proto=https, for=", "127.0.0.1 http://h"),
        ("Forwarded: for=4.4.4.4;proto=gopher;host=\"a/b\"", "4.4.4.4 http://h"),
        // The client wrote what stands left of the proxy's own element, and cannot void it.
        ("Forwarded: for=\", for=4.4.4.4;proto=https", "4.4.4.4 https://h"),
        ("Forwarded: for=\", for=\"[2620::3]\";host=\"a\"", "2620::3 http://a"),
        ("Forwarded: for=\"\r\nForwarded: for=4.4.4.4;proto=https", "4.4.4.4 https://h"),
        ("Forwarded: for=6.6.6.6;host=\"\r\nForwarded: for=4.4.4.4;host=\"a\"", "4.4.4.4 http://a"),
        ("Forwarded: for=<script>, for=4.4.4.4, for=5.5.5.5", "4.4.4.4 http://h"),
        ("Forwarded: for=6.6.6.6;proto=https, <, for=5.5.5.5;proto=http", "5.5.5.5 http://h"),
        ("Forwarded: for=6.6.6.6\r\nForwarded: <\r\nForwarded: for=5.5.5.5;proto=https", "5.5.5.5 https://h"),
        ("Forwarded: for=6.6.6.6;proto=https\r\nForwarded: \"", "127.0.0.1 http://h"),
        ("Forwarded: for=2620::3", "127.0.0.1 http://h"), ("Forwarded:", "127.0.0.1 http://h"),
        // It alone counts where it is there.
        ("Forwarded: for=4.4.4.4\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https", "4.4.4.4 http://h"),
        ("Forwarded: nonsense\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https", "127.0.0.1 http://h"),
        ("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b", "6.6.6.6 https://b"),
    ]) func `Forwarded goes before the others`(fields: String, start: String) async throws {
        let answer = try await Self.ask("\(fields)\r\n", by: ForwardedFields(rawValue: .max))
        #expect(answer.hasPrefix("\(start)/a%20b?c=d 127.0.0.1"), "\(answer)")
    }

    @Test func `the full URL of each form of target`() async throws {
        #expect(try await Self.ask("", line: "GET http://o:1/p?q HTTP/1.1").contains(" http://o:1/p?q "))
        #expect(try await Self.ask("", line: "GET /p HTTP/1.0", host: "").contains(" http://127.0.0.1/p "))
        #expect(try await Self.ask("", host: "Host:\r\n").contains(" http://127.0.0.1/a%20b?c=d "))
    }

    @Test func `a believed host chooses the route`() async throws {
        let host = try HostPattern("{tenant}.example")
        let proxies = [try AddressRange("127.0.0.1")]
        try await withServer(
            {
                $0.trustedProxies = proxies
                $0.forwardedFields = .xForwardedHost
            },
            routes: { Route("/", options: .init(host: host)) { $0.write($0.hostArgument("tenant") ?? "-") } }
        ) { server in
            let plain = try await server.get("/")
            #expect(plain.status == 404)
            let forwarded = try await server.get("/", "X-Forwarded-Host: blue.example\r\n")
            #expect(forwarded.text == "blue")
        }
    }

    @Test func `the access log has the client that is believed`() async throws {
        let access = LogRecorder()
        let proxies = [try AddressRange("127.0.0.1")]
        try await withServer(
            {
                $0.accessLogger = access.logger()
                $0.trustedProxies = proxies
            }, routes: { Route("/") { _ in } }
        ) { server in
            _ = try await server.get("/", "X-Forwarded-For: 4.4.4.4\r\n")
            _ = try await server.get("/", "X-Forwarded-For: 2620::3\r\n")
            _ = try await server.get("/", "X-Forwarded-For: 4.4.4.4:5\r\n")
            try await waitUntil("all lines are there") { access.entries.count == 3 }
            #expect(Set(access.entries.compactMap { $0.metadata["remote"] }) == ["4.4.4.4", "2620::3", "4.4.4.4:5"])
        }
    }
}
