import Logging
import Squall
import SquallIO
import Testing

@Suite struct ProxyProtocolTests {
    private func withProxy(
        trusting: String = "127.0.0.1", _ change: (inout Application.Settings) -> Void = { _ in },
        _ body: (TestServer) async throws -> Void
    ) async throws {
        let proxies = [try AddressRange(trusting), try AddressRange("5.5.5.5")]
        try await withServer(
            { settings in
                settings.trustedProxies = proxies
                settings.proxyProtocol = true
                change(&settings)
            },
            routes: {
                Route("/") { handler in
                    handler.write("\(handler.request.remoteAddress) \(handler.request.peerAddress.host)")
                }
            }, body)
    }

    private static let line = "PROXY TCP4 4.4.4.4 10.0.0.1 5678 80\r\n"
    private static let block =
        "\r\n\r\n\0\r\nQUIT\n\u{21}\u{11}\0\u{f}\u{4}\u{4}\u{4}\u{4}\u{0a}\0\0\u{1}\u{16}\u{2e}\0P\u{4}\0\0"
    private static let get = request("GET / HTTP/1.1")

    @Test(arguments: [
        (line, "4.4.4.4:5678 127.0.0.1"), (block, "4.4.4.4:5678 127.0.0.1"),
        ("PROXY TCP6 2620::3 ::1 5678 80\r\n", "[2620::3]:5678 127.0.0.1"),
        ("PROXY TCP6 ::ffff:4.4.4.4 ::1 5678 80\r\n", "4.4.4.4:5678 127.0.0.1"),
    ]) func `a trusted proxy says who its client is, for all requests of the connection`(
        header: String, answer: String
    ) async throws {
        try await withProxy { server in
            let client = try await server.client()
            try await client.send(header + Self.get + Self.get)
            let first = try await client.responses(2)
            #expect(first.map(\.text) == [answer, answer])
            try await client.send(Self.get)
            let third = try await client.response()
            #expect(third.text == answer)
        }
    }

    @Test func `a proxy that speaks for itself is the client`() async throws {
        try await withProxy { server in
            for header in ["PROXY UNKNOWN\r\n", "\r\n\r\n\0\r\nQUIT\n\u{20}\0\0\0", "\r\n\r\n\0\r\nQUIT\n\u{21}\0\0\0"]
            {
                let answer = try await server.ask(header + Self.get)
                #expect(answer.text.hasPrefix("127.0.0.1:") && answer.text.hasSuffix(" 127.0.0.1"))
            }
        }
    }

    @Test func `where the proxy names nobody, no fields are believed`() async throws {
        let forged = request(
            "GET / HTTP/1.1",
            "Host: h\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n"
                + "Forwarded: for=6.6.6.6;proto=https;host=evil\r\n")
        let proxies = [try AddressRange("127.0.0.1")]
        for fields in [[.xForwardedFor, .xForwardedProto, .xForwardedHost], .forwarded] as [ForwardedFields] {
            try await withServer(
                {
                    $0.trustedProxies = proxies
                    $0.proxyProtocol = true
                    $0.forwardedFields = fields
                },
                routes: {
                    Route("/") { handler in
                        let request = handler.request
                        handler.write("\(request.remoteAddress.host) \(request.fullURL) \(request.isSecure)")
                    }
                }
            ) { server in
                for header in [
                    "PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff:f...f:ffff 65535\r\n", "\r\n\r\n\0\r\nQUIT\n\u{20}\0\0\0",
                    "\r\n\r\n\0\r\nQUIT\n\u{21}\0\0\0",
                ] {
                    let client = try await server.client()
                    try await client.send(header + forged + forged)
                    let answers = try await client.responses(2)
                    #expect(answers.map(\.text) == ["127.0.0.1 http://h/ false", "127.0.0.1 http://h/ false"])
                    client.close()
                }
                // The proxy's own client is believed, being trusted, where it is named.
                let named = try await server.ask("PROXY TCP4 127.0.0.1 10.0.0.1 5678 80\r\n" + forged)
                #expect(named.text.hasPrefix("6.6.6.6 https://"))
            }
        }
    }

    @Test func `the header comes byte by byte`() async throws {
        try await withProxy { server in
            for header in [Self.line, Self.block] {
                let client = try await server.client()
                for byte in raw(header + Self.get) { try await client.send([byte]) }
                let answer = try await client.response()
                #expect(answer.text == "4.4.4.4:5678 127.0.0.1")
            }
        }
    }

    @Test(arguments: [
        get, "PROXY TCP4 4.4.4.4\r\n" + get, "PROXY UNKNOWN " + String(repeating: "a", count: 100) + "\r\n" + get,
        "\r\n\r\n\0\r\nQUIT\n\u{11}\u{11}\0\u{0c}" + get, "\r\n\r\n\0\r\nQUIT\n\u{21}\u{11}\u{ff}\u{ff}" + get,
        "\r\n" + get, "\0",
    ]) func `a trusted proxy that does not say it is closed, without an answer`(bytes: String) async throws {
        try await withProxy { server in
            let client = try await server.client()
            try await client.send(bytes)
            let answer = try await client.readToEnd()
            #expect(answer == [])
            let logged = server.log.messages(at: .info)
            #expect(logged.contains { $0.hasPrefix("closed a connection from the proxy 127.0.0.1: ") })
        }
    }

    @Test func `a second header is a malformed request`() async throws {
        try await withProxy { server in
            let answers = try await server.converse(Self.line + Self.line + Self.get)
            #expect(answers.map(\.status) == [400])
        }
    }

    @Test func `others are served as they are, and not believed`() async throws {
        try await withProxy(trusting: "9.9.9.9") { server in
            let plain = try await server.ask(Self.get)
            #expect(plain.text.hasPrefix("127.0.0.1:"))
            let forged = try await server.converse(Self.line + Self.get)
            #expect(forged.map(\.status) == [400])
        }
    }

    @Test func `it is off by default`() async throws {
        #expect(!Application.Settings().proxyProtocol)
        try await withProxy({ $0.proxyProtocol = false }) { server in
            let plain = try await server.ask(Self.get)
            #expect(plain.status == 200)
            let forged = try await server.converse(Self.line + Self.get)
            #expect(forged.map(\.status) == [400])
        }
    }

    @Test func `what the proxy's client forwards is believed if that client is trusted too`() async throws {
        let get = request("GET / HTTP/1.1", "Host: h\r\nX-Forwarded-For: 6.6.6.6\r\n")
        try await withProxy { server in
            let stranger = try await server.ask(Self.line + get)
            #expect(stranger.text == "4.4.4.4:5678 127.0.0.1")
            let proxy = try await server.ask("PROXY TCP4 5.5.5.5 10.0.0.1 5678 80\r\n" + get)
            #expect(proxy.text == "6.6.6.6:0 127.0.0.1")
        }
    }

    @Test func `it must be there within the time of a head`() async throws {
        try await withProxy({ $0.limits.headerTimeout = .milliseconds(200) }) { server in
            for part in ["", "PROXY TCP4 4", "\r\n\r\n\0\r\nQUIT\n\u{21}"] {
                let client = try await server.client()
                try await client.send(part)
                let answer = try await client.readToEnd()
                #expect(answer == [])
            }
        }
    }
}
