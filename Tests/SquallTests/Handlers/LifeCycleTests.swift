import HTTPTypes
import Logging
import Squall
import SquallIO
import Testing

/// Notes every step, and throws or finishes at one of them.
private final class Stepping: RequestHandler {
    let trace: Trace
    init(_ trace: Trace) {
        self.trace = trace
        super.init()
        trace("init")
    }

    private func step(_ name: String) throws {
        trace(name)
        let target = request.query ?? ""
        if target == "finish-\(name)" { try finish("finished in \(name)") }
        if target == "throw-\(name)" { throw StepError(step: name) }
        if target == "http-\(name)" { throw HTTPError(403, "no \(name)", logMessage: "secret") }
        if target == "end-\(name)" {
            write("ended in \(name)")
            throw Finish()
        }
    }

    override func setDefaultHeaders() {
        trace("setDefaultHeaders")
        setHeader("X-Default", "1")
    }
    override func prepare() async throws { try step("prepare") }
    override func get() async throws {
        try step("get")
        write("got")
    }
    override func post() async throws { try step("post") }
    override func writeError(_ error: HTTPError) async throws {
        trace("writeError \(error.status)")
        try await super.writeError(error)
        if request.query == "throw-get", request.header("x-worse") != nil { throw StepError(step: "writeError") }
    }
    override func logException(_ error: any Error) {
        trace("logException \(error)")
        super.logException(error)
    }
    override func onFinish() { trace("onFinish") }
    override func onConnectionClose() { trace("onConnectionClose") }
}

private struct StepError: Error, CustomStringConvertible {
    let step: String
    var description: String { "wrong in \(step)" }
}

@Suite struct LifeCycleTests {
    @Test func `a request goes through its steps in order`() async throws {
        let (response, steps, _) = try await run("/")
        #expect(response.text == "got")
        #expect(response["x-default"] == "1")
        #expect(steps == ["init", "setDefaultHeaders", "prepare", "get", "onFinish"])
    }

    @Test func `finishing in prepare leaves out the method`() async throws {
        let (response, steps, _) = try await run("/?finish-prepare")
        #expect(response.text == "finished in prepare")
        #expect(steps == ["init", "setDefaultHeaders", "prepare", "onFinish"])
    }

    @Test(arguments: ["prepare", "get"])
    func `Finish ends a request early, with what was written and without an error`(_ step: String) async throws {
        let (response, steps, log) = try await run("/?end-\(step)")
        #expect(response.status == 200)
        #expect(response.text == "ended in \(step)")
        #expect(steps.last == "onFinish")
        #expect(!steps.contains { $0.hasPrefix("writeError") || $0.hasPrefix("logException") })
        #expect(log.isEmpty)
    }

