import HTTPTypes
import Squall
import SquallIO
import Testing

@Suite struct ETagTests {
    private func withCaching(_ body: @escaping @Sendable (TestServer) async throws -> Void) async throws {
        try await withServer(
            routes: {
                Route("/tagged") { handler in
                    try handler.setETag(try handler.queryArgument("tag", as: String.self))
                    handler.setHeader("Content-Language", "en")
                    handler.setHeader("Cache-Control", "max-age=60")
                    handler.write("body")
                }
                Route("/weak") { handler in
                    try handler.setETag("w", isWeak: true)
                    handler.write("body")
                }
                Route("/body") { handler in
                    handler.write(String(repeating: "a", count: try handler.queryArgument("size", as: Int.self)))
                }
                Route("/error") { handler in
                    handler.setStatus(404)
                    handler.write(String(repeating: "a", count: 1_000))
                }
                Route("/modified") { handler in
                    handler.setLastModified(1_359_312_200)
                    handler.write("body")
                }
                Route("/change", methods: [.put]) { handler in
                    let tag = try handler.queryArgument("tag")
                    try handler.checkPreconditions(tag: tag, lastModified: 1_359_312_200)
                    handler.write("changed")
                }
                Route("/bad") { handler in try handler.setETag("a\"b") }
            }, body)
    }

    /// Tornado's table.
    @Test(arguments: [
        ("*", "xyzzy", 304), ("\"xyzzy\"", "xyzzy", 304), ("\"xyzzy1\", \"xyzzy2\"", "xyzzy1", 304),
        ("\"xyzzy1\"", "xyzzy", 200), ("\"xyzzy1\", \"xyzzy2\"", "xyzzy", 200), ("W/\"xyzzy1\"", "xyzzy1", 304),
        ("W/\"xyzzy1\", W/\"xyzzy2\"", "xyzzy2", 304), ("W/\"xyzzy1\"", "xyzzy2", 200),
        ("W/\"xyzzy1\", W/\"xyzzy2\"", "xyzzy3", 200), ("\"unclosed", "unclosed", 200), ("xyzzy", "xyzzy", 200),
        ("\"a\", *", "b", 200), ("", "a", 200), ("\"xyzzy\"\"other\"", "other", 304), ("\u{e4}W/\"a\"", "a", 304),
        // Several lines are one list.
        ("\"a\"\r\nIf-None-Match: W/\"b\", \"c\"", "b", 304), ("\"a\"\r\nX: y\r\nif-none-match: \"b\"", "c", 200),
    ])
    func `If-None-Match is compared weakly`(_ field: String, _ tag: String, _ status: Int) async throws {
        try await withCaching { server in
            for method in ["GET", "HEAD"] {
                let response = try await server.ask(
                    request("\(method) /tagged?tag=\(tag) HTTP/1.1", "Host: h\r\nIf-None-Match: \(field)\r\n"),
                    toHead: method == "HEAD")
                #expect(response.status == status)
                #expect(response["etag"] == "\"\(tag)\"")
                #expect(response["cache-control"] == "max-age=60")
                #expect(response["content-language"] == (status == 304 ? nil : "en"))
                #expect(response["content-type"] == (status == 304 ? nil : "text/html; charset=UTF-8"))
                #expect(response["content-length"] == (status == 304 ? nil : "4"))
            }
        }
    }

    @Test func `a body has a tag of its own, which comes back as 304`() async throws {
        try await withCaching { server in
            let first = try await server.get("/body?size=256")
            let tag = try #require(first["etag"])
            #expect(tag.count == 34 && tag.hasPrefix("\"") && tag.hasSuffix("\""))
            let again = try await server.get("/body?size=256")
            #expect(again["etag"] == tag)
            let other = try await server.get("/body?size=257")
            #expect(other["etag"] != nil && other["etag"] != tag)
            let client = try await server.client()
            for _ in 0..<2 {
                try await client.send(request("GET /body?size=256 HTTP/1.1", "Host: h\r\nIf-None-Match: \(tag)\r\n"))
                let response = try await client.response()
                #expect(response.status == 304 && response.body.isEmpty)
                #expect(response["etag"] == tag)
            }
        }
    }

