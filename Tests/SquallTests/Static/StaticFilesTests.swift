import Foundation
import Logging
import HTTPTypes
import Squall
import SquallIO
import Testing

@Suite struct StaticFilesTests {
    @Test func `A file is served with its type, its version and its length`() async throws {
        try await withStaticFiles { server, _ in
            let answer = try await server.get("/static/robots.txt")
            #expect(answer.status == 200)
            #expect(answer.text == "User-agent: *\nDisallow: /\n")
            #expect(answer["content-type"] == "text/plain; charset=UTF-8")
            #expect(answer["content-length"] == "26")
            #expect(answer["accept-ranges"] == "bytes")
            #expect(answer["cache-control"] == nil)
            let tag = try #require(answer["etag"])
            #expect(tag.hasPrefix("\"") && tag.hasSuffix("\""))
            let date = try #require(answer["last-modified"])
            for condition in [
                "If-None-Match: \(tag)", "If-None-Match: \"other\"\r\nIf-None-Match: \(tag)", "If-None-Match: W/\(tag)",
                "If-Modified-Since: \(date)",
            ] {
                let again = try await server.get("/static/robots.txt", "\(condition)\r\n")
                #expect(again.status == 304)
                #expect(again.body.isEmpty)
                #expect(again["etag"] == tag)
                #expect(again["content-type"] == nil)
                #expect(again["content-length"] == nil)
            }
        }
    }

    @Test(arguments: [
        "If-None-Match: \"other\"", "If-Modified-Since: Thu, 01 Jan 1970 00:00:01 GMT", "If-Modified-Since: nonsense",
        "If-Modified-Since: Thu, 01 Jan 1969 00:00:01 GMT",
        "If-None-Match: \"other\"\r\nIf-Modified-Since: Fri, 01 Jan 2100 00:00:01 GMT",
        "If-Modified-Since: Mon, 32 Jan 2100 99:00:01 GMT",
    ])
    func `Conditions that do not hold give the file`(_ fields: String) async throws {
        try await withStaticFiles { server, _ in
            let answer = try await server.get("/static/robots.txt", fields + "\r\n")
            #expect(answer.status == 200)
        }
    }

    @Test(arguments: [
        "If-Match: \"other\"", "If-Match: \"other\"\r\nIf-Match: \"third\"", "If-Match: W/\"other\"",
        "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT",
    ])
    func `Demands that cannot be met give 412`(_ fields: String) async throws {
        try await withStaticFiles { server, _ in
            let answer = try await server.get("/static/robots.txt", fields + "\r\n")
            #expect(answer.status == 412)
        }
    }

    @Test func `HEAD has the same fields and no body`() async throws {
        try await withStaticFiles { server, _ in
            let get = try await server.get("/static/robots.txt")
            let head = try await server.ask(request("HEAD /static/robots.txt HTTP/1.1"), toHead: true)
            #expect(head.status == 200)
            for name in ["etag", "last-modified", "content-type", "content-length", "accept-ranges"] {
                #expect(head[name] == get[name])
            }
        }
    }

