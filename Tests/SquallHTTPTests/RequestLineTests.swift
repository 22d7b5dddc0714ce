import HTTPTypes
import SquallHTTP
import Testing

@Suite struct RequestLineTests {
    @Test(
        "Malformed request lines are 400",
        arguments: [
            "asdf", "GET /", "GET / HTTP/1.10", "GET / http/1.1", "GET / HTTP/1.1 ", "GET  / HTTP/1.1",
            "GET /  HTTP/1.1", "GET\t/ HTTP/1.1", "GET /\tHTTP/1.1", " GET / HTTP/1.1", "\tGET / HTTP/1.1",
            "GET /\u{0} HTTP/1.1", "GET /\u{e9} HTTP/1.1", "FOO,BAR / HTTP/1.1", "GET /#x HTTP/1.1",
            "GET /a b HTTP/1.1", "GET foo HTTP/1.1", "GET * HTTP/1.1", "GET h:1 HTTP/1.1", "CONNECT / HTTP/1.1",
            "CONNECT h HTTP/1.1", "CONNECT h: HTTP/1.1", "CONNECT u@h:1 HTTP/1.1", "CONNECT h:1?x HTTP/1.1",
            "GET http:// HTTP/1.1", "GET http:///x HTTP/1.1", "GET http://u@h/ HTTP/1.1", "GET ftp://h/ HTTP/1.1",
            "GET http:/h HTTP/1.1", "GET http://h:x/ HTTP/1.1", "GET http://h:65536/ HTTP/1.1",
            "GET / HTTP/1.x", "GET / HTTP/1,1", "GET / HTTP/x.1", "GET / HTP/1.1", "GET /HTTP/1.1", "GET",
            "GET ", "GET / ", "GET  HTTP/1.1", "GET / HTTP/1.1\t", "GET /\u{7f} HTTP/1.1", "G\u{e9}T / HTTP/1.1",
            "GET / HTTP/11.1", "GET / HTTP/+1.1", "GET ?x HTTP/1.1", "OPTIONS ** HTTP/1.1",
        ])
    func malformed(_ line: String) {
        let result = transcript(raw(line + "\r\nHost: h\r\n\r\n"))
        #expect(result.failureStatus == 400)
        #expect(result.entries.count == 1)
    }

    @Test(
        "Another major version is 505",
        arguments: ["HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/2.1", "HTTP/9.9", "HTTP/0.0"])
    func major(_ version: String) {
        #expect(transcript(raw("GET / \(version)\r\nHost: h\r\n\r\n")).failureStatus == 505)
    }

    @Test("The preface of HTTP/2 is 505")
    func preface() {
        #expect(transcript(raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).failureStatus == 505)
    }

    @Test("A version is judged before the head is complete")
    func early() {
        #expect(transcript(raw("GET / HTTP/2.0\r\n")).failureStatus == 505)
        #expect(transcript(raw("\u{16}\u{3}\u{1}")).failureStatus == 400)
    }

    @Test("Minor versions", arguments: [("1.0", 0), ("1.1", 1), ("1.2", 1), ("1.9", 1)])
    func minor(_ version: String, _ minor: Int) {
        let bytes = raw("GET / HTTP/\(version)\r\nHost: h\r\n\r\n")
        #expect(transcript(bytes).ends == 1)
        #expect(firstHead(bytes)?.minorVersion == minor)
        #expect(firstHead(bytes)?.keepAlive == (minor == 1))
    }

    @Test(
        "Methods are any token",
        arguments: [
            "GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY", "FOO", "get", "M-SEARCH",
            "!#$%&'*+-.^_`|~", "Get", "PUS", "POSX", "DELETX", "OPTIONX",
        ])
    func methods(_ method: String) {
        let bytes = raw("\(method) / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(transcript(bytes).ends == 1)
        #expect(firstHead(bytes)?.method == HTTPRequest.Method(method))
        #expect(firstHead(bytes)?.method.rawValue == method)
    }

    @Test("A method of 32 bytes passes, one of 33 is 501")
    func methodLength() {
        let method = String(repeating: "A", count: 32)
        #expect(transcript(raw("\(method) / HTTP/1.1\r\nHost: h\r\n\r\n")).ends == 1)
        #expect(transcript(raw("\(method)A / HTTP/1.1\r\nHost: h\r\n\r\n")).failureStatus == 501)
    }

    struct Target: CustomTestStringConvertible, Sendable {
        var line: String
        var form: HTTP1RequestHead.TargetForm
        var path: String
        var query: String?
        var authority: String
        var testDescription: String { line }
    }

    @Test(
        "Targets come apart",
        arguments: [
            Target(line: "GET /", form: .origin, path: "/", query: nil, authority: "h"),
            Target(line: "GET /a/b?c=d?e", form: .origin, path: "/a/b", query: "c=d?e", authority: "h"),
            Target(line: "GET /?", form: .origin, path: "/", query: "", authority: "h"),
            Target(line: "GET //x", form: .origin, path: "//x", query: nil, authority: "h"),
            Target(line: "GET /%2e%zz", form: .origin, path: "/%2e%zz", query: nil, authority: "h"),
            Target(line: "GET http://x/", form: .absolute, path: "/", query: nil, authority: "x"),
            Target(line: "GET HTTP://x:8080/a?b", form: .absolute, path: "/a", query: "b", authority: "x:8080"),
            Target(line: "GET https://x", form: .absolute, path: "/", query: nil, authority: "x"),
            Target(line: "GET https://x?q", form: .absolute, path: "/", query: "q", authority: "x"),
            Target(line: "GET http://x?q=/a", form: .absolute, path: "/", query: "q=/a", authority: "x"),
            Target(line: "GET http://[::1]:80/a", form: .absolute, path: "/a", query: nil, authority: "[::1]:80"),
            Target(line: "OPTIONS *", form: .asterisk, path: "*", query: nil, authority: "h"),
            Target(line: "CONNECT x:1", form: .authority, path: "/", query: nil, authority: "x:1"),
        ])
    func targets(_ target: Target) throws {
        let bytes = raw("\(target.line) HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(transcript(bytes).ends == 1)
        let head = try #require(firstHead(bytes))
        #expect(head.targetForm == target.form)
        #expect(head.path == target.path)
        #expect(head.query == target.query)
        #expect(head.authority == target.authority)
        #expect(head.target == target.line.split(separator: " ")[1])
    }

    @Test("One empty line before a request line is tolerated, two are not")
    func emptyLines() {
        let request = get("Host: h\r\n")
        #expect(transcript(raw("\r\n") + request).ends == 1)
        #expect(transcript(raw("\r\n\r\n") + request).failureStatus == 400)
        #expect(transcript(raw("\n") + request).failureStatus == 400)
        #expect(transcript(raw("\r\n") + request + raw("\r\n") + request).ends == 2)
        #expect(transcript(raw("\rX")).failureStatus == 400)
        #expect(transcript(raw("\r\n\rX")).failureStatus == 400)
    }
}
