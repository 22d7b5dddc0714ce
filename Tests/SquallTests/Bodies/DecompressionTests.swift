import HTTPTypes
import Squall
import Testing

@Suite struct DecompressionTests {
    private static let on = Route.Options(bodyLimit: 1_000_000, decompressesBody: true)
    private static let streamed = Route.Options(bodyLimit: 1_000_000, streamsBody: true, decompressesBody: true)
    private static let boundary = "Content-Type: multipart/form-data; boundary=1234\r\n"

    private func withRoutes(
        _ change: (inout Application.Settings) -> Void = { _ in }, _ body: (TestServer) async throws -> Void
    ) async throws {
        try await withServer(
            change,
            routes: {
                Route("/", methods: [.post], options: Self.on) { handler in handler.write(handler.request.body) }
                Route("/off", methods: [.post]) { handler in handler.write(handler.request.body) }
                Route("/stream", methods: [.post], options: Self.streamed) { handler in
                    for try await chunk in handler.body {
                        if chunk.count > 65_536 { throw HTTPError(500) }
                        handler.write(chunk)
                    }
                }
                Route("/json", methods: [.post], options: Self.on) { handler in
                    handler.write("\(try handler.json([Int].self))")
                }
                Route("/json/off", methods: [.post]) { handler in handler.write("\(try handler.json([Int].self))") }
                Route("/form", methods: [.post], options: Self.on) { handler in
                    for (name, value) in try handler.bodyArguments() { handler.write("\(name)=\(value);") }
                    for file in try handler.files() { handler.write(try await file.read()) }
                }
                Route("/form/off", methods: [.post]) { handler in _ = try handler.bodyArguments() }
            }, body)
    }

    private func post(
        _ server: TestServer, _ path: String, _ body: [UInt8], _ coding: String, _ fields: String = ""
    ) async throws -> RawResponse {
        let client = try await server.client()
        defer { client.close() }
        try await client.send(
            raw(
                request(
                    "POST \(path) HTTP/1.1",
                    "Host: h\r\nContent-Length: \(body.count)\r\nContent-Encoding: \(coding)\r\n\(fields)")) + body)
        return try await client.response()
    }

    /// Of low compressibility, and the same each time.
    private static func noise(_ count: Int) -> [UInt8] {
        var state: UInt64 = 1
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }

    @Test(arguments: ["gzip", "deflate", "br"], ["/", "/stream"])
    func `a body is decompressed`(_ coding: String, _ path: String) async throws {
        try await withRoutes { server in
            for body in [raw("hello"), Self.noise(300_000), [UInt8](repeating: 97, count: 60_000), []] {
                let response = try await post(server, path, compressed(body, coding), coding.uppercased())
                #expect(response.status == 200)
                #expect(response.body == body)
            }
            // A body of no bytes is an empty one.
            let empty = try await post(server, path, [], coding)
            #expect(empty.status == 200)
            #expect(empty.body == [])
        }
    }

    @Test(arguments: ["gzip", "deflate", "br"])
    func `it may come in any pieces, and the connection goes on`(_ coding: String) async throws {
        try await withRoutes { server in
            let client = try await server.client()
            let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Encoding: \(coding)\r\n\r\n"
            let pieces = compressed(raw("hello, hello, hello"), coding).map { raw("1\r\n") + [$0] + raw("\r\n") }
            for _ in 0..<2 {
                try await client.send(raw(head) + pieces.joined() + raw("0\r\n\r\n"))
                #expect(try await client.response().text == "hello, hello, hello")
            }
        }
    }

    @Test func `members of gzip one behind the other are one body`() async throws {
        try await withRoutes { server in
            let members = compressed(raw("one "), "gzip") + compressed([], "gzip") + compressed(raw("two"), "gzip")
            let response = try await post(server, "/", members, "gzip")
            #expect(response.text == "one two")
            let many = Array(repeatElement(compressed([], "gzip"), count: 5_000).joined())
            let empty = try await post(server, "/", many, "x-gzip")
            #expect(empty.status == 200)
            #expect(empty.body == [])
        }
    }

    @Test(arguments: ["gzip", "deflate", "br"], ["/", "/stream"])
    func `what is cut off at any byte, changed or followed by something is refused`(
        _ coding: String, _ path: String
    ) async throws {
        try await withRoutes { server in
            let good = compressed(raw("hello, hello, hello, world"), coding)
            for end in 1..<good.count {
                let response = try await post(server, path, Array(good[..<end]), coding)
                #expect(response.status == 400)
            }
            for garbage in [[0], [1, 2, 3], raw("garbage of some length")] {
                let response = try await post(server, path, good + garbage, coding)
                #expect(response.status == 400)
            }
            let response = try await post(server, path, raw("this is not compressed at all"), coding)
            #expect(response.status == 400)
        }
    }