    @Test func `A changed file has another version`() async throws {
        try await withStaticFiles { server, folder in
            let before = try await server.get("/static/robots.txt")
            try folder.write("static/robots.txt", "User-agent: *\nDisallow: x\n")
            let after = try await server.get("/static/robots.txt", "If-None-Match: \(before["etag"] ?? "")\r\n")
            #expect(after.status == 200)
            #expect(after.text.hasSuffix("x\n"))
            #expect(after["etag"] != before["etag"])
        }
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "PATCH"]) func `Other methods get 405`(_ method: String) async throws {
        try await withStaticFiles { server, _ in
            let answer = try await server.ask(
                request("\(method) /static/robots.txt HTTP/1.1", "Host: h\r\nContent-Length: 0\r\n"))
            #expect(answer.status == 405)
            #expect(answer["allow"] == "GET, HEAD, OPTIONS")
        }
    }

    // MARK: paths

    @Test(arguments: [
        ("/static/nothing.txt", 404), ("/static/robots.txt/", 404), ("/static/robots.txt/x", 404),
        ("/static//robots.txt", 404),
        ("/static/./robots.txt", 404), ("/static/%00", 404), ("/static/robots.txt%00.html", 404),
        ("/static/sub//", 404),
        ("/static/../outside.txt", 403), ("/static/%2e%2e/outside.txt", 403), ("/static/..%2foutside.txt", 403),
        ("/static/sub/../../outside.txt", 403), ("/static/..", 403), ("/static/%2e%2e", 403),
        ("/static/..%5coutside.txt", 404),
        ("/static/../static_foo.txt", 403), ("/static//etc/passwd", 404), ("/static/%2fetc/passwd", 404),
        ("/static/%252e%252e/outside.txt", 404), ("/static/CON", 404), ("/static/con:", 404), ("/static/aux.txt", 404),
        ("/static/%ff", 400), ("/static/%c0%af", 400), ("/static/con%0d%0aSet-Cookie:%20a", 404),
        ("/static/" + String(repeating: "a", count: 300), 404),
        ("/static/" + String(repeating: "a/", count: 3_000), 404),
        ("/staticrobots.txt", 404), ("/static_foo.txt", 404), ("/static/sub/", 200), ("/static/", 200),
        ("/static/sub/page", 200), ("/static/%72obots.txt", 200), ("/static/.../robots.txt", 404),
    ])
    func `What leads to no file of the folder is refused`(_ target: String, _ status: Int) async throws {
        try await withStaticFiles { server, _ in
            let answer = try await server.get(target)
            #expect(answer.status == status)
            #expect(answer["set-cookie"] == nil)
            #expect(!answer.text.contains("outside") || status == 403)
        }
    }

    @Test func `Links that lead out of the folder are refused`() async throws {
        try await withStaticFiles { server, folder in
            try folder.link("static/in.txt", to: "robots.txt")
            try folder.link("static/up.txt", to: "../outside.txt")
            try folder.link("static/absolute.txt", to: folder.file("outside.txt"))
            try folder.link("static/parent", to: "..")
            try folder.link("static/loop", to: "loop")
            try folder.link("static/dangling", to: "nowhere")
            for (name, status) in [
                ("in.txt", 200), ("up.txt", 403), ("absolute.txt", 403), ("parent/outside.txt", 403), ("parent/", 403),
                ("loop", 403), ("dangling", 404),
            ] {
                let answer = try await server.get("/static/\(name)")
                #expect(answer.status == status, "\(name)")
            }
        }
    }

    @Test func `What is no file is not served`() async throws {
        try await withStaticFiles { server, folder in
            #expect(mkfifo(folder.file("static/pipe"), 0o600) == 0)
            let answer = try await server.get("/static/pipe")
            #expect(answer.status == 404)
        }
    }

    @Test func `Names that begin with a dot are hidden`() async throws {
        for (shows, status) in [(false, 404), (true, 200)] {
            try await withStaticFiles({ $0.servesHidden = shows }) { server, folder in
                try folder.write("static/.env", "secret")
                try folder.write("static/.git/config", "secret")
                try folder.write("static/.well-known/security.txt", "Contact: x")
                for name in [".env", ".git/config"] {
                    let answer = try await server.get("/static/\(name)")
                    #expect(answer.status == status)
                }
                let known = try await server.get("/static/.well-known/security.txt")
                #expect(known.status == 200)
            }
        }
    }

    @Test func `A folder is its index, under a path that ends with a slash`() async throws {
        try await withStaticFiles { server, _ in
            let root = try await server.get("/static/")
            #expect(root.text == "<p>root</p>")
            #expect(root["content-type"] == "text/html; charset=UTF-8")
            let sub = try await server.get("/static/sub/")
            #expect(sub.text == "<p>sub</p>")
            let bare = try await server.get("/static/sub?a=b")
            #expect(bare.status == 301)
            #expect(bare["location"] == "/static/sub/?a=b")
        }
        try await withStaticFiles({ $0.index = "page" }) { server, _ in
            let sub = try await server.get("/static/sub/")
            #expect(sub.text == "no type")
            #expect(sub["content-type"] == "application/octet-stream")
            let root = try await server.get("/static/")
            #expect(root.status == 404)
        }
        try await withStaticFiles({ $0.index = nil }) { server, _ in
            for target in ["/static/", "/static/sub", "/static/sub/"] {
                let answer = try await server.get(target)
                #expect(answer.status == 404)
            }
        }
    }

    /// `//evil.example/` in a Location leads to another host (CVE-2023-28370).
    @Test func `The redirect to a folder leads nowhere else`() async throws {
        try await withTemporaryFolder { folder in
            try folder.write("evil.example/sub/index.html", "x")
            try await withServer(
                routes: { StaticFiles("", root: folder.path) },
                { server in
                    for target in ["//evil.example/sub", "//evil.example", "/%2fevil.example/sub", "/..//evil.example"]
                    {
                        let answer = try await server.get(target)
                        #expect(answer["location"].map { !$0.hasPrefix("//") } ?? true, "\(target)")
                        #expect(answer.status >= 300)
                    }
                    let own = try await server.get("/evil.example")
                    #expect(own.status == 404 || own["location"] == "/evil.example/")
                })
        }
    }

    @Test func `A folder that is made anew is found`() async throws {
        try await withStaticFiles { server, folder in
            let before = try await server.get("/static/robots.txt")
            #expect(before.status == 200)
            try folder.remove("static")
            let gone = try await server.get("/static/robots.txt")
            #expect(gone.status == 404)
            try folder.write("static/robots.txt", "new")
            let after = try await server.get("/static/robots.txt")
            #expect(after.text == "new")
        }
    }

    @Test func `A folder that another takes the place of is found within a second or so`() async throws {
        try await withTemporaryFolder { folder in
            try folder.write("one/file", "1")
            try folder.write("two/file", "2")
            try folder.link("current", to: "one")
            try await withServer(
                routes: { StaticFiles("/s", root: folder.file("current")) },
                { server in
                    let first = try await server.get("/s/file")
                    #expect(first.text == "1")
                    try folder.link("next", to: "two")
                    #expect(rename(folder.file("next"), folder.file("current")) == 0)
                    try await waitUntil("the other folder is served") { try await server.get("/s/file").text == "2" }
                })
        }
    }

    @Test func `An application does not start without its folder`() async throws {
        let application = try Application { StaticFiles("/static", root: "/nowhere/at/all") }
        let error = await #expect(throws: StaticRootError.self) { try await application.start(port: 0) }
        #expect(
            error?.description == "the folder '/nowhere/at/all' of StaticFiles(\"/static\") cannot be opened "
                + "(open: No such file or directory); a relative path counts from the folder in which the program was started"
        )
    }

    @Test func `Some files are served without the prefix too`() async throws {
        try await withStaticFiles { server, _ in
            let robots = try await server.get("/robots.txt")
            #expect(robots.text.hasPrefix("User-agent"))
            let icon = try await server.get("/favicon.ico")
            #expect(icon.status == 404)
        }
        try await withStaticFiles({ $0.alsoAtRoot = [] }) { server, _ in
            let robots = try await server.get("/robots.txt")
            #expect(robots.status == 404)
        }
        try await withTemporaryFolder { folder in
            try folder.write("robots.txt", "the folder's")
            try await withServer(
                routes: {
                    StaticFiles("/static", root: folder.path)
                    Route("/robots.txt") { $0.write("the route's") }
                },
                { server in
                    let robots = try await server.get("/robots.txt")
                    #expect(robots.text == "the route's")
                })
        }
    }

    @Test func `A file from the future has no date`() async throws {
        try await withStaticFiles { server, folder in
            let time = timeval(tv_sec: 4_000_000_000, tv_usec: 0)
            #expect(utimes(folder.file("static/robots.txt"), [time, time]) == 0)
            let answer = try await server.get("/static/robots.txt")
            #expect(answer.status == 200)
            #expect(answer["last-modified"] == nil)
            #expect(answer["etag"] != nil)
        }
    }

    @Test func `A date that may be that of two versions is not enough for If-Range`() async throws {
        try await withStaticFiles { server, folder in
            // Again if the second is over in the midst of it.
            try await waitUntil("a second is long enough") {
                try folder.write("static/new.txt", "AAAA")
                let first = try await server.get("/static/new.txt")
                let condition = "Range: bytes=2-\r\nIf-Range: \(first["last-modified"] ?? "")\r\n"
                let second = try await server.get("/static/new.txt", condition)
                guard second["date"] == first["last-modified"] else { return false }
                #expect(second.status == 200)
                return true
            }
            let time = timeval(tv_sec: 1_000_000_000, tv_usec: 0)
            #expect(utimes(folder.file("static/new.txt"), [time, time]) == 0)
            let old = try await server.get("/static/new.txt")
            let part = try await server.get(
                "/static/new.txt", "Range: bytes=2-\r\nIf-Range: \(old["last-modified"] ?? "")\r\n")
            #expect(part.status == 206)
        }
    }

    @Test func `Lists in several lines are one`() async throws {
        try await withStaticFiles { server, _ in
            let tag = try await server.get("/static/robots.txt")["etag"] ?? ""
            let same = try await server.get("/static/robots.txt", "If-None-Match: \"a\"\r\nIf-None-Match: \(tag)\r\n")
            #expect(same.status == 304)
            let met = try await server.get("/static/robots.txt", "If-Match: \"a\"\r\nIf-Match: \(tag)\r\n")
            #expect(met.status == 200)
            let twice = try await server.get("/static/robots.txt", "Range: bytes=0-1\r\nRange: bytes=2-3\r\n")
            #expect(twice.status == 200)
        }
    }

    // MARK: types, names and caching

    @Test(arguments: [
        ("a.css", "text/css; charset=UTF-8"), ("a.JS", "text/javascript; charset=UTF-8"), ("a.png", "image/png"),
        ("a.tar.gz", "application/gzip"), ("a", "application/octet-stream"), ("a.unknown", "application/octet-stream"),
        ("a.b/c", "application/octet-stream"), ("a.svg", "image/svg+xml"), ("a.woff2", "font/woff2"),
        ("a.own", "own/type"),
        ("a.txt", "text/own"), ("a.", "application/octet-stream"),
    ])
    func `The name tells the type`(_ name: String, _ type: String) async throws {
        try await withStaticFiles({ $0.types = ["own": "own/type", "txt": "text/own"] }) { server, folder in
            try folder.write("static/\(name)", "x")
            let answer = try await server.get("/static/\(name)")
            #expect(answer["content-type"] == type)
        }
    }

    @Test func `A URL with a version may be kept for ever, as long as it is this version's`() async throws {
        try await withStaticFiles { server, folder in
            let url = try await server.get("/url?path=robots.txt").text
            #expect(url.hasPrefix("/static/robots.txt?v="))
            #expect(url.count == "/static/robots.txt?v=".count + 32)
            let answer = try await server.get(url)
            #expect(answer["cache-control"] == "public, max-age=31536000, immutable")
            for version in ["00", String(repeating: "0", count: 32), String(repeating: "x", count: 32)] {
                let other = try await server.get("/static/robots.txt?v=\(version)")
                #expect(other.status == 200)
                #expect(other["cache-control"] == "no-cache")
            }
            try folder.write("static/robots.txt", "changed")
            let changed = try await server.get("/url?path=robots.txt").text
            #expect(changed != url)
            let old = try await server.get(url)
            #expect(old["cache-control"] == "no-cache")
            try folder.write("static/robots.txt", "User-agent: *\nDisallow: /\n")
            let back = try await server.get("/url?path=robots.txt").text
            #expect(back == url, "the version is the content's")
        }
    }

    @Test func `A URL of what is not there is an error that names it`() async throws {
        try await withStaticFiles { server, _ in
            for target in ["/url?path=nothing.css", "/url?path=sub", "/url?path=../outside.txt", "/other"] {
                let answer = try await server.get(target)
                #expect(answer.status == 500)
            }
            let messages = server.log.messages(at: .error)
            #expect(messages.contains { $0.contains("there is no static file 'nothing.css'") })
            #expect(messages.contains { $0.contains("no route is named 'other'") })
        }
    }

    @Test func `The time that a client may keep files is a setting`() async throws {
        try await withStaticFiles({ $0.maxAge = 600 }) { server, _ in
            let answer = try await server.get("/static/robots.txt")
            #expect(answer["cache-control"] == "max-age=600")
        }
        try await withStaticFiles({ $0.maxAge = 0 }) { server, _ in
            let answer = try await server.get("/static/robots.txt")
            #expect(answer["cache-control"] == "no-cache")
        }
    }

    private final class Downloads: StaticFileHandler {
        override func setExtraHeaders(forFile path: String) {
            setDownloadName("Bericht „März“ 100%/\u{202e}\r\n\"x\".pdf")
        }
        override func contentType(ofFile path: String) -> String { "own/type" }
    }

    @Test func `A handler of one's own says more about files`() async throws {
        try await withTemporaryFolder { folder in
            try folder.write("a", "x")
            try await withServer(
                routes: { StaticFiles("/d", root: folder.path) { Downloads($0) } },
                { server in
                    let answer = try await server.get("/d/a")
                    #expect(answer["content-type"] == "own/type")
                    #expect(
                        answer["content-disposition"] == "attachment; filename=\"Bericht _M_rz_ 100%\\\"x\\\".pdf\"; "
                            + "filename*=UTF-8''Bericht%20%E2%80%9EM%C3%A4rz%E2%80%9C%20100%25%22x%22.pdf")
                })
        }
    }
}
