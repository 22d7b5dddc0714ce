import SquallHTTP
import Testing

/// A chunked POST with `body`.
private func chunked(_ body: String) -> [UInt8] { post("Transfer-Encoding: chunked\r\n", body) }

@Suite struct ChunkTests {
    @Test(
        "Chunk lines that are accepted",
        arguments: ["5", "0000005", "5;ext=1", "5;", "5;a=\"b;c\"", "5;\t\u{e9}", "0000000000000005", "5;a;b"])
    func sizes(_ line: String) {
        let result = transcript(chunked("\(line)\r\nhello\r\n0\r\n\r\n"))
        #expect(result.body == raw("hello"))
        #expect(result.ends == 1)
    }

    @Test("Hexadecimal in both cases")
    func hexadecimal() {
        let text = String(repeating: "x", count: 0xab)
        #expect(transcript(chunked("aB\r\n\(text)\r\n0\r\n\r\n")).body.count == 0xab)
    }

    @Test(
        "Chunk lines that are 400",
        arguments: [
            "0x5", "+5", "-1", "5_0", "1_a", " 5", "5 ", "5\t", "g", "", ";", ";a=1", "5 ;a=1", "5\t;a", "5,", "5:",
            "fffffffffffffffffffff", String(repeating: "0", count: 70) + "5", String(repeating: "0", count: 17),
            "5;a\u{0}", "5;a\u{7f}", "5;a\rb", "5;a\nb", "\u{e9}", "5\u{a0}", "\r",
        ])
    func badSizes(_ line: String) {
        let result = transcript(chunked("\(line)\r\nhello\r\n0\r\n\r\n"))
        #expect(result.failureStatus == 400)
        #expect(result.entries.count == 2)
    }

    @Test(
        "Chunk sizes over every limit are 413, and do not trap",
        arguments: ["7fffffffffffffff", "ffffffffffffffff", "100001"])
    func huge(_ line: String) {
        #expect(transcript(chunked("\(line)\r\nhello")).failureStatus == 413)
        // With no limit at all the running total may not overflow either.
        #expect(transcript(chunked("1\r\nx\r\n\(line)\r\n"), bodyLimit: Int.max - 1).failureStatus != 400)
        #expect(transcript(chunked("1\r\nx\r\n7fffffffffffffff\r\n"), bodyLimit: Int.max).failureStatus == 413)
    }

    @Test(
        "Broken framing is 400",
        arguments: [
            "5\nhello\n0\n\n", "5\r\nhelloXX0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\nhello\n0\r\n\r\n",
            "5\r\nhello\rX", "5\rhello", "5\r\nhello\r\n0\r\nXX\r\n\r\n", "0\r\nXX\n", "0\n\r\n", "0\r\n\n",
            "0\r\n\rX", "5\r\nhello\r\n\r\n", "0\r\n a: b\r\n\r\n", "0\r\na : b\r\n\r\n", "0\r\na: b\r\n c\r\n\r\n",
            "0\r\n: b\r\n\r\n", "0\r\na: \u{1}\r\n\r\n", "0\r\nXX\r\n",
        ])
    func broken(_ body: String) {
        let result = transcript(chunked(body))
        #expect(result.failureStatus == 400)
        #expect(result.ends == 0)
    }

    @Test("Truncated bodies wait", arguments: ["", "5", "5\r", "5\r\n", "5\r\nhel", "5\r\nhello", "0\r\n", "0\r\n\r"])
    func truncated(_ body: String) {
        let result = transcript(chunked(body))
        #expect(result.ends == 0)
        #expect(result.failureStatus == nil)
    }

    @Test("Trailers come with the end and are not merged")
    func trailers() {
        let result = transcript(chunked("5\r\nhello\r\n0\r\nFoo: bar\r\nfoo: \tb\u{e9} \r\n\r\n") + get("Host: h\r\n"))
        #expect(result.entries[2] == .end(["Foo: bar", "foo: b\u{e9}"]))
        #expect(result.ends == 2)
    }

    @Test(
        "Fields that frame, route or authenticate are dropped from trailers",
        arguments: [
            "Content-Length", "transfer-encoding", "HOST", "Connection", "TE", "Trailer", "Expect", "Authorization",
            "Cookie", "Set-Cookie", "Content-Type", "Content-Encoding", "Content-Range", "Range", "If-Match",
            "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Cache-Control", "Max-Forwards",
            "Proxy-Authorization", "Upgrade", "Keep-Alive", "X-Forwarded-For", "X-Forwarded-Proto",
            "X-Forwarded-Host", "Forwarded", "Proxy-Connection", "Location", "Pragma",
        ])
    func forbiddenTrailers(_ name: String) {
        let result = transcript(chunked("0\r\n\(name): 5\r\nX: y\r\n\r\n"))
        #expect(result.entries.last == .end(["X: y"]))
    }

    @Test("A million chunks of one byte cost one call each and finish")
    func manyChunks() {
        let count = 1_000_000
        var input = chunked("")
        input.reserveCapacity(input.count + count * 6 + 5)
        for _ in 0..<count { input += [0x31, 0x0d, 0x0a, 0x5a, 0x0d, 0x0a] }
        input += raw("0\r\n\r\n")
        var parser = HTTP1RequestParser()
        var position = 0
        var calls = 0
        var body = 0
        var ended = false
        while !ended, calls < count * 2 {
            var consumed = 0
            calls += 1
            switch parser.next(input.span.extracting(position..<input.count), consumed: &consumed) {
            case .body(let range): body += range.count
            case .end: ended = true
            case .failure(let error):
                Issue.record("\(error)")
                return
            default: break
            }
            position += consumed
        }
        #expect(body == count)
        #expect(position == input.count)
        #expect(calls == count + 2)
    }
}