    @Test func `a checksum that is wrong is refused`() async throws {
        try await withRoutes { server in
            var body = compressed(raw("hello"), "gzip")
            body[body.count - 8] ^= 1
            let response = try await post(server, "/", body, "gzip")
            #expect(response.status == 400)
        }
    }

    @Test(arguments: [
        "compress", "zstd", "gzip, gzip", "gzip, br", "gzip\r\nContent-Encoding: br", "\"gzip\"", "gzip;q=1",
    ])
    func `other codings, and more than one, are refused with what is accepted`(_ coding: String) async throws {
        try await withRoutes { server in
            for path in ["/", "/stream", "/form"] {
                let response = try await post(server, path, raw("abc"), coding, Self.boundary)
                #expect(response.status == 415)
                #expect(response["accept-encoding"] == "gzip, deflate, br")
            }
        }
    }

    @Test func `identity is no coding`() async throws {
        try await withRoutes { server in
            let response = try await post(server, "/", raw("abc"), "identity, , Identity")
            #expect(response.text == "abc")
        }
    }

    @Test func `off by default: the body comes as it is, and forms and JSON are refused`() async throws {
        #expect(!Application.Settings().decompressesBodies)
        try await withRoutes { server in
            let body = compressed(raw("[1]"), "gzip")
            let plain = try await post(server, "/off", body, "gzip")
            #expect(plain.body == body)
            let answers = [
                try await post(server, "/json/off", body, "gzip", "Content-Type: application/json\r\n"),
                try await post(
                    server, "/form/off", body, "gzip", "Content-Type: application/x-www-form-urlencoded\r\n"),
                try await post(server, "/form/off", body, "gzip", Self.boundary),
            ]
            for answer in answers {
                #expect(answer.status == 415)
                #expect(answer["accept-encoding"] == "identity")
            }
        }
    }

    @Test func `decompressesBodies: for a whole application`() async throws {
        try await withRoutes({ $0.decompressesBodies = true }) { server in
            let response = try await post(server, "/off", compressed(raw("abc"), "gzip"), "gzip")
            #expect(response.text == "abc")
        }
    }

    @Test(arguments: ["gzip", "deflate", "br"])
    func `JSON and forms are read through it`(_ coding: String) async throws {
        try await withRoutes { server in
            let json = try await post(
                server, "/json", compressed(raw("[1, 2]"), coding), coding, "Content-Type: application/json\r\n")
            #expect(json.text == "[1, 2]")
            let encoded = try await post(
                server, "/form", compressed(raw("a=1&b=2"), coding), coding,
                "Content-Type: application/x-www-form-urlencoded\r\n")
            #expect(encoded.text == "a=1;b=2;")
            let form =
                raw("--1234\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n")
                + raw("--1234\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n") + Self.noise(200_000)
                + raw("\r\n--1234--")
            let multipart = try await post(server, "/form", compressed(form, coding), coding, Self.boundary)
            #expect(multipart.body == raw("a=1;") + Self.noise(200_000))
        }
    }

    @Test(arguments: ["gzip", "deflate", "br"], ["/", "/stream", "/form"])
    func `a bomb is refused as soon as it shows`(_ coding: String, _ path: String) async throws {
        try await withRoutes { server in
            let bomb = compressed([UInt8](repeating: 0, count: 8 << 20), coding)
            let response = try await post(server, path, bomb, coding, Self.boundary)
            #expect(response.status == 413)
        }
    }

    @Test(arguments: [
        ("/", 1_000_000, 200), ("/", 1_000_001, 413), ("/stream", 1_000_000, 200), ("/stream", 1_000_001, 413),
    ])
    func `the limit of the body holds for what comes out`(_ path: String, _ size: Int, _ status: Int) async throws {
        try await withRoutes { server in
            // Half of it is noise, so that it stays far below the ratio and what goes in below the limit.
            let body = Self.noise(500_000) + [UInt8](repeating: 97, count: size - 500_000)
            let response = try await post(server, path, compressed(body, "gzip"), "gzip")
            #expect(response.status == status)
        }
    }

    @Test(arguments: [(2, 413), (100_000, 200)])
    func `decompressionRatio: beyond it 413`(_ ratio: Int, _ status: Int) async throws {
        try await withRoutes({ $0.limits.decompressionRatio = ratio }) { server in
            let body = [UInt8](repeating: 97, count: 70_000)
            let response = try await post(server, "/", compressed(body, "gzip"), "gzip")
            #expect(response.status == status)
        }
    }

    @Test func `64 KiB may come out whatever the ratio`() async throws {
        try await withRoutes { server in
            for (count, status) in [(65_536, 200), (65_537, 413)] {
                let body = [UInt8](repeating: 97, count: count)
                let response = try await post(server, "/", compressed(body, "gzip"), "gzip")
                #expect(response.status == status)
            }
        }
    }
}
