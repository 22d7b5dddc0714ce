import HTTPTypes
import Squall
import SquallIO
import Testing

@Suite struct SecurityHeaderTests {
    private static let names = [
        "X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options", "Content-Security-Policy",
        "Strict-Transport-Security",
    ]
    private static func protection(_ response: RawResponse) -> [String] {
        names.compactMap { name in response[name].map { "\(name): \($0)" } }
    }
    private static let general = [
        "X-Content-Type-Options: nosniff", "Referrer-Policy: strict-origin-when-cross-origin",
    ]
    private static let document =
        general + [
            "X-Frame-Options: SAMEORIGIN",
            "Content-Security-Policy: default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
                + "img-src 'self' https: data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
                + "frame-ancestors 'self'",
        ]

    private static let routes: [Route] = [
        Route("/") { $0.write("<p>") },
        Route("/type") { handler in
            handler.setHeader("Content-Type", try handler.queryArgument("is") ?? "")
            handler.write("x")
        },
        Route("/fails") { _ in throw HTTPError(418) },
        Route("/empty") { $0.setStatus(204) },
        Route("/stream") { handler in
            handler.write("a")
            try await handler.flush()
            handler.write("b")
        },
        Route("/tagged") { handler in
            try handler.setETag("a")
            handler.write("<script nonce=\"\(handler.cspNonce)\">")
        },
        Route("/own") { handler in
            handler.setHeader("x-frame-options", "DENY")
            handler.setHeader("CONTENT-SECURITY-POLICY", "default-src 'none'")
            handler.setHeader("Strict-Transport-Security", "max-age=0")
            handler.write("<p>")
        },
        Route("/nonce") { handler in handler.write("\(handler.cspNonce) \(handler.cspNonce)") },
        Route("/none", options: .init(securityHeaders: SecurityHeaders.off)) { $0.write($0.cspNonce) },
    ]

    @Test func `every response has them, errors too`() async throws {
        try await withServer(routes: { Self.routes }) { server in
            for (path, status) in [("/", 200), ("/stream", 200), ("/fails", 418), ("/unknown", 404)] {
                let response = try await server.get(path)
                #expect(response.status == status)
                #expect(Self.protection(response) == Self.document, "\(path)")
            }
            let empty = try await server.get("/empty")
            #expect(empty.status == 204 && Self.protection(empty) == Self.general)
            let head = try await server.ask(request("HEAD / HTTP/1.1"), toHead: true)
            #expect(Self.protection(head) == Self.document)
            let unreadable = try await server.converse("nonsense\r\n\r\n")
            #expect(unreadable.map(\.status) == [400])
            #expect(unreadable.map(Self.protection) == [Self.document])
            let method = try await server.ask(request("DELETE / HTTP/1.1"))
            #expect(method.status == 405 && Self.protection(method) == Self.document)
            let json = try await server.get("/unknown", "Accept: application/json\r\n")
            #expect(Self.protection(json) == Self.general)
        }
    }

    @Test(arguments: [
        ("text/html", true), ("TEXT/HTML;charset=x", true), ("text/html ;a", true), ("application/xhtml+xml", true),
        ("image/svg+xml; a=b", true), ("text/xml", true), ("application/xml", true), ("text/htmlx", false),
        ("text/plain", false), ("application/json", false), ("text/htm", false), ("image/png", false), ("", false),
        ("multipart/mixed; a=text/html", false), ("t", false),
        ("application/atom+xml", true), ("application/rss+XML; charset=UTF-8", true), ("x/x+xml", true),
        ("text/xsl", true), ("model/xml", true), ("Multipart/X-Mixed-Replace;boundary=a", true),
        ("text/plain, text/html", true), ("text/html,text/plain", true), ("text/plain,", false),
        ("application/xml-dtd", false), ("text/xmlx", false), ("application/xm", false), ("xml", false),
        ("application/json; a=+xml", false), ("x/+xmlx", false), ("text\u{2f}\u{48}TML", true),
    ]) func `documents have those for documents`(type: String, isDocument: Bool) async throws {
        try await withServer(routes: { Self.routes }) { server in
            let response = try await server.get("/type?is=\(Escape.url(type))")
            #expect(response["content-type"] == type)
            #expect(Self.protection(response) == (isDocument ? Self.document : Self.general))
        }
    }

