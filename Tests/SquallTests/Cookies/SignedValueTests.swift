import Logging
import Squall
import Testing

/// Tornado's vectors: values that it signs are read, and what it refuses is refused.
@Suite struct SignedValueTests {
    private static let secret: CookieSecret = "It's a secret to everybody"
    private static let time = 1_300_000_000
    private static let v1 = "dmFsdWU=|1300000000|31c934969f53e48164c50768b40cbd7e2daaaa4f"
    private static let signature = "3d4e60b996ff9c5d5788e333a0cba6f238a22c6c0f94788870e1a9ecd482e152"
    private static let v2 = "2|1:0|10:1300000000|3:key|8:dmFsdWU=|" + signature

    private static func decode(
        _ text: String, name: String = "key", time: Int = time, maxAge: Int = 31 * 86_400,
        oldest: SignedValue.Version = .v2, secret: CookieSecret = secret
    ) -> String? {
        SignedValue.decode(secret, name: name, text, time: time, maxAge: maxAge, oldest: oldest)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `the known value has the known signature`() {
        let signed = SignedValue.create(Self.secret, name: "key", value: Array("value".utf8), time: Self.time)
        #expect(signed == Self.v2)
        #expect(Self.decode(Self.v2) == "value")
        #expect(SignedValue.keyVersion(Self.v2) == 0)
    }

    @Test func `version 1 is read where that is asked for`() {
        #expect(Self.decode(Self.v1) == nil)
        #expect(Self.decode(Self.v1, oldest: .v1) == "value")
        #expect(Self.decode(Self.v2, oldest: .v1) == "value")
        #expect(Self.decode(Self.v1, name: "keey", oldest: .v1) == nil)
        #expect(Self.decode(Self.v1, time: Self.time + 32 * 86_400, oldest: .v1) == nil)
        #expect(Self.decode(Self.v1, time: Self.time - 32 * 86_400, oldest: .v1) == nil)
        #expect(Self.decode(String(Self.v1.dropLast()), oldest: .v1) == nil)
        #expect(Self.decode(Self.v1 + "a", oldest: .v1) == nil)
        #expect(SignedValue.keyVersion(Self.v1) == nil)
    }

    @Test(arguments: [
        "2|1:1|10:1300000000|3:key|8:dmFsdWU=|" + signature, "2|1:0|10:130000000|3:key|8:dmFsdWU=|" + signature,
        "2|1:0|10:1300000000|3:keey|8:dmFsdWU=|" + signature,
        "2|1:0|10:1300000000|3:key|8:dmFsdWU=|" + String(repeating: "0", count: 32),
        "2|1:0|10:1300000000|3:key|8:dmFsdWU=|4" + signature.dropFirst(),
        "2|1:0|10:1300000000|3:key|8:dmFsdWU=|" + signature.dropLast() + "3", String(v2.dropLast()), v2 + "0",
        v2.uppercased(), "", "2", "2|", "2||", "2|1:0", "2|1:0|", "2|1:0|10:1300000000|3:key|8:dmFsdWU=|",
        "3" + v2.dropFirst(),
        "2|99999999999999999999:0|", "2|-1:0|", "2|1:0|10:13000000000|3:key|8:dmFsdWU=|" + signature, "||", "|",
        "a|b|c",
    ])
    func `what was changed is refused`(_ text: String) {
        #expect(Self.decode(text, oldest: .v1) == nil)
    }

    @Test func `an empty signature is never valid, and nothing is signed with an empty key`() {
        let empty: CookieSecret = ""
        for secret in [Self.secret, empty, CookieSecret(keys: [0: ""])] {
            for text in [
                "2|1:0|10:1300000000|3:key|8:dmFsdWU=|", "dmFsdWU=|1300000000|", "2|1:0|10:1300000000|3:key|0:||",
            ] {
                #expect(Self.decode(text, oldest: .v1, secret: secret) == nil)
            }
        }
        #expect(SignedValue.create(empty, name: "key", value: [1], time: Self.time) == nil)
        #expect(EncryptedValue.create(empty, name: "key", value: [1], time: Self.time) == nil)
        // This is signed with the empty key.
        let forged =
            "2|1:0|10:1300000000|3:key|8:dmFsdWU=|7a49c78800580368b37133bbf7a0fc28524d91823e04d9c791a243f719fd076b"
        #expect(Self.decode(forged, secret: empty) == nil)
    }

    @Test(
        arguments: [
            ("", "is empty"), (CookieSecret(keys: [1: "", 2: "a secret"]), "key 1 of the cookie secret is empty"),
            (CookieSecret(keys: [:]), "no key of its current version"),
            (CookieSecret(keys: [1: "a secret"], current: 2), "no key of its current version, 2"),
        ] as [(CookieSecret, String)])
    func `a secret that cannot sign keeps the application from starting`(
        secret: CookieSecret, message: String
    ) async throws {
        var settings = Application.Settings()
        settings.cookieSecret = secret
        let application = try Application(settings: settings) {}
        await #expect {
            try await application.start(port: 0)
        } throws: {
            $0 is InvalidSettingError && "\($0)".contains(message)
        }
    }

    @Test(arguments: [("123456789012345", true), ("1234567890123456", false), (nil, false)] as [(String?, Bool)])
    func `a short key is warned of`(key: String?, isShort: Bool) async throws {
        try await withServer({ $0.cookieSecret = key.map { CookieSecret($0) } }, routes: {}) { server in
            #expect(
                server.log.messages(at: .warning).contains { $0.contains("the cookie secret has 15 bytes") } == isShort)
        }
    }

    @Test func `a value holds for its name and its time`() {
        #expect(Self.decode(Self.v2, name: "other") == nil)
        #expect(Self.decode(Self.v2, time: Self.time + 31 * 86_400) == "value")
        #expect(Self.decode(Self.v2, time: Self.time + 31 * 86_400 + 1) == nil)
        #expect(Self.decode(Self.v2, time: Self.time + 32 * 86_400, maxAge: 33 * 86_400) == "value")
    }

    @Test(arguments: [[0xe9], [], Array(0...255)] as [[UInt8]])
    func `any bytes come back`(_ value: [UInt8]) throws {
        let signed = try #require(SignedValue.create(Self.secret, name: "a|b:c", value: value, time: Self.time))
        #expect(SignedValue.decode(Self.secret, name: "a|b:c", signed, time: Self.time) == value)
    }

    @Test func `a key is replaced without the values that are out becoming void`() throws {
        let keys = [0: "asdfbasdf", 1: "12312312", 2: "2342342"]
        let all = CookieSecret(keys: keys)
        for version in 0...2 {
            let secret = CookieSecret(keys: keys, current: version)
            let signed = try #require(SignedValue.create(secret, name: "n", value: [1], time: Self.time))
            #expect(SignedValue.keyVersion(signed) == version)
            #expect(SignedValue.decode(all, name: "n", signed, time: Self.time) == [1])
            #expect(SignedValue.decode(CookieSecret(keys: [7: "other"]), name: "n", signed, time: Self.time) == nil)
            var others = keys
            others[version] = nil
            #expect(SignedValue.decode(CookieSecret(keys: others), name: "n", signed, time: Self.time) == nil)
        }
        let newest = try #require(SignedValue.create(all, name: "n", value: [1], time: Self.time))
        #expect(SignedValue.keyVersion(newest) == 2)
        #expect(SignedValue.create(CookieSecret(keys: keys, current: 9), name: "n", value: [], time: 0) == nil)
    }
}
