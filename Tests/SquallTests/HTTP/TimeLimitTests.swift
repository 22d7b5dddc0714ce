import HTTPTypes
import Logging
import Squall
import SquallIO
import Testing

/// Each limit in time is kept to, on a clock that the test moves.
@Suite struct TimeLimitTests {
    @Test func `headerTimeout: 408 when the head has begun`() async throws {
        let clock = TestClock()
        try await withEchoServer({ $0.limits.headerTimeout = .seconds(2) }, clock: clock) { server in
            let client = try await server.client()
            try await client.send("GET / HTTP/1.1\r\nHost:")
            try await clock.advance(by: .milliseconds(1_999))
            #expect(server.server.connectionCount == 1)
            try await clock.advance(by: .milliseconds(1))
            let responses = try await client.responsesToEnd()
            #expect(responses.map(\.status) == [408])
            #expect(responses[0]["connection"] == "close")
        }
    }

    @Test func `headerTimeout holds for the whole head, however its bytes trickle`() async throws {
        let clock = TestClock()
        try await withEchoServer({ $0.limits.headerTimeout = .seconds(2) }, clock: clock) { server in
            let client = try await server.client()
            try await client.send("GET / HTTP/1.1\r\nA: ")
            for _ in 0..<20 {
                try await client.send("a")
                try await clock.advance(by: .milliseconds(100))
            }
            let responses = try await client.responses(1)
            #expect(responses.map(\.status) == [408])
        }
    }

    @Test func `headerTimeout ends a connection that says nothing`() async throws {
        let clock = TestClock()
        try await withEchoServer(clock: clock) { server in
            let client = try await server.client()
            try await clock.advance(by: .seconds(10))
            #expect(try await client.readToEnd().isEmpty)
        }
    }

