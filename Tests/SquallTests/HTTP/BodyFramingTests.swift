import HTTPTypes
import Squall
import Testing

@Suite struct BodyFramingTests {
    @Test(arguments: ["5", " 5 ", "05", "\t5", "0000000000000000000000000005"])
    func `a Content-Length that is a number frames the body`(_ value: String) async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send(request("POST / HTTP/1.1", "Host: h\r\nContent-Length:\(value)\r\n", "hello"))
            #expect(try await client.response().text == "hello")
            try await client.send(request("GET / HTTP/1.1"))
            #expect(try await client.response().status == 200)
        }
    }

    @Test(arguments: [
        "+5", "-5", "0x5", "5_0", "1_0", "5 5", "5.0", "1e1", "5;", "", "\u{d9}\u{a5}", "5,5", "5, 5", "5,6",
        "5\r\nContent-Length: 5", "5\r\nContent-Length: 6",
    ])
    func `any other Content-Length is answered 400 and nothing behind it is served`(_ value: String) async throws {
        try await refuses("Content-Length: \(value)\r\n", "hello", status: [400])
    }

    @Test(arguments: ["99999999999999999999", "104857601", "9223372036854775807", "18446744073709551616"])
    func `a Content-Length over the limit, or over any integer, is answered 413`(_ value: String) async throws {
        try await refuses("Content-Length: \(value)\r\n", "hello", status: [413])
    }

    @Test(arguments: ["chunked", "Chunked", "\tchunked", "CHUNKED "])
    func `Transfer-Encoding chunked frames the body`(_ value: String) async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send(
                request("POST / HTTP/1.1", "Host: h\r\nTransfer-Encoding:\(value)\r\n", "5\r\nhello\r\n0\r\n\r\n"))
            #expect(try await client.response().text == "hello")
            try await client.send(request("GET / HTTP/1.1"))
            #expect(try await client.response().status == 200)
        }
    }

    @Test(arguments: [
        "xchunked", "identity", "gzip, chunked", "chunked, identity", "chunked,", ",chunked", "\"chunked\"",
        "chunked;q=1", "", "\u{b}chunked", "\u{85}chunked", "\u{a0}chunked", "chunked\r\nTransfer-Encoding: chunked",
        "chunked\r\nContent-Length: 5", "chunked\r\nTransfer-Encoding: identity",
    ])
    func `any other Transfer-Encoding is refused and nothing behind it is served`(_ value: String) async throws {
        try await refuses("Transfer-Encoding: \(value)\r\n", "1\r\nZ\r\n0\r\n\r\n", status: [400, 501])
    }

    @Test func `Content-Length before Transfer-Encoding is refused too`() async throws {
        try await refuses("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", status: [400])
    }

    @Test func `Transfer-Encoding in HTTP 1 0 is refused`() async throws {
        try await withEchoServer { server in
            let responses = try await server.converse(
                request("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"))
            #expect(responses.map(\.status) == [400])
        }
    }

    @Test func `a request behind an empty body is a request of its own`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send(
                request("POST / HTTP/1.1", "Host: h\r\nContent-Length: 0\r\n") + request("GET /echo HTTP/1.1"))
            let responses = try await client.responses(2)
            #expect(responses.map(\.status) == [200, 200])
            #expect(responses[1].text.hasPrefix("GET /echo"))
        }
    }

    @Test func `a GET may have a body`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1", "Host: h\r\nContent-Length: 5\r\n", "hello"))
            #expect(try await client.response().text == "hello")
        }
    }

    @Test func `bytes behind the announced length are the next request, and refused if they are none`() async throws {
        try await withEchoServer { server in
            let responses = try await server.converse(
                request("POST / HTTP/1.1", "Host: h\r\nContent-Length: 3\r\n", "hello\r\n\r\n"))
            #expect(responses.map(\.status) == [200, 400])
            #expect(responses[0].text == "hel")
        }
    }

    @Test func `a body of the limit's size is accepted whole`() async throws {
        try await withEchoServer { server in
            let body = (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            let client = try await server.client()
            try await client.send(request("POST / HTTP/1.1", "Host: h\r\nContent-Length: 1048576\r\n"))
            try await client.send(body)
            #expect(try await client.response().body == body)
        }
    }

    @Test func `a body for a path that has no route is skipped`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send(request("POST /none HTTP/1.1", "Host: h\r\nContent-Length: 5\r\n", "hello"))
            #expect(try await client.response().status == 404)
            try await client.send(request("GET / HTTP/1.1"))
            #expect(try await client.response().status == 200)
        }
    }

    private func refuses(_ fields: String, _ body: String, status: [Int]) async throws {
        let served = Counter()
        try await withServer(routes: {
            Route("/", methods: [.get, .post]) { _ in served.add() }
        }) { server in
            let responses = try await server.converse(
                request("POST / HTTP/1.1", "Host: h\r\n" + fields, body) + request("GET / HTTP/1.1"))
            #expect(responses.count == 1)
            #expect(status.contains(responses.first?.status ?? 0))
            #expect(responses.first?["connection"] == "close")
            #expect(served.value == 0)
        }
    }
}
