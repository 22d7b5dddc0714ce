import HTTPTypes
import Squall
import Testing

@Suite struct JSONTests {
    private struct Report: Codable {
        struct Item: Codable {
            var name: String
            var count: Int
        }
        var title: String
        var year: Int?
        var items: [Item]
    }

    private static let echo = Route("/", methods: [.post]) { handler in
        try handler.write(json: try handler.json(Report.self))
    }

    @Test func `JSON comes in and goes out by Codable`() async throws {
        try await withServer(routes: { Self.echo }) { server in
            let body = #"{"title":"a/b","year":2026,"items":[{"name":"x","count":1}]}"#
            let response = try await server.post("/", body, "Content-Type: application/json; charset=utf-8\r\n")
            #expect(response.status == 200)
            #expect(response["content-type"] == "application/json; charset=UTF-8")
            #expect(response.text.contains(#""title":"a/b""#))
            #expect(response.text.contains(#""items":[{"#))
        }
    }

    @Test(arguments: [
        (#"{"items":[]}"#, "the field &#x27;title&#x27; is missing"),
        (#"{"title":7,"items":[]}"#, "the field &#x27;title&#x27; must be a string"),
        (#"{"title":null,"items":[]}"#, "the field &#x27;title&#x27; must be a string, not null"),
        (#"{"title":"t","year":"x","items":[]}"#, "the field &#x27;year&#x27; must be a whole number"),
        (
            #"{"title":"t","items":[{"name":"n","count":1},{"name":"n"}]}"#,
            "the field &#x27;items[1].count&#x27; is missing"
        ),
        (
            #"{"title":"t","items":[{"name":"n","count":"1"}]}"#,
            "the field &#x27;items[0].count&#x27; must be a whole number"
        ),
        (#"{"title":"t","items":"#, "the body is not valid JSON"), ("", "the body is not valid JSON"),
        ("\u{ff}", "the body is not valid JSON"), (#"{"title":"t","year":99999999999999999999,"items":[]}"#, "valid"),
        ("[]", "the body must be an object"),
        (#"{"title":"t","items":{}}"#, "the field &#x27;items&#x27; must be a list"),
    ])
    func `JSON that does not fit is answered 400, which names the field`(_ body: String, _ message: String) async throws
    {
        try await withServer(routes: { Self.echo }) { server in
            let response = try await server.post("/", body)
            #expect(response.status == 400)
            #expect(response.text.contains(message), "\(response.text)")
        }
    }

    @Test(arguments: [
        ("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("application/jsonp", 415),
        ("application/json", 200), ("APPLICATION/JSON ; charset=utf-8", 200), ("application/vnd.x+json", 200),
        ("", 200),
    ])
    func `a body that says it is something else is answered 415`(_ type: String, _ status: Int) async throws {
        try await withServer(routes: { Self.echo }) { server in
            let response = try await server.post("/", #"{"title":"t","items":[]}"#, "Content-Type: \(type)\r\n")
            #expect(response.status == status)
        }
    }

    @Test func `a deeply nested body is refused and does not end the process`() async throws {
        try await withServer(routes: { Self.echo }) { server in
            let body = String(repeating: "[", count: 500_000)
            let response = try await server.post("/", body)
            #expect(response.status == 400)
        }
    }

    @Test func `a value that cannot be encoded is a 500`() async throws {
        try await withServer(routes: {
            Route("/") { handler in try handler.write(json: [Double.nan]) }
        }) { server in
            let response = try await server.get("/")
            #expect(response.status == 500)
        }
    }
}