    @Test func `small bodies, errors and other methods have no tag`() async throws {
        try await withCaching { server in
            let small = try await server.get("/body?size=255")
            #expect(small["etag"] == nil)
            let error = try await server.ask(request("GET /error HTTP/1.1", "Host: h\r\nIf-None-Match: *\r\n"))
            #expect(error.status == 404 && error["etag"] == nil)
        }
        try await withServer(
            { $0.makesETags = false },
            routes: {
                Route("/") { handler in handler.write(String(repeating: "a", count: 1_000)) }
            }
        ) { server in
            let response = try await server.get("/")
            #expect(response["etag"] == nil)
        }
    }

    @Test(arguments: [
        ("Sun, 27 Jan 2013 18:43:20 GMT", 304), ("Sun, 27 Jan 2013 18:43:21 GMT", 304),
        ("Sun, 27 Jan 2013 18:43:19 GMT", 200),
        ("nonsense", 200), ("Sunday, 27-Jan-13 18:43:20 GMT", 304),
    ])
    func `If-Modified-Since counts where there is no tag to compare`(_ date: String, _ status: Int) async throws {
        try await withCaching { server in
            let response = try await server.ask(
                request("GET /modified HTTP/1.1", "Host: h\r\nIf-Modified-Since: \(date)\r\n"))
            #expect(response.status == status)
            let tagged = try await server.ask(
                request("GET /modified HTTP/1.1", "Host: h\r\nIf-Modified-Since: \(date)\r\nIf-None-Match: \"x\"\r\n"))
            #expect(tagged.status == 200)
        }
    }

    @Test(
        arguments: [
            ("If-Match: \"a\"", "a", 200), ("If-Match: \"b\"", "a", 412), ("If-Match: W/\"a\"", "a", 412),
            ("If-Match: *", "a", 200),
            ("If-Match: *", nil, 412), ("If-None-Match: *", "a", 412), ("If-None-Match: *", nil, 200),
            ("If-None-Match: \"a\"", "a", 412), ("If-None-Match: \"b\"", "a", 200),
            ("If-Match: \"b\"\r\nIf-Match: \"a\"", "a", 200), ("If-Match: \"b\"\r\nIf-Match: \"c\"", "a", 412),
            ("If-None-Match: \"b\"\r\nIf-None-Match: \"a\"", "a", 412),
            ("If-Unmodified-Since: Sun, 27 Jan 2013 18:43:19 GMT", "a", 412),
            ("If-Unmodified-Since: Sun, 27 Jan 2013 18:43:20 GMT", "a", 200),
            ("If-Unmodified-Since: nonsense", "a", 200),
            ("X: y", "a", 200),
        ] as [(String, String?, Int)])
    func `a change is refused where its condition does not hold`(_ field: String, _ tag: String?, _ status: Int)
        async throws
    {
        try await withCaching { server in
            let query = tag.map { "?tag=\($0)" } ?? ""
            let response = try await server.ask(request("PUT /change\(query) HTTP/1.1", "Host: h\r\n\(field)\r\n"))
            #expect(response.status == status)
        }
    }

    @Test func `a weak tag is sent as one, and a tag that cannot be is refused`() async throws {
        try await withCaching { server in
            let weak = try await server.ask(request("GET /weak HTTP/1.1", "Host: h\r\nIf-None-Match: \"w\"\r\n"))
            #expect(weak.status == 304 && weak["etag"] == "W/\"w\"")
            let bad = try await server.get("/bad")
            #expect(bad.status == 500)
        }
    }

    @Test func `A demand for another version is not met by a page either`() async throws {
        try await withCaching { server in
            for (field, status) in [
                ("If-Match: \"a\"", 412), ("If-Match: \"xyzzy\"", 200), ("If-Match: *", 200),
                ("If-Match: W/\"xyzzy\"", 412),
                ("If-Match: \"a\"\r\nIf-Match: \"xyzzy\"", 200),
                ("If-None-Match: \"a\"\r\nIf-None-Match: \"xyzzy\"", 304),
            ] {
                let answer = try await server.get("/tagged?tag=xyzzy", field + "\r\n")
                #expect(answer.status == status, "\(field)")
            }
            let modified = try await server.get("/modified", "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT\r\n")
            #expect(modified.status == 412)
            let any = try await server.get("/body?size=1000", "If-Match: \"a\"\r\n")
            #expect(any.status == 412)
        }
    }
}
