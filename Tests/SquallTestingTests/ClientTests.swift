import Dispatch
import HTTPTypes
import Logging
import Squall
import SquallHTTP
import SquallIO
import SquallTesting
import Synchronization
import Testing

private let transports: [TestTransport] = [.inProcess, .overSocket]

@Suite struct ClientTests {
    private struct Report: Codable, Equatable {
        var id: Int
        var title: String
    }

    @Test(arguments: transports) func `each method is sent, with what belongs to it`(_ transport: TestTransport)
        async throws
    {
        try await withApplication(try site(), transport) { client in
            let get = try await client.get("/echo?a=b", headers: ["Accept": "text/plain"])
            #expect(get.status == .ok)
            #expect(get.text == "GET /echo?a=b\nAccept: text/plain\nHost: localhost\n\n")
            let head = try await client.head("/echo")
            #expect(head.status == .ok && head.body.isEmpty)
            #expect(try await client.options("/").status == .noContent)
            #expect(try await client.delete("/echo").text == "DELETE /echo\nHost: localhost\n\n")
            let post = try await client.post("/echo", body: .text("h\u{e9}"))
            #expect(
                post.text
                    == "POST /echo\nContent-Type: text/plain; charset=UTF-8\nContent-Length: 3\nHost: localhost\n\nh\u{e9}"
            )
            let empty = try await client.put("/echo")
            #expect(empty.text == "PUT /echo\nContent-Length: 0\nHost: localhost\n\n")
            let other = try await client.send(try #require(HTTPRequest.Method("BREW")), "/echo")
            #expect(other.status.code == 405 || other.status.code == 501)
        }
    }

