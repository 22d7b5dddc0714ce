import HTTPTypes
import Squall
import SquallIO
import Testing

@Suite struct SlowReaderTests {
    @Test func `a handler that streams to a client that does not read waits in flush`() async throws {
        let flushed = Counter()
        let total = 64 << 20
        try await withServer(
            { $0.limits.handlerDeadline = .seconds(600) },
            routes: {
                Route("/") { handler in
                    let piece = [UInt8](repeating: 120, count: 65_536)
                    for _ in 0..<total / piece.count {
                        handler.write(piece)
                        try await handler.flush()
                        flushed.add(piece.count)
                    }
                }
                Route("/other") { _ in }
            }
        ) { server in
            let client = try await server.client(receiveBuffer: 131_072)
            try await client.send(request("GET / HTTP/1.1"))
            try await quiesce(flushed, on: try await server.client())
            // The kernel's buffers and the server's own.
            #expect(flushed.value < 16 << 20)
            let response = try await client.response()
            #expect(response.body.count == total)
            #expect(response.body.allSatisfy { $0 == 120 })
            try await waitUntil("all is flushed") { flushed.value == total }
        }
    }

    @Test func `a large response that was written at once arrives whole at a slow reader`() async throws {
        let expected = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0) }
        try await withServer(routes: {
            Route("/") { handler in handler.write(expected) }
        }) { server in
            let client = try await server.client(receiveBuffer: 65_536)
            try await client.send(request("GET / HTTP/1.1") + request("GET / HTTP/1.1"))
            let responses = try await client.responses(2)
            #expect(responses.allSatisfy { $0.body == expected })
        }
    }

    @Test func `flush of one connection waits and that of another does not`() async throws {
        let stalled = Counter()
        try await withServer(routes: {
            Route("/stall") { handler in
                let piece = [UInt8](repeating: 120, count: 65_536)
                while true {
                    handler.write(piece)
                    try await handler.flush()
                    stalled.add()
                }
            }
            Route("/stream") { handler in
                for index in 0..<1_000 {
                    handler.write("\(index);")
                    try await handler.flush()
                }
            }
            Route("/other") { _ in }
        }) { server in
            let slow = try await server.client(receiveBuffer: 131_072)
            try await slow.send(request("GET /stall HTTP/1.1"))
            try await quiesce(stalled, on: try await server.client())
            let response = try await server.get("/stream")
            #expect(response.text == (0..<1_000).map { "\($0);" }.joined())
            slow.reset()
            try await waitUntil("the stalled handler is gone") { server.server.connectionCount <= 2 }
        }
    }
}
