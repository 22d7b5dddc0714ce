import HTTPTypes
import Squall
import SquallIO
import Testing

@Suite struct FormTests {
    private static func form(
        _ body: String, type: String = "multipart/form-data; boundary=1234", _ fields: String = ""
    ) -> String {
        request(
            "POST / HTTP/1.1",
            "Host: h\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\(fields)", body)
    }

    private static func part(_ disposition: String, _ content: String) -> String {
        "--1234\r\nContent-Disposition: form-data; \(disposition)\r\n\r\n\(content)\r\n"
    }

    private func withForms(
        _ change: @escaping (inout Application.Settings) -> Void = { _ in },
        _ body: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
        try await withServer(
            change,
            routes: {
                Route("/", methods: [.post]) { handler in
                    for (name, value) in try handler.bodyArguments() { handler.write("\(name)=\(value)\n") }
                    for file in try handler.files() {
                        let content = String(decoding: try await file.read(), as: UTF8.self)
                        handler.write(
                            "\(file.name): \(file.filename) \(file.safeFilename) \(file.contentType) \(content)\n")
                    }
                }
                Route("/next") { handler in try handler.safeRedirect(to: try handler.queryArgument("next")) }
            }, body)
    }

    @Test func `a multipart form has arguments and files`() async throws {
        try await withForms { server in
            let body =
                Self.part("name=a", "1") + Self.part("name=a", "2\r\n3")
                + Self.part("name=f; filename=\"../x.txt\"", "Foo") + Self.part("name=g; filename=\"\"", "")
                + "--1234--"
            let response = try await server.ask(Self.form(body))
            #expect(
                response.text
                    == "a=1\na=2\r\n3\ng=\nf: ../x.txt x.txt application/octet-stream Foo\n"
            )
        }
    }

    @Test func `the type is compared without regard to case`() async throws {
        try await withForms { server in
            let multipart = try await server.ask(
                Self.form(Self.part("name=a", "1") + "--1234--", type: "Multipart/FORM-data; Boundary=\"1234\""))
            #expect(multipart.text == "a=1\n")
            let encoded = try await server.ask(
                Self.form("a=1", type: "APPLICATION/x-www-form-urlencoded; charset=utf-8"))
            #expect(encoded.text == "a=1\n")
        }
    }

    @Test(arguments: [
        ("multipart/form-data", "", 400), ("multipart/form-data; boundary=1234", "", 400),
        ("multipart/form-dataxyz; boundary=1234", "", 200), ("multipart/form-data; boundary=other", "", 400),
        ("multipart/form-data; boundary=1234", "Content-Encoding: gzip\r\n", 415),
        ("application/x-www-form-urlencoded", "Content-Encoding: gzip\r\n", 415),
        ("application/x-www-form-urlencoded", "Content-Encoding: identity\r\n", 200),
    ])
    func `what is no form is refused`(_ type: String, _ fields: String, _ status: Int) async throws {
        try await withForms { server in
            let response = try await server.ask(Self.form("Foo", type: type, fields))
            #expect(response.status == status)
        }
    }

    @Test func `multipartParts: beyond it 400`() async throws {
        try await withForms({ $0.limits.multipartParts = 2 }) { server in
            for (count, status) in [(2, 200), (3, 400)] {
                let body = String(repeating: Self.part("name=a", "1"), count: count) + "--1234--"
                let response = try await server.ask(Self.form(body))
                #expect(response.status == status)
            }
        }
    }

    @Test(arguments: [
        ("/reports?a=b", "/reports?a=b"), ("/", "/"), ("//evil.com", "/"), ("/%5Cevil.com", "/"),
        ("https:evil.com", "/"),
        ("http://evil.com", "/"), ("evil", "/"), ("", "/"), ("/a%0D%0AX:y", "/"), ("%09//evil.com", "/"),
        ("/%09/evil.com", "/"),
        ("/a//b", "/a//b"), ("///evil.com", "/"), ("javascript:alert(1)", "/"),
    ])
    func `safeRedirect stays on the site`(_ next: String, _ location: String) async throws {
        try await withForms { server in
            let response = try await server.get(
                "/next?next=" + next.replacing("&", with: "%26").replacing("?", with: "%3F"))
            #expect(response.status == 303)
            #expect(response["location"] == location)
        }
    }
}
