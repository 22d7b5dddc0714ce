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
                "/?a=%3Cscript%3E&password=hidden-secret&p%61ssword=hidden-secret&xsrf",
                "Referer: http://h/?b=shown-too&API_Key=hidden-secret\r\nCookie: s=hidden-secret\r\nAuthorization: Basic hidden-secret\r\nX-Note: <script>\r\nX-API-Key: hidden-secret\r\n"
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
            #expect(!page.contains(Self.secret))
            #expect(page.contains("/?a=%3Cscript%3E&amp;password=(hidden)&amp;p%61ssword=(hidden)&amp;xsrf<"))
            #expect(page.contains("http://h/?b=shown-too&amp;API_Key=(hidden)<"))
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

    @Test func `what is told is stored nowhere, and its page is read by no other site's script`() async throws {
        for isDevelopment in [true, false] {
            try await withServer(
                {
                    $0.isDevelopment = isDevelopment
                    $0.cors = try? CORS(origins: ["https://a.example"])
                },
                routes: {
                    Route("/fine") { _ in }
                    Route("/fails") { _ in throw HTTPError(418) }
                    Route(
                        "/opened",
                        options: .init(middleware: [
                            Middleware { handler, next in
                                handler.setHeader("Access-Control-Allow-Origin", "*")
                                handler.setHeader("Cache-Control", "public")
                                try await next()
                            }
                        ])
                    ) { _ in throw HTTPError(418) }
                }
            ) { server in
                let origin = "Origin: https://a.example\r\n"
                for path in ["/fails", "/opened", "/none"] {
                    let page = try await server.get(path, origin)
                    #expect((page["access-control-allow-origin"] == nil) == isDevelopment, "\(path)")
                    #expect((page["cache-control"] == "no-store") == isDevelopment)
                    let json = try await server.get(path, origin + "Accept: application/json\r\n")
                    #expect(json["access-control-allow-origin"] != nil)
                    #expect((json["cache-control"] == "no-store") == isDevelopment)
                }
                let fine = try await server.get("/fine", origin)
                #expect(fine["access-control-allow-origin"] == "https://a.example")
                #expect(fine["cache-control"] == nil)
            }
        }
    }

    @Test func `isDevelopment is off unless set`() {
        #expect(!Application.Settings().isDevelopment)
    }

    // Far from the lines that the page shows.
    private static let secret = "hidden-secret"
}
