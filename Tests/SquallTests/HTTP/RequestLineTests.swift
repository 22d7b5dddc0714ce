import Testing

@Suite struct RequestLineTests {
    @Test(arguments: [
        "asdf", "GET /", "GET / HTTP/1.10", "GET / http/1.1", "GET / HTTP/1.1 ", "GET  / HTTP/1.1", "GET\t/\tHTTP/1.1",
        " GET / HTTP/1.1", "GET /\0 HTTP/1.1", "FOO,BAR / HTTP/1.1", "GET /#x HTTP/1.1", "GET x HTTP/1.1",
        "GET * HTTP/1.1", "GET /\u{1} HTTP/1.1", "GET / HTTP/1.1\u{b}", "GET / HTTP/a.b",
    ])
    func `a malformed request line is answered 400 and the connection closes`(_ line: String) async throws {
        try await withEchoServer { server in
            let responses = try await server.converse(request(line))
            #expect(responses.map(\.status) == [400])
            #expect(responses.first?["connection"] == "close")
        }
    }

    @Test(arguments: ["HTTP/2.0", "HTTP/3.1", "HTTP/0.9"])
    func `another major version is answered 505 and the connection closes`(_ version: String) async throws {
        try await withEchoServer { server in
            let responses = try await server.converse(request("GET / \(version)"))
            #expect(responses.map(\.status) == [505])
        }
    }

    @Test func `a later minor version is served as HTTP 1 1`() async throws {
        try await withEchoServer { server in
            let response = try await server.ask(request("GET / HTTP/1.2"))
            #expect(response.status == 200)
            #expect(response.version == "HTTP/1.1")
            #expect(response["connection"] == nil)
        }
    }

    @Test func `a malformed request line is told to the client and holds none of its bytes`() async throws {
        try await withEchoServer { server in
            let response = try await server.ask(request("<script> / HTTP/1.1"))
            #expect(response.status == 400)
            #expect(response.text.contains("the method is not a token"))
            #expect(!response.text.contains("script"))
        }
    }

    @Test(arguments: ["\u{e9}", "\u{80}", "\u{ff}"])
    func `a byte over 127 in the target is answered, and not by closing`(_ byte: String) async throws {
        try await withEchoServer { server in
            let response = try await server.ask(request("GET /\(byte) HTTP/1.1"))
            #expect(response.status == 400 || response.status == 404)
        }
    }

    @Test(arguments: ["FOO", "get", "M-SEARCH", "PROPFIND"])
    func `an unknown method is answered 501 and the connection goes on`(_ method: String) async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send(request("\(method) / HTTP/1.1"))
            #expect(try await client.response().status == 501)
            try await client.send(request("GET / HTTP/1.1"))
            #expect(try await client.response().status == 200)
        }
    }

    @Test func `an absolute target works and its authority overrides Host`() async throws {
        try await withEchoServer { server in
            let response = try await server.ask(request("GET http://other:81/echo?q=1 HTTP/1.1"))
            #expect(response.status == 200)
            #expect(response.text.hasPrefix("GET http://other:81/echo?q=1 /echo q=1 HTTP/1.1 other:81\n"))
            let root = try await server.ask(request("GET http://other HTTP/1.1"))
            #expect(root.status == 200)
        }
    }

    @Test func `OPTIONS of the asterisk is answered 204`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send(request("OPTIONS * HTTP/1.1"))
            let response = try await client.response()
            #expect(response.status == 204)
            #expect(response["content-length"] == nil)
            try await client.send(request("GET / HTTP/1.1"))
            #expect(try await client.response().status == 200)
        }
    }

    @Test func `CONNECT is answered 501 and the connection closes`() async throws {
        try await withEchoServer { server in
            let responses = try await server.converse(request("CONNECT h:1 HTTP/1.1", "Host: h:1\r\n"))
            #expect(responses.map(\.status) == [501])
        }
    }

    @Test func `one empty line before the request is tolerated`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send("\r\n" + request("GET / HTTP/1.1"))
            #expect(try await client.response().status == 200)
            try await client.send("\r\n" + request("GET / HTTP/1.1"))
            #expect(try await client.response().status == 200)
        }
    }

    @Test func `two empty lines before the request are answered 400`() async throws {
        try await withEchoServer { server in
            let responses = try await server.converse("\r\n\r\n" + request("GET / HTTP/1.1"))
            #expect(responses.map(\.status) == [400])
        }
    }

    @Test func `a target longer than a header block is answered 414`() async throws {
        try await withEchoServer { server in
            let target = "/" + String(repeating: "a", count: 70_000)
            let responses = try await server.converse(request("GET \(target) HTTP/1.1"))
            #expect(responses.map(\.status) == [414])
        }
    }

    @Test func `a request may come one byte at a time`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            for byte in raw(request("GET /echo?a=b HTTP/1.1", "Host: h\r\nX-A: 1\r\n")) {
                try await client.send([byte])
            }
            let response = try await client.response()
            #expect(response.text == "GET /echo?a=b /echo a=b HTTP/1.1 h\nHost=h\nX-A=1\n")
        }
    }
}
