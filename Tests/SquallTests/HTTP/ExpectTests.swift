import HTTPTypes
import Squall
import Testing

@Suite struct ExpectTests {
    @Test(arguments: ["100-continue", "100-Continue", "100-CONTINUE"])
    func `100 Continue is sent before the body is waited for`(_ expectation: String) async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send(Self.head(5, expectation))
            let interim = try await client.response()
            #expect(interim.status == 100)
            #expect(interim.headers.isEmpty)
            try await client.send("hello")
            #expect(try await client.response().text == "hello")
        }
    }

    @Test func `100 Continue is not sent to a client that sends its body at once`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send(Self.head(5, "100-continue") + "hello")
            #expect(try await client.response().text == "hello")
        }
    }

    @Test func `100 Continue is sent for chunks too`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send(
                request("POST / HTTP/1.1", "Host: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n"))
            #expect(try await client.response().status == 100)
            try await client.send("5\r\nhello\r\n0\r\n\r\n")
            #expect(try await client.response().text == "hello")
        }
    }

    @Test func `a body that is too large is refused without 100 Continue`() async throws {
        try await withEchoServer { server in
            let responses = try await server.converse(Self.head(1 << 30, "100-continue"))
            #expect(responses.map(\.status) == [413])
        }
    }

    @Test(arguments: ["foo", "100-continue, foo", "200-ok"])
    func `another expectation is answered 417`(_ expectation: String) async throws {
        try await withEchoServer { server in
            let responses = try await server.converse(Self.head(5, expectation))
            #expect(responses.map(\.status) == [417])
        }
    }

    @Test func `an expectation in HTTP 1 0 is ignored`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send(request("POST / HTTP/1.0", "Content-Length: 5\r\nExpect: 100-continue\r\n"))
            try await client.send("hello")
            let responses = try await client.responsesToEnd()
            #expect(responses.map(\.status) == [200])
        }
    }

    @Test func `a streaming route sends 100 Continue when its handler reads, and not before`() async throws {
        let gate = Gate()
        try await withServer(routes: {
            Route("/", methods: [.post], options: .init(streamsBody: true)) { handler in
                try await gate.wait()
                for try await chunk in handler.body { handler.write(chunk) }
            }
            Route("/refuse", methods: [.post], options: .init(streamsBody: true)) { _ in throw HTTPError(403) }
        }) { server in
            let client = try await server.client()
            try await client.send(Self.head(5, "100-continue"))
            try await waitUntil("the handler waits") { gate.waitingCount == 1 }
            gate.open()
            #expect(try await client.response().status == 100)
            try await client.send("hello")
            #expect(try await client.response().text == "hello")

            let refused = try await server.client()
            try await refused.send(Self.head(5, "100-continue", target: "/refuse"))
            #expect(try await refused.response().status == 403)
        }
    }

    static func head(_ length: Int, _ expectation: String, target: String = "/") -> String {
        request("POST \(target) HTTP/1.1", "Host: h\r\nContent-Length: \(length)\r\nExpect: \(expectation)\r\n")
    }
}
