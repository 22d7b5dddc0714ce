import HTTPTypes
import Squall
import SquallIO
import Testing

@Suite struct StreamedUploadTests {
    private static let streamed = Route.Options(bodyLimit: 100 << 20, streamsBody: true)

    @Test func `a streamed body arrives whole, in pieces, before its end has come`() async throws {
        let received = Counter()
        try await withServer(routes: {
            Route("/", methods: [.post], options: Self.streamed) { handler in
                var sum = 0
                for try await chunk in handler.body {
                    received.add(chunk.count)
                    sum += chunk.reduce(0) { $0 + Int($1) }
                }
                handler.write("\(received.value) \(sum)")
            }
        }) { server in
            let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0) }
            let sum = body.reduce(0) { $0 + Int($1) }
            let client = try await server.client()
            try await client.send(Self.head(length: body.count))
            try await client.send(Array(body[..<1_000_000]))
            try await waitUntil("the first part is read") { received.value == 1_000_000 }
            try await client.send(Array(body[1_000_000...]))
            #expect(try await client.response().text == "3000000 \(sum)")
            // The connection goes on.
            try await client.send(Self.head(length: 1) + "\u{1}")
            #expect(try await client.response().text == "3000001 1")
        }
    }

    @Test func `a streamed body may come in chunks, and its trailers are no part of it`() async throws {
        try await withServer(routes: {
            Route("/", methods: [.post], options: Self.streamed) { handler in
                for try await chunk in handler.body { handler.write(chunk) }
            }
        }) { server in
            let client = try await server.client()
            let head = request("POST / HTTP/1.1", "Host: h\r\nTransfer-Encoding: chunked\r\n")
            try await client.send(head + "3\r\nabc\r\n3;x=y\r\ndef\r\n0\r\nA: b\r\n\r\n" + head + "0\r\n\r\n")
            let responses = try await client.responses(2)
            #expect(responses.map(\.text) == ["abcdef", ""])
        }
    }

    @Test func `a request without a body has an empty stream`() async throws {
        try await withServer(routes: {
            Route("/", methods: [.get, .post], options: Self.streamed) { handler in
                var chunks = 0
                for try await _ in handler.body { chunks += 1 }
                handler.write("\(chunks) \(handler.request.body.count)")
            }
        }) { server in
            let responses = [try await server.get("/"), try await server.post("/", "")]
            #expect(responses.map(\.text) == ["0 0", "0 0"])
        }
    }

    @Test func `a client is held back while the handler does not read`() async throws {
        let gate = Gate()
        let handled = Counter()
        try await withServer(routes: {
            Route("/", methods: [.post], options: Self.streamed) { handler in
                try await gate.wait()
                for try await chunk in handler.body { handled.add(chunk.count) }
                handler.write("\(handled.value)")
            }
            Route("/other") { _ in }
        }) { server in
            let size = 50 << 20
            let client = try await server.client(sendBuffer: 65_536)
            try await client.send(Self.head(length: size))
            let piece = [UInt8](repeating: 1, count: 65_536)
            // Send until the kernel takes no more although the loop has turned two hundred times.
            var sent = 0
            let other = try await server.client()
            var isHeldBack = false
            while sent < size, !isHeldBack {
                let taken = try client.sendWhatFits(piece)
                sent += taken
                if taken > 0 { continue }
                isHeldBack = true
                for _ in 0..<200 where isHeldBack {
                    try await other.send(request("GET /other HTTP/1.1"))
                    _ = try await other.response()
                    let taken = try client.sendWhatFits(piece)
                    sent += taken
                    if taken > 0 { isHeldBack = false }
                }
            }
            #expect(isHeldBack)
            #expect(sent < 20 << 20)
            #expect(handled.value == 0)
            gate.open()
            try await client.send([UInt8](repeating: 1, count: size - sent))
            #expect(try await client.response().text == "\(size)")
        }
    }

    @Test func `a body that came whole can be read after the client has closed its side`() async throws {
        let gate = Gate()
        try await withServer(routes: {
            Route("/", methods: [.post], options: Self.streamed) { handler in
                do { try await gate.wait() } catch {}
                var count = 0
                for try await chunk in handler.body { count += chunk.count }
                handler.write("\(count)")
            }
        }) { server in
            let client = try await server.client()
            try await client.send(Self.head(length: 50_000) + String(repeating: "a", count: 50_000))
            client.halfClose()
            // The gate stays closed: it is the end of the client's side that lets the handler on.
            #expect(try await client.response().text == "50000")
        }
    }

    @Test func `a half-close behind a large body does not cut the body off`() async throws {
        try await withServer(routes: {
            Route("/", methods: [.post], options: Self.streamed) { handler in
                var count = 0
                for try await chunk in handler.body {
                    count += chunk.count
                    // More waits than is kept for it, so that the loop stops reading. The cancellation that comes once the
                    // end was read is not heeded.
                    try? await IOLoop.sleep(for: .microseconds(200))
                }
                handler.write("\(count)")
            }
        }) { server in
            let client = try await server.client()
            try await client.send(Self.head(length: 1_000_000) + String(repeating: "a", count: 1_000_000))
            client.halfClose()
            #expect(try await client.response().text == "1000000")
        }
    }

    @Test func `tiny chunks that wait for their handler are read in large pieces`() async throws {
        let gate = Gate()
        let pieces = Counter()
        try await withServer(routes: {
            Route("/", methods: [.post], options: Self.streamed) { handler in
                try await gate.wait()
                var body: [UInt8] = []
                for try await chunk in handler.body {
                    pieces.add()
                    body += chunk
                }
                handler.write(body)
            }
            Route("/other") { _ in }
        }) { server in
            let client = try await server.client()
            try await client.send(
                request("POST / HTTP/1.1", "Host: h\r\nTransfer-Encoding: chunked\r\n")
                    + String(repeating: "1\r\na\r\n", count: 5_000))
            try await waitUntil("the handler waits") { gate.waitingCount == 1 }
            // The loop has turned, and read what there was, when it has answered these.
            for _ in 0..<20 { _ = try await server.get("/other") }
            gate.open()
            try await client.send("0\r\n\r\n")
            #expect(try await client.response().text == String(repeating: "a", count: 5_000))
            #expect(pieces.value < 100)
        }
    }

    @Test func `a body that is read on after the response throws, and nobody waits for ever`() async throws {
        let trace = Trace()
        try await withServer(routes: {
            Route("/", methods: [.post], options: Self.streamed) { handler in
                let body = handler.body
                handler.spawn {
                    do { for try await _ in body {} } catch { trace("\(type(of: error))") }
                    trace("ended")
                }
            }
        }) { server in
            let client = try await server.client()
            try await client.send(Self.head(length: 100))
            #expect(try await client.response().status == 200)
            try await waitUntil("the reader has ended") { trace.contains("ended") }
            #expect(trace.all == ["StreamClosedError", "ended"])
        }
    }

    @Test func `the end of a body that came while enough of it waited is not lost`() async throws {
        let gate = Gate()
        try await withServer(routes: {
            Route("/", methods: [.post], options: Self.streamed) { handler in
                try await gate.wait()
                var count = 0
                for try await chunk in handler.body { count += chunk.count }
                handler.write("\(count)")
            }
            Route("/other") { _ in }
        }) { server in
            let client = try await server.client()
            try await client.send(Self.head(length: 66_000))
            try await client.send([UInt8](repeating: 7, count: 60_000))
            for _ in 0..<20 { _ = try await server.get("/other") }
            // With these it is more than is kept, and all.
            try await client.send([UInt8](repeating: 7, count: 6_000))
            for _ in 0..<20 { _ = try await server.get("/other") }
            gate.open()
            #expect(try await client.response().text == "66000")
        }
    }

    @Test func `a handler that takes pauses gets the whole body`() async throws {
        try await withServer(routes: {
            Route("/", methods: [.post], options: Self.streamed) { handler in
                var count = 0
                for try await chunk in handler.body {
                    count += chunk.count
                    if count % 7 == 0 { try await IOLoop.sleep(for: .microseconds(100)) } else { await Task.yield() }
                }
                handler.write("\(count)")
            }
        }) { server in
            let client = try await server.client()
            try await client.send(Self.head(length: 10_000_000))
            async let sent: Void = client.send([UInt8](repeating: 7, count: 10_000_000))
            #expect(try await client.response().text == "10000000")
            try await sent
        }
    }

    @Test func `a chunked stream beyond the limit throws 413 into the handler, which the client is told`() async throws
    {
        let trace = Trace()
        try await withServer(routes: {
            Route("/", methods: [.post], options: .init(bodyLimit: 1_000, streamsBody: true)) { handler in
                do {
                    for try await chunk in handler.body { trace("\(chunk.count)") }
                } catch let error as HTTPError {
                    trace("\(error.status)")
                    throw error
                }
            }
        }) { server in
            let client = try await server.client()
            let head = request("POST / HTTP/1.1", "Host: h\r\nTransfer-Encoding: chunked\r\n")
            try await client.send(head + "8\r\nabcdefgh\r\n")
            try await waitUntil("the first chunk is read") { trace.contains("8") }
            try await client.send("400\r\n" + String(repeating: "x", count: 1_024) + "\r\n0\r\n\r\n")
            let responses = try await client.responsesToEnd()
            #expect(responses.map(\.status) == [413])
            #expect(responses.first?["connection"] == "close")
            #expect(trace.all == ["8", "413"])
        }
    }

    @Test func `an announced length beyond the limit is refused before the handler starts`() async throws {
        let started = Counter()
        try await withServer(routes: {
            Route("/", methods: [.post], options: .init(bodyLimit: 1_000, streamsBody: true)) { _ in started.add() }
        }) { server in
            let responses = try await server.converse(Self.head(length: 1_001) + "abc")
            #expect(responses.map(\.status) == [413])
            #expect(started.value == 0)
        }
    }

    @Test func `malformed chunks throw 400 into the handler`() async throws {
        let trace = Trace()
        try await withServer(routes: {
            Route("/", methods: [.post], options: Self.streamed) { handler in
                for try await chunk in handler.body { trace(text(chunk)) }
            }
        }) { server in
            let client = try await server.client()
            try await client.send(
                request("POST / HTTP/1.1", "Host: h\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n"))
            try await waitUntil("the first chunk is read") { trace.contains("abc") }
            try await client.send("zz\r\n")
            let responses = try await client.responsesToEnd()
            #expect(responses.map(\.status) == [400])
            #expect(responses.first?["connection"] == "close")
        }
    }

    @Test func `an answer before the body has come leaves the connection in order, if the rest is small`() async throws
    {
        try await withServer(routes: { Self.early }) { server in
            let client = try await server.client()
            try await client.send(Self.head(length: 100_000))
            #expect(try await client.response().text == "early")
            try await client.send([UInt8](repeating: 65, count: 100_000))
            try await client.send(Self.head(length: 3) + "abc" + Self.head(length: 0))
            #expect(try await client.responses(2).map(\.text) == ["early", "early"])
        }
    }

    @Test func `an answer before the body has come closes the connection, if the rest is large`() async throws {
        try await withServer(routes: { Self.early }) { server in
            let client = try await server.client()
            try await client.send(Self.head(length: 10 << 20))
            try await client.send([UInt8](repeating: 65, count: 10 << 20))
            try await client.send(Self.head(length: 0))
            // The answer can be read all the same, and nothing after it is served.
            #expect(try await client.responsesToEnd().map(\.text) == ["early"])
        }
    }

    @Test func `a body that is not read and does not come ends the connection`() async throws {
        try await withServer({ $0.limits.bodyTimeout = .milliseconds(300) }, routes: { Self.early }) { server in
            let client = try await server.client()
            try await client.send(Self.head(length: 100) + "abc")
            #expect(try await client.responsesToEnd().map(\.text) == ["early"])
        }
    }

    @Test func `two tasks cannot read one body at a time`() async throws {
        let trace = Trace()
        try await withServer(routes: {
            Route("/", methods: [.post], options: Self.streamed) { handler in
                let body = handler.body
                let outcomes = await withTaskGroup(of: String.self) { group in
                    for _ in 0..<2 {
                        group.addTask {
                            var iterator = body.makeAsyncIterator()
                            do { return text(try await iterator.next() ?? []) } catch {
                                trace("refused")
                                return "\(error)"
                            }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                handler.write(outcomes.sorted().joined(separator: "|"))
            }
        }) { server in
            let client = try await server.client()
            try await client.send(Self.head(length: 3))
            try await waitUntil("one is refused") { trace.contains("refused") }
            try await client.send("abc")
            #expect(
                try await client.response().text == "abc|another task reads this request's body; read it in one place")
        }
    }

    static func head(length: Int) -> String {
        request("POST / HTTP/1.1", "Host: h\r\nContent-Length: \(length)\r\n")
    }

    private static let early = Route("/", methods: [.post], options: streamed) { handler in handler.write("early") }
}
