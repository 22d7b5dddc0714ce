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
            let set = try await server.get("/set?user=J%C3%B6rg;%20x")
            let cookie = try #require(set["set-cookie"]?.split(separator: ";").first.map(String.init))
            #expect(set["set-cookie"]?.contains("Max-Age=2592000") == true)
            func get(_ cookie: String) async throws -> String {
                try await server.ask(request("GET /get HTTP/1.1", "Host: h\r\nCookie: \(cookie)\r\n")).body.utf8Text
            }
            #expect(try await get(cookie) == "J\u{f6}rg; x")
            #expect(try await get(cookie + "0") == "nobody")
            #expect(try await get("user=admin") == "nobody")
            #expect(try await get("a=b") == "nobody")
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

extension [UInt8] {
    fileprivate var utf8Text: String { String(decoding: self, as: UTF8.self) }
}
