import Testing

@testable import SquallHTTP

@Suite struct LimitTests {
    @Test("A parser fits in a cache line")
    func size() {
        #expect(MemoryLayout<HTTP1RequestParser>.size <= 64)
    }

    @Test("A head of exactly the limit passes, one byte more is 431")
    func headBytes() {
        let request = get("Host: h\r\nA: b\r\n")
        var limits = HTTP1Limits()
        limits.maxHeaderBytes = request.count
        #expect(transcript(request, limits: limits).ends == 1)
        #expect(transcript(raw("\r\n") + request, limits: limits).ends == 1)
        limits.maxHeaderBytes = request.count - 1
        #expect(transcript(request, limits: limits).failureStatus == 431)
    }

    @Test("A request line over the limit is 414")
    func targetBytes() {
        let target = "/" + String(repeating: "x", count: 70_000)
        #expect(transcript(raw("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n")).failureStatus == 414)
        #expect(transcript(raw(String(repeating: "x", count: 65_535))).entries.isEmpty)
        #expect(transcript(raw(String(repeating: "x", count: 65_536))).failureStatus == 414)
    }

    @Test("70 000 bytes of fields are 431")
    func fieldBytes() {
        #expect(transcript(get("Host: h\r\nA: " + String(repeating: "x", count: 70_000) + "\r\n")).failureStatus == 431)
        #expect(transcript(get("Host: h\r\n" + String(repeating: "x", count: 70_000))).failureStatus == 431)
    }

    @Test("128 fields pass, 129 are 431")
    func fieldCount() {
        let fields = String(repeating: "A: b\r\n", count: 127)
        #expect(transcript(get("Host: h\r\n" + fields)).ends == 1)
        #expect(transcript(get("Host: h\r\n" + fields + "A: b\r\n")).failureStatus == 431)
        #expect(transcript(get("Host: h\r\n" + String(repeating: "A: b\r\n", count: 10_000))).failureStatus == 431)
        var limits = HTTP1Limits()
        limits.maxHeaderCount = 1
        #expect(transcript(get("Host: h\r\n"), limits: limits).ends == 1)
        #expect(transcript(get("Host: h\r\nA: b\r\n"), limits: limits).failureStatus == 431)
    }

    @Test("A chunk line of exactly the limit passes, one byte more is 400")
    func chunkLine() {
        var limits = HTTP1Limits()
        limits.maxChunkLineBytes = 10
        let fields = "Transfer-Encoding: chunked\r\n"
        #expect(transcript(post(fields, "1;123456\r\nx\r\n0\r\n\r\n"), limits: limits).ends == 1)
        #expect(transcript(post(fields, "1;1234567\r\nx\r\n0\r\n\r\n"), limits: limits).failureStatus == 400)
        #expect(transcript(post(fields, "1;" + String(repeating: "x", count: 5_000))).failureStatus == 400)
    }

    @Test("Trailers of exactly the limit pass, one byte more is 431")
    func trailerBytes() {
        var limits = HTTP1Limits()
        limits.maxTrailerBytes = 8
        let fields = "Transfer-Encoding: chunked\r\n"
        #expect(transcript(post(fields, "0\r\nA: b\r\n\r\n"), limits: limits).ends == 1)
        #expect(transcript(post(fields, "0\r\nA: bc\r\n\r\n"), limits: limits).failureStatus == 431)
        #expect(transcript(post(fields, "0\r\nA: " + String(repeating: "x", count: 9_000))).failureStatus == 431)
    }

    @Test("Trailers are counted")
    func trailerCount() {
        let trailers = String(repeating: "a:b\r\n", count: 128)
        let fields = "Transfer-Encoding: chunked\r\n"
        #expect(transcript(post(fields, "0\r\n\(trailers)\r\n")).ends == 1)
        #expect(transcript(post(fields, "0\r\n\(trailers)a:b\r\n\r\n")).failureStatus == 431)
    }

