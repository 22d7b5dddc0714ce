import HTTPTypes
import Squall
import SquallIO
import Testing

@Suite struct KeepAliveTests {
    @Test func `an HTTP 1 1 connection takes one request after another`() async throws {
        let ports = Trace()
        try await withServer(routes: {
            Route("/") { handler in
                ports("\(handler.request.remoteAddress.port ?? 0)")
                handler.write("hello")
            }
        }) { server in
            let client = try await server.client()
            for _ in 0..<100 {
                try await client.send(request("GET / HTTP/1.1"))
                let response = try await client.response()
                #expect(response.text == "hello")
                #expect(response["connection"] == nil)
            }
            #expect(Set(ports.all) == ["\(client.localPort)"])
        }
    }

    @Test(arguments: ["close", "Close", "keep-alive, close", "upgrade, close", "close, x", "x\r\nConnection: close"])
    func `the connection closes when the client says so`(_ value: String) async throws {
        try await withEchoServer { server in
            let responses = try await server.converse(
                request("GET / HTTP/1.1", "Host: h\r\nConnection: \(value)\r\n") + request("GET / HTTP/1.1"))
            #expect(responses.map(\.status) == [200])
            #expect(responses.first?["connection"] == "close")
        }
    }

    @Test(arguments: ["keep-alive", "closed", "not-close", "upgrade"])
    func `and does not when it says something else`(_ value: String) async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send(
                request("GET / HTTP/1.1", "Host: h\r\nConnection: \(value)\r\n") + request("GET / HTTP/1.1"))
            #expect(try await client.responses(2).map(\.status) == [200, 200])
        }
    }

    @Test func `an HTTP 1 0 connection closes after the response`() async throws {
        try await withEchoServer { server in
            let responses = try await server.converse(request("GET /echo HTTP/1.0", "") + request("GET / HTTP/1.0", ""))
            #expect(responses.map(\.status) == [200])
            #expect(responses[0].text == "GET /echo /echo - HTTP/1.0 -\n")
            #expect(responses[0]["connection"] == "close")
            #expect(responses[0]["transfer-encoding"] == nil)
        }
    }

    @Test func `an HTTP 1 0 connection stays when the client asks for it, and the response says so`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            for _ in 0..<3 {
                try await client.send(request("GET / HTTP/1.0", "Connection: Keep-Alive\r\n"))
                let response = try await client.response()
                #expect(response.status == 200)
                #expect(response["connection"] == "keep-alive")
            }
        }
    }

    @Test func `a streamed response to HTTP 1 0 ends with the connection`() async throws {
        try await withServer(routes: { Self.stream }) { server in
            for fields in ["", "Connection: keep-alive\r\n"] {
                let responses = try await server.converse(request("GET / HTTP/1.0", fields))
                #expect(responses.count == 1)
                #expect(responses[0].text == "onetwo")
                #expect(responses[0]["transfer-encoding"] == nil)
                #expect(responses[0]["connection"] == "close")
            }
        }
    }

    @Test func `a streamed response says that the connection closes, if it does`() async throws {
        try await withServer(routes: {
            Self.stream
            Route("/known") { handler in
                handler.setHeader("Content-Length", "6")
                handler.write("one")
                try await handler.flush()
                handler.write("two")
            }
        }) { server in
            for target in ["/", "/known"] {
                let responses = try await server.converse(
                    request("GET \(target) HTTP/1.1", "Host: h\r\nConnection: close\r\n"))
                #expect(responses.count == 1)
                #expect(responses[0].text == "onetwo")
                #expect(responses[0]["connection"] == "close")
            }
            let old = try await server.converse(request("GET /known HTTP/1.0", ""))
            #expect(old.first?["connection"] == "close")
            #expect(old.first?.text == "onetwo")
        }
    }

    @Test func `a streamed response of known length keeps an HTTP 1 0 connection`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.setHeader("Content-Length", "6")
                handler.write("one")
                try await handler.flush()
                handler.write("two")
            }
        }) { server in
            let client = try await server.client()
            for _ in 0..<2 {
                try await client.send(request("GET / HTTP/1.0", "Connection: keep-alive\r\n"))
                let response = try await client.response()
                #expect(response.text == "onetwo")
                #expect(response["connection"] == "keep-alive")
            }
        }
    }

    @Test func `a handler closes the connection with a field`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.setHeader("Connection", "close")
                handler.write("bye")
            }
        }) { server in
            let responses = try await server.converse(request("GET / HTTP/1.1") + request("GET / HTTP/1.1"))
            #expect(responses.map(\.text) == ["bye"])
            #expect(responses[0]["connection"] == "close")
        }
    }

    private static let stream = Route("/") { handler in
        handler.write("one")
        try await handler.flush()
        handler.write("two")
        try await handler.flush()
    }
}
