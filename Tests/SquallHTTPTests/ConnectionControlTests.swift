import SquallHTTP
import Testing

@Suite struct ConnectionControlTests {
    @Test(
        "Expect: 100-continue in any case",
        arguments: ["100-continue", "100-Continue", "100-CONTINUE", "\t100-continue "])
    func expectation(_ value: String) {
        let bytes = post("Expect:\(value)\r\nContent-Length: 1\r\n", "x")
        #expect(transcript(bytes).ends == 1)
        #expect(firstHead(bytes)?.expectsContinue == true)
    }

    @Test("Another expectation is 417", arguments: ["foo", "", "100-continue, foo", "100", "100-continue;q=1"])
    func otherExpectations(_ value: String) {
        #expect(transcript(post("Expect: \(value)\r\n")).failureStatus == 417)
        #expect(transcript(post("Expect: 100-continue\r\nExpect: \(value)\r\n")).failureStatus == 417)
    }

    @Test("HTTP/1.0 has no expectations")
    func expectInHTTP10() {
        let bytes = raw("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx")
        #expect(transcript(bytes).ends == 1)
        #expect(firstHead(bytes)?.expectsContinue == false)
    }

    @Test("A body that is too large is refused before anything would be continued")
    func expectTooLarge() {
        var parser = HTTP1RequestParser()
        let input = post("Expect: 100-continue\r\nContent-Length: 104857601\r\n")
        var consumed = 0
        guard case .head = parser.next(input.span, consumed: &consumed) else {
            Issue.record("no head")
            return
        }
        guard case .failure(let error) = parser.next([UInt8]().span, consumed: &consumed) else {
            Issue.record("no failure")
            return
        }
        #expect(error.status == 413)
    }

    struct Control: Sendable {
        var fields: String
        var http11: Bool
        var http10: Bool
    }

    @Test(
        "Connection fields decide over the connection",
        arguments: [
            Control(fields: "", http11: true, http10: false),
            Control(fields: "Connection: close\r\n", http11: false, http10: false),
            Control(fields: "Connection: Close\r\n", http11: false, http10: false),
            Control(fields: "Connection: keep-alive\r\n", http11: true, http10: true),
            Control(fields: "Connection: Keep-Alive\r\n", http11: true, http10: true),
            Control(fields: "Connection: keep-alive, close\r\n", http11: false, http10: false),
            Control(fields: "Connection: close, keep-alive\r\n", http11: false, http10: false),
            Control(fields: "Connection: upgrade, close\r\n", http11: false, http10: false),
            Control(fields: "Connection: keep-alive\r\nConnection: close\r\n", http11: false, http10: false),
            Control(fields: "Connection: foo,,\t close ,\r\n", http11: false, http10: false),
            Control(fields: "Connection: closed\r\n", http11: true, http10: false),
            Control(fields: "Connection: x-close\r\n", http11: true, http10: false),
            Control(fields: "Connection: ,\r\n", http11: true, http10: false),
            Control(fields: "Connection:\r\n", http11: true, http10: false),
        ])
    func keepAlive(_ control: Control) {
        let http11 = raw("GET / HTTP/1.1\r\nHost: h\r\n\(control.fields)\r\n")
        let http10 = raw("GET / HTTP/1.0\r\n\(control.fields)\r\n")
        transcript(http11)
        transcript(http10)
        #expect(firstHead(http11)?.keepAlive == control.http11)
        #expect(firstHead(http10)?.keepAlive == control.http10)
    }

    @Test("Upgrade needs both fields")
    func upgrade() {
        #expect(firstHead(get("Host: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"))?.upgrade == true)
        #expect(firstHead(get("Host: h\r\nConnection: keep-alive, upgrade\r\nUpgrade: h2c\r\n"))?.upgrade == true)
        #expect(firstHead(get("Host: h\r\nUpgrade: websocket\r\n"))?.upgrade == false)
        #expect(firstHead(get("Host: h\r\nConnection: upgrade\r\n"))?.upgrade == false)
    }
}
