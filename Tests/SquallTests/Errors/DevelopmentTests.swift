import HTTPTypes
import Squall
import Testing

private struct Oops: Error, CustomStringConvertible { var description: String { "oops <b>bold</b>" } }

private func fail() throws { throw Oops() }  // thrown here

@Suite struct DevelopmentTests {
    private func withDevelopment(_ body: @escaping @Sendable (TestServer) async throws -> Void) async throws {
        try await withServer(
            {
                $0.isDevelopment = true
                $0.checksXSRF = false
            },
            routes: {
                Route("/") { _ in try fail() }
                Route("/http", methods: [.get, .post]) { _ in
                    throw HTTPError(409, "told", logMessage: "logged <i>")  // made here
                }
                Route("/reports/{id}") { handler in _ = try handler.pathArgument("id", as: Int.self) }
                Route("/reports/new/") { _ in }
                Route("/fine") { handler in handler.write("fine") }
                Route("/declared") { handler in _ = try handler.argument("name") }
            }, body)
    }

    @Test func `an error of a handler's shows type, text, line, stack, request and routes, escaped`() async throws {
        try await withDevelopment { server in
            let response = try await server.get(
                "/?a=%3Cscript%3E&password=hidden-secret",
                "Cookie: s=hidden-secret\r\nAuthorization: Basic hidden-secret\r\nX-Note: <script>\r\nX-API-Key: hidden-secret\r\n"
            )
            #expect(response.status == 500)
            let page = response.text
            #expect(page.contains("Oops"))
            #expect(page.contains("oops &lt;b&gt;bold&lt;/b&gt;"))
            #expect(page.contains("DevelopmentTests.swift:"))
            #expect(page.contains("thrown here"))
            #expect(page.contains("<h2>Stack</h2>"))
            #expect(page.contains("&lt;script&gt;"))
            #expect(!page.contains("<script") && !page.contains("<b>"))
            #expect(page.contains("/reports/{id}"))
            #expect(page.contains("(hidden)"))
            // The target is what the browser shows above the page.
            #expect(page.split(separator: Self.secret, omittingEmptySubsequences: false).count == 2)
        }
    }

    @Test func `an HTTPError shows where it was made, and what is logged`() async throws {
        try await withDevelopment { server in
            let response = try await server.post(
                "/http", "field=v%3C&token=\(Self.secret)", "Content-Type: application/x-www-form-urlencoded\r\n")
            #expect(response.status == 409)
            #expect(response.text.contains("made here"))
            #expect(response.text.contains("logged &lt;i&gt;"))
            #expect(response.text.contains("v&lt;"))
            #expect(!response.text.contains(Self.secret))
            let declared = try await server.get("/declared")
            #expect(declared.text.contains("The query or the form has no argument of this name."))
            let json = try await server.get("/", "Accept: application/json\r\n")
            #expect(json.text.contains("oops <b>bold<"))
        }
    }

    @Test(arguments: [
        ("/Fine", "/fine", "is spelled otherwise"), ("/fime", "/fine", "is spelled otherwise"),
        ("/fine/", "/fine", "has no slash at its end"), ("/reports/new/", nil, ""),
        ("/reprots/7", "/reports/{id}", "is spelled otherwise"), ("/entirely/other", nil, ""),
    ])
    func `an unknown path shows the routes that are close to it`(
        _ path: String, _ route: String?, _ reason: String
    ) async throws {
        try await withDevelopment { server in
            let response = try await server.get(path)
            if let route {
                #expect(response.status == 404)
                #expect(response.text.contains("<tr><td>\(route)</td><td>\(reason)</td></tr>"))
            } else {
                #expect(!response.text.contains("Close to"))
            }
        }
    }

    @Test func `hostile targets do no harm`() async throws {
        try await withDevelopment { server in
            for target in [
                "/<script>alert(1)</script>", "/" + String(repeating: "a/", count: 20_000),
                "/" + String(repeating: "a", count: 60_000), "/%00%ff", "//evil.example/'\"",
                "/?" + String(repeating: "&", count: 5_000),
                "/x?" + String(repeating: "a=1&", count: 2_000),
            ] {
                let response = try await server.get(target)
                #expect(response.status >= 400)
                #expect(!response.text.contains("<script"))
                #expect(response.body.count < 100_000 || response.status == 500)
            }
            let unreadable = try await server.ask("nonsense\r\n\r\n")
            #expect(unreadable.status == 400)
        }
    }

    @Test func `every response tells its time`() async throws {
        try await withDevelopment { server in
            let fine = try await server.get("/fine")
            #expect(fine["server-timing"]?.wholeMatch(of: /total;dur=\d+\.\d{3}/) != nil)
            #expect(try await server.get("/none")["server-timing"] != nil)
        }
    }

    @Test func `isDevelopment is off unless set`() {
        #expect(!Application.Settings().isDevelopment)
    }

    // Far from the lines that the page shows.
    private static let secret = "hidden-secret"
}
