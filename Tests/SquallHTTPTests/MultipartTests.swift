import Foundation
import SquallHTTP
import Testing

/// What a form was, or why it was refused.
private enum Outcome: Equatable {
    case parts([String])
    case refused(String)
}

@Suite struct MultipartTests {
    /// Feeds `body` in pieces of `size` bytes, and notes each part as `name|filename|type|content`.
    private func parse(
        _ body: [UInt8], size: Int = .max, boundary: String = "1234", limits: MultipartLimits = MultipartLimits()
    ) -> Outcome {
        var parser = MultipartParser(boundary: boundary, limits: limits)
        var parts: [String] = []
        var content: [UInt8] = []
        var current: MultipartPart?
        var input: [UInt8] = []
        var fed = 0
        while true {
            var consumed = 0
            let event = parser.next(input.span, consumed: &consumed)
            switch event {
            case .part(let part):
                current = part
                content = []
            case .content(let range): content += input[range]
            case .endOfPart:
                let part = current
                parts.append(
                    "\(part?.name ?? "")|\(part?.filename ?? "-")|\(part?.contentType ?? "-")|"
                        + String(decoding: content, as: UTF8.self))
            case .end: break
            case .failure(let error):
                #expect(error.status == 400)
                return .refused(error.message)
            case .needMoreInput:
                input.removeFirst(consumed)
                guard fed < body.count else {
                    if let error = parser.finish() { return .refused(error.message) }
                    return .parts(parts)
                }
                let next = min(body.count, fed + min(size, body.count))
                input += body[fed..<next]
                fed = next
                continue
            }
            input.removeFirst(consumed)
        }
    }

    private func parse(_ text: String, size: Int = .max) -> Outcome { parse(Array(text.utf8), size: size) }

    private static func part(_ disposition: String, _ content: String = "Foo", _ more: String = "") -> String {
        "--1234\r\nContent-Disposition: \(disposition)\r\n\(more)\r\n\(content)\r\n"
    }

