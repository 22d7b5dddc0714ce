import Foundation
import HTTPTypes
import Squall
import Synchronization
import Testing

@Suite struct UploadTests {
    private static let large = Route.Options(bodyLimit: 100 << 20)

    /// A directory of its own, which the test finds empty when all is in order.
    private func withDirectory(_ body: (URL) async throws -> Void) async throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "squall-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: url) }
        try await body(url)
    }

    private func names(_ url: URL) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: url.path) }

    /// How many of the process's descriptors are files in the directory that have no name any more.
    private static func openFiles(in url: URL) -> Int {
        let links = "/proc/self/fd"
        let fds = (try? FileManager.default.contentsOfDirectory(atPath: links)) ?? []
        return fds.filter {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(links)/\($0)"))?.contains(
                url.lastPathComponent)
                == true
        }.count
    }

    static func part(_ disposition: String, _ content: [UInt8]) -> [UInt8] {
        raw("--1234\r\nContent-Disposition: form-data; \(disposition)\r\n\r\n") + content + raw("\r\n")
    }

    static func head(_ length: Int, _ path: String = "/", _ fields: String = "") -> [UInt8] {
        raw(
            request(
                "POST \(path) HTTP/1.1",
                "Host: h\r\nContent-Type: multipart/form-data; boundary=1234\r\nContent-Length: \(length)\r\n\(fields)")
        )
    }

    private func post(
        _ server: TestServer, _ body: [UInt8], _ path: String = "/", _ fields: String = ""
    ) async throws -> RawResponse {
        let client = try await server.client()
        defer { client.close() }
        async let sent: Void = client.send(Self.head(body.count, path, fields) + body)
        let response = try await client.response()
        try? await sent
        return response
    }

    private static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) } }

    /// Answers with all that came.
    private static let echo: Route.Body = { handler in
        for (name, value) in try handler.bodyArguments() { handler.write("\(name)=\(value);") }
        for file in try handler.files() {
            handler.write("\(file.name) \(file.filename) \(file.size):")
            for try await chunk in file.chunks { handler.write(chunk) }
            handler.write(";")
        }
    }

    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 131_072, 500_000])
    func `files of any size, in memory or not, are read as they were sent`(_ size: Int) async throws {
        try await withDirectory { directory in
            try await withServer(
                { $0.temporaryDirectory = directory.path },
                routes: { Route("/", methods: [.post], options: Self.large, Self.echo) }
            ) { server in
                let content = Self.bytes(size)
                let body =
                    Self.part("name=a; filename=first", content) + Self.part("name=x", raw("1"))
                    + Self.part("name=b; filename=second", raw("small")) + Self.part("name=c; filename=third", content)
                    + raw("--1234--")
                let response = try await post(server, body)
                let file = "\(size):"
                #expect(
                    response.body == raw("x=1;a first \(file)") + content + raw(";b second 5:small;c third \(file)")
                        + content + raw(";"))
            }
        }
    }

    @Test func `the file of a form is not in the directory, and is gone with the request`() async throws {
        let gate = Gate()
        try await withDirectory { directory in
            try await withServer(
                { $0.temporaryDirectory = directory.path },
                routes: { Route("/", methods: [.post], options: Self.large) { _ in try await gate.wait() } }
            ) { server in
                let body =
                    Self.part("name=a; filename=x", Self.bytes(200_000))
                    + Self.part("name=b; filename=y", Self.bytes(200_000)) + raw("--1234--")
                async let response = post(server, body)
                try await waitUntil("the handler waits") { gate.waitingCount == 1 }
                // One for both.
                #expect(Self.openFiles(in: directory) == 1)
                #expect(try names(directory) == [])
                gate.open()
                #expect(try await response.status == 200)
                try await waitUntil("the file is closed") { Self.openFiles(in: directory) == 0 }
            }
        }
    }

    @Test func `uploadMemoryBytes: up to it no file is made`() async throws {
        for (bytes, isFile) in [(100_000, false), (99_999, true)] {
            let gate = Gate()
            try await withDirectory { directory in
                try await withServer(
                    {
                        $0.temporaryDirectory = directory.path
                        $0.limits.uploadMemoryBytes = bytes
                    }, routes: { Route("/", methods: [.post]) { _ in try await gate.wait() } }
                ) { server in
                    let half = Self.bytes(50_000)
                    let body =
                        Self.part("name=a; filename=x", half) + Self.part("name=b; filename=y", half) + raw("--1234--")
                    async let response = post(server, body)
                    try await waitUntil("the handler waits") { gate.waitingCount == 1 }
                    #expect(Self.openFiles(in: directory) == (isFile ? 1 : 0))
                    gate.open()
                    #expect(try await response.status == 200)
                }
            }
        }
    }

    @Test func `temporaryDirectory: where there is none, 500 and a hint in the log`() async throws {
        try await withServer(
            { $0.temporaryDirectory = "/no/such/directory" },
            routes: { Route("/", methods: [.post], options: Self.large, Self.echo) }
        ) { server in
            let small = try await post(server, Self.part("name=a; filename=x", raw("small")) + raw("--1234--"))
            #expect(small.status == 200)
            let response = try await post(
                server, Self.part("name=a; filename=x", Self.bytes(200_000)) + raw("--1234--"))
            #expect(response.status == 500)
            #expect(server.log.entries.contains { $0.message.contains("temporaryDirectory") })
        }
    }

    @Test func `formBytes: fields that are no files beyond it get 413`() async throws {
        try await withServer(
            { $0.limits.formBytes = 10 }, routes: { Route("/", methods: [.post], options: Self.large, Self.echo) }
        ) { server in
            let at = try await post(
                server, Self.part("name=a", raw("12345")) + Self.part("name=b", raw("12345")) + raw("--1234--"))
            #expect(at.text == "a=12345;b=12345;")
            let beyond = try await post(
                server, Self.part("name=a", raw("12345")) + Self.part("name=b", raw("123456")) + raw("--1234--"))
            #expect(beyond.status == 413)
        }
        #expect(Application.Limits().formBytes == 1_048_576)
    }

    @Test func `bodyLimit holds for the whole form`() async throws {
        try await withServer(routes: {
            Route("/", methods: [.post], options: .init(bodyLimit: 1_000)) { handler in handler.write("ok") }
        }) { server in
            let frame = Self.part("name=a; filename=x", []).count + 8
            for (size, status) in [(1_000 - frame, 200), (1_001 - frame, 413)] {
                let body = Self.part("name=a; filename=x", Self.bytes(size)) + raw("--1234--")
                let announced = try await post(server, body)
                #expect(announced.status == status)
                let client = try await server.client()
                try await client.send(
                    raw(
                        request(
                            "POST / HTTP/1.1",
                            "Host: h\r\nContent-Type: multipart/form-data; boundary=1234\r\nTransfer-Encoding: chunked\r\n"
                        )
                            + "\(String(body.count, radix: 16))\r\n") + body + raw("\r\n0\r\n\r\n"))
                let chunked = try await client.response()
                #expect(chunked.status == status)
            }
        }
    }

    @Test func `files that are saved stay, and are never written over by mistake`() async throws {
        try await withDirectory { directory in
            let target = directory.appending(path: "saved").path
            try await withServer(routes: {
                Route("/", methods: [.post], options: Self.large) { handler in
                    let replacing = try handler.queryArgument("replacing", as: Bool.self, default: false)
                    for file in try handler.files() {
                        do { try await file.save(to: target, replacing: replacing) } catch let error as UploadError {
                            handler.write("\(error)")
                        }
                    }
                }
            }) { server in
                for size in [1_000, 300_000] {
                    try? FileManager.default.removeItem(atPath: target)
                    let body = Self.part("name=a; filename=x", Self.bytes(size)) + raw("--1234--")
                    let first = try await post(server, body)
                    #expect(first.text == "")
                    #expect(try Array(Data(contentsOf: URL(filePath: target))) == Self.bytes(size))
                    let second = try await post(server, Self.part("name=a; filename=x", raw("new")) + raw("--1234--"))
                    #expect(second.text.contains("there is a file at \(target)"))
                    #expect(try Data(contentsOf: URL(filePath: target)).count == size)
                    let third = try await post(
                        server, Self.part("name=a; filename=x", raw("new")) + raw("--1234--"), "/?replacing=true")
                    #expect(third.text == "")
                    #expect(try Data(contentsOf: URL(filePath: target)) == Data("new".utf8))
                }
                #expect(try names(directory) == ["saved"])
            }
        }
    }

    @Test func `a path with a NUL, a directory or none at all throws and leaves nothing`() async throws {
        try await withDirectory { directory in
            try await withServer(routes: {
                Route("/", methods: [.post]) { handler in
                    for file in try handler.files() {
                        for path in ["\(directory.path)/a\0b", directory.path, "/no/such/directory/a", ""] {
                            do {
                                try await file.save(to: path, replacing: true)
                                handler.write("saved")
                            } catch { handler.write("refused ") }
                        }
                    }
                }
            }) { server in
                let response = try await post(server, Self.part("name=a; filename=x", raw("1")) + raw("--1234--"))
                #expect(response.text == "refused refused refused refused ")
                #expect(try names(directory) == [])
            }
        }
    }

    @Test func `read refuses what is beyond its limit, and all once the request has ended`() async throws {
        let kept = Mutex<[UploadedFile]>([])
        try await withServer(routes: {
            Route("/", methods: [.post]) { handler in
                let files = try handler.files()
                kept.withLock { $0 = files }
                handler.write(try await files[0].read(limit: 10))
                _ = try await files[0].read(limit: 9)
            }
        }) { server in
            for size in [10, 100_000] {
                let response = try await post(
                    server,
                    Self.part("name=a; filename=x", Self.bytes(10)) + Self.part("name=a; filename=x", Self.bytes(size))
                        + raw("--1234--"))
                #expect(response.status == 413)
                let files = kept.withLock { $0 }
                try await waitUntil("the request has ended") {
                    do { _ = try await files[1].read() } catch is UploadError { return true }
                    return false
                }
                await #expect(throws: UploadError.self) { _ = try await files[0].read() }
                await #expect(throws: UploadError.self) { for try await _ in files[1].chunks {} }
                await #expect(throws: UploadError.self) { try await files[1].save(to: "/tmp/never") }
            }
        }
    }

    @Test func `a form that is cut off at any byte is refused, and the next request is served`() async throws {
        let started = Counter()
        try await withServer(routes: {
            Route("/", methods: [.post]) { handler in
                started.add()
                try await Self.echo(handler)
            }
        }) { server in
            let form =
                Self.part("name=a", raw("1")) + Self.part("name=\"f\"; filename=\"x.txt\"", raw("Foo"))
                + raw("--1234--")
            let client = try await server.client()
            for end in 0..<form.count {
                try await client.send(Self.head(end) + Array(form[..<end]))
                #expect(try await client.response().status == 400)
            }
            #expect(started.value == 0)
            try await client.send(Self.head(form.count) + form)
            #expect(try await client.response().text == "a=1;f x.txt 3:Foo;")
        }
    }

    @Test func `a form may come in any pieces`() async throws {
        try await withServer(routes: { Route("/", methods: [.post], Self.echo) }) { server in
            let form =
                Self.part("name=a", raw("1\r\n--123"))
                + Self.part("name=f; filename=x", raw("\r\n--1234x"))
                .replacing(raw("--1234x"), with: raw("--123x")) + raw("--1234--and more")
            let client = try await server.client()
            let head = request(
                "POST / HTTP/1.1",
                "Host: h\r\nContent-Type: multipart/form-data; boundary=1234\r\nTransfer-Encoding: chunked\r\n")
            for size in 1...5 {
                var wire = raw(head)
                var position = 0
                while position < form.count {
                    let piece = form[position..<min(form.count, position + size)]
                    wire += raw("\(piece.count)\r\n") + piece + raw("\r\n")
                    position += size
                }
                try await client.send(wire + raw("0\r\n\r\n"))
                #expect(try await client.response().text == "a=1\r\n--123;f x 8:\r\n--123x;")
            }
        }
    }

    @Test func `a client that leaves during its upload leaves no file, and no handler begins`() async throws {
        let started = Counter()
        try await withDirectory { directory in
            try await withServer(
                { $0.temporaryDirectory = directory.path },
                routes: { Route("/", methods: [.post], options: Self.large) { _ in started.add() } }
            ) { server in
                for isReset in [false, true] {
                    let client = try await server.client()
                    try await client.send(
                        Self.head(10 << 20) + Self.part("name=a; filename=x", Self.bytes(1_000_000)).dropLast(2))
                    try await waitUntil("the file is there") { Self.openFiles(in: directory) == 1 }
                    if isReset { client.reset() } else { client.close() }
                    try await waitUntil("the file is closed") { Self.openFiles(in: directory) == 0 }
                    try await waitUntil("the connection is gone") { server.server.connectionCount == 0 }
                }
                #expect(started.value == 0)
                #expect(try names(directory) == [])
            }
        }
    }

    @Test func `an upload that stalls gets 408 and leaves no file`() async throws {
        try await withDirectory { directory in
            try await withServer(
                {
                    $0.temporaryDirectory = directory.path
                    $0.limits.bodyTimeout = .milliseconds(500)
                    $0.limits.bodyRate = 1 << 30
                }, routes: { Route("/", methods: [.post], options: Self.large, Self.echo) }
            ) { server in
                let client = try await server.client()
                try await client.send(
                    Self.head(10 << 20) + Self.part("name=a; filename=x", Self.bytes(300_000)).dropLast(2))
                #expect(try await client.responsesToEnd().map(\.status) == [408])
                try await waitUntil("the file is closed") { Self.openFiles(in: directory) == 0 }
            }
        }
    }

    @Test func `the handler's deadline begins when the form is there`() async throws {
        try await withServer(
            { $0.limits.handlerDeadline = .milliseconds(300) },
            routes: {
                Route("/", methods: [.post], Self.echo)
                Route("/slow", methods: [.post]) { _ in try await IOLoop.sleep(for: .seconds(60)) }
            }
        ) { server in
            let form = Self.part("name=a", raw("1")) + raw("--1234--")
            let client = try await server.client()
            try await client.send(Self.head(form.count) + form.prefix(10))
            // Longer than the handler may take.
            try await Task.sleep(for: .milliseconds(600))
            try await client.send(Array(form.dropFirst(10)))
            #expect(try await client.response().text == "a=1;")
            let slow = try await post(server, form, "/slow")
            #expect(slow.status == 503)
        }
    }

    @Test func `a client that waits gets 100 Continue, and a refusal without it`() async throws {
        try await withServer(routes: {
            Route("/", methods: [.post], options: .init(bodyLimit: 1_000), Self.echo)
        }) { server in
            let form = Self.part("name=a", raw("1")) + raw("--1234--")
            let client = try await server.client()
            try await client.send(Self.head(form.count, "/", "Expect: 100-continue\r\n"))
            #expect(try await client.response().status == 100)
            try await client.send(form)
            #expect(try await client.response().text == "a=1;")
            try await client.send(Self.head(1_001, "/", "Expect: 100-continue\r\n"))
            #expect(try await client.responsesToEnd().map(\.status) == [413])
            let other = try await server.client()
            try await other.send(
                raw(
                    request(
                        "POST / HTTP/1.1",
                        "Host: h\r\nContent-Type: multipart/form-data\r\nContent-Length: 9\r\nExpect: 100-continue\r\n")
                ))
            #expect(try await other.responsesToEnd().map(\.status) == [400])
        }
    }

    @Test func `the errors of a form are rendered by its handler`() async throws {
        final class Page: RequestHandler {
            override func setDefaultHeaders() { setHeader("Access-Control-Allow-Origin", "*") }
            override func writeError(_ error: HTTPError) async throws { write("my \(error.status)") }
            override func post() async throws {}
        }
        try await withServer(routes: { Route("/", options: .init(bodyLimit: 100), Page.init) }) { server in
            let response = try await post(server, raw("--1234\r\nnonsense"))
            #expect(response.status == 400)
            #expect(response.text == "my 400")
            #expect(response["access-control-allow-origin"] == "*")
        }
    }

    @Test func `the body of a form is not kept, and a token in it is found`() async throws {
        try await withServer(
            {
                $0.cookieSecret = "secret"
                $0.checksXSRF = true
            },
            routes: {
                Route("/", methods: [.get, .post]) { handler in
                    if handler.request.method == .get { handler.write(try handler.xsrfToken()) }
                    handler.write("\(handler.request.body.count)")
                }
            }
        ) { server in
            let page = try await server.get("/")
            let cookie = try #require(page["set-cookie"]?.prefix { $0 != ";" })
            let token = String(page.text.dropLast())
            let form = Self.part("name=_xsrf", raw(token)) + raw("--1234--")
            let good = try await post(server, form, "/", "Cookie: \(cookie)\r\n")
            #expect(good.text == "0")
            let bad = try await post(
                server, Self.part("name=a", raw("1")) + raw("--1234--"), "/", "Cookie: \(cookie)\r\n")
            #expect(bad.status == 403)
        }
    }

    /// Nothing is learned of loops that are taken at random.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["SQUALL_CHAOS"] == nil))
    func `a route that is learned to stall takes forms off its loop`() async throws {
        try await withServer(routes: {
            Route("/", methods: [.post], options: Self.large) { handler in
                usleep(20_000)
                try await Self.echo(handler)
            }
        }) { server in
            let content = Self.bytes(200_000)
            let body = Self.part("name=a; filename=x", content) + raw("--1234--")
            let whole = raw("a x 200000:") + content + raw(";")
            try await waitUntil("the route is learned") {
                let response = try await post(server, body)
                #expect(response.body == whole)
                return !server.application.learnedRoutes.isEmpty
            }
            let client = try await server.client()
            for _ in 0..<3 {
                async let sent: Void = client.send(Self.head(body.count) + body)
                #expect(try await client.response().body == whole)
                try await sent
            }
        }
    }

    @Test func `an upload that is under way when the server stops is taken to its end`() async throws {
        try await withServer(routes: { Route("/", methods: [.post], options: Self.large, Self.echo) }) { server in
            let form = Self.part("name=a", raw("1")) + raw("--1234--")
            let client = try await server.client()
            try await client.send(Self.head(form.count, "/", "Expect: 100-continue\r\n"))
            // The task waits for the body.
            #expect(try await client.response().status == 100)
            async let stopped: Void = server.server.stop()
            try await waitUntil("nothing is accepted") {
                (try? await RawClient.connect(port: server.port).close()) == nil
            }
            try await client.send(form)
            let responses = try await client.responsesToEnd()
            #expect(responses.map(\.text) == ["a=1;"])
            #expect(responses.first?["connection"] == "close")
            client.close()
            await stopped
        }
    }

    @Test func `a half-close behind a form does not cut it off`() async throws {
        try await withServer(routes: { Route("/", methods: [.post], Self.echo) }) { server in
            let form = Self.part("name=a", raw("1")) + raw("--1234--")
            let client = try await server.client()
            try await client.send(Self.head(form.count) + form)
            client.halfClose()
            #expect(try await client.responsesToEnd().map(\.text) == ["a=1;"])
        }
    }
}
