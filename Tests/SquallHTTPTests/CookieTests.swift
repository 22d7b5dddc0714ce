import Foundation
import SquallHTTP
import Testing

@Suite struct CookieTests {
    private func parsed(_ text: String) -> [String: String] {
        Dictionary(CookieHeader.parse(text).map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    }

    @Test(
        arguments: [
            ("", [:]), (";;  ;", [:]), ("a=b; c=d", ["a": "b", "c": "d"]), ("a=b;c=d", ["a": "b", "c": "d"]),
            ("a=b; a=c", ["a": "c"]), (#"a="x;y""#, ["a": "\"x", "": "y\""]), ("a=b,c=d", ["a": "b,c=d"]),
            ("a", ["": "a"]), ("=x", ["": "x"]), ("a=", ["a": ""]), ("a=b=c", ["a": "b=c"]), ("=", [:]),
            ("  =  b  ;  ;  =  ;   c  =  ;  ", ["": "b", "c": ""]),
            (
                #"keebler="E=mc2; L=\"Loves\"; fudge=\012;""#,
                ["keebler": "\"E=mc2", "L": #"\"Loves\""#, "fudge": #"\012"#, "": "\""]
            ),
            ("a=\u{e4}\u{20ac}", ["a": "\u{e4}\u{20ac}"]), ("\ta\t=\tb\t", ["a": "b"]), (#"a=""#, ["a": "\""]),
            (#"a="""#, ["a": ""]),
        ] as [(String, [String: String])])
    func `a Cookie field is split as browsers split it`(_ text: String, _ cookies: [String: String]) {
        #expect(parsed(text) == cookies)
    }

    @Test(arguments: [
        (#""b=\"""#, "b=\""), (#""b=\\""#, "b=\\"), (#""b=\=""#, "b=="), (#""b=\n""#, "b=n"), (#""b=\042""#, "b=\""),
        (#""b=\134""#, "b=\\"), (#""b=\377""#, "b=\u{ff}"), (#""b=\400""#, "b=400"), (#""b=\42""#, "b=42"),
        (#""b=\\042""#, #"b=\042"#), (#""b=\\134""#, #"b=\134"#), (#""b=\\\"""#, #"b=\""#), (#""b=\\\042""#, #"b=\""#),
        (#""b=\134\"""#, #"b=\""#), (#""b=\134\042""#, #"b=\""#), (#""b\073c""#, "b;c"), (#""b\""#, "b\\"),
        (#""\303\244""#, "\u{e4}"),
    ])
    func `a value between quotation marks is unquoted`(_ quoted: String, _ value: String) {
        #expect(parsed("a=" + quoted) == ["a": value])
    }

    @Test func `bytes that are not UTF-8 are Latin-1`() {
        let bytes: [UInt8] = [0x61, 0x3d, 0xe4]
        #expect(CookieHeader.parse(bytes.span).map(\.value) == ["\u{e4}"])
    }

    @Test func `what needs many steps to unquote is unquoted whole`() {
        for (escape, count) in [(#"\\"#, 100_000), (#"\134"#, 100_000)] {
            #expect(parsed("a=\"" + String(repeating: escape, count: count) + "\"")["a"]?.utf8.count == count)
        }
    }

    @Test func `Set-Cookie has its attributes in Tornado's order`() throws {
        func line(_ name: String, _ value: String, _ change: (inout SetCookie) -> Void) throws -> String {
            var cookie = SetCookie(name, value)
            cookie.isHTTPOnly = false
            cookie.sameSite = nil
            change(&cookie)
            return try cookie.serialized()
        }
        #expect(try line("a", "e") { _ in } == "a=e; Path=/")
        #expect(try line("c", "d") { $0.domain = "example.com" } == "c=d; Domain=example.com; Path=/")
        #expect(try line("foo", "bar") { $0.maxAge = 10 } == "foo=bar; Max-Age=10; Path=/")
        #expect(try line("a", "1") { $0.isSecure = true } == "a=1; Path=/; Secure")
        #expect(try line("c", "1") { $0.isHTTPOnly = true } == "c=1; HttpOnly; Path=/")
        #expect(try line("a", "b") { $0.path = nil } == "a=b")
        #expect(
            try line("a", "b") { $0.expires = 1_359_312_200 } == "a=b; Expires=Sun, 27 Jan 2013 18:43:20 GMT; Path=/")
        let partitioned = try line("a", "b") { cookie in
            cookie.isPartitioned = true
            cookie.isSecure = true
        }
        #expect(partitioned == "a=b; Partitioned; Path=/; Secure")
        for site in SetCookie.SameSite.allCases {
            let text = try line("a", "b") { cookie in
                cookie.sameSite = site
                cookie.isSecure = true
            }
            #expect(text == "a=b; Path=/; SameSite=\(site.rawValue); Secure")
        }
    }

    @Test func `the defaults keep a cookie from scripts and from other sites' forms`() throws {
        #expect(try SetCookie("a", "b").serialized() == "a=b; HttpOnly; Path=/; SameSite=Lax")
    }

    @Test(arguments: [
        "", "plain", "a b", "a,b;c", "\"quoted\"", "back\\slash", "\r\nSet-Cookie: evil=1", "\u{e4}\u{1f600}", "\0",
        "=&/+",
    ])
    func `any value comes back as it was set`(_ value: String) throws {
        let line = try SetCookie("a", value).serialized()
        #expect(line.utf8.allSatisfy { (0x20..<0x7f).contains($0) })
        let pair = line.components(separatedBy: "; HttpOnly")[0]
        #expect(parsed(pair)["a"] == value)
    }

    @Test(arguments: ["", "a b", "a=b", "a;b", "a\r\n", "\u{e4}", "\"a\""])
    func `a name that is no token is refused`(_ name: String) {
        #expect(throws: SetCookieError.self) { try SetCookie(name, "b").serialized() }
    }

    @Test(arguments: ["/; Domain=evil", "/\r\nA: b", "/\u{7f}", "/\u{e4}"])
    func `an attribute that would end too early is refused`(_ text: String) {
        var cookie = SetCookie("a", "b")
        cookie.path = text
        #expect(throws: SetCookieError.self) { try cookie.serialized() }
        (cookie.path, cookie.domain) = ("/", text)
        #expect(throws: SetCookieError.self) { try cookie.serialized() }
    }

    @Test(arguments: [nil, false] as [Bool?])
    func `what browsers take over TLS only must be Secure`(isSecure: Bool?) throws {
        var cookie = SetCookie("a", "b")
        cookie.isSecure = isSecure
        cookie.sameSite = SetCookie.SameSite.none
        #expect {
            try cookie.serialized()
        } throws: {
            "\($0)".contains("SameSite=None without Secure; set isSecure to true")
        }
        cookie.sameSite = nil
        #expect(try cookie.serialized() == "a=b; HttpOnly; Path=/")
        cookie.isPartitioned = true
        #expect {
            try cookie.serialized()
        } throws: {
            "\($0)".contains("Partitioned without Secure; set isSecure to true")
        }
    }

    @Test func `a name's prefix must keep what it promises`() throws {
        var cookie = SetCookie("__Host-a", "b")
        #expect(throws: SetCookieError.self) { try cookie.serialized() }
        cookie.isSecure = true
        #expect(try cookie.serialized() == "__Host-a=b; HttpOnly; Path=/; SameSite=Lax; Secure")
        cookie.domain = "example.com"
        #expect(throws: SetCookieError.self) { try cookie.serialized() }
        (cookie.domain, cookie.path) = (nil, "/a")
        #expect(throws: SetCookieError.self) { try cookie.serialized() }
        #expect(throws: SetCookieError.self) { try SetCookie("__secure-a", "b").serialized() }
    }
}
