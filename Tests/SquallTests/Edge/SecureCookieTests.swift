import HTTPTypes
import Logging
import Squall
import SquallHTTP
import SquallIO
import Testing

/// What cookies are where the request came over TLS.
@Suite struct SecureCookieTests {
    private static let tls = "X-Forwarded-Proto: https\r\n"

    private static func with(
        _ change: (inout Application.Settings) -> Void = { _ in }, _ body: (TestServer) async throws -> Void
    ) async throws {
        let proxies = [try AddressRange("127.0.0.1")]
        try await withServer(
            { settings in
                settings.cookieSecret = "It's a secret to everybody"
                settings.trustedProxies = proxies
                change(&settings)
            },
            routes: {
                Route("/cookies") { handler in
                    try handler.setCookie("plain", "1")
                    try handler.setSignedCookie("signed", "1")
                    try handler.setEncryptedCookie("encrypted", "1")
                    try handler.clearCookie("old")
                    try handler.clearCookie("__Host-old")
                    try handler.setCookie(SetCookie("whole", "1"))
                    var cookie = SetCookie("never", "1")
                    cookie.isSecure = false
                    try handler.setCookie(cookie)
                    cookie = SetCookie("always", "1")
                    cookie.isSecure = true
                    try handler.setCookie(cookie)
                }
                Route("/anywhere") { handler in
                    var cookie = SetCookie("frame", "1")
                    cookie.sameSite = SetCookie.SameSite.none
                    cookie.isPartitioned = true
                    try handler.setCookie(cookie)
                }
                Route("/attributes") { handler in
                    var cookie = SetCookie("signed", "1")
                    cookie.path = "/a"
                    cookie.sameSite = .strict
                    cookie.maxAge = 7
                    try handler.setSignedCookie(cookie)
                    cookie.name = "encrypted"
                    cookie.maxAge = nil
                    try handler.setEncryptedCookie(cookie)
                }
                Route("/read") { handler in
                    handler.write(try handler.signedCookie("signed") ?? "-")
                    handler.write(try handler.encryptedCookie("encrypted") ?? "-")
                }
                Route("/token", methods: [.get, .post]) { handler in handler.write(try handler.xsrfToken()) }
                Route("/form") { handler in handler.write(try handler.xsrfFormHTML()) }
            }, body)
    }

    /// The names of the cookies that are set, of those with Secure and of those without.
    private static func names(_ response: RawResponse) -> (secure: [String], other: [String]) {
        var (secure, other): ([String], [String]) = ([], [])
        for field in response.headers where field.name == "Set-Cookie" {
            let name = String(field.value.prefix { $0 != "=" })
            if field.value.hasSuffix("; Secure") { secure.append(name) } else { other.append(name) }
        }
        return (secure, other)
    }

    @Test func `cookies are for TLS only where they came over TLS`() async throws {
        try await Self.with { server in
            let plain = try await server.get("/cookies")
            #expect(Self.names(plain).secure == ["__Host-old", "always"])
            #expect(Self.names(plain).other == ["plain", "signed", "encrypted", "old", "whole", "never"])
            let secure = try await server.get("/cookies", Self.tls)
            #expect(
                Self.names(secure).secure == ["plain", "signed", "encrypted", "old", "__Host-old", "whole", "always"])
            #expect(Self.names(secure).other == ["never"])
        }
    }

    @Test func `a cookie that browsers take over TLS only is refused elsewhere`() async throws {
        try await Self.with { server in
            let secure = try await server.get("/anywhere", Self.tls)
            #expect(secure["set-cookie"] == "frame=1; HttpOnly; Partitioned; Path=/; SameSite=None; Secure")
            let plain = try await server.get("/anywhere")
            #expect(plain.status == 500 && plain["set-cookie"] == nil)
            try await waitUntil("it is logged") {
                server.log.messages(at: .error).contains { $0.contains("set isSecure to true") }
            }
        }
    }

    @Test func `signed and encrypted cookies have the attributes that they are given`() async throws {
        try await Self.with { server in
            let set = try await server.get("/attributes", Self.tls)
            let lines = set.headers.filter { $0.name == "Set-Cookie" }.map(\.value)
            #expect(lines.count == 2)
            #expect(lines.first?.hasSuffix("; HttpOnly; Max-Age=7; Path=/a; SameSite=Strict; Secure") == true)
            #expect(lines.last?.hasSuffix("; HttpOnly; Path=/a; SameSite=Strict; Secure") == true)
            #expect(lines.last?.contains("Max-Age") == false)
            let pairs = lines.map { String($0.prefix { $0 != ";" }) }
            let read = try await server.get("/read", "Cookie: \(pairs.joined(separator: "; "))\r\n")
            #expect(read.text == "11")
        }
    }

    private static func post(
        _ server: TestServer, cookie: String, token: String, _ fields: String = ""
    ) async throws -> Int {
        try await server.post("/token", "", "Cookie: \(cookie)\r\nX-XSRFToken: \(token)\r\n\(fields)").status
    }

    @Test func `over TLS the token's cookie is one that only the host itself can set`() async throws {
        try await Self.with { server in
            let plain = try await server.get("/token")
            let plainCookie = try #require(plain["set-cookie"]?.prefix { $0 != ";" }).description
            #expect(plainCookie.hasPrefix("_xsrf=2|") && plain["set-cookie"]?.contains("Secure") == false)
            let secure = try await server.get("/token", Self.tls)
            let line = try #require(secure["set-cookie"])
            #expect(
                line.hasPrefix("__Host-xsrf=2|") && line.hasSuffix("; Max-Age=2592000; Path=/; SameSite=Lax; Secure"))
            #expect(!line.contains("Domain"))
            let cookie = String(line.prefix { $0 != ";" })
            #expect(try await Self.post(server, cookie: cookie, token: secure.text, Self.tls) == 200)
            #expect(try await Self.post(server, cookie: plainCookie, token: plain.text) == 200)
            // One that a subdomain could have set does not count over TLS, nor the other way round.
            #expect(try await Self.post(server, cookie: plainCookie, token: plain.text, Self.tls) == 403)
            #expect(try await Self.post(server, cookie: cookie, token: secure.text) == 403)
            let form = try await server.get("/form", Self.tls)
            #expect(form.text.contains("name=\"_xsrf\""))
            let sent = "_xsrf=\(Escape.url(secure.text))"
            let answer = try await server.post(
                "/token", sent, "Content-Type: application/x-www-form-urlencoded\r\nCookie: \(cookie)\r\n\(Self.tls)")
            #expect(answer.status == 200)
        }
    }

    @Test func `xsrfCookieName is its name in any case`() async throws {
        for (name, isAlwaysSecure) in [("token", false), ("__Host-token", true)] {
            try await Self.with({ $0.xsrfCookieName = name }) { server in
                for fields in ["", Self.tls] {
                    let page = try await server.get("/token", fields)
                    let line = try #require(page["set-cookie"])
                    #expect(line.hasPrefix("\(name)=2|"))
                    #expect(line.hasSuffix("; Secure") == (isAlwaysSecure || !fields.isEmpty))
                    let cookie = String(line.prefix { $0 != ";" })
                    #expect(try await Self.post(server, cookie: cookie, token: page.text, fields) == 200)
                }
            }
        }
    }
}
