import HTTPTypes
import Squall
import Testing

@Suite struct DataReceivedTests {
    private static let streamed = Route.Options(bodyLimit: 1_000, streamsBody: true)

    /// Notes its steps.
    private class Receiver: RequestHandler {
        let trace: Trace
        var count = 0
        init(_ trace: Trace) { self.trace = trace }

        override func prepare() async throws {
            trace("prepare")
            if request.query == "finish" { try finish("early") }
        }
        override func dataReceived(_ chunk: [UInt8]) async throws {
            trace("data")
            count += chunk.count
            if request.query == "throw" { throw HTTPError(422) }
        }
        override func post() async throws {
            trace("post")
            for try await _ in body { trace("more") }
            write("\(count)")
        }
    }

    /// Sets limits as the query says.
    private final class Limiting: Receiver {
        override func prepare() async throws {
            if try queryArgument("late", as: Bool.self, default: false) { await Task.yield() }
            if let text = try queryArgument("limit"), let limit = Int(text) { setBodyLimit(limit) }
            if let text = try queryArgument("milliseconds"), let value = Int(text) {
                setBodyTimeout(.milliseconds(value))
            }
        }
    }

    private static func head(_ length: Int, _ target: String = "/", _ fields: String = "") -> String {
        request("POST \(target) HTTP/1.1", "Host: h\r\nContent-Length: \(length)\r\n\(fields)")
    }

    private func withReceivers(
        _ change: (inout Application.Settings) -> Void = { _ in },
        _ body: (TestServer, Trace) async throws -> Void
    ) async throws {
        let trace = Trace()
        try await withServer(
            change,
            routes: {
                Route("/", options: Self.streamed) { Receiver(trace) }
                Route("/whole") { Receiver(trace) }
                Route("/limits", options: Self.streamed) { Limiting(trace) }
            }
        ) { server in try await body(server, trace) }
    }

    @Test func `the body comes between prepare and the method`() async throws {
        try await withReceivers { server, trace in
            let client = try await server.client()
            try await client.send(Self.head(6) + "abc")
            try await waitUntil("the first piece is there") { trace.contains("data") }
            #expect(!trace.contains("post"))
            try await client.send("def")
            #expect(try await client.response().text == "6")
            #expect(trace.all.first == "prepare")
            #expect(trace.all.last == "post")
            #expect(trace.all.filter { $0 == "data" }.count == 2)
        }
    }

    @Test func `without a body, and in a route that streams none, it is not called`() async throws {
        try await withReceivers { server, trace in
            let empty = try await server.post("/", "")
            #expect(empty.text == "0")
            let whole = try await server.post("/whole", "abc")
            #expect(whole.text == "0")
            #expect(trace.all == ["prepare", "post", "prepare", "post"])
        }
    }

    @Test func `prepare may end the request, and dataReceived may refuse it`() async throws {
        try await withReceivers { server, trace in
            let early = try await server.post("/?finish", "abc")
            #expect(early.text == "early")
            let refused = try await server.post("/?throw", "abc")
            #expect(refused.status == 422)
            #expect(trace.all == ["prepare", "prepare", "data"])
        }
    }

    @Test func `a client is held back while it works`() async throws {
        final class Waiting: RequestHandler {
            let gate: Gate
            var count = 0
            init(_ gate: Gate) { self.gate = gate }
            override func dataReceived(_ chunk: [UInt8]) async throws {
                try await gate.wait()
                count += chunk.count
            }
            override func post() async throws { write("\(count)") }
        }
        let gate = Gate()
        let size = 50 << 20
        try await withServer(routes: {
            Route("/", options: .init(bodyLimit: size, streamsBody: true)) { Waiting(gate) }
            Route("/other") { _ in }
        }) { server in
            let client = try await server.client(sendBuffer: 65_536)
            try await client.send(Self.head(size))
            let piece = [UInt8](repeating: 1, count: 65_536)
            var sent = 0
            var idle = 0
            // Until the kernel takes no more although the loop has turned many times.
            while sent < size, idle < 100 {
                let taken = try client.sendWhatFits(piece)
                sent += taken
                idle = taken > 0 ? 0 : idle + 1
                if taken == 0 { _ = try await server.get("/other") }
            }
            #expect(sent < 20 << 20)
            gate.open()
            try await client.send([UInt8](repeating: 1, count: size - sent))
            #expect(try await client.response().text == "\(size)")
        }
    }

    @Test(arguments: [false, true])
    func `setBodyLimit: prepare may take more, or less`(_ isLate: Bool) async throws {
        try await withReceivers { server, trace in
            let late = "late=\(isLate)"
            for (limit, size, status) in [(2_000, 2_000, 200), (2_000, 2_001, 413), (10, 10, 200), (10, 11, 413)] {
                let target = "/limits?limit=\(limit)&\(late)"
                let body = String(repeating: "a", count: size)
                let announced = try await server.post(target, body)
                #expect(announced.status == status)
                let chunked = try await server.ask(
                    request("POST \(target) HTTP/1.1", "Host: h\r\nTransfer-Encoding: chunked\r\n")
                        + "\(String(size, radix: 16))\r\n\(body)\r\n0\r\n\r\n")
                #expect(chunked.status == status)
            }
            // The next request has the route's again.
            let client = try await server.client()
            let body = String(repeating: "a", count: 1_500)
            try await client.send(Self.head(1_500, "/limits?limit=2000") + body + Self.head(1_500) + body)
            #expect(try await client.responsesToEnd().map(\.status) == [200, 413])
        }
    }

    @Test func `what is announced as too long is refused without 100 Continue, before the method`() async throws {
        try await withReceivers { server, trace in
            let responses = try await server.converse(Self.head(1_001, "/", "Expect: 100-continue\r\n"))
            #expect(responses.map(\.status) == [413])
            #expect(trace.all == ["prepare"])
            let client = try await server.client()
            try await client.send(Self.head(2_000, "/limits?limit=2000", "Expect: 100-continue\r\n"))
            #expect(try await client.response().status == 100)
            try await client.send(String(repeating: "a", count: 2_000))
            #expect(try await client.response().text == "2000")
        }
    }

    @Test func `setBodyTimeout: 408 then`() async throws {
        try await withReceivers { server, _ in
            let responses = try await server.converse(Self.head(10, "/limits?milliseconds=200") + "a")
            #expect(responses.map(\.status) == [408])
        }
    }

    @Test func `setBodyTimeout: more time than the server's`() async throws {
        try await withReceivers({ $0.limits.bodyTimeout = .milliseconds(100) }) { server, trace in
            let client = try await server.client()
            try await client.send(Self.head(2, "/limits?milliseconds=60000") + "a")
            // Another connection's time passes meanwhile.
            let other = try await server.converse(Self.head(2) + "a")
            #expect(other.map(\.status) == [408])
            try await client.send("b")
            #expect(try await client.response().text == "2")
        }
    }
}
