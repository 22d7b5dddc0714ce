import HTTPTypes
import Squall
import Testing

@Suite struct StreamedFormTests {
    private static let streamed = Route.Options(bodyLimit: 100 << 20, streamsBody: true)
    private static let form =
        UploadTests.part("name=a", raw("1")) + UploadTests.part("name=f; filename=\"../x.txt\"", raw("Foo"))
        + UploadTests.part("name=b", raw("2")) + raw("--1234--")

    private func withForms(_ body: (TestServer) async throws -> Void) async throws {
        try await withServer(
            routes: {
                Route("/", methods: [.post], options: Self.streamed) { handler in
                    for try await part in handler.multipart {
                        handler.write(
                            "\(part.name) \(part.filename ?? "-") \(part.safeFilename) \(part.contentType ?? "-"): ")
                        handler.write("\(try await part.text(limit: 10))\n")
                    }
                }
                Route("/skip", methods: [.post], options: Self.streamed) { handler in
                    for try await part in handler.multipart { handler.write("\(part.name) ") }
                }
                Route("/late", methods: [.post], options: Self.streamed) { handler in
                    var parts: [MultipartBody.Part] = []
                    for try await part in handler.multipart { parts.append(part) }
                    do { _ = try await parts[0].text() } catch { handler.write("\(error)") }
                    handler.write(try await parts[parts.count - 1].text())
                }
                Route("/count", methods: [.post], options: Self.streamed) { handler in
                    var count = 0
                    for try await part in handler.multipart {
                        for try await piece in part.content { count += piece.count }
                    }
                    handler.write("\(count)")
                }
                Route("/kept", methods: [.post], options: .init(bodyLimit: 100 << 20)) { handler in
                    let count = try handler.bodyArguments().reduce(0) { $0 + $1.value.utf8.count }
                    handler.write("\(try handler.files().reduce(count) { $0 + $1.size })")
                }
                Route("/whole", methods: [.post]) { handler in for try await _ in handler.multipart {} }
                Route("/arguments", methods: [.post], options: Self.streamed) { handler in
                    handler.write("\(try handler.bodyArguments().count) \(try handler.files().count)")
                }
            }, body)
    }

    private func post(_ server: TestServer, _ path: String, _ body: [UInt8] = form) async throws -> RawResponse {
        let client = try await server.client()
        defer { client.close() }
        try await client.send(UploadTests.head(body.count, path) + body)
        return try await client.response()
    }

    @Test func `parts come one by one`() async throws {
        try await withForms { server in
            let response = try await post(server, "/")
            #expect(response.text == "a - file -: 1\nf ../x.txt x.txt -: Foo\nb - file -: 2\n")
        }
    }

    @Test func `a part that is not read is skipped, and one that is over says so`() async throws {
        try await withForms { server in
            let skipped = try await post(server, "/skip")
            #expect(skipped.text == "a f b ")
            let late = try await post(server, "/late")
            #expect(late.text == "the next part was asked for, and this one is skipped; read its content before")
        }
    }

    @Test func `text is held to its limit`() async throws {
        try await withForms { server in
            for (count, status) in [(10, 200), (11, 413)] {
                let response = try await post(
                    server, "/", UploadTests.part("name=a", [UInt8](repeating: 97, count: count)) + raw("--1234--"))
                #expect(response.status == status)
            }
        }
    }

    @Test func `a part arrives before its end has come`() async throws {
        let received = Counter()
        try await withServer(routes: {
            Route("/", methods: [.post], options: Self.streamed) { handler in
                for try await part in handler.multipart {
                    for try await piece in part.content { received.add(piece.count) }
                }
            }
        }) { server in
            let client = try await server.client()
            let body =
                UploadTests.part("name=f; filename=x", [UInt8](repeating: 97, count: 2_000_000)) + raw("--1234--")
            try await client.send(UploadTests.head(body.count) + body.prefix(1_000_000))
            try await waitUntil("most of what was sent is read") { received.value > 990_000 }
            try await client.send(Array(body.dropFirst(1_000_000)))
            #expect(try await client.response().status == 200)
            #expect(received.value == 2_000_000)
        }
    }

    @Test func `what is no form, malformed or cut off is refused`() async throws {
        try await withForms { server in
            for end in 0..<Self.form.count {
                let response = try await post(server, "/count", Array(Self.form[..<end]))
                #expect(response.status == 400)
            }
            let other = try await server.post("/count", "abc", "Content-Type: text/plain\r\n")
            #expect(other.status == 415)
            let coded = try await server.post(
                "/count", "abc", "Content-Type: multipart/form-data; boundary=1\r\nContent-Encoding: gzip\r\n")
            #expect(coded.status == 415)
            let bare = try await server.post("/count", "abc", "Content-Type: multipart/form-data\r\n")
            #expect(bare.status == 400)
        }
    }

    private static let hostile = [
        "", "--1234", "--1234\r\n\r\nFoo\r\n--1234--", "no delimiter", "--1234x\r\n", "--1234\n",
        "--1234\r\nContent-Disposition: invalid; name=a\r\n\r\nFoo\r\n--1234--",
        "--1234\r\nContent-Disposition: form-data\r\n\r\nFoo\r\n--1234--",
        "--1234\r\nContent-Disposition: form-data; name=a\r\n\r\nFoo--1234--",
        "--1234\nContent-Disposition: form-data; name=a\n\nFoo\n--1234--",
        "--1234\r\nContent-Disposition: form-data; name=a; filename=\"a\u{0}b\"\r\n\r\nFoo\r\n--1234--",
        "--1234\r\nContent-Disposition: form-data; name=a; filename=\"a\rb\"\r\n\r\nFoo\r\n--1234--",
        "--1234\r\nContent-Disposition: form-data; name=a; filename=\"\u{e9}\"\r\n\r\nFoo\r\n--1234--",
        "--1234\r\nContent-Disposition: form-data; name=a\r\nX: \(String(repeating: "a", count: 10_240))\r\n\r\n--1234--",
        "--1234\r\nX: \(String(repeating: "a", count: 200_000))",
        String(repeating: "--1234\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n", count: 101) + "--1234--",
    ]

    @Test(arguments: hostile.indices, ["/count", "/kept"])
    func `hostile forms are refused, streamed or not`(_ index: Int, _ path: String) async throws {
        try await withForms { server in
            let response = try await post(server, path, raw(Self.hostile[index]))
            #expect(response.status == 400)
        }
    }

    @Test(arguments: ["/count", "/kept"])
    func `hard cases are read to their end, streamed or not`(_ path: String) async throws {
        try await withForms { server in
            let semicolons = "name=a; x=\"\(String(repeating: ";", count: 9_000))\""
            let almost = [UInt8](repeatElement(raw("\r\n--123"), count: 50_000).joined())
            for (disposition, content) in [(semicolons, raw("1")), ("name=f; filename=x", almost)] {
                let response = try await post(
                    server, path, UploadTests.part(disposition, content) + raw("--1234--more"))
                #expect(response.text == "\(content.count)")
            }
        }
    }

    @Test func `a route without streamsBody has files(), and one with it none`() async throws {
        try await withForms { server in
            let whole = try await post(server, "/whole")
            #expect(whole.status == 500)
            #expect(server.log.entries.contains { $0.message.contains("use bodyArguments() and files()") })
            let arguments = try await post(server, "/arguments")
            #expect(arguments.text == "0 0")
        }
    }
}
