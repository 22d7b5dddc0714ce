import HTTPTypes
import Squall
import Testing

@Suite struct CompressionTests {
    static let long = String(repeating: "Every response of mine is compressed. ", count: 100)

    private func withPages(
        _ change: (inout Application.Settings) -> Void = { _ in }, _ body: (TestServer) async throws -> Void
    ) async throws {
        try await withServer(
            {
                $0.compressesResponses = true
                change(&$0)
            },
            routes: {
                Route("/") { handler in handler.write(Self.long) }
                Route("/plain", options: .init(compressesResponse: false)) { handler in handler.write(Self.long) }
                Route("/size/{count}") { handler in
                    handler.write([UInt8](repeating: 97, count: try handler.pathArgument("count", as: Int.self)))
                }
                Route("/tag/{weak}") { handler in
                    try handler.setETag("v1", isWeak: try handler.pathArgument("weak", as: Bool.self))
                    handler.write(Self.long)
                }
                Route("/put", methods: [.put]) { handler in
                    try handler.checkPreconditions(tag: "v1")
                    handler.write("changed")
                }
                Route("/fields") { handler in
                    for (name, value) in try handler.queryArguments() { handler.setHeader(name, value) }
                    handler.write(Self.long)
                }
                Route("/status/{code}") { handler in
                    handler.setStatus(try handler.pathArgument("code", as: Int.self))
                    if handler.responseStatus != 204 && handler.responseStatus != 304 { handler.write(Self.long) }
                }
                Route("/finish") { handler in try handler.finish(Self.long) }
                Route("/stream") { handler in
                    handler.setHeader("Content-Length", "\(2 * Self.long.utf8.count)")
                    handler.write(Self.long)
                    try await handler.flush()
                    handler.write(Self.long)
                }
                Route("/error") { _ in throw HTTPError(400, Self.long) }
            }, body)
    }

    private static func accept(_ value: String) -> String { "Accept-Encoding: \(value)\r\n" }

    @Test(arguments: ["gzip", "br"], ["/", "/finish", "/error"])
    func `a long response is compressed for who takes it`(_ coding: String, _ path: String) async throws {
        try await withPages { server in
            let plain = try await server.get(path)
            #expect(plain["content-encoding"] == nil)
            // The page of an error goes by Accept, too.
            let vary = path == "/error" ? "Accept, Accept-Encoding" : "Accept-Encoding"
            #expect(plain["vary"] == vary)
            let response = try await server.get(path, Self.accept(coding))
            #expect(response["content-encoding"] == coding)
            #expect(response["vary"] == vary)
            #expect(response["content-length"] == "\(response.body.count)")
            #expect(response.body.count < plain.body.count)
            #expect(decompressed(response.body, coding) == plain.body)
            #expect(response.status == plain.status)
        }
    }

    @Test func `HEAD has the fields of GET`() async throws {
        try await withPages { server in
            for coding in ["gzip", "br", "identity"] {
                let get = try await server.get("/", Self.accept(coding))
                let head = try await server.ask(
                    request("HEAD / HTTP/1.1", "Host: h\r\n" + Self.accept(coding)), toHead: true)
                #expect(head.body.isEmpty)
                for name in ["content-encoding", "content-length", "vary", "etag", "content-type"] {
                    #expect(head[name] == get[name])
                }
            }
        }
    }

    @Test func `off by default, and by route`() async throws {
        try await withPages { server in
            let response = try await server.get("/plain", Self.accept("gzip"))
            #expect(response["content-encoding"] == nil)
            #expect(response["vary"] == nil)
        }
        #expect(!Application.Settings().compressesResponses)
        try await withServer(routes: {
            Route("/") { handler in handler.write(Self.long) }
            Group("/group", options: .init(compressesResponse: true)) {
                Route("") { handler in handler.write(Self.long) }
            }
        }) { server in
            let off = try await server.get("/", Self.accept("gzip"))
            #expect(off["content-encoding"] == nil)
            let on = try await server.get("/group", Self.accept("gzip"))
            #expect(on["content-encoding"] == "gzip")
        }
    }

    @Test(arguments: [(1_023, false), (1_024, true), (16_384, true), (16_385, true), (1_000_000, true)])
    func `from 1,024 bytes on`(_ count: Int, _ isCompressed: Bool) async throws {
        try await withPages { server in
            for coding in ["gzip", "br"] {
                let response = try await server.get("/size/\(count)", Self.accept(coding))
                #expect((response["content-encoding"] != nil) == isCompressed)
                #expect((response["vary"] != nil) == isCompressed)
                let body = isCompressed ? decompressed(response.body, coding) : response.body
                #expect(body == [UInt8](repeating: 97, count: count))
            }
        }
    }