    @Test func `a field that the handler sets wins, in any spelling`() async throws {
        try await withServer(routes: { Self.routes }) { server in
            let own = try await server.get("/own")
            #expect(
                Self.protection(own)
                    == Self.general + [
                        "X-Frame-Options: DENY", "Content-Security-Policy: default-src 'none'",
                        "Strict-Transport-Security: max-age=0",
                    ])
        }
    }

    @Test func `settings change them and switch them off, routes have their own`() async throws {
        try await withServer(
            { settings in
                settings.securityHeaders.contentTypeOptions = nil
                settings.securityHeaders.referrerPolicy = "no-referrer"
                settings.securityHeaders.frameOptions = "DENY"
                settings.securityHeaders.contentSecurityPolicy = "script-src {nonce} 'self' {nonce};x {nonce}"
            }, routes: { Self.routes }
        ) { server in
            let page = try await server.get("/")
            #expect(
                Self.protection(page) == [
                    "Referrer-Policy: no-referrer", "X-Frame-Options: DENY",
                    "Content-Security-Policy: script-src 'self';x",
                ])
            let nonce = try await server.get("/nonce")
            let value = try #require(nonce.text.split(separator: " ").first.map(String.init))
            #expect(
                nonce["content-security-policy"]
                    == "script-src 'nonce-\(value)' 'self' 'nonce-\(value)';x 'nonce-\(value)'")
            let none = try await server.get("/none")
            #expect(none.status == 200 && Self.protection(none) == [])
        }
        try await withServer({ $0.securityHeaders = .off }, routes: { Self.routes }) { server in
            for path in ["/", "/nonce", "/fails", "/unknown"] {
                let response = try await server.get(path)
                #expect(Self.protection(response) == [])
            }
        }
        try await withServer(
            { $0.securityHeaders.contentSecurityPolicy = "script-src 'self'" }, routes: { Self.routes }
        ) {
            server in
            let nonce = try await server.get("/nonce")
            #expect(nonce["content-security-policy"] == "script-src 'self'")
        }
    }

    @Test func `a nonce is in the policy, one for each response`() async throws {
        try await withServer(routes: { Self.routes }) { server in
            var seen: Set<String> = []
            for _ in 0..<3 {
                let response = try await server.get("/nonce")
                let parts = response.text.split(separator: " ")
                #expect(parts.count == 2 && parts.first == parts.last)
                let nonce = String(try #require(parts.first))
                #expect(nonce.utf8.count == 24 && nonce.hasSuffix("=="))
                #expect(response["content-security-policy"]?.contains("; script-src 'self' 'nonce-\(nonce)'; ") == true)
                #expect(Self.protection(response).count == 4)
                seen.insert(nonce)
            }
            #expect(seen.count == 3)
        }
    }

    @Test func `304 leaves the policy of what the client has`() async throws {
        try await withServer(routes: { Self.routes }) { server in
            let response = try await server.get("/tagged", "If-None-Match: \"a\"\r\n")
            #expect(response.status == 304)
            #expect(Self.protection(response) == Self.general)
        }
    }

    @Test func `Strict-Transport-Security is for requests that came over TLS`() async throws {
        let proxies = [try AddressRange("127.0.0.1")]
        try await withServer({ $0.trustedProxies = proxies }, routes: { Self.routes }) { server in
            let plain = try await server.get("/")
            #expect(Self.protection(plain) == Self.document)
            let secure = try await server.get("/", "X-Forwarded-Proto: https\r\n")
            #expect(Self.protection(secure) == Self.document + ["Strict-Transport-Security: max-age=31536000"])
            let failed = try await server.get("/unknown", "X-Forwarded-Proto: https\r\n")
            #expect(failed["strict-transport-security"] == "max-age=31536000")
            let own = try await server.get("/own", "X-Forwarded-Proto: https\r\n")
            #expect(own["strict-transport-security"] == "max-age=0")
            let none = try await server.get("/none", "X-Forwarded-Proto: https\r\n")
            #expect(Self.protection(none) == [])
        }
        try await withServer(
            {
                $0.trustedProxies = proxies
                $0.securityHeaders.strictTransportSecurity = nil
            }, routes: { Self.routes }
        ) { server in
            let secure = try await server.get("/", "X-Forwarded-Proto: https\r\n")
            #expect(secure["strict-transport-security"] == nil)
        }
    }

    @Test func `what cannot be sent keeps the application from starting`() async throws {
        var settings = Application.Settings()
        settings.securityHeaders.referrerPolicy = "a\r\nX: b"
        let application = try Application(settings: settings) {}
        await #expect {
            try await application.start(port: 0)
        } throws: {
            $0 is InvalidSettingError && "\($0)".contains("the security header Referrer-Policy cannot be sent")
        }
        var headers = SecurityHeaders()
        headers.contentSecurityPolicy = "\u{0}"
        let route = Route("/", options: .init(securityHeaders: headers)) { _ in }
        let other = try Application { route }
        await #expect(throws: InvalidSettingError.self) { try await other.start(port: 0) }
    }
}
