import HTTPTypes
import Squall
import SquallIO
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Handlers that hold their thread lose the loop; what their connections still had to do is done all the same.
@Suite struct TakeoverTests {
    @Test func `a body that came with its head reaches a handler that blocked before it read`() async throws {
        let gate = Gate()
        let blocked = Counter()
        try await withServer(routes: {
            Route("/", methods: [.post], options: .init(streamsBody: true)) { handler in
                block(until: gate, blocked)
                for try await chunk in handler.body { handler.write(chunk) }
            }
            Route("/other") { _ in }
        }) { server in
            let client = try await server.client()
            try await client.send(
                request("POST / HTTP/1.1", "Host: h\r\nContent-Length: 5\r\n", "hello") + request("GET /other HTTP/1.1")
            )
            try await served(server, while: blocked)
            gate.open()
            #expect(try await client.responses(2).map(\.text) == ["hello", ""])
        }
    }

    @Test func `requests behind one that blocks are answered in order`() async throws {
        let gate = Gate()
        let blocked = Counter()
        try await withServer(routes: {
            Route("/block") { handler in
                block(until: gate, blocked)
                handler.write("blocked")
            }
            Route("/{n}") { handler in handler.write(try handler.pathArgument("n")) }
        }) { server in
            let client = try await server.client()
            let targets = ["1", "block", "2", "block", "3"]
            try await client.send(targets.map { request("GET /\($0) HTTP/1.1") }.joined())
            try await served(server, while: blocked)
            gate.open()
            #expect(try await client.responses(5).map(\.text) == ["1", "blocked", "2", "blocked", "3"])
        }
    }

    @Test(arguments: Departure.allCases)
    func `a client that leaves while its handler blocks is noticed`(_ departure: Departure) async throws {
        for _ in 0..<20 {
            let gate = Gate()
            let never = Gate()
            let blocked = Counter()
            let trace = Trace()
            try await withServer(routes: {
                Route("/") { _ in
                    block(until: gate, blocked)
                    do { try await never.wait() } catch { trace("\(type(of: error))") }
                }
                Route("/other") { _ in }
            }) { server in
                let client = try await server.client()
                try await client.send(request("GET / HTTP/1.1"))
                // An end may come together with the request. A reset could come in its place.
                if departure == .reset { try await waitUntil("the handler blocks") { blocked.value == 1 } }
                departure.perform(client)
                defer { gate.open() }
                try await served(server, while: blocked)
                gate.open()
                try await waitUntil("the handler is cancelled") { trace.contains("CancellationError") }
            }
        }
    }

    @Test func `a response that is streamed by turns of blocking and waiting arrives whole`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                for index in 0..<20 {
                    usleep(5_000)
                    handler.write("\(index);")
                    try await handler.flush()
                    await Task.yield()
                }
            }
        }) { server in
            let response = try await server.get("/")
            #expect(response.text == (0..<20).map { "\($0);" }.joined())
        }
    }

    /// Returns when the other requests of the one loop are served although a handler blocks it.
    private func served(_ server: TestServer, while blocked: Counter) async throws {
        try await waitUntil("the handler blocks") { blocked.value == 1 }
        for _ in 0..<10 {
            let response = try await server.get("/other")
            #expect(response.status == 200)
        }
    }
}

/// Holds the thread.
private func block(until gate: Gate, _ blocked: Counter) {
    blocked.add()
    while !gate.isOpen { usleep(1_000) }
}
