import Foundation
import HTTPTypes
import Logging
import Squall
import SquallIO
import Testing

/// How a client leaves.
enum Departure: String, CaseIterable, Sendable {
    case reset, end

    func perform(_ client: RawClient) {
        switch self {
        case .reset: client.reset()
        case .end: client.close()
        }
    }
}

/// Notes how its request ended.
private class Watched: RequestHandler {
    let trace: Trace
    init(_ trace: Trace) { self.trace = trace }

    override func onConnectionClose() { trace("onConnectionClose") }
    override func onFinish() { trace("onFinish") }

    /// Waits at the gate and notes what came of it.
    func wait(at gate: Gate) async throws {
        do {
            try await gate.wait()
            trace("passed")
        } catch {
            trace("\(type(of: error)), cancelled: \(Task.isCancelled), disconnected: \(isDisconnected)")
            throw error
        }
    }
}

@Suite struct DisconnectTests {
    private final class Waiting: Watched {
        let gate: Gate
        init(_ trace: Trace, _ gate: Gate) {
            self.gate = gate
            super.init(trace)
        }
        override func get() async throws { try await wait(at: gate) }
        override func post() async throws { try await wait(at: gate) }
    }

    private static let cancelledTrace = [
        "CancellationError, cancelled: true, disconnected: true", "onConnectionClose", "onFinish",
    ]

