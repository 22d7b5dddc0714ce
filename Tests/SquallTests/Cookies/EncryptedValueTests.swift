import Squall
import SquallIO
import Testing

@Suite struct EncryptedValueTests {
    private static let secret = CookieSecret(keys: [0: "an old key", 3: "a new key"])
    private static let time = 1_800_000_000

    private static func create(_ value: [UInt8], secret: CookieSecret = secret, name: String = "key") throws -> String {
        try #require(EncryptedValue.create(secret, name: name, value: value, time: time))
    }

    @Test(arguments: [[], [0xe9], Array(0...255), [UInt8](repeating: 7, count: 3_000)] as [[UInt8]])
    func `any value comes back, and each time otherwise encrypted`(_ value: [UInt8]) throws {
        let texts = try (0..<2).map { _ in try Self.create(value) }
        #expect(texts[0] != texts[1])
        for text in texts {
            #expect(text.hasPrefix("e1.3."))
            #expect(EncryptedValue.decode(Self.secret, name: "key", text, time: Self.time) == value)
            // A cookie holds it as it is.
            #expect(
                text.utf8.allSatisfy {
                    "._-".utf8.contains($0) || Character(Unicode.Scalar($0)).isLetter
                        || Character(Unicode.Scalar($0)).isNumber
                })
        }
    }

    @Test func `it holds for its name, its time and its key`() throws {
        let text = try Self.create([1, 2, 3])
        func decode(_ name: String = "key", time: Int = Self.time, secret: CookieSecret = Self.secret) -> [UInt8]? {
            EncryptedValue.decode(secret, name: name, text, time: time)
        }
        #expect(decode("other") == nil)
        #expect(decode(time: Self.time + 31 * 86_400) == [1, 2, 3])
        #expect(decode(time: Self.time + 31 * 86_400 + 1) == nil)
        #expect(decode(secret: CookieSecret(keys: [3: "another"])) == nil)
        #expect(decode(secret: CookieSecret(keys: [0: "a new key"])) == nil)
        #expect(decode(secret: CookieSecret(keys: [3: "a new key", 4: "the newest"])) == [1, 2, 3])
        let old = try Self.create([4], secret: CookieSecret(keys: [0: "an old key"]))
        #expect(EncryptedValue.decode(Self.secret, name: "key", old, time: Self.time) == [4])
    }

    @Test func `a change of any character is refused`() throws {
        let text = Array(try Self.create(Array("value".utf8)).utf8)
        // The last one has bits that stand for nothing.
        for index in text.indices.dropLast() {
            var changed = text
            changed[index] = text[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            #expect(
                EncryptedValue.decode(
                    Self.secret, name: "key", String(decoding: changed, as: UTF8.self), time: Self.time)
                    == nil)
        }
        for cut in 0..<text.count {
            let short = String(decoding: text[..<cut], as: UTF8.self)
            #expect(EncryptedValue.decode(Self.secret, name: "key", short, time: Self.time) == nil)
        }
    }

    @Test(arguments: [
        "", "e1", "e1.3", "e1.3.", "e1..", "e1.03.AAAA", "e1.3.\u{e4}", "e2.3.AAAA", "e1.3.AAAA.AAAA", "...",
    ])
    func `what was never encrypted is refused`(_ text: String) {
        #expect(EncryptedValue.decode(Self.secret, name: "key", text, time: Self.time) == nil)
    }

    @Test func `an encrypted cookie comes back, and a signed one is none`() async throws {
        try await withServer(
            { $0.cookieSecret = "It's a secret to everybody" },
            routes: {
                Route("/set") { handler in try handler.setEncryptedCookie("a", "hidden") }
                Route("/signed") { handler in try handler.setSignedCookie("a", "hidden") }
                Route("/get") { handler in handler.write(try handler.encryptedCookie("a") ?? "nothing") }
            }
        ) { server in
            for (path, expected) in [("/set", "hidden"), ("/signed", "nothing")] {
                let set = try await server.get(path)
                let cookie = try #require(set["set-cookie"]?.prefix { $0 != ";" })
                #expect(!cookie.contains("hidden"))
                let response = try await server.ask(request("GET /get HTTP/1.1", "Host: h\r\nCookie: \(cookie)\r\n"))
                #expect(response.text == expected)
            }
        }
    }
}
