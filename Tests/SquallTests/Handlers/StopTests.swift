import HTTPTypes
import Squall
import SquallIO
import Testing

@Suite struct StopTests {
    @Test func `a request that is under way is answered, an idle connection closed, and then stop returns`()
        async throws
    {
        let gate = Gate()
        try await withServer(routes: {
            Route("/") { handler in
                try await gate.wait()
                handler.write("whole")
            }
            Route("/other") { _ in }
        }) { server in
            let idle = try await server.client()
            try await idle.send(request("GET /other HTTP/1.1"))
            _ = try await idle.response()
            let busy = try await server.client()
            try await busy.send(request("GET / HTTP/1.1") + request("GET / HTTP/1.1"))
            try await waitUntil("the handler waits") { gate.waitingCount == 1 }

            let stops = Counter()
            async let stopped: Void = {
                await server.server.stop()
                stops.add()
            }()
            #expect(try await idle.readToEnd().isEmpty)
            #expect(stops.value == 0)
            #expect(server.server.connectionCount >= 1)
            gate.open()
            // The one that was under way, and not the one behind it.
            let responses = try await busy.responsesToEnd()
            #expect(responses.map(\.text) == ["whole"])
            #expect(responses.first?["connection"] == "close")
            idle.close()
            busy.close()
            await stopped
            #expect(server.server.connectionCount == 0)
        }
    }

    @Test func `nothing is accepted after stop`() async throws {
        try await withEchoServer { server in
            let before = try await server.get("/")
            #expect(before.status == 200)
            await server.server.stop()
            await #expect(throws: ClientError.self) { try await RawClient.connect(port: server.port) }
        }
    }

    @Test func `drainTimeout cuts what does not end`() async throws {
        let gate = Gate()
        try await withServer(
            { $0.drainTimeout = .milliseconds(200) },
            routes: {
                Route("/") { handler in
                    // Does not heed its cancellation.
                    while !gate.isOpen { try? await IOLoop.sleep(for: .milliseconds(1)) }
                }
            }
        ) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            try await waitUntil("the request is there") { server.server.connectionCount == 1 }
            await server.server.stop()
            #expect(!gate.isOpen)
            #expect(server.server.connectionCount == 0)
            let responses = try await client.responsesToEnd()
            #expect(responses.isEmpty)
            gate.open()
        }
    }

    @Test func `drainTimeout cancels what it cuts`() async throws {
        let gate = Gate()
        let trace = Trace()
        final class Waiting: RequestHandler {
            let gate: Gate, trace: Trace
            init(_ gate: Gate, _ trace: Trace) {
                self.gate = gate
                self.trace = trace
            }
            override func get() async throws {
                do { try await gate.wait() } catch {
                    // What has to be put in order takes some turns.
                    for _ in 0..<100 { await Task.yield() }
                    trace("unwound")
                    throw error
                }
            }
            override func onConnectionClose() { trace("onConnectionClose") }
        }
        try await withServer(
            { $0.drainTimeout = .milliseconds(200) },
            routes: {
                Route("/") { Waiting(gate, trace) }
            }
        ) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            try await waitUntil("the handler waits") { gate.waitingCount == 1 }
            await server.server.stop()
            #expect(trace.all == ["unwound", "onConnectionClose"])
        }
    }

    @Test func `a request whose head has begun is not waited for`() async throws {
        try await withEchoServer { server in
            let client = try await server.client()
            try await client.send("GET / HT")
            try await waitUntil("the connection is there") { server.server.connectionCount == 1 }
            async let stopped: Void = server.server.stop()
            #expect(try await client.readToEnd().isEmpty)
            client.close()
            await stopped
        }
    }

    @Test func `a body that is under way is waited for`() async throws {
        let started = Counter()
        try await withServer(routes: {
            Route("/", methods: [.post], options: .init(streamsBody: true)) { handler in
                started.add()
                for try await chunk in handler.body { handler.write(chunk) }
            }
        }) { server in
            let client = try await server.client()
            try await client.send(request("POST / HTTP/1.1", "Host: h\r\nContent-Length: 6\r\n", "abc"))
            try await waitUntil("the handler has started") { started.value == 1 }
            async let stopped: Void = server.server.stop()
            try await waitUntil("nothing is accepted") {
                do {
                    try await RawClient.connect(port: server.port).close()
                    return false
                } catch { return true }
            }
            try await client.send("def")
            let responses = try await client.responsesToEnd()
            #expect(responses.map(\.text) == ["abcdef"])
            client.close()
            await stopped
        }
    }

    @Test func `stop may be called twice`() async throws {
        try await withEchoServer { server in
            await server.server.stop()
            await server.server.stop()
            #expect(server.server.connectionCount == 0)
        }
    }

    @Test func `two applications are served side by side`() async throws {
        try await withServer(routes: { Route("/") { handler in handler.write("one") } }) { one in
            let other = try Application { Route("/") { handler in handler.write("two") } }
            let server = try await other.start(port: 0)
            let client = try await RawClient.connect(port: server.port)
            try await client.send(request("GET / HTTP/1.1"))
            #expect(try await client.response().text == "two")
            #expect(try await one.get("/").text == "one")
            client.close()
            await server.stop()
            #expect(try await one.get("/").text == "one")
        }
    }

    @Test func `a port that is taken is told`() async throws {
        try await withEchoServer { server in
            let other = try Application { Route("/") { _ in } }
            await #expect(throws: (any Error).self) { try await other.start(port: server.port) }
        }
    }
}