    @Test(arguments: [
        ("Content-Type=image%2Fpng", false), ("Content-Type=application%2Fjson", true),
        ("Content-Type=application%2Fproblem%2Bjson;charset=utf-8", true), ("Content-Type=image%2Fsvg%2Bxml", true),
        ("Content-Type=TEXT%2FPlain", true), ("Content-Type=application%2Fwasm", true),
        ("Content-Type=font%2Fwoff2", false),
        ("Content-Type=application%2Foctet-stream", false), ("Content-Encoding=zstd", false),
        ("Cache-Control=no-transform", false), ("Cache-Control=max-age%3D1,+No-Transform", false),
        ("Cache-Control=public", true), ("Content-Range=bytes+0-1/2", false),
    ])
    func `what it pays for, and what may be changed, is compressed`(_ query: String, _ isCompressed: Bool) async throws
    {
        try await withPages { server in
            let response = try await server.get("/fields?\(query)", Self.accept("gzip"))
            #expect((response["content-encoding"] == "gzip") == isCompressed)
            #expect((response["vary"] != nil) == isCompressed)
        }
    }

    @Test(arguments: [
        ("Cookie", "Cookie, Accept-Encoding"), ("*", "*"), ("accept-encoding", "accept-encoding"),
        ("Cookie,+ACCEPT-ENCODING", "Cookie, ACCEPT-ENCODING"),
    ])
    func `Vary is added to`(_ value: String, _ vary: String) async throws {
        try await withPages { server in
            let response = try await server.get("/fields?Vary=\(value)", Self.accept("gzip"))
            #expect(response["vary"] == vary)
        }
    }

    @Test(arguments: [(204, nil), (206, nil), (304, nil), (200, "gzip"), (500, "gzip")] as [(Int, String?)])
    func `statuses without a body, and parts of one, are left`(_ status: Int, _ coding: String?) async throws {
        try await withPages { server in
            let response = try await server.get("/status/\(status)", Self.accept("gzip"))
            #expect(response.status == status)
            #expect(response["content-encoding"] == coding)
        }
    }

    @Test(arguments: ["/", "/tag/false", "/tag/true"])
    func `each coding has a tag of its own, and 304 for it`(_ path: String) async throws {
        try await withPages { server in
            var tags: Set<String> = []
            for coding in ["identity", "gzip", "br"] {
                let first = try await server.get(path, Self.accept(coding))
                let tag = try #require(first["etag"])
                tags.insert(tag)
                let isSuffixed = tag.hasSuffix("-\(coding)\"")
                #expect(isSuffixed == (coding != "identity" && path != "/tag/true"))
                let again = try await server.get(path, Self.accept(coding) + "If-None-Match: \(tag)\r\n")
                #expect(again.status == 304)
                #expect(again["etag"] == tag)
                #expect(again["vary"] == "Accept-Encoding")
                #expect(again["content-encoding"] == nil)
                #expect(again["content-length"] == nil)
                let other = try await server.get(path, Self.accept("gzip;q=0") + "If-None-Match: \(tag)\r\n")
                #expect((other.status == 304) == (coding == "identity" || path == "/tag/true"))
            }
            #expect(tags.count == (path == "/tag/true" ? 1 : 3))
        }
    }

    @Test(arguments: [("\"v1\"", 200), ("\"v1-gzip\"", 200), ("\"v1-br\"", 200), ("\"v1-x\"", 412), ("\"v2\"", 412)])
    func `a change may be made with the tag of a coding`(_ tag: String, _ status: Int) async throws {
        try await withPages { server in
            let response = try await server.ask(
                request("PUT /put HTTP/1.1", "Host: h\r\nContent-Length: 0\r\nIf-Match: \(tag)\r\n"))
            #expect(response.status == status)
        }
    }

