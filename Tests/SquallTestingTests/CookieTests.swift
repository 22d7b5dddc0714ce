import HTTPTypes
import Squall
import SquallHTTP
import SquallIO
import SquallTesting
import Testing

@Suite struct CookieTests {
    /// Sets what the query says, as it stands.
    private func jar() throws -> Application {
        try site {
            Route("/set") { handler in handler.addHeader("Set-Cookie", try handler.queryArgument("c") ?? "") }
            Route("/a/b/set") { handler in handler.addHeader("Set-Cookie", try handler.queryArgument("c") ?? "") }
            Route("/a/b/cookies") { handler in handler.write(handler.request.header("cookie") ?? "none") }
            Route("/cookies") { handler in handler.write(handler.request.header("cookie") ?? "none") }
        }
    }

    private func set(_ client: TestClient, _ line: String, path: String = "/set") async throws {
        _ = try await client.get("\(path)?c=\(PercentCoding.percentEncode(queryComponent: line))")
    }

    @Test func `cookies are kept, replaced and forgotten`() async throws {
        try await withApplication(try jar(), clock: TestClock()) { client in
            try await set(client, "a=1")
            try await set(client, "b=\"x\\054y\"; HttpOnly; SameSite=Lax; Max-Age=60")
            #expect(client.cookies["a"] == "1" && client.cookies["b"] == "x,y")
            #expect(client.cookies.cookie("b")?.isHTTPOnly == true && client.cookies.cookie("b")?.sameSite == "Lax")
            #expect(try await client.get("/cookies").text == "a=1; b=\"x\\054y\"")
            try await set(client, "a=2")
            #expect(try await client.get("/cookies").text == "b=\"x\\054y\"; a=2")
            try await client.clock?.advance(by: .seconds(60))
            #expect(try await client.get("/cookies").text == "a=2")
            #expect(client.cookies["b"] == nil)
            try await set(client, "a=; Max-Age=0")
            #expect(client.cookies.all.isEmpty)
            try await set(client, "e=1; Expires=Thu, 01 Jan 2026 00:00:59 GMT")
            #expect(client.cookies["e"] == nil)
            try await set(client, "e=1; Expires=Thu, 01 Jan 2026 00:02:00 GMT")
            #expect(client.cookies["e"] == "1")
            for bad in ["", "=", "=x", "novalue", ";", "; Path=/"] { try await set(client, bad) }
            #expect(client.cookies.all.map(\.name) == ["e"])
        }
    }

    @Test func `cookies go by path`() async throws {
        try await withApplication(try jar()) { client in
            try await set(client, "default=1", path: "/a/b/set")
            try await set(client, "deep=1; Path=/a")
            try await set(client, "near=1; Path=/a/b/cook")
            try await set(client, "wide=1; Path=/")
            #expect(try await client.get("/a/b/cookies").text == "default=1; deep=1; wide=1")
            #expect(try await client.get("/cookies").text == "wide=1")
        }
    }

    @Test func `cookies go by host and domain`() async throws {
        try await withApplication(try jar()) { client in
            client.options.host = "www.example.com:8080"
            try await set(client, "host=1")
            try await set(client, "domain=1; Domain=.example.com")
            try await set(client, "other=1; Domain=evil.com")
            #expect(try await client.get("/cookies").text == "host=1; domain=1")
            client.options.host = "api.example.com"
            #expect(try await client.get("/cookies").text == "domain=1")
            client.options.host = "badexample.com"
            #expect(try await client.get("/cookies").text == "none")
        }
    }

    @Test func `secure cookies are for localhost, and elsewhere when told`() async throws {
        try await withApplication(try jar()) { client in
            try await set(client, "a=1; Secure")
            #expect(try await client.get("/cookies").text == "a=1")
            client.options.sendsSecureCookies = false
            #expect(try await client.get("/cookies").text == "none")
            client.options = .init()
            client.options.host = "example.com"
            try await set(client, "b=1; Secure")
            #expect(client.cookies["b"] == nil)
            client.options.sendsSecureCookies = true
            try await set(client, "b=1; Secure")
            #expect(try await client.get("/cookies").text == "b=1")
        }
    }

    @Test func `another user has other cookies, and who keeps none has none`() async throws {
        try await withApplication(try jar()) { client in
            try await set(client, "a=1")
            #expect(try await client.another().get("/cookies").text == "none")
            client.cookies.set(.init(name: "b", value: "2", domain: "localhost"))
            #expect(try await client.get("/cookies").text == "a=1; b=2")
            client.cookies.remove("a")
            #expect(try await client.get("/cookies").text == "b=2")
            client.options.keepsCookies = false
            #expect(try await client.get("/cookies").text == "none")
            try await set(client, "c=1")
            #expect(client.cookies["c"] == nil)
        }
    }
}
