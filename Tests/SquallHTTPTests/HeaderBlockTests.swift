import HTTPTypes
import SquallHTTP
import Testing

@Suite struct HeaderBlockTests {
    @Test(
        "Bad Host fields are 400",
        arguments: [
            "", "Host: a\r\nHost: b\r\n", "Host: a\r\nhost: a\r\n", "Host: a, b\r\n", "Host: a,b\r\n",
            "Host: foo bar\r\n", "Host: a/b\r\n", "Host: u@h\r\n", "Host: h\u{80}\r\n", "Host: h%zz\r\n",
            "Host: h%4\r\n", "Host: h:99999999\r\n", "Host: h:65536\r\n", "Host: h:x\r\n", "Host: h:1:2\r\n",
            "Host: :80\r\n", "Host: h:-1\r\n", "Host: h:+1\r\n", "Host: [::1\r\n", "Host: [::1]x\r\n",
            "Host: []\r\n", "Host: [1]\r\n", "Host: [::1::2]\r\n", "Host: [1:2:3:4:5:6:7:8:9]\r\n",
            "Host: [12345::]\r\n", "Host: [::1%25eth0]\r\n", "Host: [::256.1.1.1]\r\n", "Host: [1:2:3:4:5:6:7:]\r\n",
            "Host: [::1.2.3]\r\n", "Host: [:1:2:3:4:5:6:7]\r\n", "Host: h\"\r\n", "Host: <h>\r\n", "Host: h?\r\n",
            "Host: h\\\r\n", "Host: h\t\tx\r\n", "Host: [::1.2.3.4:5]\r\n",
        ])
    func badHost(_ field: String) {
        #expect(transcript(get(field)).failureStatus == 400)
    }

    @Test(
        "Good Host fields",
        arguments: [
            "", "h", "h:80", "h:", "h:0", "h:65535", "127.0.0.1:8888", "[::1]", "[::1]:80", "[::]", "a-b_c.d~e",
            "h%41", "[1:2:3:4:5:6:7:8]", "[2001:db8::1]", "[::ffff:1.2.3.4]", "[1::]", "xn--bcher-kva.example",
        ])
    func goodHost(_ host: String) {
        let bytes = get("Host: \(host)\r\n")
        #expect(transcript(bytes).ends == 1)
        #expect(firstHead(bytes)?.authority == host)
    }

    @Test("HTTP/1.0 may come without Host; a bad one is refused all the same")
    func hostInHTTP10() {
        #expect(transcript(raw("GET / HTTP/1.0\r\n\r\n")).ends == 1)
        #expect(firstHead(raw("GET / HTTP/1.0\r\n\r\n"))?.authority == nil)
        #expect(transcript(raw("GET / HTTP/1.0\r\nHost: a b\r\n\r\n")).failureStatus == 400)
    }

    @Test("An absolute target needs Host too")
    func absoluteWithoutHost() {
        #expect(transcript(raw("GET http://h/ HTTP/1.1\r\n\r\n")).failureStatus == 400)
    }

    @Test(
        "Malformed field lines are 400",
        arguments: [
            "Foo : bar", "Foo\t: bar", "Foo", ":bar", ": bar", "F\u{c3}\u{b6}o: x", "Fo(o: b", "Fo o: b", "Foo:a\r b",
            "Foo: a\r\n b", "Foo: a\r\n\tb", " Foo: b", "Transfer-Encoding : chunked", "Transfer-Encoding:\r\n chunked",
            "Foo@: b", "\"Foo\": b", "Foo\u{0}: b", "Fo/o: b", "Foo: b\rBar: c", "Foo: b\n", "Foo: b\nBar: c",
            "{}: b", "Foo\u{7f}: x",
        ])
    func malformed(_ line: String) {
        let result = transcript(get("Host: h\r\n\(line)\r\n"))
        #expect(result.failureStatus == 400)
        #expect(result.entries.count == 1)
    }

    @Test("A first field line that starts with a blank is 400", arguments: [" Host: h\r\n", "\tHost: h\r\n", " \r\n"])
    func firstLineFolded(_ fields: String) {
        #expect(transcript(get(fields)).failureStatus == 400)
    }

