import Squall
import Testing

@Suite struct ChunkedRequestTests {
    @Test(arguments: [
        ("5\r\nhello\r\n0\r\n\r\n", "hello"), ("0000005\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5;ext=1\r\nhello\r\n0;x=\"y z\"\r\n\r\n", "hello"), ("5;\r\nhello\r\n0\r\n\r\n", "hello"),
        ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"), ("a\r\n0123456789\r\n00\r\n\r\n", "0123456789"),
        ("1\r\n\r\r\n1\r\n\n\r\n0\r\n\r\n", "\r\n"), ("0\r\n\r\n", ""),
        ("3\r\nabc\r\n2\r\nde\r\n0\r\nFoo: bar\r\nBaz: x\r\n\r\n", "abcde"),
    ])
    func `chunks make a body`(_ chunks: String, _ body: String) async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send(Self.post(chunks) + request("GET /echo HTTP/1.1"))
            let responses = try await client.responses(2)
            #expect(responses[0].status == 200)
            #expect(responses[0].text == body)
            #expect(responses[1].text == "GET /echo /echo - HTTP/1.1 h\nHost=h\n")
        }
    }

    @Test func `chunks may come one byte at a time`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            for byte in raw(Self.post("5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n")) {
                try await client.send([byte])
            }
            #expect(try await client.response().text == "hello!")
        }
    }

    @Test(arguments: [
        "0x5", "+5", "-1", "5_0", "1_a", " 5", "5 ", "5\t", "g", "", "fffffffffffffffffffff", "\u{d9}\u{a5}",
        String(repeating: "0", count: 70) + "5", ";ext", "5\r", "5;a\u{0}b",
    ])
    func `a malformed size is answered 400`(_ size: String) async throws {
        try await refuses("\(size)\r\nhello\r\n0\r\n\r\n")
    }

    @Test(arguments: [
        "5\nhello\n0\n\n", "5\r\nhelloXX0\r\n\r\n", "5\r\nhello\r\n0\r\nXX", "5\r\nhello\r\n0\r\nXX\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\n", "5\r\nhello\r\n0\r\nA : b\r\n\r\n",
        "5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n", "5\r\nhello\r\r\n",
    ])
    func `malformed framing round chunks is answered 400`(_ body: String) async throws {
        try await refuses(body)
    }

    @Test func `extensions are bounded`() async throws {
        try await refuses("5;" + String(repeating: "a", count: 5_000) + "\r\nhello\r\n0\r\n\r\n")
    }

    @Test func `trailers are bounded in bytes and in number`() async throws {
        try await refuses("0\r\nA: " + String(repeating: "a", count: 9_000) + "\r\n\r\n", status: 431)
        try await refuses("0\r\n" + String(repeating: "A: b\r\n", count: 129) + "\r\n", status: 431)
    }

    @Test func `trailers are not merged into the fields`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send(
                request(
                    "POST /echo HTTP/1.1", "Host: h\r\nTransfer-Encoding: chunked\r\n",
                    "2\r\nhi\r\n0\r\nX-Late: 1\r\nHost: evil\r\nContent-Length: 7\r\n\r\n"))
            let response = try await client.response()
            #expect(response.text == "POST /echo /echo - HTTP/1.1 h\nHost=h\nTransfer-Encoding=chunked\nhi")
        }
    }

    @Test func `the limit of bodies holds for chunks, over all of them`() async throws {
        try await withEchoServer({ $0.limits.bodyBytes = 10 }) { server in
            let fits = try await server.ask(Self.post("6\r\nabcdef\r\n4\r\nghij\r\n0\r\n\r\n"))
            #expect(fits.text == "abcdefghij")
            let responses = try await server.converse(Self.post("6\r\nabcdef\r\n5\r\nghijk\r\n0\r\n\r\n"))
            #expect(responses.map(\.status) == [413])
            for size in ["b", "ffffffffffff", "8000000000000000", "ffffffffffffffff"] {
                let announced = try await server.converse(Self.post("\(size)\r\n"))
                #expect(announced.map(\.status) == [413])
            }
        }
    }

    @Test func `many chunks of one byte are a body, or refused, and never a hang`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            let chunks = String(repeating: "1\r\nx\r\n", count: 20_000)
            try await client.send(Self.post(chunks + "0\r\n\r\n"))
            let response = try await client.response()
            #expect(response.status == 400 || response.body.count == 20_000)
        }
    }

    static func post(_ chunks: String) -> String {
        request("POST / HTTP/1.1", "Host: h\r\nTransfer-Encoding: chunked\r\n", chunks)
    }

    private func refuses(_ body: String, status: Int = 400) async throws {
        try await withEchoServer { server in
            let responses = try await server.converse(Self.post(body) + request("GET / HTTP/1.1"))
            #expect(responses.map(\.status) == [status])
            #expect(responses.first?["connection"] == "close")
        }
    }
}