    @Test(arguments: ["gzip", "br", "gzip, br"])
    func `what is flushed can be read by the client at once`(_ accept: String) async throws {
        let gate = Gate()
        try await withServer(
            { $0.compressesResponses = true },
            routes: {
                Route("/") { handler in
                    handler.write("first ")
                    try await handler.flush()
                    try await gate.wait()
                    handler.write("second")
                    try await handler.flush()
                    try await handler.flush()
                }
            }
        ) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1", "Host: h\r\n" + Self.accept(accept)))
            let coding = accept == "br" ? "br" : "gzip"
            var bytes: [UInt8] = []
            var first: [UInt8] = []
            while true {
                bytes += try await client.read(atLeast: 1)
                guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound,
                    let line = bytes[end...].firstRange(of: Array("\r\n".utf8))
                else { continue }
                #expect(text(bytes[..<end]).contains("Content-Encoding: \(coding)\r\n"))
                let length = Int(text(bytes[end..<line.lowerBound]), radix: 16) ?? 0
                guard bytes.count >= line.upperBound + length + 2 else { continue }
                first = Array(bytes[line.upperBound..<line.upperBound + length])
                break
            }
            #expect(decompressed(first, coding) == Array("first ".utf8))
            gate.open()
            // The rest is in two chunks: what the next flush made, and the end.
            while bytes.suffix(5) != raw("0\r\n\r\n") { bytes += try await client.read(atLeast: 1) }
            let head = try #require(bytes.firstRange(of: raw("\r\n\r\n")))
            var rest = bytes[head.upperBound...]
            var body: [UInt8] = []
            while let line = rest.firstRange(of: raw("\r\n")),
                let length = Int(text(rest[..<line.lowerBound]), radix: 16), length > 0
            {
                body += rest[line.upperBound..<line.upperBound + length]
                rest = rest[(line.upperBound + length + 2)...]
            }
            #expect(decompressed(body, coding) == Array("first second".utf8))
        }
    }

    @Test func `a stream with a length is compressed without it, and one of few bytes is left`() async throws {
        try await withPages { server in
            let response = try await server.get("/stream", Self.accept("gzip"))
            #expect(response["content-length"] == nil)
            #expect(response["transfer-encoding"] == "chunked")
            #expect(decompressed(response.body, "gzip") == Array((Self.long + Self.long).utf8))
            let plain = try await server.get("/stream")
            #expect(plain["content-length"] == "\(2 * Self.long.utf8.count)")
            #expect(plain["vary"] == "Accept-Encoding")
        }
    }

    @Test(arguments: ["gzip", "br"])
    func `large pieces of a stream are compressed, too`(_ coding: String) async throws {
        let piece = [UInt8](repeating: 97, count: 500_000)
        try await withServer(
            { $0.compressesResponses = true },
            routes: {
                Route("/") { handler in
                    for _ in 0..<3 {
                        handler.write(piece)
                        try await handler.flush()
                    }
                    handler.write(piece)
                }
            }
        ) { server in
            let response = try await server.get("/", Self.accept(coding))
            #expect(response.isComplete)
            #expect(response.body.count < 20_000)
            #expect(decompressed(response.body, coding) == piece + piece + piece + piece)
        }
    }

    @Test func `HEAD of a stream has its fields and no body`() async throws {
        try await withPages { server in
            let client = try await server.client()
            try await client.send(request("HEAD /stream HTTP/1.1", "Host: h\r\n" + Self.accept("gzip")))
            let head = try await client.response(toHead: true)
            #expect(head["content-encoding"] == "gzip")
            #expect(head["vary"] == "Accept-Encoding")
            try await client.send(request("GET /plain HTTP/1.1"))
            #expect(try await client.response().text == Self.long)
        }
    }

    @Test func `a client that has closed its side gets its large response all the same`() async throws {
        let gate = Gate()
        let page = [UInt8](repeating: 97, count: 500_000)
        try await withServer(
            { $0.compressesResponses = true },
            routes: {
                Route("/") { handler in
                    do { try await gate.wait() } catch {}
                    handler.write(page)
                }
            }
        ) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1", "Host: h\r\n" + Self.accept("gzip")))
            try await waitUntil("the handler waits") { gate.waitingCount == 1 }
            client.halfClose()
            let responses = try await client.responsesToEnd()
            #expect(responses.map { decompressed($0.body, "gzip") } == [page])
        }
    }

    @Test func `many responses one after the other`() async throws {
        try await withPages { server in
            let client = try await server.client()
            for index in 0..<50 {
                let coding = index % 2 == 0 ? "gzip" : "br"
                try await client.send(request("GET / HTTP/1.1", "Host: h\r\n" + Self.accept(coding)))
                let response = try await client.response()
                #expect(decompressed(response.body, coding) == Array(Self.long.utf8))
            }
        }
    }

    @Test(arguments: [String(repeating: "a,", count: 30_000), String(repeating: "gzip;q=0.", count: 7_000)])
    func `a hostile list gets an answer`(_ list: String) async throws {
        try await withPages { server in
            let response = try await server.get("/", Self.accept(list))
            #expect(response.status == 200)
            #expect(response["content-encoding"] == nil)
        }
    }
}
