import SquallHTTP
import Testing

@Suite struct FramingTests {
    @Test("Content-Length values that are a number", arguments: ["5", " 5 ", "05", "\t5", "0000000000000000000000005"])
    func lengths(_ value: String) {
        let result = transcript(post("Content-Length:\(value)\r\n", "hello"))
        #expect(result.body == raw("hello"))
        #expect(result.ends == 1)
    }

    @Test(
        "Content-Length values that are not",
        arguments: [
            "+5", "-5", "0x5", "5_0", "1_0", "5 5", "5.0", "1e1", "5;", "", "\u{d9}\u{a5}", "5,5", "5, 5", "5,6",
            "5\r\nContent-Length: 5", "5\r\nContent-Length: 6", "5\r\ncontent-length: 5", "99999999999999999999x",
            "\"5\"", "5,", ",5", "\u{b2}",
        ])
    func badLengths(_ value: String) {
        let result = transcript(post("Content-Length: \(value)\r\n", "hello"))
        #expect(result.failureStatus == 400)
        #expect(result.entries.count == 1)
    }

    @Test("A Content-Length that no integer holds is 413, without a head")
    func overflow() {
        for value in ["99999999999999999999", "9223372036854775808", String(repeating: "9", count: 500)] {
            let result = transcript(post("Content-Length: \(value)\r\n"))
            #expect(result.failureStatus == 413)
        }
        // The greatest that one does hold is over the body limit.
        let result = transcript(post("Content-Length: 9223372036854775807\r\n"))
        #expect(result.failureStatus == 413)
        #expect(result.entries.count == 2)
    }

    @Test("A Content-Length over the limit gives the head and then 413", arguments: [104_857_601, 1_048_577])
    func overLimit(_ length: Int) {
        let result = transcript(post("Content-Length: \(length)\r\n", "hello"))
        #expect(result.entries.count == 2)
        #expect(result.failureStatus == 413)
    }

    @Test("The body limit can be changed between the head and the body")
    func bodyLimit() {
        let request = post("Content-Length: 5\r\n", "hello")
        var limits = HTTP1Limits()
        limits.maxBodyBytes = 4
        #expect(transcript(request, limits: limits).failureStatus == 413)
        #expect(transcript(request, limits: limits, bodyLimit: 5).ends == 1)
        #expect(transcript(request, bodyLimit: 4).failureStatus == 413)
        #expect(transcript(request, bodyLimit: -1).failureStatus == 413)
        #expect(transcript(get("Host: h\r\n"), bodyLimit: 0).ends == 1)
        let chunked = post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        #expect(transcript(chunked, limits: limits).failureStatus == 413)
        #expect(transcript(chunked, limits: limits).body == raw("abc"))
        #expect(transcript(chunked, limits: limits, bodyLimit: 5).ends == 1)
        #expect(transcript(chunked, bodyLimit: Int.max).ends == 1)
    }

    @Test("A raised body limit holds for one message")
    func bodyLimitIsPerMessage() {
        var limits = HTTP1Limits()
        limits.maxBodyBytes = 4
        var parser = HTTP1RequestParser(limits: limits)
        let request = post("Content-Length: 5\r\n", "hello")
        let input = request + request
        var position = 0
        var seen: [String] = []
        for turn in 0..<5 {
            var consumed = 0
            switch parser.next(input.span.extracting(position..<input.count), consumed: &consumed) {
            case .head:
                seen.append("head")
                if turn == 0 { parser.setBodyLimit(5) }
            case .body: seen.append("body")
            case .end: seen.append("end")
            case .failure(let error): seen.append("\(error.status)")
            case .needMoreInput: seen.append("more")
            }
            position += consumed
        }
        #expect(seen == ["head", "body", "end", "head", "413"])
    }

    @Test(
        "Transfer-Encoding: chunked",
        arguments: ["chunked", "Chunked", "CHUNKED", "\tchunked", "chunked \t"])
    func chunked(_ value: String) {
        let result = transcript(post("Transfer-Encoding:\(value)\r\n", "5\r\nhello\r\n0\r\n\r\n"))
        #expect(result.body == raw("hello"))
        #expect(result.ends == 1)
    }

    @Test(
        "Any other Transfer-Encoding is refused, and nothing after it parsed",
        arguments: [
            ("xchunked", 501), ("identity", 501), ("gzip", 501), ("gzip, chunked", 400), ("chunked, identity", 400),
            ("chunked,", 400), (",chunked", 400), ("\"chunked\"", 400), ("chunked;q=1", 400), ("", 400),
            ("\u{b}chunked", 400), ("\u{85}chunked", 400), ("\u{a0}chunked", 400), ("chunked chunked", 400),
            ("chunked\r\nTransfer-Encoding: chunked", 400), ("chunked\r\nTransfer-Encoding: identity", 400),
            ("identity\r\nTransfer-Encoding: chunked", 400), ("chunked\r\nContent-Length: 5", 400),
            ("chunked\r\nContent-Length: 0", 400), ("xchunked\r\nContent-Length: 5", 400), ("chunke", 501),
            ("chunked\u{0}", 400),
        ])
    func badCodings(_ value: String, _ status: Int) {
        let result = transcript(
            post("Transfer-Encoding: \(value)\r\n", "1\r\nZ\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"))
        #expect(result.failureStatus == status)
        #expect(result.entries.count == 1)
    }

    @Test("Content-Length before Transfer-Encoding")
    func lengthFirst() {
        let result = transcript(post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"))
        #expect(result.failureStatus == 400)
    }

    @Test("Transfer-Encoding in HTTP/1.0 is 400")
    func inHTTP10() {
        let bytes = raw("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        #expect(transcript(bytes).failureStatus == 400)
    }

    @Test("Content-Length: 0 and a pipelined request are two messages")
    func pipelined() {
        let result = transcript(
            post("Content-Length: 0\r\n", "GET /args HTTP/1.1\r\nHost: h\r\n\r\n"))
        #expect(result.ends == 2)
        #expect(result.body.isEmpty)
        let three = post("Content-Length: 2\r\n", "ab") + post("Transfer-Encoding: chunked\r\n", "1\r\nc\r\n0\r\n\r\n")
        #expect(transcript(three + get("Host: h\r\n")).ends == 3)
    }

    @Test("A request without framing fields has no body")
    func noFraming() {
        let result = transcript(post("") + get("Host: h\r\n"))
        #expect(result.ends == 2)
    }
}
