import HTTPTypes
import Squall
import Testing

/// An answer that comes before the request is whole, and is not lost to a reset.
@Suite struct LingeringCloseTests {
    @Test func `a large upload that is refused early still reads its 413`() async throws {
        try await withEchoServer { server in
            for _ in 0..<5 {
                let client = try await server.client()
                try await client.send(request("POST / HTTP/1.1", "Host: h\r\nContent-Length: 20000000\r\n"))
                try await client.send([UInt8](repeating: 65, count: 20_000_000))
                let responses = try await client.responsesToEnd()
                #expect(responses.map(\.status) == [413])
                client.close()
            }
        }
    }

    @Test func `a chunked upload that passes the limit on its way still reads its 413`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send(request("POST / HTTP/1.1", "Host: h\r\nTransfer-Encoding: chunked\r\n"))
            let chunk = raw("100000\r\n") + [UInt8](repeating: 65, count: 1 << 20) + raw("\r\n")
            for _ in 0..<10 { try await client.send(chunk) }
            let responses = try await client.responsesToEnd()
            #expect(responses.map(\.status) == [413])
        }
    }

    @Test func `a malformed request with much behind it still reads its 400`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send("nonsense\r\n\r\n")
            try await client.send([UInt8](repeating: 65, count: 10_000_000))
            let responses = try await client.responsesToEnd()
            #expect(responses.map(\.status) == [400])
        }
    }

    @Test func `a large answer that closes is read whole, whatever the client has sent besides`() async throws {
        let page = [UInt8](repeating: 120, count: 10_000_000)
        try await withServer(routes: {
            Route("/") { handler in handler.write(page) }
        }) { server in
            let client = try await server.client(receiveBuffer: 131_072)
            try await client.send(request("GET / HTTP/1.1", "Host: h\r\nConnection: close\r\n"))
            try await client.send([UInt8](repeating: 65, count: 100_000))
            let responses = try await client.responsesToEnd()
            #expect(responses.count == 1)
            #expect(responses.first?.body == page)
        }
    }

    @Test func `a client that goes on sending for ever is left`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send("nonsense\r\n\r\n")
            #expect(try await client.response().status == 400)
            let flood = Task {
                let piece = [UInt8](repeating: 65, count: 10_000)
                while !Task.isCancelled, (try? await client.send(piece)) != nil {
                    try? await Task.sleep(for: .milliseconds(1))
                }
            }
            try await waitUntil("the connection is gone") { server.server.connectionCount == 0 }
            flood.cancel()
            await flood.value
        }
    }
}