    private static let good: [(String, [String])] = [
        (part(#"form-data; name="files"; filename="ab.txt""#) + "--1234--\r\n", ["files|ab.txt|-|Foo"]),
        (part(#"form-data; name=files; filename=ab.txt"#) + "--1234--", ["files|ab.txt|-|Foo"]),
        (part("form-data; name=a", "") + "--1234--", ["a|-|-|"]),
        ("--1234\r\nContent-Disposition: form-data; name=a\r\n\r\n--1234--", ["a|-|-|"]),
        (
            part("form-data; name=a") + part("form-data; name=a", "\r\n--123\r\n") + "--1234--",
            ["a|-|-|Foo", "a|-|-|\r\n--123\r\n"]
        ),
        ("preamble\r\n\r\n" + part("form-data; name=a") + "--1234--epilogue\r\n--1234\r\n", ["a|-|-|Foo"]),
        (part("form-data; name=a").replacing("1234\r\n", with: "1234 \t\r\n") + "--1234--", ["a|-|-|Foo"]),
        (
            part("form-data; name=a", "Foo", "Content-Type: text/plain; charset=x\r\nX-Other: 1\r\n") + "--1234--",
            ["a|-|text/plain; charset=x|Foo"]
        ),
        (
            part(#"form-data; name="a"; filename="x"; filename*=UTF-8''%C3%A1b.txt"#) + "--1234--",
            ["a|\u{e1}b.txt|-|Foo"]
        ),
        (part(#"form-data; name="a"; filename*=iso-8859-1'en'%E1b.txt"#) + "--1234--", ["a|\u{e1}b.txt|-|Foo"]),
        (part(#"form-data; name="a"; filename="测试.txt""#) + "--1234--", ["a|测试.txt|-|Foo"]),
        (part(#"form-data; name="a"; filename="../../x""#) + "--1234--", ["a|../../x|-|Foo"]),
        (part(#"form-data; name="a"; filename="C:\temp\x.txt""#) + "--1234--", [#"a|C:\temp\x.txt|-|Foo"#]),
        (part("form-data; name=a", "Foo\r") + "--1234--", ["a|-|-|Foo\r"]),
        (
            part("form-data; name=a", "\r\n\r\n-\r\n--\r\n--1\r\n--12345\n--1234").replacing("12345", with: "123")
                + "--1234--", ["a|-|-|\r\n\r\n-\r\n--\r\n--1\r\n--123\n--1234"]
        ),
        ("--1234--\r\n", []),
    ]

    @Test(arguments: good.indices, [Int.max, 1, 2, 3, 7])
    func `a form has its parts, however its bytes come`(_ index: Int, _ size: Int) {
        let (body, parts) = Self.good[index]
        #expect(parse(body, size: size) == .parts(parts))
    }

    private static let bad: [(String, String)] = [
        (part("form-data; name=a"), "the form ends before its last delimiter"),
        ("", "the form ends before its last delimiter"),
        ("no delimiter", "the form ends before its last delimiter"),
        ("--1234\r\n\r\nFoo\r\n--1234--", "a part has no Content-Disposition of form-data"),
        (part("invalid; name=a") + "--1234--", "a part has no Content-Disposition of form-data"),
        (part("form-data; filename=a") + "--1234--", "a part's Content-Disposition has no name"),
        (
            "--1234\r\nContent-Disposition: form-data; name=a\r\n\r\nFoo--1234--",
            "the form ends before its last delimiter"
        ),
        (part("form-data; name=a").replacing("\r\n", with: "\n") + "--1234--", "a delimiter does not end its line"),
        (
            "--1234\r\nContent-Disposition: form-data; name=a\n\r\n\r\nFoo\r\n--1234--",
            "a line of a part's fields does not end in CR LF"
        ),
        (part("form-data; name=\"a") + "--1234--", "a part's Content-Disposition is malformed, or there are two"),
        (part("form-data; name=a\u{8}") + "--1234--", "a part's Content-Disposition is malformed, or there are two"),
        (
            part("form-data; name=a; filename=\"a\0b\"") + "--1234--",
            "a part's Content-Disposition is malformed, or there are two"
        ),
        (part("form-data; name=a; filename*=UTF-8''%ff") + "--1234--", "a part's filename* is malformed"),
        (part("form-data; name=a; filename*=UTF-8''a%0d%0ab") + "--1234--", "a part's filename* is malformed"),
        (part("form-data; name=a", "Foo", "no colon\r\n") + "--1234--", "a part has a malformed field"),
        (part("form-data; name=a", "Foo", " folded: x\r\n") + "--1234--", "a part has a malformed field"),
        (
            part("form-data; name=a", "Foo", "Content-Transfer-Encoding: base64\r\n") + "--1234--",
            "a part has a Content-Transfer-Encoding; send it as it is"
        ),
        ("--1234x\r\n", "a delimiter does not end its line"), ("--1234-x", "a delimiter does not end its line"),
        ("--1234\r\n\(String(repeating: "a", count: 10_241))", "a part's fields are too long; send shorter ones"),
    ]

    @Test(arguments: bad.indices, [Int.max, 1, 3])
    func `a malformed form is refused, and told why`(_ index: Int, _ size: Int) {
        let (body, message) = Self.bad[index]
        #expect(parse(body, size: size) == .refused(message))
    }

    @Test func `a filename's carriage return and what is not UTF-8 are refused`() {
        let field = Array("--1234\r\nContent-Disposition: form-data; name=a; filename=\"".utf8)
        for bytes in [[0x0d], [0xff], [0xe9]] as [[UInt8]] {
            guard case .refused = parse(field + bytes + Array("\"\r\n\r\nFoo\r\n--1234--".utf8)) else {
                Issue.record("accepted: \(bytes)")
                return
            }
        }
    }

    @Test(arguments: [(99, true), (100, true), (101, false)])
    func `up to 100 parts are taken`(_ count: Int, _ isTaken: Bool) {
        let body = String(repeating: Self.part("form-data; name=a"), count: count) + "--1234--"
        switch parse(body) {
        case .parts(let parts): #expect(isTaken && parts.count == count)
        case .refused(let message): #expect(!isTaken && message == "the form has too many parts; send fewer")
        }
    }

    @Test func `the limits can be set`() {
        var limits = MultipartLimits()
        limits.maxParts = 1
        limits.maxPartHeaderBytes = 60
        let part = Self.part("form-data; name=a")
        #expect(parse(Array((part + "--1234--").utf8), limits: limits) == .parts(["a|-|-|Foo"]))
        #expect(
            parse(Array((part + part + "--1234--").utf8), limits: limits)
                == .refused("the form has too many parts; send fewer"))
        let long = Self.part("form-data; name=\(String(repeating: "a", count: 40))")
        #expect(
            parse(Array((long + "--1234--").utf8), limits: limits)
                == .refused("a part's fields are too long; send shorter ones"))
    }

    @Test(
        arguments: [
            ("multipart/form-data; boundary=1234", "1234"), ("Multipart/Form-Data; Boundary=\"a b\"", "a b"),
            ("multipart/form-data;boundary=\"1234\"; charset=utf-8", "1234"), ("multipart/form-data", nil),
            ("multipart/form-data; boundary=", nil), ("multipart/form-data; boundary=\"1234", nil),
            ("multipart/form-dataxyz; boundary=1234", nil), ("multipart/mixed; boundary=1234", nil),
            ("multipart/form-data; boundary=" + String(repeating: "a", count: 70), String(repeating: "a", count: 70)),
            ("multipart/form-data; boundary=" + String(repeating: "a", count: 71), nil),
            ("multipart/form-data; boundary=\"a \"", nil), ("multipart/form-data; boundary=\"\u{e4}\"", nil),
        ] as [(String, String?)])
    func `the boundary comes from the Content-Type`(_ type: String, _ boundary: String?) {
        #expect(MultipartParser.boundary(ofContentType: type) == boundary)
    }

    @Test(arguments: [
        ("a.txt", "a.txt"), ("../../etc/passwd", "passwd"), (#"C:\temp\x.txt"#, "x.txt"), ("..", "file"), ("", "file"),
        (".htaccess", "htaccess"), ("a\u{202e}gpj.exe", "agpj.exe"), ("a<b>:c", "abc"), ("CON", "_CON"),
        ("com1.txt", "_com1.txt"),
        ("a. . ", "a"), ("/", "file"),
        (String(repeating: "\u{e4}", count: 200), String(repeating: "\u{e4}", count: 100)),
    ])
    func `a filename is made safe for a file system`(_ filename: String, _ safe: String) throws {
        let body = Self.part(
            "form-data; name=a; filename*=UTF-8''\(PercentCoding.percentEncode(queryComponent: filename))")
        var parser = MultipartParser(boundary: "1234")
        var consumed = 0
        guard case .part(let part) = parser.next(Array(body.utf8).span, consumed: &consumed) else {
            Issue.record("no part")
            return
        }
        #expect(part.filename == filename)
        #expect(part.safeFilename == safe)
    }

    @Test func `hard cases are read to their end`() {
        let semicolons = Self.part("form-data; name=a; x=\"\(String(repeating: ";", count: 9_000))\"") + "--1234--"
        #expect(parse(semicolons) == .parts(["a|-|-|Foo"]))
        let almost = String(repeating: "\r\n--123", count: 50_000)
        guard case .parts(let parts) = parse(Self.part("form-data; name=a", almost) + "--1234--", size: 1_000) else {
            Issue.record("refused")
            return
        }
        #expect(parts == ["a|-|-|" + almost])
    }
}
