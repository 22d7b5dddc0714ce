import Squall
import Testing

/// Text is gone through in blocks: what must be escaped may be anywhere in one, or beyond the last.
@Suite struct EscapeHTMLTests {
    private static let references: [Character: String] = [
        "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;", "'": "&#x27;",
    ]

    @Test func `every place in a block, and every other byte`() {
        for length in 0...40 {
            let plain = String(repeating: "a", count: length)
            #expect(Escape.html(plain) == plain)
            for place in 0..<length {
                for (special, reference) in Self.references {
                    let before = String(repeating: "\u{e4}", count: place)
                    let after = String(repeating: "0", count: length - place - 1)
                    #expect(Escape.html(before + String(special) + after) == before + reference + after)
                }
            }
        }
        for value in 0..<UInt8(128) {
            let text = "1234567" + String(UnicodeScalar(value)) + "12345678"
            let expected = text.map { Self.references[$0] ?? String($0) }.joined()
            #expect(Escape.html(text) == expected)
        }
    }

    @Test func `many in a row`() {
        #expect(Escape.html("<<&>>''\"\"") == "&lt;&lt;&amp;&gt;&gt;&#x27;&#x27;&quot;&quot;")
        var bytes = Array("x".utf8)
        Escape.appendHTML("a<b", to: &bytes)
        #expect(bytes == Array("xa&lt;b".utf8))
    }
}