    @Test func `headerTimeout does not hold for a handler`() async throws {
        let clock = TestClock()
        try await withServer(
            {
                $0.limits.headerTimeout = .seconds(2)
                $0.limits.idleTimeout = .seconds(2)
                $0.limits.bodyTimeout = .seconds(2)
            }, clock: clock,
            routes: {
                Route("/") { handler in
                    try await IOLoop.sleep(for: .seconds(3))
                    handler.write("late")
                }
            }
        ) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            try await clock.advance(by: .seconds(3))
            let response = try await client.response()
            #expect(response.text == "late")
        }
    }

    @Test func `bodyTimeout: 408 when the body does not come`() async throws {
        let clock = TestClock()
        try await withEchoServer(clock: clock) { server in
            for (field, part) in [("Content-Length: 5", "hel"), ("Transfer-Encoding: chunked", "5\r\nhel")] {
                let client = try await server.client()
                try await client.send(request("POST / HTTP/1.1", "Host: h\r\n\(field)\r\n", part))
                try await clock.advance(by: .seconds(30))
                let responses = try await client.responsesToEnd()
                #expect(responses.map(\.status) == [408])
                #expect(responses[0]["connection"] == "close")
            }
        }
    }

    @Test func `bodyTimeout throws 408 into a handler that reads the stream`() async throws {
        let clock = TestClock()
        try await withServer(
            { $0.limits.bodyTimeout = .seconds(3) }, clock: clock,
            routes: {
                Route("/", methods: [.post], options: .init(streamsBody: true)) { handler in
                    for try await _ in handler.body {}
                }
            }
        ) { server in
            let client = try await server.client()
            try await client.send(request("POST / HTTP/1.1", "Host: h\r\nContent-Length: 5\r\n", "hel"))
            try await clock.advance(by: .seconds(3))
            let responses = try await client.responsesToEnd()
            #expect(responses.map(\.status) == [408])
            #expect(responses[0]["connection"] == "close")
        }
    }

    @Test func `bodyRate: a body that trickles is answered 408`() async throws {
        // A byte gives a nanosecond: however they trickle, the timeout stands.
        let clock = TestClock()
        try await withEchoServer(
            {
                $0.limits.bodyTimeout = .milliseconds(300)
                $0.limits.bodyRate = 1_000_000_000
            }, clock: clock
        ) { server in
            let client = try await server.client()
            try await client.send(request("POST / HTTP/1.1", "Host: h\r\nContent-Length: 1000000\r\n"))
            for _ in 0..<4 {
                try await client.send("a")
                try await clock.advance(by: .milliseconds(99))
            }
            #expect(try await client.response().status == 408)
        }
    }

    @Test func `bodyRate: each byte gives its share of time`() async throws {
        // A byte gives a second, so that a body may trickle for longer than the timeout.
        let clock = TestClock()
        try await withEchoServer(
            {
                $0.limits.bodyTimeout = .seconds(5)
                $0.limits.bodyRate = 1
            }, clock: clock
        ) { server in
            let client = try await server.client()
            try await client.send(request("POST / HTTP/1.1", "Host: h\r\nTransfer-Encoding: chunked\r\n"))
            for _ in 0..<10 {
                try await client.send("1\r\na\r\n")
                try await clock.advance(by: .seconds(1))
            }
            try await client.send("0\r\n\r\n")
            let response = try await client.response()
            #expect(response.text == "aaaaaaaaaa")
        }
    }

    @Test func `idleTimeout closes a connection without a request, without a word`() async throws {
        let clock = TestClock()
        try await withEchoServer(clock: clock) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            try await clock.advance(by: .seconds(59))
            #expect(server.server.connectionCount == 1)
            try await clock.advance(by: .seconds(1))
            let responses = try await client.responsesToEnd()
            #expect(responses.map(\.status) == [200])
        }
    }

    @Test func `handlerDeadline: 503, and the task is cancelled`() async throws {
        let (clock, gate, trace) = (TestClock(), Gate(), Trace())
        try await withServer(
            clock: clock,
            routes: {
                Route("/") { handler in
                    do { try await gate.wait() } catch {
                        trace("\(type(of: error)) \(Task.isCancelled)")
                        throw error
                    }
                }
            }
        ) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1") + request("GET / HTTP/1.1"))
            try await clock.advance(by: .seconds(30))
            let responses = try await client.responsesToEnd()
            #expect(responses.map(\.status) == [503])
            #expect(responses[0]["connection"] == "close")
            try await waitUntil("the task is cancelled") { trace.contains("CancellationError true") }
        }
    }

    @Test func `a deadline is no disconnect: onConnectionClose is not called`() async throws {
        let (clock, trace) = (TestClock(), Trace())
        try await withServer(clock: clock, routes: { Route("/") { Late(trace) } }) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            try await clock.advance(by: .seconds(30))
            #expect(try await client.response().status == 503)
            try await waitUntil("the handler has ended") { trace.contains("onFinish") }
            #expect(trace.all == ["cancelled, disconnected: false", "flush: CancellationError", "onFinish"])
        }
    }

    @Test func `a deadline that passes in flush cancels it`() async throws {
        let trace = Trace()
        try await withServer(
            { $0.limits.handlerDeadline = .milliseconds(300) },
            routes: {
                Route("/") { handler in
                    do {
                        while true {
                            handler.write([UInt8](repeating: 120, count: 1 << 20))
                            try await handler.flush()
                        }
                    } catch {
                        trace("\(type(of: error))")
                        throw error
                    }
                }
            }
        ) { server in
            let client = try await server.client(receiveBuffer: 65_536)
            try await client.send(request("GET / HTTP/1.1"))
            try await waitUntil("the handler has ended") { !trace.all.isEmpty }
            #expect(trace.all == ["CancellationError"])
            #expect(server.log.messages(at: .error).isEmpty)
        }
    }

    @Test func `a handler that does not heed its cancellation does not hold up the 503`() async throws {
        let gate = Gate()
        try await withServer(
            { $0.limits.handlerDeadline = .milliseconds(100) },
            routes: {
                Route("/") { handler in
                    while !gate.isOpen { try? await IOLoop.sleep(for: .milliseconds(1)) }
                    handler.write("late")
                }
            }
        ) { server in
            let responses = try await server.converse(request("GET / HTTP/1.1"))
            #expect(responses.map(\.status) == [503])
            gate.open()
        }
    }

    @Test func `a route's deadline is instead of the application's; zero is none`() async throws {
        let (clock, gate) = (TestClock(), Gate())
        try await withServer(
            clock: clock,
            routes: {
                Route("/own", options: .init(deadline: .seconds(5))) { _ in try await gate.wait() }
                Route("/none", options: .init(deadline: .zero)) { _ in try await gate.wait() }
                Group("/group", options: .init(deadline: .zero)) {
                    Route("/plain") { _ in try await gate.wait() }
                    Route("/own", options: .init(deadline: .seconds(5))) { _ in try await gate.wait() }
                }
                Route("/other") { _ in try await gate.wait() }
            }
        ) { server in
            var clients: [String: RawClient] = [:]
            for path in ["/none", "/group/plain", "/own", "/group/own", "/other"] {
                clients[path] = try await server.client()
                try await clients[path]?.send(request("GET \(path) HTTP/1.1"))
            }
            for (path, time) in [("/own", 5), ("/group/own", 0), ("/other", 25)] {
                try await clock.advance(by: .seconds(time))
                let response = try await clients[path]?.response()
                #expect(response?.status == 503, "\(path)")
            }
            try await clock.advance(by: .seconds(3_600))
            gate.open()
            for path in ["/none", "/group/plain"] {
                let response = try await clients[path]?.response()
                #expect(response?.status == 200, "\(path)")
            }
        }
    }

    @Test func `a deadline that passes while the response is streamed breaks it off`() async throws {
        let (clock, gate) = (TestClock(), Gate())
        try await withServer(
            clock: clock,
            routes: {
                Route("/") { handler in
                    handler.write("part")
                    try await handler.flush()
                    try await gate.wait()
                }
            }
        ) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            try await clock.advance(by: .seconds(30))
            let responses = try await client.responsesToEnd()
            #expect(responses.map(\.text) == ["part"])
            #expect(responses.first?.isComplete == false)
        }
    }

    @Test func `writeTimeout closes the connection of a client that takes nothing`() async throws {
        let (clock, trace) = (TestClock(), Trace())
        try await withServer(
            { $0.limits.writeTimeout = .seconds(3) }, clock: clock,
            routes: {
                Route("/") { handler in
                    let piece = [UInt8](repeating: 120, count: 1 << 20)
                    do {
                        while true {
                            handler.write(piece)
                            try await handler.flush()
                        }
                    } catch {
                        trace("\(type(of: error))")
                        throw error
                    }
                }
                Route("/whole") { handler in handler.write([UInt8](repeating: 120, count: 50 << 20)) }
            }
        ) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            try await clock.advance(by: .seconds(3))
            try await waitUntil("the handler is told") { !trace.all.isEmpty }
            #expect(trace.all == ["StreamClosedError"])
            try await waitUntil("the connection is gone") { server.server.connectionCount == 0 }

            // The same after the handler has ended.
            let other = try await server.client()
            try await other.send(request("GET /whole HTTP/1.1"))
            _ = try await other.read(atLeast: 1)
            try await clock.advance(by: .seconds(3))
            try await waitUntil("the connection is gone") { server.server.connectionCount == 0 }
        }
    }

    private final class Late: RequestHandler {
        let trace: Trace
        init(_ trace: Trace) { self.trace = trace }

        override func get() async throws {
            do { try await IOLoop.sleep(for: .seconds(600)) } catch {
                trace("cancelled, disconnected: \(isDisconnected)")
            }
            do { try await flush() } catch { trace("flush: \(type(of: error))") }
        }
        override func onConnectionClose() { trace("onConnectionClose") }
        override func onFinish() { trace("onFinish") }
    }
}
