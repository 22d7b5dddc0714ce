import HTTPTypes
import Logging
import Squall
import SquallHTTP
import SquallIO
import Testing

@Suite struct HandlerCookieTests {
    @Test func `cookies are read from all Cookie fields, and bad names are left out`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.write(handler.cookies.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: "&"))
            }
        }) { server in
            let client = try await server.client()
            try await client.send(
                request(
                    "GET / HTTP/1.1",
                    "Host: h\r\nCookie: /=x; b=2; \"=1; a b=c; a; =x; c=\"1;2\"\r\nCookie: b=3; d=\"\\073\"\r\n"))
            #expect(try await client.response().text == "b=3&c=\"1&d=;")
        }
    }

    @Test func `a cookie of semicolons is read, and asked for many times`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                var found = 0
                for index in 0..<10_000 where handler.cookie("a\(index % 8)") != nil { found += 1 }
                handler.write("\(handler.cookie("x") ?? "-") \(handler.cookies.count) \(found)")
            }
        }) { server in
            let semicolons = String(repeating: ";", count: 10_000)
            let one = try await server.get("/", "Cookie: x=\"\(semicolons)\r\n")
            #expect(one.status == 200 && one.text == "\" 1 0")
            let closed = try await server.get("/", "Cookie: x=\"\(semicolons)\"; a0=1\r\n")
            #expect(closed.text == "\" 2 1250")
            let pairs = (0..<5_000).map { "a\($0)=1" }.joined(separator: ";")
            let many = try await server.get("/", "Cookie: \(pairs)\r\n")
            #expect(many.text == "- 5000 10000")
        }
    }

    @Test func `a cookie that is set twice is set once, and errors set it too`() async throws {
        try await withServer(routes: {
            Route("/twice") { handler in
                try handler.setCookie("a", "1")
                try handler.setCookie("b", "2", maxAge: 60)
                try handler.setCookie("a", "3")
            }
            Route("/error") { handler in
                try handler.setCookie("a", "1")
                throw HTTPError(404)
            }
            Route("/clear") { handler in
                try handler.clearCookie("a", domain: "example.com")
                try handler.clearCookie("__Host-b")
            }
            Route("/evil") { handler in
                var cookie = SetCookie("a", "b")
                cookie.path = "/; Domain=evil"
                try handler.setCookie(cookie)
            }
        }) { server in
            @Sendable func cookies(_ path: String) async throws -> [String] {
                try await server.get(path).headers.filter { $0.name.lowercased() == "set-cookie" }.map(\.value)
            }
            #expect(
                try await cookies("/twice") == [
                    "b=2; HttpOnly; Max-Age=60; Path=/; SameSite=Lax", "a=3; HttpOnly; Path=/; SameSite=Lax",
                ])
            let withError = try await cookies("/error")
            #expect(withError == ["a=1; HttpOnly; Path=/; SameSite=Lax"])
            #expect(
                try await cookies("/clear") == [
                    "a=; Domain=example.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Max-Age=0; Path=/; SameSite=Lax",
                    "__Host-b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Max-Age=0; Path=/; SameSite=Lax; Secure",
                ])
            #expect(try await server.get("/evil").status == 500)
        }
    }

    @Test func `a signed cookie comes back to who has the secret`() async throws {
        try await withServer(
            { $0.cookieSecret = "It's a secret to everybody" },
            routes: {
                Route("/set") { handler in try handler.setSignedCookie("user", try handler.queryArgument("user") ?? "")
                }
                Route("/get") { handler in handler.write(try handler.signedCookie("user") ?? "nobody") }
            }
        ) { server in
            let user = server.user
            let set = try await user.get("/set?user=J%C3%B6rg;%20x")
            let cookie = try #require(user.cookies.cookie("user"))
            #expect(set["set-cookie"]?.contains("Max-Age=2592000") == true)
            #expect(try await user.get("/get").text == "J\u{f6}rg; x")
            for bad in [cookie.value + "0", "admin"] {
                user.cookies.set(.init(name: "user", value: bad))
                #expect(try await user.get("/get").text == "nobody")
            }
            user.cookies.removeAll()
            #expect(try await user.get("/get").text == "nobody")
        }
    }

    @Test func `signed and encrypted cookies are good for as long as the handler says`() async throws {
        let clock = TestClock()
        try await withServer(
            { $0.cookieSecret = "It's a secret to everybody" }, clock: clock,
            routes: {
                Route("/set") { handler in
                    try handler.setSignedCookie("signed", "a", maxAge: nil)
                    try handler.setEncryptedCookie("encrypted", "b", maxAge: nil)
                }
                Route("/get") { handler in
                    handler.write(try handler.signedCookie("signed") ?? "-")
                    handler.write(try handler.encryptedCookie("encrypted") ?? "-")
                }
            }
        ) { server in
            _ = try await server.user.get("/set")
            for (days, expected) in [(0, "ab"), (31, "ab")] {
                try await clock.advance(by: .seconds(days * 86_400))
                #expect(try await server.user.get("/get").text == expected)
            }
            try await clock.advance(by: .seconds(1))
            #expect(try await server.user.get("/get").text == "--")
        }
    }

    @Test func `a browser forgets a cookie after its maximum age, and when it is cleared`() async throws {
        let clock = TestClock()
        try await withServer(
            clock: clock,
            routes: {
                Route("/set") { handler in
                    try handler.setCookie("short", "1", maxAge: 60)
                    try handler.setCookie("long", "2", maxAge: 120)
                }
                Route("/clear") { handler in try handler.clearCookie("long") }
            }
        ) { server in
            _ = try await server.user.get("/set")
            #expect(server.user.cookies.all.map(\.name) == ["short", "long"])
            try await clock.advance(by: .seconds(60))
            _ = try await server.user.get("/none")
            #expect(server.user.cookies.all.map(\.name) == ["long"])
            _ = try await server.user.get("/clear")
            #expect(server.user.cookies.all.isEmpty)
        }
    }

    @Test func `without a secret a signed cookie is the application's mistake`() async throws {
        try await withServer(routes: {
            Route("/") { handler in handler.write(try handler.signedCookie("a") ?? "") }
        }) { server in
            #expect(try await server.get("/").status == 500)
            try await waitUntil("it is logged") {
                server.log.messages(at: .error).contains { $0.contains("set Application.Settings.cookieSecret") }
            }
        }
    }
}
