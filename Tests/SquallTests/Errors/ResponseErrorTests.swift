import HTTPTypes
import Logging
import Squall
import Testing

private enum ShopError: ResponseError {
    case soldOut(String)
    case broken
    case silly

    var status: Int {
        switch self {
        case .soldOut: 409
        case .broken: 503
        case .silly: 200
        }
    }
    var message: String? {
        switch self {
        case .soldOut(let article): "\(article) is sold out"
        case .broken, .silly: nil
        }
    }
    var code: String? { "sold_out" }
    var documentation: String? { "secret documentation" }
    var headers: [(name: String, value: String)] { [("X-Shop", "1")] }
}

@Suite struct ResponseErrorTests {
    @Test func `an application's own errors say what they answer`() async throws {
        try await withServer(routes: {
            Route("/sold") { _ in throw ShopError.soldOut("<tea>") }
            Route("/broken") { _ in throw ShopError.broken }
            Route("/silly") { _ in throw ShopError.silly }
        }) { server in
            let sold = try await server.get("/sold", "Accept: application/json\r\n")
            #expect(sold.status == 409)
            #expect(sold["x-shop"] == "1")
            #expect(
                sold.text.contains(#""code":"sold_out""#))
            let page = try await server.get("/sold")
            #expect(page.text.contains("<p>&lt;tea&gt; is sold out</p>"))
            #expect(!page.text.contains("documentation"))
            #expect(try await server.get("/broken").status == 503)
            #expect(try await server.get("/silly").status == 500)
            #expect(server.log.entries.map(\.level) == [.info, .info, .error, .info])
        }
    }

    @Test func `the usual ones have names`() {
        let errors: [(HTTPError, Int)] = [
            (.badRequest(), 400), (.unauthorized(challenge: "Bearer"), 401), (.forbidden("no"), 403),
            (.notFound(), 404),
            (.conflict(), 409), (.gone(), 410), (.unsupportedMediaType(), 415), (.unprocessableContent("x"), 422),
            (.tooManyRequests(retryAfter: 7), 429), (.serviceUnavailable("later", retryAfter: -1), 503),
        ]
        for (error, status) in errors { #expect(error.status == status) }
        #expect(errors[1].0.headers.map(\.value) == ["Bearer"])
        #expect(errors[8].0.headers.map(\.value) == ["7"])
        #expect(errors[9].0.headers.map(\.value) == ["0"])
        #expect(errors[2].0.message == "no")
    }

    @Test func `the framework's own have codes`() async throws {
        let form = "Content-Type: application/x-www-form-urlencoded\r\n"
        try await withServer(
            { $0.checksXSRF = false },
            routes: {
                Route("/n") { handler in handler.write("\(try handler.queryArgument("n", as: Int.self))") }
                Route("/json", methods: [.post]) { handler in _ = try handler.json([String].self) }
                Route("/form", methods: [.post]) { handler in _ = try handler.bodyArguments() }
                Route("/path/{p}") { handler in _ = try handler.pathArgument("p") }
                Route("/xsrf", methods: [.post], options: .init(checksXSRF: true)) { _ in }
            }
        ) { server in
            let accept = "Host: h\r\nAccept: application/json\r\n"
            func post(_ target: String, _ body: String, _ fields: String = "") -> String {
                request("POST \(target) HTTP/1.1", accept + fields + "Content-Length: \(body.utf8.count)\r\n", body)
            }
            let cases = [
                (request("GET /n HTTP/1.1", accept), "missing_argument"),
                (request("GET /n?n=x HTTP/1.1", accept), "invalid_argument"),
                (request("GET /path/%ff HTTP/1.1", accept), "malformed_path"),
                (post("/json", "{"), "invalid_body"), (post("/json", "", form), "not_json"),
                (post("/form", "a", form + "Content-Encoding: br\r\n"), "encoded_body"),
                (post("/form", "a", "Content-Type: multipart/form-data\r\n"), "malformed_form"),
                (post("/xsrf", ""), "xsrf_missing"), (post("/xsrf?_xsrf=2|", ""), "xsrf_malformed"),
                (post("/xsrf", "", "X-XSRFToken: 00112233445566778899aabbccddeeff\r\n"), "xsrf_mismatch"),
                (request("BREW /n HTTP/1.1", accept), "unknown_method"),
            ]
            for (bytes, code) in cases {
                let response = try await server.ask(bytes)
                #expect(response.text.contains("\"code\":\"\(code)\""), "\(response.text)")
            }
        }
    }

    @Test(arguments: [
        ("text/html", "text/html; charset=UTF-8"),
        ("application/json;q=0.4, text/html;q=0.5", "text/html; charset=UTF-8"),
        ("text/html;q=0.4, application/json;q=0.5", "application/json; charset=UTF-8"),
        ("application/*", "application/json; charset=UTF-8"), ("*/*", "text/html; charset=UTF-8"),
        ("application/json;q=0", "text/html; charset=UTF-8"), ("application/problem+json", "application/problem+json"),
        ("application/json, application/problem+json;q=0.9", "application/json; charset=UTF-8"),
        ("application/problem+json, application/json", "application/problem+json"),
        ("application/problem+json;q=0, application/json", "application/json; charset=UTF-8"),
        ("image/png", "text/html; charset=UTF-8"), (";;;,,,", "text/html; charset=UTF-8"),
        ("text/plain\r\nAccept: application/json", "application/json; charset=UTF-8"),
        (String(repeating: ",", count: 60_000), "text/html; charset=UTF-8"),
    ])
    func `an error is written as the client likes it`(_ accept: String, _ type: String) async throws {
        try await withServer(routes: { Route("/") { _ in throw HTTPError(409, "taken", code: "taken") } }) { server in
            let response = try await server.get("/", "Accept: \(accept)\r\n")
            #expect(response.status == 409)
            #expect(response["content-type"] == type)
            #expect(response["vary"] == "Accept")
            if type == "application/problem+json" {
                #expect(response.text.contains(#""title":"Conflict""#))
                #expect(response.text.contains(#""detail":"taken""#))
                #expect(response.text.contains(#""status":409"#))
            }
        }
    }

    @Test func `a handler asks what the client takes`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.write("\(handler.accepts("image/png")) ")
                handler.write(handler.preferredType(of: ["text/plain", "application/json"]) ?? "none")
            }
        }) { server in
            let any = try await server.get("/")
            #expect(any.text == "true text/plain")
            #expect(try await server.get("/", "Accept: application/json\r\n").text == "false application/json")
            #expect(try await server.get("/", "Accept: image/*\r\n").text == "true none")
        }
    }

    @Test func `nothing of another error is told`() async throws {
        struct SecretError: Error, CustomStringConvertible { var description: String { "the password is swordfish" } }
        try await withServer(routes: { Route("/") { _ in throw SecretError() } }) { server in
            for accept in ["text/html", "application/json", "application/problem+json"] {
                let response = try await server.get("/", "Accept: \(accept)\r\n")
                #expect(response.status == 500)
                for secret in ["swordfish", "SecretError", ".swift", "Route", "SquallTests"] {
                    #expect(!response.description.contains(secret))
                }
                #expect(response["server-timing"] == nil)
            }
        }
    }
}
