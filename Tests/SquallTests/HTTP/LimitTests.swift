import HTTPTypes
import Logging
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

/// Each limit, set to a small value, is kept to, and what is just within it passes.
@Suite struct LimitTests {
    @Test func `headerBytes: 431, and 414 while it is the request line`() async throws {
        let head = request("GET / HTTP/1.1", "Host: h\r\nA: " + String(repeating: "a", count: 200) + "\r\n")
        try await withEchoServer({ $0.limits.headerBytes = head.utf8.count }) { server in
            let fits = try await server.ask(head)
            #expect(fits.status == 200)
            let block = try await server.converse(head.replacing("A: a", with: "A: aa"))
            #expect(block.map(\.status) == [431])
            let line = try await server.converse("GET /" + String(repeating: "a", count: head.utf8.count))
            #expect(line.map(\.status) == [414])
        }
    }

    @Test func `headerCount: 431`() async throws {
        try await withEchoServer({ $0.limits.headerCount = 3 }) { server in
            let fits = try await server.get("/", "A: b\r\nC: d\r\n")
            #expect(fits.status == 200)
            let responses = try await server.converse(request("GET / HTTP/1.1", "Host: h\r\nA: b\r\nC: d\r\nE: f\r\n"))
            #expect(responses.map(\.status) == [431])
            #expect(responses[0].text.contains("too many header lines"))
        }
    }

    @Test func `bodyBytes: 413`() async throws {
        try await withEchoServer({ $0.limits.bodyBytes = 10 }) { server in
            let fits = try await server.post("/", "0123456789")
            #expect(fits.text == "0123456789")
            let responses = try await server.converse(
                request("POST / HTTP/1.1", "Host: h\r\nContent-Length: 11\r\n", "0123456789a"))
            #expect(responses.map(\.status) == [413])
            #expect(responses[0].text.contains("larger than this resource accepts"))
        }
    }

    @Test func `a route's bodyLimit is instead of the application's, and of its group's`() async throws {
        try await withServer(
            { $0.limits.bodyBytes = 10 },
            routes: {
                Route("/small", methods: [.post], options: .init(bodyLimit: 5)) { _ in }
                Route("/large", methods: [.post], options: .init(bodyLimit: 20)) { _ in }
                Group("/group", options: .init(bodyLimit: 3)) {
                    Route("/own", methods: [.post], options: .init(bodyLimit: 4)) { _ in }
                    Route("/plain", methods: [.post]) { _ in }
                }
                Route("/other", methods: [.post]) { _ in }
            }
        ) { server in
            for (path, limit) in [
                ("/small", 5), ("/large", 20), ("/group/own", 4), ("/group/plain", 3), ("/other", 10),
            ] {
                let client = try await server.client()
                // One after the other on one connection: each has its own route's limit.
                try await client.send(Self.post(path, limit) + Self.post("/other", 10) + Self.post(path, limit + 1))
                let responses = try await client.responsesToEnd()
                #expect(responses.map(\.status) == [200, 200, 413], "\(path)")
            }
        }
    }

    @Test func `unsentBytes: how much waits in memory for a client that does not read`() async throws {
        let limit = 32 << 20
        let flushed = Counter()
        try await withServer(
            { $0.limits.unsentBytes = limit },
            routes: {
                Route("/") { handler in
                    let piece = [UInt8](repeating: 120, count: 1 << 20)
                    while true {
                        handler.write(piece)
                        try await handler.flush()
                        flushed.add(piece.count)
                    }
                }
                Route("/other") { _ in }
            }
        ) { server in
            let client = try await server.client(receiveBuffer: 65_536)
            try await client.send(request("GET / HTTP/1.1"))
            // SlowReaderTests have the default, which is less.
            try await waitUntil("as much as may wait is flushed") { flushed.value >= limit }
            try await quiesce(flushed, on: try await server.client())
            // Beyond it there are the kernel's buffers.
            #expect(flushed.value < limit + 16 << 20)
            client.reset()
        }
    }

    @Test func `connections: what is beyond waits, and is served when another leaves`() async throws {
        try await withEchoServer({
            $0.limits.connections = 2
            $0.loops = 2
        }) { server in
            let first = try await server.client()
            let second = try await server.client()
            for client in [first, second] {
                try await client.send(request("GET / HTTP/1.1"))
                #expect(try await client.response().status == 200)
            }
            let third = try await server.client()
            try await third.send(request("GET / HTTP/1.1"))
            // These have their turns, and the third has none.
            for _ in 0..<200 {
                for client in [first, second] {
                    try await client.send(request("GET / HTTP/1.1"))
                    _ = try await client.response()
                }
            }
            #expect(server.server.connectionCount == 2)
            first.close()
            #expect(try await third.response().status == 200)
        }
    }

    @Test func `backlog: the system keeps so many connections, and no more`() async throws {
        try await withEchoServer({
            $0.limits.connections = 1
            $0.backlog = 2
        }) { server in
            let only = try await server.client()
            try await only.send(request("GET / HTTP/1.1"))
            _ = try await only.response()
            var sockets: [Int32] = []
            defer { for fd in sockets { closeFile(fd) } }
            for _ in 0..<20 {
                let fd = try openSocket()
                sockets.append(fd)
                _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)
                _ = connectSocket(fd, port: server.port)
            }
            try await waitUntil("the queue is full") { sockets.count(where: isConnected) >= 2 }
            for _ in 0..<200 {
                try await only.send(request("GET / HTTP/1.1"))
                _ = try await only.response()
            }
            // Linux keeps one more than it is told.
            #expect(sockets.count(where: isConnected) <= 4)
        }
    }

    @Test func `loops: so many, and connections are spread over them`() async throws {
        let seen = Trace()
        try await withServer(
            { $0.loops = 3 },
            routes: {
                Route("/") { _ in seen("\(IOLoop.current?.index ?? -1)") }
            }
        ) { server in
            #expect(server.server.loopCount == 3)
            var clients: [RawClient] = []
            for _ in 0..<3 {
                let client = try await server.client()
                try await client.send(request("GET / HTTP/1.1"))
                _ = try await client.response()
                clients.append(client)
            }
            #expect(Set(seen.all) == ["0", "1", "2"])
        }
    }

    @Test func `stalls: the policy is the process's from the start of the application on`() async {
        // In a process of its own: the other tests' loops keep the policy that they set.
        await #expect(processExitsWith: .success) {
            let before = Stalls.policy.budget
            try await withEchoServer({ _ in }) { _ in #expect(Stalls.policy.budget == before) }
            var policy = Stalls.policy
            policy.budget = .microseconds(1_001)
            try await withEchoServer({ [policy] in $0.stalls = policy }) { _ in
                #expect(Stalls.policy.budget == .microseconds(1_001))
            }
        }
    }

    private static func post(_ path: String, _ length: Int) -> String {
        request(
            "POST \(path) HTTP/1.1", "Host: h\r\nContent-Length: \(length)\r\n", String(repeating: "x", count: length))
    }
}

/// Whether a socket that was told to connect without waiting has done so.
private func isConnected(_ fd: Int32) -> Bool {
    var entry = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
    return poll(&entry, 1, 0) == 1 && entry.revents & Int16(POLLERR | POLLHUP) == 0
}
