import Foundation
import HTTPTypes
import Squall
import SquallIO
import Synchronization
import Testing

@Suite struct PipeliningTests {
    @Test func `ten thousand requests on one socket are answered in order`() async throws {
        try await withServer(routes: { Self.numbered }) { server in
            let client = try await server.client()
            let requests = (0..<10_000).map { request("GET /\($0) HTTP/1.1") }.joined()
            async let sent: Void = client.send(requests)
            let responses = try await client.responses(10_000)
            try await sent
            #expect(responses.allSatisfy { $0.status == 200 })
            #expect(responses.map(\.text) == (0..<10_000).map(String.init))
        }
    }

    @Test func `a hundred thousand short requests are answered`() async throws {
        try await withServer(routes: { Self.numbered }) { server in
            let client = try await server.client()
            let requests = raw(String(repeating: request("HEAD /x HTTP/1.1"), count: 100_000))
            async let sent: Void = client.send(requests)
            let responses = try await client.responses(100_000, toHead: true)
            try await sent
            #expect(responses.count == 100_000)
            #expect(responses.allSatisfy { $0.status == 200 })
        }
    }

    @Test func `a slow request first and a fast one second keep their order`() async throws {
        let gate = Gate()
        let trace = Trace()
        try await withServer(routes: {
            Route("/slow") { handler in
                trace("slow begins")
                try await gate.wait()
                handler.write("slow")
                trace("slow ends")
            }
            Route("/fast") { handler in
                trace("fast")
                handler.write("fast")
            }
        }) { server in
            let client = try await server.client()
            try await client.send(
                request("GET /slow HTTP/1.1") + request("GET /fast HTTP/1.1") + request("GET /slow HTTP/1.1"))
            try await waitUntil("the slow one waits") { gate.waitingCount == 1 }
            // Another connection is served meanwhile.
            #expect(try await server.get("/fast").text == "fast")
            gate.open()
            #expect(try await client.responses(3).map(\.text) == ["slow", "fast", "slow"])
            #expect(trace.all == ["slow begins", "fast", "slow ends", "fast", "slow begins", "slow ends"])
        }
    }

    @Test func `suspending and immediate requests, with and without bodies, are answered in order`() async throws {
        try await withServer(routes: {
            Self.numbered
            Route("/later/{n}", methods: [.get, .post]) { handler in
                try await IOLoop.sleep(for: .microseconds(50))
                handler.write(try handler.pathArgument("n"))
                handler.write(handler.request.body)
            }
            Route("/stream/{n}") { handler in
                for digit in try handler.pathArgument("n") {
                    handler.write("\(digit)")
                    try await handler.flush()
                }
            }
        }) { server in
            var requests = ""
            var expected: [String] = []
            for index in 0..<1_000 {
                switch index % 5 {
                case 0: requests += request("GET /later/\(index) HTTP/1.1")
                case 1: requests += request("POST /later/\(index) HTTP/1.1", "Host: h\r\nContent-Length: 2\r\n", "ab")
                case 2: requests += request("GET /stream/\(index) HTTP/1.1")
                case 3:
                    requests += request(
                        "POST /later/\(index) HTTP/1.1", "Host: h\r\nTransfer-Encoding: chunked\r\n",
                        "1\r\na\r\n1\r\nb\r\n0\r\n\r\n")
                default: requests += request("GET /\(index) HTTP/1.1")
                }
                expected.append(index % 5 == 1 || index % 5 == 3 ? "\(index)ab" : "\(index)")
            }
            let client = try await server.client()
            let bytes = requests
            async let sent: Void = client.send(bytes)
            let responses = try await client.responses(1_000)
            try await sent
            #expect(responses.map(\.text) == expected)
        }
    }

    @Test func `a client that pipelines and does not read is held back, and gets all when it reads`() async throws {
        let served = Counter()
        let page = [UInt8](repeating: 120, count: 10_000)
        try await withServer(routes: {
            Route("/page") { handler in
                served.add()
                handler.write(page)
            }
            Route("/other") { _ in }
        }) { server in
            let client = try await server.client(receiveBuffer: 131_072)
            let requests = String(repeating: request("GET /page HTTP/1.1"), count: 5_000)
            async let sent: Void = client.send(requests)
            let other = try await server.client()
            try await quiesce(served, on: other)
            // 50 MB were asked for. What the kernel's buffers take is a few.
            #expect(served.value > 0)
            #expect(served.value < 2_500)
            let responses = try await client.responses(5_000)
            try await sent
            #expect(responses.allSatisfy { $0.body == page })
            #expect(served.value == 5_000)
        }
    }

    @Test func `after some requests of one connection the loop has its turn`() async throws {
        let served = Counter()
        let longest = Mutex(0)
        try await withServer(routes: {
            Route("/") { _ in
                let before = served.add()
                // Callbacks run at the loop's next turn.
                IOLoop.current?.addCallback {
                    let between = served.value - before
                    longest.withLock { $0 = max($0, between) }
                }
            }
        }) { server in
            let client = try await server.client()
            let requests = String(repeating: request("GET / HTTP/1.1"), count: 10_000)
            async let sent: Void = client.send(requests)
            _ = try await client.responses(10_000)
            try await sent
            // Where loops are taken over at random, callbacks wait for their inbox too.
            let isChaotic = ProcessInfo.processInfo.environment["SQUALL_CHAOS"] != nil
            #expect(longest.withLock { $0 } <= (isChaotic ? 2_000 : 100))
        }
    }

    @Test func `nothing is served after a request that closes`() async throws {
        let served = Counter()
        try await withServer(routes: {
            Route("/") { _ in served.add() }
        }) { server in
            let responses = try await server.converse(
                request("GET / HTTP/1.1") + request("GET / HTTP/1.1", "Host: h\r\nConnection: close\r\n")
                    + request("GET / HTTP/1.1"))
            #expect(responses.count == 2)
            #expect(served.value == 2)
        }
    }

    private static let numbered = Route("/{n}") { handler in handler.write(try handler.pathArgument("n")) }
}

/// Returns when the counter stands still although the loop turns: two hundred requests on another connection change nothing.
func quiesce(_ counter: Counter, on other: RawClient) async throws {
    try await waitUntil("the counter stands still") {
        let before = counter.value
        for _ in 0..<200 {
            try await other.send(request("GET /other HTTP/1.1"))
            _ = try await other.response()
        }
        return counter.value == before && before > 0
    }
}
