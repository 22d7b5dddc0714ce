import HTTPTypes
import Squall
import SquallIO
import SquallTesting
import Synchronization
import Testing

private let transports: [TestTransport] = [.inProcess, .overSocket]

@Suite struct StreamTests {
    @Test(arguments: transports) func `a body is written in pieces, each when the test likes`(
        _ transport: TestTransport
    ) async throws {
        let pieces = Steps()
        let application = try site {
            Route("/upload", methods: [.post], options: .init(streamsBody: true)) { handler in
                for try await piece in handler.body { pieces(String(decoding: piece, as: UTF8.self)) }
                handler.write("\(pieces.all.count) pieces")
            }
        }
        try await withApplication(application, transport) { client in
            for fields in [["Transfer-Encoding": "chunked"], ["Content-Length": "6"]] {
                let before = pieces.all.count
                let upload = try await client.start(.post, "/upload", headers: fields)
                try await upload.write("one")
                try await waitUntil("the first piece is read") { pieces.all.count == before + 1 }
                try await upload.write("two")
                try await waitUntil("the second piece is read") { pieces.all.count == before + 2 }
                #expect(try await upload.response().text == "\(before + 2) pieces")
            }
            #expect(pieces.all == ["one", "two", "one", "two"])
        }
    }

    @Test(arguments: transports) func `a response is read in pieces as they come`(_ transport: TestTransport)
        async throws
    {
        let gate = Gate()
        let application = try site {
            Route("/events") { handler in
                handler.write("one")
                try await handler.flush()
                try await gate.wait()
                handler.write("two")
                try await handler.flush()
            }
        }
        try await withApplication(application, transport) { client in
            let events = try await client.stream(.get, "/events")
            #expect(try await events.head().status == .ok)
            #expect(try await events.read() == Array("one".utf8))
            gate.open()
            var rest: [String] = []
            for try await piece in events.body { rest.append(String(decoding: piece, as: UTF8.self)) }
            #expect(rest == ["two"])
            // The connection goes on, as the response has come to its end.
            #expect(try await client.get("/").text == "hello")
        }
    }

    @Test(arguments: transports) func `a test that does not read holds the server back`(_ transport: TestTransport)
        async throws
    {
        let flushed = Count()
        let total = 64
        let application = try site {
            Route("/large") { handler in
                for _ in 0..<total {
                    handler.write([UInt8](repeating: 120, count: 1 << 20))
                    try await handler.flush()
                    flushed.add()
                }
            }
        }
        try await withApplication(application, transport) { client in
            let large = try await client.stream(.get, "/large")
            // As long as it takes others to come and go.
            for _ in 0..<100 { #expect(try await client.another().get("/").text == "hello") }
            #expect(flushed.value < total / 2)
            var size = 0
            for try await piece in large.body { size += piece.count }
            #expect(size == total << 20)
        }
    }

    @Test(arguments: transports) func `a disconnect in the midst of a response is seen by the handler`(
        _ transport: TestTransport
    ) async throws {
        let (steps, gate) = (Steps(), Gate())
        let application = try site { Route("/wait") { Waiting(steps, gate) } }
        try await withApplication(application, transport) { client in
            for isReset in [false, true] {
                let request = try await client.stream(.get, "/wait")
                try await gate.waitForArrival()
                if isReset { await request.reset() } else { await request.disconnect() }
                try await request.handlerEnded()
                try await waitUntil("the connection is gone") { client.server.connectionCount == 0 }
            }
            #expect(steps.all == ["cancelled", "closed", "cancelled", "closed"])
        }
    }

    private final class Waiting: RequestHandler {
        let steps: Steps
        let gate: Gate
        init(_ steps: Steps, _ gate: Gate) {
            self.steps = steps
            self.gate = gate
        }

        override func get() async throws {
            write("part")
            try await flush()
            do { try await gate.wait() } catch {
                steps("cancelled")
                throw error
            }
        }
        override func onConnectionClose() { steps("closed") }
    }

    @Test(arguments: transports) func `a disconnect in the midst of a request is seen by the handler`(
        _ transport: TestTransport
    ) async throws {
        let steps = Steps()
        let application = try site {
            Route("/upload", methods: [.post], options: .init(streamsBody: true)) { handler in
                steps("began")
                do { for try await _ in handler.body {} } catch {
                    steps("\(type(of: error))")
                    throw error
                }
            }
        }
        try await withApplication(application, transport) { client in
            let upload = try await client.start(.post, "/upload", headers: ["Content-Length": "100"])
            try await upload.write("part")
            try await waitUntil("the handler has begun") { steps.all == ["began"] }
            await upload.disconnect()
            try await upload.handlerEnded()
            #expect(steps.all == ["began", "StreamClosedError"])
        }
    }

    @Test(arguments: transports) func `a client that ends its side reads on`(_ transport: TestTransport) async throws {
        try await withApplication(try site(), transport) { client in
            let raw = try await client.raw()
            try await raw.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let request = try await client.start(.get, "/")
            raw.halfClose()
            request.halfClose()
            #expect(try await raw.responsesToEnd().map(\.text) == ["hello"])
            #expect(try await request.response().text == "hello")
        }
    }

    @Test(arguments: transports) func `raw bytes may hold several requests, and what is none`(
        _ transport: TestTransport
    ) async throws {
        try await withApplication(try site(), transport) { client in
            let raw = try await client.raw()
            try await raw.send(String(repeating: "GET / HTTP/1.1\r\nHost: h\r\n\r\n", count: 3) + "nonsense\r\n\r\n")
            #expect(try await raw.responsesToEnd().map(\.status) == [200, 200, 200, 400])
            await #expect(throws: ClientError.self) { try await raw.send("\u{20ac}") }
        }
    }

    @Test func `a response that is broken off is no response`() async throws {
        let application = try site {
            Route("/broken") { handler in
                handler.write("part")
                try await handler.flush()
                throw Trouble()
            }
        }
        try await withApplication(application) { client in
            try await client.expectLog("trouble") {
                let error = await #expect(throws: ClientError.self) { try await client.get("/broken") }
                #expect(error?.description.contains("broken off") == true)
            }
        }
    }

    @Test func `interim responses are passed over`() async throws {
        let application = try site {
            Route("/upload", methods: [.post], options: .init(streamsBody: true)) { handler in
                for try await piece in handler.body { handler.write(piece) }
            }
        }
        try await withApplication(application) { client in
            let upload = try await client.start(
                .post, "/upload", headers: ["Expect": "100-continue", "Content-Length": "4"])
            try await upload.write("body")
            #expect(try await upload.response().text == "body")
        }
    }
}

private final class Count: Sendable {
    private let number = Atomic<Int>(0)
    var value: Int { number.load(ordering: .relaxed) }
    func add() { number.add(1, ordering: .relaxed) }
}
