import HTTPTypes
import Logging
import Squall
import SquallIO
import Testing

@Suite struct AccessLogTests {
    @Test func `each request is a line, with what is to be known of it`() async throws {
        let access = LogRecorder()
        try await withServer(
            { $0.accessLogger = access.logger() },
            routes: {
                Route("/r/{id}", methods: [.get, .post]) { handler in
                    handler.setStatus(201)
                    handler.write("x")
                }
                Route("/fails") { _ in throw HTTPError(403) }
            }
        ) { server in
            let client = try await server.client()
            try await client.send(
                request("GET /r/7?a=b HTTP/1.1") + request("POST /r/8 HTTP/1.1") + request("GET /fails HTTP/1.1")
                    + request("GET /none HTTP/1.1"))
            _ = try await client.responses(4)
            try await waitUntil("all lines are there") { access.entries.count == 4 }
            // A line is written after its response, so their order is not the requests' where a loop was taken over.
            let entries = access.entries.sorted { $0.message < $1.message }
            #expect(
                entries.map(\.message) == ["GET /fails 403", "GET /none 404", "GET /r/7?a=b 201", "POST /r/8 201"])
            #expect(access.entries.allSatisfy { $0.level == .info })
            let first = entries[2].metadata
            #expect(first["method"] == "GET")
            #expect(first["target"] == "/r/7?a=b")
            #expect(first["route"] == "/r/{id}")
            #expect(first["status"] == "201")
            #expect(first["remote"] == "127.0.0.1:\(client.localPort)")
            #expect(Double(first["duration_ms"] ?? "").map { $0 >= 0 } == true)
            #expect(Set(access.entries.compactMap { $0.metadata["request_id"] }).count == 4)
        }
    }

    @Test func `a refused request is a line too`() async throws {
        let access = LogRecorder()
        try await withServer(
            { settings in
                settings.accessLogger = access.logger()
                settings.limits.bodyBytes = 1
            }, routes: { Route("/", methods: [.post]) { _ in } }
        ) { server in
            _ = try await server.converse(request("POST /?q HTTP/1.1", "Host: h\r\nContent-Length: 2\r\n", "ab"))
            _ = try await server.converse("nonsense\r\n\r\n")
            try await waitUntil("both lines are there") { access.entries.count == 2 }
            let messages = access.entries.map(\.message)
            #expect(messages.contains("POST /?q 413"))
            #expect(messages.contains("- - 400"))
        }
    }

    @Test func `a request that took too long is one line, with what the client was told`() async throws {
        let (access, clock, gate, finished) = (LogRecorder(), TestClock(), Gate(), Counter())
        try await withServer(
            { $0.accessLogger = access.logger() }, clock: clock,
            routes: {
                Route("/slow") { handler in
                    defer { finished.add() }
                    try await gate.wait()
                }
                Route("/quick") { _ in }
            }
        ) { server in
            let slow = try await server.user.start(.get, "/slow")
            try await clock.advance(by: .seconds(30))
            #expect(try await slow.response().status == .serviceUnavailable)
            try await waitUntil("the handler has ended") { finished.value == 1 }
            #expect(try await server.get("/quick").status == 200)
            try await waitUntil("both lines are there") { access.entries.count >= 2 }
            #expect(access.entries.map(\.message).sorted() == ["GET /quick 200", "GET /slow 503"])
        }
    }

    @Test func `so is one whose client had closed its side before`() async throws {
        let access = LogRecorder()
        let finished = Counter()
        try await withServer(
            { settings in
                settings.accessLogger = access.logger()
                settings.limits.handlerDeadline = .milliseconds(100)
            },
            routes: {
                Route("/slow") { _ in
                    // It heeds neither the disconnect nor the deadline.
                    while access.entries.isEmpty { try? await IOLoop.sleep(for: .milliseconds(1)) }
                    finished.add()
                }
                Route("/quick") { _ in }
            }
        ) { server in
            let client = try await server.client()
            try await client.send(request("GET /slow HTTP/1.1"))
            client.halfClose()
            #expect(try await client.response().status == 503)
            try await waitUntil("the handler has ended") { finished.value == 1 }
            #expect(try await server.get("/quick").status == 200)
            try await waitUntil("both lines are there") { access.entries.count >= 2 }
            #expect(access.entries.map(\.message).sorted() == ["GET /quick 200", "GET /slow 503"])
        }
    }

    @Test func `above info nothing is logged`() async throws {
        let access = LogRecorder()
        let ended = Counter()
        final class Ending: RequestHandler {
            let ended: Counter
            init(_ ended: Counter) { self.ended = ended }
            override func get() async throws {}
            override func onFinish() { ended.add() }
        }
        try await withServer(
            { $0.accessLogger = access.logger(level: .notice) },
            routes: {
                Route("/") { Ending(ended) }
            }
        ) { server in
            let client = try await server.client()
            for _ in 0..<10 {
                try await client.send(request("GET / HTTP/1.1"))
                _ = try await client.response()
            }
            try await waitUntil("all requests have ended") { ended.value == 10 }
            #expect(access.entries.isEmpty)
        }
    }

    @Test func `a line cannot be broken by what the client sends`() async throws {
        let access = LogRecorder()
        try await withServer({ $0.accessLogger = access.logger() }, routes: {}) { server in
            for target in ["/%0d%0aGET%20/forged%20200", "/\u{e9}", "/%1b[31m"] { _ = try await server.get(target) }
            try await waitUntil("all lines are there") { access.entries.count == 3 }
            for entry in access.entries {
                let texts = [entry.message] + entry.metadata.values
                #expect(texts.allSatisfy { $0.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 } })
            }
        }
    }

    @Test func `a handler's own lines carry its request's id and route`() async throws {
        try await withServer(routes: {
            Route("/r/{x}") { handler in
                handler.logger.notice("mine", metadata: ["a": "b"])
                handler.write(handler.request.id)
            }
        }) { server in
            let response = try await server.get("/r/1")
            let entry = try #require(server.log.entries.first)
            #expect(entry.message == "mine")
            #expect(entry.metadata == ["a": "b", "request_id": response.text, "route": "GET /r/{x}"])
        }
    }
}