    @Test(arguments: ["prepare", "get"])
    func `an error is logged and answered 500, and its text is not told`(_ step: String) async throws {
        let (response, steps, log) = try await run("/?throw-\(step)")
        #expect(response.status == 500)
        #expect(response["x-default"] == "1")
        #expect(!response.text.contains("wrong in"))
        let begin = ["init", "setDefaultHeaders", "prepare"] + (step == "get" ? ["get"] : [])
        #expect(
            steps == begin + ["logException wrong in \(step)", "setDefaultHeaders", "writeError 500", "onFinish"])
        #expect(log.map(\.message) == ["wrong in \(step)"])
        #expect(log.first?.level == .error)
        #expect(log.first?.metadata["route"] == "GET /")
        #expect(log.first?.metadata["request_id"]?.isEmpty == false)
    }

    @Test(arguments: ["prepare", "get"])
    func `an HTTPError is answered with its status and message`(_ step: String) async throws {
        let (response, steps, log) = try await run("/?http-\(step)")
        #expect(response.status == 403)
        #expect(response.text.contains("no \(step)"))
        #expect(!response.text.contains("secret"))
        #expect(steps.suffix(2) == ["writeError 403", "onFinish"])
        #expect(log.map(\.level) == [.info])
        #expect(log.first?.message == "403 Forbidden: secret")
    }

    @Test func `an error page that fails is a bare 500`() async throws {
        let (response, steps, log) = try await run("/?throw-get", "X-Worse: 1\r\n")
        #expect(response.status == 500)
        #expect(response.body.isEmpty)
        #expect(steps.last == "onFinish")
        #expect(log.map(\.message) == ["wrong in get", "the error page failed"])
    }

    @Test func `an error page that fails after it has streamed a part is broken off`() async throws {
        final class Worst: RequestHandler {
            override func get() async throws { throw StepError(step: "get") }
            override func writeError(_ error: HTTPError) async throws {
                write("part")
                try await flush()
                throw StepError(step: "writeError")
            }
        }
        try await withServer(routes: { Route("/", Worst.init) }) { server in
            let responses = try await server.converse(request("GET / HTTP/1.1"))
            #expect(responses.map(\.text) == ["part"])
            #expect(responses.first?.isComplete == false)
        }
    }

    @Test func `prepare is called whatever the method`() async throws {
        let trace = Trace()
        try await withServer(routes: { Route("/") { Stepping(trace) } }) { server in
            let response = try await server.ask(request("PUT / HTTP/1.1"))
            #expect(response.status == 405)
            try await waitUntil("the request has ended") { trace.contains("onFinish") }
            #expect(
                trace.all == [
                    "init", "setDefaultHeaders", "prepare", "setDefaultHeaders", "writeError 405", "onFinish",
                ])
        }
    }

    @Test func `each request has a handler of its own, which ends with it`() async throws {
        final class Living: RequestHandler {
            let ended: Counter
            var requests = 0
            init(_ ended: Counter) { self.ended = ended }
            deinit { ended.add() }
            override func get() async throws {
                requests += 1
                write("\(requests)")
            }
        }
        let ended = Counter()
        try await withServer(routes: { Route("/") { Living(ended) } }) { server in
            let client = try await server.client()
            try await client.send(String(repeating: request("GET / HTTP/1.1"), count: 10))
            #expect(try await client.responses(10).allSatisfy { $0.text == "1" })
            try await waitUntil("all handlers are gone") { ended.value == 10 }
        }
    }

    @Test func `an error after the head is sent breaks the response off`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.write("part")
                try await handler.flush()
                throw StepError(step: "stream")
            }
        }) { server in
            let responses = try await server.converse(request("GET / HTTP/1.1"))
            #expect(responses.map(\.text) == ["part"])
            #expect(responses.first?.isComplete == false)
            #expect(server.log.messages(at: .error) == ["wrong in stream"])
        }
    }

    @Test func `sendError drops what was written and ends the response`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.setHeader("X-A", "1")
                handler.write("dropped")
                await handler.sendError(HTTPError(402, "pay", headers: [("Retry-After", "7")]))
                handler.write("late")
            }
        }) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1") + request("GET / HTTP/1.1"))
            for response in try await client.responses(2) {
                #expect(response.status == 402)
                #expect(response["x-a"] == nil)
                #expect(response["retry-after"] == "7")
                #expect(response.text.contains("pay"))
                #expect(!response.text.contains("dropped"))
            }
        }
    }

    @Test func `a handler's code runs on its loop, before and after it waits`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                let before = IOLoop.current
                await Task.yield()
                try await IOLoop.sleep(for: .microseconds(10))
                async let child = IOLoop.current === before
                handler.write("\(before != nil) \(IOLoop.current === before) \(await child)")
            }
        }) { server in
            let response = try await server.get("/")
            #expect(response.text == "true true true")
        }
    }

    /// The response, the steps, and what was logged.
    private func run(
        _ target: String, _ fields: String = ""
    ) async throws -> (RawResponse, [String], [LogRecorder.Entry]) {
        let trace = Trace()
        return try await withServer(routes: { Route("/") { Stepping(trace) } }) { server in
            let response = try await server.get(target, fields)
            try await waitUntil("the request has ended") { trace.contains("onFinish") }
            return (response, trace.all, server.log.entries)
        }
    }
}