    @Test("Control characters in values are 400", arguments: Array(0...0x1f) + [0x7f])
    func controls(_ value: Int) throws {
        let scalar = try #require(UnicodeScalar(value))
        // At several places, so that every position of the wide loads is met.
        for padding in [0, 1, 3, 7, 8, 9, 15, 16] {
            let line = "Foo: " + String(repeating: "x", count: padding) + String(scalar) + "yz"
            let result = transcript(get("Host: h\r\n\(line)\r\n"))
            if value == 9 { #expect(result.ends == 1) } else { #expect(result.failureStatus == 400) }
        }
    }

    @Test("Every other byte is accepted and kept")
    func opaque() throws {
        let value: [UInt8] = Array(0x21...0x7e) + Array(0x80...0xff)
        let bytes = raw("GET / HTTP/1.1\r\nHost: h\r\nFoo: ") + value + raw("\r\n\r\n")
        #expect(transcript(bytes).ends == 1)
        let head = try #require(firstHead(bytes))
        // Not valid UTF-8 as a whole, therefore Latin-1.
        #expect(head.value(of: "foo")?.unicodeScalars.map(\.value) == Array(0x21...0x7e) + Array(0x80...0xff))
        #expect(firstHead(get("Host: h\r\nFoo: \u{c3}\u{b6}\r\n"))?.value(of: "foo") == "ö")
    }

    @Test("Blanks around a value are trimmed, and nothing else")
    func trimming() {
        for text in ["Foo:bar", "Foo: bar", "Foo:\tbar \t", "Foo:  \t bar"] {
            #expect(firstHead(get("Host: h\r\n\(text)\r\n"))?.value(of: "foo") == "bar")
        }
        #expect(firstHead(get("Host: h\r\nFoo:\r\n"))?.value(of: "foo") == "")
        #expect(firstHead(get("Host: h\r\nFoo: \t \r\n"))?.value(of: "foo") == "")
        #expect(firstHead(get("Host: h\r\nFoo: \u{a0}x\u{85}\r\n"))?.value(of: "foo") == "\u{a0}x\u{85}")
        #expect(firstHead(get("Host: h\r\nFoo: a \t b\r\n"))?.value(of: "foo") == "a \t b")
    }

    @Test(
        "Lines that do not end in CR LF are 400",
        arguments: [
            "GET / HTTP/1.1\nHost: h\n\n", "GET / HTTP/1.1\r\nHost: h\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n\n",
            "GET / HTTP/1.1\nHost: h\r\n\r\n", "GET / HTTP/1.1\rHost: h\r\r", "GET / HTTP/1.1\r\nHost: h\r\rx",
            "GET / HTTP/1.1\r\nHost: h\r\r\n\r\n", "GET / HTTP/1.1\r\r\n",
        ])
    func lineEnds(_ text: String) {
        let result = transcript(raw(text))
        #expect(result.failureStatus == 400)
        #expect(result.entries.count == 1)
    }

    @Test("A CR without LF is refused in an incomplete line, as soon as it is seen")
    func earlyCR() {
        #expect(transcript(raw("GET / HTTP/1.1\rH")).failureStatus == 400)
        #expect(transcript(raw("GET /\n")).failureStatus == 400)
        #expect(transcript(raw("GET / HTTP/1.1\r")).entries.isEmpty)
    }

    @Test("Fields can be looked up")
    func lookup() throws {
        let head = try #require(
            firstHead(get("Host: h\r\nX-A: 1\r\nx-a: 2\r\nX-B: 3\r\nContent-Type: text/plain\r\n")))
        #expect(head.fieldCount == 5)
        #expect(head.fieldName(at: 1) == "X-A")
        #expect(head.fieldName(at: 2) == "x-a")
        #expect(head.value(of: "x-a") == "1")
        #expect(head.values(of: "x-a") == ["1", "2"])
        #expect(head.value(of: "x-c") == nil)
        #expect(head.values(of: "x-c").isEmpty)
        #expect(head.fields[.contentType] == "text/plain")
        #expect(head.fields.count == 5)
        #expect(head.fields.map(\.name.rawName) == ["Host", "X-A", "x-a", "X-B", "Content-Type"])
        #expect(head.bytes == get("Host: h\r\nX-A: 1\r\nx-a: 2\r\nX-B: 3\r\nContent-Type: text/plain\r\n"))
    }

    @Test("The leading empty line is not part of the head's bytes")
    func bytesWithoutEmptyLine() {
        #expect(firstHead(raw("\r\n") + get("Host: h\r\n"))?.bytes == get("Host: h\r\n"))
    }
}