    @Test(arguments: Departure.allCases)
    func `a client that leaves cancels the task of its request`(_ departure: Departure) async throws {
        let gate = Gate()
        let trace = Trace()
        try await withServer(routes: {
            Route("/") { Waiting(trace, gate) }
        }) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            try await waitUntil("the handler waits") { gate.waitingCount == 1 }
            departure.perform(client)
            try await waitUntil("the handler has ended") { trace.contains("onFinish") }
            #expect(trace.all == Self.cancelledTrace)
            try await waitUntil("the connection is gone") { server.server.connectionCount == 0 }
            #expect(server.log.messages(at: .error).isEmpty)
        }
    }

    @Test(arguments: Departure.allCases)
    func `each of many clients that leave is counted once`(_ departure: Departure) async throws {
        let gate = Gate()
        let left = Counter()
        let finished = Counter()
        final class Counting: RequestHandler {
            let gate: Gate, left: Counter, finished: Counter
            init(_ gate: Gate, _ left: Counter, _ finished: Counter) {
                self.gate = gate
                self.left = left
                self.finished = finished
            }
            override func get() async throws { try await gate.wait() }
            override func onConnectionClose() { left.add() }
            override func onFinish() { finished.add() }
        }
        try await withServer(
            { $0.loops = 2 },
            routes: {
                Route("/") { Counting(gate, left, finished) }
            }
        ) { server in
            var clients: [RawClient] = []
            for _ in 0..<100 {
                let client = try await server.client()
                try await client.send(request("GET / HTTP/1.1"))
                clients.append(client)
            }
            try await waitUntil("all handlers wait") { gate.waitingCount == 100 }
            for client in clients[..<60] { departure.perform(client) }
            try await waitUntil("the handlers have ended") { finished.value == 60 }
            #expect(left.value == 60)
            gate.open()
            for client in clients[60...] { #expect(try await client.response().status == 200) }
            try await waitUntil("the handlers have ended") { finished.value == 100 }
            #expect(left.value == 60)
        }
    }

    @Test(arguments: Departure.allCases)
    func `a client that leaves with requests in the pipeline has none of them served`(
        _ departure: Departure
    ) async throws {
        let gate = Gate()
        let trace = Trace()
        try await withServer(routes: {
            Route("/") { Waiting(trace, gate) }
            Route("/next") { _ in trace("next") }
        }) { server in
            let client = try await server.client()
            try await client.send(
                request("GET / HTTP/1.1") + String(repeating: request("GET /next HTTP/1.1"), count: 10))
            try await waitUntil("the handler waits") { gate.waitingCount == 1 }
            departure.perform(client)
            try await waitUntil("the connection is gone") { server.server.connectionCount == 0 }
            try await waitUntil("the handler has ended") { trace.contains("onFinish") }
            #expect(trace.all == Self.cancelledTrace)
        }
    }

    @Test(arguments: Departure.allCases, ["POST / HTTP/1.1", "GET /"])
    func `a client that leaves before its request is complete starts no handler`(
        _ departure: Departure, _ line: String
    ) async throws {
        let trace = Trace()
        try await withServer(routes: {
            Route("/", methods: [.get, .post]) { _ in trace("started") }
        }) { server in
            let client = try await server.client()
            let isBody = line.hasPrefix("POST")
            try await client.send(isBody ? request(line, "Host: h\r\nContent-Length: 5\r\n", "hel") : line)
            try await waitUntil("the server has the connection") { server.server.connectionCount == 1 }
            departure.perform(client)
            try await waitUntil("the connection is gone") { server.server.connectionCount == 0 }
            #expect(trace.all.isEmpty)
        }
    }

    @Test(arguments: Departure.allCases)
    func `a client that leaves while its body is streamed throws into the handler`(_ departure: Departure) async throws
    {
        final class Reading: Watched {
            override func post() async throws {
                do {
                    for try await chunk in body { trace(text(chunk)) }
                    trace("whole")
                } catch {
                    trace(error is StreamClosedError || error is CancellationError ? "closed" : "\(error)")
                    throw error
                }
            }
        }
        let trace = Trace()
        try await withServer(routes: {
            Route("/", options: .init(streamsBody: true)) { Reading(trace) }
        }) { server in
            let client = try await server.client()
            try await client.send(request("POST / HTTP/1.1", "Host: h\r\nContent-Length: 6\r\n", "abc"))
            try await waitUntil("the first part is read") { trace.contains("abc") }
            departure.perform(client)
            try await waitUntil("the handler has ended") { trace.contains("onFinish") }
            #expect(trace.all == ["abc", "closed", "onConnectionClose", "onFinish"])
            try await waitUntil("the connection is gone") { server.server.connectionCount == 0 }
            #expect(server.log.messages(at: .error).isEmpty)
        }
    }

    /// Also where more of the body has come than is kept for a handler that does not read. (Of yet more the end could not
    /// be seen: it would wait in the client's kernel.)
    @Test(arguments: Departure.allCases, [50_000, 100_000])
    func `a client that leaves in the middle of a body that nobody reads cancels the task`(
        _ departure: Departure, _ sent: Int
    ) async throws {
        let gate = Gate()
        let trace = Trace()
        try await withServer(routes: {
            Route("/", options: .init(streamsBody: true)) { Waiting(trace, gate) }
        }) { server in
            let client = try await server.client()
            try await client.send(
                request(
                    "POST / HTTP/1.1", "Host: h\r\nContent-Length: 1000000\r\n", String(repeating: "a", count: sent)))
            try await waitUntil("the handler waits") { gate.waitingCount == 1 }
            departure.perform(client)
            try await waitUntil("the handler has ended") { trace.contains("onFinish") }
            #expect(trace.all == Self.cancelledTrace)
        }
    }

    @Test(arguments: Departure.allCases)
    func `a client that leaves while the response is streamed ends the stream`(_ departure: Departure) async throws {
        final class Streaming: Watched {
            override func get() async throws {
                do {
                    while true {
                        write("tick\n")
                        try await flush()
                        await Task.yield()
                    }
                } catch {
                    trace(error is StreamClosedError || error is CancellationError ? "closed" : "\(error)")
                    throw error
                }
            }
        }
        let trace = Trace()
        try await withServer(routes: {
            Route("/") { Streaming(trace) }
        }) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            _ = try await client.read(atLeast: 1_000)
            departure.perform(client)
            try await waitUntil("the handler has ended") { trace.contains("onFinish") }
            #expect(trace.all == ["closed", "onConnectionClose", "onFinish"])
            try await waitUntil("the connection is gone") { server.server.connectionCount == 0 }
            #expect(server.log.messages(at: .error).isEmpty)
        }
    }

    @Test func `a half-close right after the request to a synchronous handler still gets the answer`() async throws {
        try await withEchoServer { server in
            for round in 0..<200 {
                let client = try await server.client()
                try await client.send(request("POST / HTTP/1.1", "Host: h\r\nContent-Length: 5\r\n", "hello"))
                client.halfClose()
                let responses = try await client.responsesToEnd()
                #expect(responses.map(\.text) == ["hello"], "round \(round)")
                client.close()
            }
        }
    }

    /// Also of more requests than are taken in one turn, and where each waits before it answers.
    @Test(arguments: [20, 100], ["", "waits/", "blocks/"])
    func `a half-close after pipelined requests gets all answers, in order`(_ count: Int, _ path: String) async throws {
        try await withServer(routes: {
            Route("/{n}") { handler in handler.write(try handler.pathArgument("n")) }
            Route("/waits/{n}") { handler in
                // It is cancelled, and does not heed that.
                try? await IOLoop.sleep(for: .milliseconds(1))
                handler.write(try handler.pathArgument("n"))
            }
            Route("/blocks/{n}") { handler in
                if try handler.pathArgument("n") == "0" { usleep(10_000) }
                handler.write(try handler.pathArgument("n"))
            }
        }) { server in
            for _ in 0..<10 {
                let client = try await server.client()
                try await client.send((0..<count).map { request("GET /\(path)\($0) HTTP/1.1") }.joined())
                client.halfClose()
                let responses = try await client.responsesToEnd()
                #expect(responses.map(\.text) == (0..<count).map(String.init))
                client.close()
            }
        }
    }

    @Test func `a handler that does not heed its cancellation can still answer a half-closed connection`() async throws
    {
        let gate = Gate()
        let trace = Trace()
        try await withServer(routes: {
            Route("/") { handler in
                trace("begun")
                do { try await gate.wait() } catch { trace("cancelled") }
                handler.write("all the same")
            }
        }) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            try await waitUntil("the handler has begun") { gate.waitingCount == 1 }
            client.halfClose()
            let responses = try await client.responsesToEnd()
            #expect(responses.map(\.text) == ["all the same"])
            #expect(trace.all == ["begun", "cancelled"])
        }
    }

    @Test func `flush throws once the client has left`() async throws {
        let gate = Gate()
        let trace = Trace()
        try await withServer(routes: {
            Route("/") { handler in
                try? await gate.wait()
                #expect(handler.isDisconnected)
                handler.write("x")
                do { try await handler.flush() } catch { trace("\(type(of: error))") }
            }
        }) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            try await waitUntil("the handler waits") { gate.waitingCount == 1 }
            client.reset()
            try await waitUntil("flush has thrown") { !trace.all.isEmpty }
            #expect(trace.all == ["StreamClosedError"])
        }
    }

    @Test func `cancellation reaches the children of the request's task`() async throws {
        let gate = Gate()
        let trace = Trace()
        try await withServer(routes: {
            Route("/") { _ in
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<3 {
                        group.addTask { do { try await gate.wait() } catch { trace("cancelled") } }
                    }
                }
                trace("ended")
            }
        }) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            try await waitUntil("all children wait") { gate.waitingCount == 3 }
            client.close()
            try await waitUntil("the handler has ended") { trace.contains("ended") }
            #expect(trace.all == ["cancelled", "cancelled", "cancelled", "ended"])
        }
    }

    @Test func `the sleep of a cancelled request ends`() async throws {
        let trace = Trace()
        try await withServer(
            { $0.limits.handlerDeadline = .seconds(600) },
            routes: {
                Route("/") { _ in
                    trace("begun")
                    do { try await IOLoop.sleep(for: .seconds(600)) } catch { trace("\(type(of: error))") }
                }
            }
        ) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            try await waitUntil("the handler has begun") { trace.contains("begun") }
            client.close()
            try await waitUntil("the sleep has ended") { trace.contains("CancellationError") }
        }
    }

    @Test func `a spawned task outlives the request`() async throws {
        let gate = Gate()
        let trace = Trace()
        try await withServer(routes: {
            Route("/") { handler in
                handler.spawn {
                    try await gate.wait()
                    trace("on its loop: \(IOLoop.current != nil)")
                }
            }
        }) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            #expect(try await client.response().status == 200)
            client.close()
            try await waitUntil("the connection is gone") { server.server.connectionCount == 0 }
            gate.open()
            try await waitUntil("the task has ended") { !trace.all.isEmpty }
            #expect(trace.all == ["on its loop: true"])
        }
    }
}
