import SquallHTTP
import Testing

@Suite struct PercentCodingTests {
    @Test(
        "Decoding",
        arguments: [
            ("", ""), ("abc", "abc"), ("%41", "A"), ("a%20b", "a b"), ("%zz", "%zz"), ("%4", "%4"), ("%", "%"),
            ("%%41", "%A"), ("%4%41", "%4A"), ("%c3%B6", "ö"), ("a+b", "a+b"), ("%2e%2E", ".."), ("%252e", "%2e"),
            ("%00", "\u{0}"), ("%+1", "%+1"), ("%G0", "%G0"), ("%0G", "%0G"), ("%/0", "%/0"), ("%:0", "%:0"),
        ])
    func decoding(_ text: String, _ decoded: String) {
        #expect(PercentCoding.percentDecodedString(text) == decoded)
        #expect(PercentCoding.percentDecode(Array(text.utf8)[...]) == Array(decoded.utf8))
    }

    @Test("Plus is a space where asked for")
    func plus() {
        #expect(PercentCoding.percentDecodedString("a+b%2B", plusIsSpace: true) == "a b+")
    }

    @Test("Invalid UTF-8 has bytes, but no string", arguments: ["%ff", "%c3", "%ed%a0%80", "%c0%ae"])
    func invalidUTF8(_ text: String) {
        #expect(PercentCoding.percentDecodedString(text) == nil)
        #expect(PercentCoding.percentDecode(Array(text.utf8)[...]).count == text.utf8.count / 3)
    }

    @Test("Encoding")
    func encoding() {
        #expect(PercentCoding.percentEncode(pathSegment: "a/b?c#d e%ö") == "a%2Fb%3Fc%23d%20e%25%C3%B6")
        #expect(PercentCoding.percentEncode(pathSegment: "a:b@c&d=e+f;g,h") == "a:b@c&d=e+f;g,h")
        #expect(PercentCoding.percentEncode(queryComponent: "a&b=c+d/e ö~") == "a%26b%3Dc%2Bd%2Fe%20%C3%B6~")
        #expect(PercentCoding.percentEncode(queryComponent: "") == "")
    }

    @Test("All bytes come back")
    func roundTrip() {
        let text = String((0...0x17f).compactMap { UnicodeScalar($0) }.map { Character($0) })
        #expect(PercentCoding.percentDecodedString(PercentCoding.percentEncode(pathSegment: text)) == text)
        #expect(PercentCoding.percentDecodedString(PercentCoding.percentEncode(queryComponent: text)) == text)
    }
}

@Suite struct FormURLEncodedTests {
    private func pairs(_ text: String) throws -> [String] {
        try FormURLEncoded.parse(Array(text.utf8)).map { "\($0.name)→\($0.value)" }
    }

    @Test("Forms come apart")
    func parsing() throws {
        #expect(try pairs("a=1&b=2") == ["a→1", "b→2"])
        #expect(try pairs("a=1&a=2&a") == ["a→1", "a→2", "a→"])
        #expect(try pairs("") == [])
        #expect(try pairs("&&a=1&&") == ["a→1"])
        #expect(try pairs("=x&=") == ["→x", "→"])
        #expect(try pairs("a=b=c") == ["a→b=c"])
        #expect(try pairs("a=1;b=2") == ["a→1;b=2"])
        #expect(try pairs("a+b=c+d%2B%26%3D") == ["a b→c d+&="])
        #expect(try pairs("a=%zz%ff") == ["a→%zz\u{fffd}"])
        #expect(try pairs("ö=%c3%b6") == ["ö→ö"])
    }

    @Test("The number of fields is limited")
    func limit() throws {
        let text = Array(String(repeating: "a&", count: 1_000).utf8)
        #expect(try FormURLEncoded.parse(text).count == 1_000)
        let error = #expect(throws: FormURLEncodedError.self) { try FormURLEncoded.parse(text + [0x61]) }
        #expect(error?.status == 400)
        #expect(throws: FormURLEncodedError.self) { try FormURLEncoded.parse(raw("a&b"), maxFields: 1) }
        #expect(try FormURLEncoded.parse(raw("&&&"), maxFields: 0).isEmpty)
    }
}
