import SquallHTTP
import Testing

private func encoded(_ body: (inout [UInt8]) throws -> Void) rethrows -> String {
    var buffer: [UInt8] = []
    try body(&buffer)
    return String(decoding: buffer, as: UTF8.self)
}

@Suite struct EncoderTests {
    @Test(
        "Status lines",
        arguments: [
            (200, nil, "200 OK"), (404, nil, "404 Not Found"), (299, nil, "299 Unknown"), (200, "Fine", "200 Fine"),
            (200, "", "200 "), (400, "<b>", "400 <b>"), (200, "OK\r\nX-Injection: injected", "200 OK"),
            (299, "a\nb", "299 Unknown"), (200, "a\u{0}", "200 OK"), (200, "a\tb", "200 a\tb"),
            (200, "a\u{7f}", "200 OK"), (200, "ö", "200 ö"), (99, nil, "500 Internal Server Error"),
            (1_000, "x", "500 Internal Server Error"), (-1, nil, "500 Internal Server Error"),
            (Int.min, nil, "500 Internal Server Error"), (999, nil, "999 Unknown"), (100, nil, "100 Continue"),
        ] as [(Int, String?, String)])
    func statusLines(_ status: Int, _ reason: String?, _ line: String) {
        #expect(encoded { HTTP1Encoder.appendStatusLine(status, reason: reason, to: &$0) } == "HTTP/1.1 \(line)\r\n")
    }

    @Test("Fields are written")
    func fields() throws {
        #expect(try encoded { try HTTP1Encoder.appendField("X-A", "b\tc ö", to: &$0) } == "X-A: b\tc ö\r\n")
        #expect(try encoded { try HTTP1Encoder.appendField("a", "", to: &$0) } == "a: \r\n")
    }

    @Test("Bad names are refused", arguments: ["", " ", "a b", "a:", "a\r\nb", "ö", "a\u{0}", "(", "a\t"])
    func badNames(_ name: String) {
        var buffer: [UInt8] = [1]
        #expect(throws: HTTPFieldError.invalidName) { try HTTP1Encoder.appendField(name, "x", to: &buffer) }
        #expect(buffer == [1])
    }

    @Test(
        "Bad values are refused", arguments: ["a\nb", "\r", "http://x/\r\nA:b", "\u{0}", "\u{1f}", "\u{7f}", "\u{b}"])
    func badValues(_ value: String) {
        var buffer: [UInt8] = [1]
        #expect(throws: HTTPFieldError.invalidValue) { try HTTP1Encoder.appendField("X", value, to: &buffer) }
        #expect(buffer == [1])
    }

    @Test("Content-Length", arguments: [(0, "0"), (7, "7"), (10, "10"), (1_234_567, "1234567"), (-1, "0")])
    func contentLength(_ count: Int, _ text: String) {
        #expect(encoded { HTTP1Encoder.appendContentLength(count, to: &$0) } == "Content-Length: \(text)\r\n")
        #expect(
            encoded { HTTP1Encoder.appendContentLength(.max, to: &$0) } == "Content-Length: 9223372036854775807\r\n")
    }

    @Test("Chunk heads")
    func chunkHeads() {
        for size in [1, 9, 10, 15, 16, 17, 255, 256, 4_095, 4_096, 65_536, 1 << 40, Int.max] {
            #expect(
                encoded { HTTP1Encoder.appendChunkHead(size, to: &$0) } == String(size, radix: 16) + "\r\n")
        }
        #expect(encoded { HTTP1Encoder.appendChunkHead(0, to: &$0) } == "")
        #expect(encoded { HTTP1Encoder.appendChunkHead(-5, to: &$0) } == "")
        #expect(HTTP1Encoder.lastChunk == raw("0\r\n\r\n"))
    }

    @Test("What is encoded in chunks is parsed again")
    func roundTrip() {
        var request = post("Transfer-Encoding: chunked\r\n")
        for size in [1, 15, 16, 300] {
            HTTP1Encoder.appendChunkHead(size, to: &request)
            request += [UInt8](repeating: 0x61, count: size) + raw("\r\n")
        }
        request += HTTP1Encoder.lastChunk
        let result = transcript(request)
        #expect(result.body.count == 332)
        #expect(result.ends == 1)
    }

    @Test("Date field")
    func date() {
        let cached = HTTPDate.bytes(secondsSince1970: 1_359_312_200)
        #expect(
            encoded { HTTP1Encoder.appendDate(cached, to: &$0) } == "Date: Sun, 27 Jan 2013 18:43:20 GMT\r\n")
    }

    @Test(
        "Reason phrases",
        arguments: [(200, "OK"), (413, "Content Too Large"), (418, "I'm a Teapot"), (799, "Unknown")])
    func reasons(_ status: Int, _ phrase: String) {
        #expect(reasonPhrase(for: status) == phrase)
    }
}
