import Squall
import Testing

@Suite struct HeaderBlockTests {
    @Test(arguments: [
        "", "Host: a\r\nHost: b\r\n", "Host: a, b\r\n", "Host: foo bar\r\n", "Host: a/b\r\n", "Host: u@h\r\n",
        "Host: h\u{80}\r\n", "Host: h%zz\r\n", "Host: h:99999999\r\n", "Host: h:x\r\n", "Host: h\r\nhost: h\r\n",
    ])
    func `a missing, repeated or malformed Host is answered 400`(_ fields: String) async throws {
        try await refuses(request("GET / HTTP/1.1", fields))
    }

    @Test(arguments: [
        "Foo : bar", "Foo", ":bar", "F\u{c3}\u{b6}o: x", "Fo(o: b", "Foo\t: bar", "Transfer-Encoding : chunked",
        "Content-Length : 5", "Fo\0o: b",
    ])
    func `a malformed field line is answered 400`(_ line: String) async throws {
        try await refuses(request("GET / HTTP/1.1", "Host: h\r\n\(line)\r\n"))
    }

    @Test(arguments: [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 27, 30, 31, 127] as [UInt8])
    func `a control character in a value is answered 400`(_ byte: UInt8) async throws {
        try await refuses(request("GET / HTTP/1.1", "Host: h\r\nFoo: a\(text([byte]))b\r\n"))
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: h\r\nFoo: a\r\n b\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nFoo: a\r\n\tb\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: h\r\n\r\n", "GET / HTTP/1.1\r\n\tHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n",
    ])
    func `a folded line is answered 400`(_ bytes: String) async throws {
        try await refuses(bytes)
    }

    @Test(arguments: [
        "GET / HTTP/1.1\nHost: h\n\n", "GET / HTTP/1.1\r\nHost: h\n\r\n", "GET / HTTP/1.1\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n\n", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    ])
    func `a line that ends in LF alone is answered 400`(_ bytes: String) async throws {
        try await refuses(bytes)
    }

    @Test(arguments: [
        "GET / HTTP/1.1\rHost: h\r\r", "GET / HTTP/1.1\r\nHost: h\r\r\n\r\n", "GET / HTTP/1.1\r\nFoo: a\rb\r\n",
        "\rGET / HTTP/1.1\r\n",
    ])
    func `a CR without LF is answered 400 at once, without the rest of the head`(_ bytes: String) async throws {
        try await refuses(bytes)
    }

    @Test func `bytes over 127 in a value are handed on as they are`() async throws {
        let name = "Foo"
        try await withServer(routes: {
            Route("/") { handler in
                // As Latin-1 or as UTF-8 is the application's to say; that it can see the value is not.
                handler.write("\(handler.request.header("foo")?.isEmpty ?? true)")
            }
        }) { server in
            let response = try await server.get("/", "\(name): \u{80}\u{ff}\u{e9}\r\n")
            #expect(response.status == 200)
            #expect(response.text == "false")
        }
    }

    @Test func `blanks round a value are spaces and tabs only, and are dropped`() async throws {
        try await withEchoServer { server in
            let response = try await server.get("/echo", "A:bar\r\nB:\tbar \t\r\nC: a \t b\r\nD:\r\nE: \r\n")
            #expect(response.text.contains("A=bar\nB=bar\nC=a \t b\nD=\nE=\n"))
            // U+0085 and U+00A0 are blanks to Unicode and bytes of the value here.
            let other = try await server.get("/echo", "A: \u{c2}\u{85}x\u{c2}\u{a0}\r\n")
            #expect(other.text.contains("A=\u{c2}\u{85}x\u{c2}\u{a0}\n"))
        }
    }

    @Test func `an empty Host is accepted`() async throws {
        try await withEchoServer { server in
            let response = try await server.ask(request("GET / HTTP/1.1", "Host:\r\n"))
            #expect(response.status == 200)
        }
    }

    @Test func `names keep their spelling and are found whatever it is`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.write(
                    "\(handler.request.header("x-thing") ?? "-") \(handler.request.header("x-other") ?? "-") ")
                handler.write(handler.request.headerLines.map(\.name).joined(separator: ","))
            }
        }) { server in
            let response = try await server.get("/", "X-ThInG: 1\r\nx-thing: 2\r\n")
            #expect(response.text == "1 - Host,X-ThInG,x-thing")
        }
    }

    @Test func `a header block of 70,000 bytes is answered 431`() async throws {
        try await withEchoServer { server in
            let field = "A: " + String(repeating: "b", count: 70_000) + "\r\n"
            let responses = try await server.converse(request("GET / HTTP/1.1", "Host: h\r\n" + field))
            #expect(responses.map(\.status) == [431])
        }
    }

    @Test func `ten thousand fields are answered 431`() async throws {
        try await withEchoServer { server in
            let fields = String(repeating: "A: b\r\n", count: 10_000)
            let responses = try await server.converse(request("GET / HTTP/1.1", "Host: h\r\n" + fields))
            #expect(responses.map(\.status) == [431])
        }
    }

    @Test func `nothing after a refused head is taken for a request`() async throws {
        let served = Counter()
        try await withServer(routes: {
            Route("/") { _ in served.add() }
        }) { server in
            let good = request("GET / HTTP/1.1")
            let responses = try await server.converse(request("GET / HTTP/1.1", "Foo : bar\r\n") + good + good)
            #expect(responses.map(\.status) == [400])
            #expect(served.value == 0)
        }
    }

    private func refuses(_ bytes: String) async throws {
        try await withEchoServer { server in
            let responses = try await server.converse(bytes)
            #expect(responses.map(\.status) == [400])
            #expect(responses.first?["connection"] == "close")
        }
    }
}