    @Test("Chunks that are mostly extensions are 400")
    func chunkOverhead() {
        let chunk = "1;" + String(repeating: "x", count: 96) + "\r\nZ\r\n"
        let input = post("Transfer-Encoding: chunked\r\n", String(repeating: chunk, count: 1_000))
        let result = Transcript([input[...]])
        #expect(result.failureStatus == 400)
        // 100 bytes of line to one of body: 64 KiB and 16 to one are used up after 781 chunks.
        #expect(result.body.count == 780)
        let few = post("Transfer-Encoding: chunked\r\n", String(repeating: chunk, count: 100) + "0\r\n\r\n")
        #expect(Transcript([few[...]]).ends == 1)
    }

    @Test("Odd limits do not trap", arguments: [Int.min, -1, 0, 1, 2, Int.max])
    func oddLimits(_ value: Int) {
        var limits = HTTP1Limits()
        limits.maxHeaderBytes = value
        limits.maxHeaderCount = value
        limits.maxBodyBytes = value
        limits.maxChunkLineBytes = value
        limits.maxTrailerBytes = value
        transcript(get("Host: h\r\nA: b\r\n"), limits: limits)
        transcript(post("Content-Length: 5\r\n", "hello"), limits: limits)
        limits.maxHeaderBytes = 1_000
        limits.maxHeaderCount = 100
        transcript(post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nA: b\r\n\r\n"), limits: limits)
    }

    @Test("A failure is sticky and consumes nothing")
    func sticky() {
        var parser = HTTP1RequestParser()
        var consumed = 99
        let bad = raw("\n")
        guard case .failure(let first) = parser.next(bad.span, consumed: &consumed) else {
            Issue.record("no failure")
            return
        }
        #expect(consumed == 0)
        consumed = 99
        guard case .failure(let second) = parser.next(get("Host: h\r\n").span, consumed: &consumed) else {
            Issue.record("no failure")
            return
        }
        #expect(first == second)
        #expect(consumed == 0)
        #expect(!parser.isIdle && !parser.isInBody)
    }

    @Test("Idle and in body")
    func states() {
        var parser = HTTP1RequestParser()
        var consumed = 0
        func feed(_ text: String) {
            let bytes = raw(text)
            var position = 0
            while true {
                let event = parser.next(bytes.span.extracting(position..<bytes.count), consumed: &consumed)
                position += consumed
                if case .needMoreInput = event { return }
                if case .end = event, position == bytes.count { return }
            }
        }
        #expect(parser.isIdle && !parser.isInBody)
        feed("")
        #expect(parser.isIdle)
        feed("\r\n")
        #expect(parser.isIdle)
        feed("G")
        #expect(!parser.isIdle && !parser.isInBody)
        feed("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(parser.isIdle)
        feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na")
        #expect(!parser.isIdle && parser.isInBody)
        feed("b")
        #expect(parser.isIdle && !parser.isInBody)
        feed("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        #expect(parser.isInBody)
        feed("\r\n")
        #expect(parser.isIdle)
    }

    @Test("A head that trickles in is looked at once")
    func linear() {
        // Each call must resume where the last one stopped: what is scanned again is at most the CR of a line.
        let input = get("Host: h\r\nA: " + String(repeating: "x", count: 10_000) + "\r\n")
        var parser = HTTP1RequestParser()
        var consumed = 0
        for end in 1..<input.count {
            guard case .needMoreInput = parser.next(input.span.extracting(0..<end), consumed: &consumed) else {
                Issue.record("an event at \(end)")
                return
            }
            #expect(Int(parser.scanned) >= end - 1)
            #expect(consumed == 0)
        }
    }

    @Test("A caller that loses bytes gets no crash")
    func shrinkingInput() {
        let input = get("Host: h\r\nA: b\r\n")
        for end in input.indices {
            var parser = HTTP1RequestParser()
            var consumed = 0
            _ = parser.next(input.span.extracting(0..<end), consumed: &consumed)
            _ = parser.next([UInt8]().span, consumed: &consumed)
            _ = parser.next(raw("\r\n\r\n").span, consumed: &consumed)
        }
    }
}