    @Test(arguments: transports) func `forms, JSON and files arrive as they were given`(_ transport: TestTransport)
        async throws
    {
        let application = try site {
            Route("/form", methods: [.post]) { handler in
                handler.write(try handler.bodyArguments().filter { $0.name == "a" }.map(\.value).joined(separator: "|"))
            }
            Route("/json", methods: [.post, .put, .patch]) { handler in
                try handler.write(json: try handler.json(Report.self))
            }
            Route("/files", methods: [.post]) { handler in
                let file = try #require(try handler.files().first)
                handler.write("\(try handler.bodyArgument("name") ?? "-") \(file.filename) \(file.size)")
            }
        }
        try await withApplication(application, transport) { client in
            #expect(
                try await client.post("/form", form: ["a": "1&2=3", "b": "x", "a": "\u{e9} +"]).text == "1&2=3|\u{e9} +"
            )
            let report = Report(id: 7, title: "h\u{e9}")
            #expect(try await client.post("/json", json: report).json(Report.self) == report)
            #expect(try await client.put("/json", json: report).json() == report)
            #expect(try await client.patch("/json", json: report).json() == report)
            let files = try await client.post(
                "/files",
                multipart: [
                    .init("name", "ann"),
                    .init("file", filename: "a\"b.txt", contentType: "text/plain", bytes: [1, 2, 3]),
                ])
            #expect(files.text.hasPrefix("ann a") && files.text.hasSuffix(" 3"))
            let page = try await client.get("/")
            #expect(throws: ClientError.self) { try page.json(Report.self) }
        }
    }

    @Test func `default headers are for every request, and a request's own go before them`() async throws {
        try await withApplication(try site()) { client in
            client.options.headers = ["Accept": "text/html", "X-Test": "1"]
            client.options.host = "example.com"
            let first = try await client.get("/echo")
            #expect(first.text == "GET /echo\nAccept: text/html\nX-Test: 1\nHost: example.com\n\n")
            let second = try await client.get("/echo", headers: ["accept": "*/*", "X-Test": ""])
            #expect(second.text == "GET /echo\naccept: */*\nHost: example.com\n\n")
            await #expect(throws: ClientError.self) { try await client.get("/", headers: ["A": "b\r\nC: d"]) }
        }
    }

    @Test(arguments: transports) func `connections are kept for the next request, or not`(_ transport: TestTransport)
        async throws
    {
        try await withApplication(try site(), transport) { client in
            func port() async throws -> String { try await client.get("/from").text }
            let first = try await port()
            #expect(try await port() == first)
            client.closeIdleConnections()
            let second = try await port()
            #expect(second != first)
            client.options.reusesConnections = false
            #expect(try await port() == second)
            #expect(try await port() != second)
            #expect(try await client.another().get("/from").text != second)
        }
    }

    @Test func `a connection that the server has closed is not used again`() async throws {
        try await withApplication(try site(with: { $0.limits.idleTimeout = .seconds(10) }), clock: TestClock()) {
            client in
            let first = try await client.get("/from").text
            try await client.clock?.advance(by: .seconds(10))
            #expect(try await client.get("/from").text != first)
        }
    }

    @Test(arguments: transports) func `an application that has stopped refuses`(_ transport: TestTransport) async throws
    {
        try await withApplication(try site(), transport) { client in
            let before = try await client.get("/")
            #expect(before.text == "hello")
            await client.server.stop()
            let error = await #expect(throws: ClientError.self) { try await client.get("/") }
            #expect(error?.description.contains("Connection refused") == true)
        }
    }

    @Test func `in process a client may come from anywhere`() async throws {
        try await withApplication(try site()) { client in
            let here = try await client.get("/from")
            #expect(here.text.hasPrefix("127.0.0.1:"))
            let other = client.another()
            other.options.remoteAddress = .ipv4(0xc000_0207, port: 77)
            #expect(try await other.get("/from").text == "192.0.2.7:77")
            #expect(client.server.address == .unix(""))
        }
    }

    @Test(arguments: transports) func `an answer that comes before the request is whole is read`(
        _ transport: TestTransport
    ) async throws {
        try await withApplication(try site(with: { $0.limits.bodyBytes = 1_000 }), transport) { client in
            let large = try await client.post("/echo", body: .bytes([UInt8](repeating: 65, count: 4 << 20)))
            #expect(large.status == .contentTooLarge)
            let chunked = try await client.start(.post, "/echo", headers: ["Transfer-Encoding": "chunked"])
            try await chunked.write([UInt8](repeating: 65, count: 1_001))
            #expect(try await chunked.response().status == .contentTooLarge)
        }
    }

    @Test func `a connection that is closed while it is read ends the reading, and can be used no more`() async throws {
        // The server must not end it before, however long the test waits for a thread.
        try await withApplication(try site(), clock: TestClock()) { client in
            let raw = try await client.raw()
            let reading = Task { try await raw.readToEnd() }
            try await raw.send("GET / HT")
            raw.close()
            raw.close()
            // It had begun, and found the end, or had not.
            switch await reading.result {
            case .success(let bytes): #expect(bytes.isEmpty)
            case .failure(let error): #expect("\(error)".contains("has closed this connection"))
            }
            let error = await #expect(throws: ClientError.self) { try await raw.send("x") }
            #expect(error?.description.contains("GET / HT") == true)
            raw.halfClose()
            raw.reset()
        }
    }

    /// On a busy machine that may be later than a server waits for a request.
    @Test(arguments: transports) func `a request is sent before its task is given a thread again`(
        _ transport: TestTransport
    ) async throws {
        let gate = Gate()
        let application = try site {
            Route("/gate") { handler in
                try await gate.wait()
                handler.write("through")
            }
        }
        try await withApplication(application, transport) { client in
            let executor = HeldExecutor()
            let task = Task(executorPreference: executor) { try await client.get("/gate").text }
            defer {
                gate.open()
                executor.release()
            }
            try await gate.waitForArrival()
            gate.open()
            executor.release()
            #expect(try await task.value == "through")
        }
    }

    @Test func `redirects are followed when told, within the host`() async throws {
        let application = try site {
            Route("/see", methods: [.post]) { handler in
                try handler.setCookie("seen", "1")
                try handler.redirect("/echo?from=see", status: 303)
            }
            Route("/same", methods: [.post]) { handler in try handler.redirect("echo", status: 307) }
            Route("/away") { handler in try handler.redirect("http://example.com/") }
            Route("/round") { handler in try handler.redirect("/round") }
        }
        try await withApplication(application) { client in
            #expect(try await client.post("/see", form: ["a": "b"]).status == .seeOther)
            client.options.followsRedirects = true
            let see = try await client.post("/see", form: ["a": "b"])
            #expect(see.text == "GET /echo?from=see\nCookie: seen=1\nHost: localhost\n\n")
            let same = try await client.post("/same", form: ["a": "b"])
            #expect(same.text.hasPrefix("POST /echo\n") && same.text.hasSuffix("\n\na=b"))
            #expect(try await client.get("/away").status == .found)
            await #expect(throws: ClientError.self) { try await client.get("/round") }
        }
    }

    @Test(arguments: transports) func `what was sent, received and logged is told when nothing comes`(
        _ transport: TestTransport
    ) async throws {
        let gate = Gate()
        let application = try site {
            Route("/stuck") { handler in
                handler.logger.info("stuck for good")
                handler.write("a part")
                try await handler.flush()
                try await gate.wait()
            }
        }
        try await withApplication(application, transport, patience: .milliseconds(200)) { client in
            let error = await #expect(throws: ClientError.self) { try await client.get("/stuck") }
            let text = error?.description ?? ""
            #expect(text.contains("in vain for the rest of the response"))
            #expect(text.contains("GET /stuck HTTP/1.1"))
            #expect(text.contains("a part"))
            #expect(text.contains("info: stuck for good"))
            gate.open()
        }
    }

    @Test func `the application is stopped, and its connections closed, whatever the test throws`() async throws {
        let application = try site()
        await #expect(throws: Trouble.self) {
            try await withApplication(application) { client in
                _ = try await client.raw()
                throw Trouble()
            }
        }
        #expect(application.server == nil)
        let text = try await withApplication(application) { try await $0.get("/").text }
        #expect(text == "hello")
    }

    @MainActor @Test func `a test on an actor may use it, with what is the actor's`() async throws {
        var texts: [String] = []
        try await withApplication(try site()) { client in texts.append(try await client.get("/").text) }
        #expect(texts == ["hello"])
    }

    @Test func `cancelling the task ends what it waits for`() async throws {
        let gate = Gate()
        try await withApplication(try site { Route("/wait") { _ in try await gate.wait() } }) { client in
            let task = Task { try await client.get("/wait") }
            try await gate.waitForArrival()
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }
}

/// Lets a task begin, and go on after its first `await` only when it is released.
private final class HeldExecutor: TaskExecutor {
    private struct State {
        var hasBegun = false
        var isReleased = false
        var held: [UnownedJob] = []
    }
    private let state = Mutex(State())

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isHeld = state.withLock { state in
            let isHeld = state.hasBegun && !state.isReleased
            if isHeld { state.held.append(job) }
            state.hasBegun = true
            return isHeld
        }
        if !isHeld { run(job) }
    }

    func release() {
        let held = state.withLock { state in
            state.isReleased = true
            defer { state.held = [] }
            return state.held
        }
        for job in held { run(job) }
    }

    private func run(_ job: UnownedJob) {
        DispatchQueue.global().async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
