import Foundation
import HTTPTypes
import Squall
import Testing

private enum Colour: String, Decodable, CaseIterable, PathArgument { case red, blue }
private enum Plain: String, Codable { case one }

private struct Address: Codable {
    var street: String
    var zip: Int?
}

private struct SignUp: Decodable {
    var name: String
    var age: Int?
    var weight: Double?
    var colour: Colour?
    var plain: Plain?
    var tags: [String]
    var numbers: [Int]?
    var newsletter: Bool
    var isSure: Bool?
    var born: Date?
    var address: Address?
    var extra: [String: Int]?
    var id: UUID?
    var page: URL?
    var price: Decimal?
}

private final class Endless: Decodable {
    let next: Endless
}

private struct Tree: Decodable {
    var name: String
    var left: Box?
    final class Box: Decodable {
        let tree: Tree
        init(from decoder: any Decoder) throws { tree = try Tree(from: decoder) }
    }
    var depth: Int { 1 + (left?.tree.depth ?? 0) }
}

@Suite struct TypedInputTests {
    private static let formType = "Content-Type: application/x-www-form-urlencoded\r\n"

    private func withInput(_ body: @escaping @Sendable (TestServer) async throws -> Void) async throws {
        try await withServer(
            routes: {
                Route("/lists", methods: [.get, .post]) { handler in
                    handler.write(
                        "\(try handler.queryArguments("tag")) \(try handler.queryArguments("n", as: Int.self)) ")
                    handler.write("\(try handler.bodyArguments("tag")) \(try handler.bodyArguments("n", as: Int.self))")
                }
                Route("/optional", methods: [.get, .post]) { handler in
                    let number = try handler.queryArgument("n", as: Int?.self)
                    let text = try handler.queryArgument("s", as: String?.self)
                    let body = try handler.bodyArgument("n", as: Int?.self)
                    handler.write(
                        "\(number.map(String.init) ?? "nil") \(text ?? "nil") \(body.map(String.init) ?? "nil")")
                }
                Route("/either", methods: [.get, .post]) { handler in
                    handler.write(
                        "\(try handler.argument("n", as: Int.self)) \(try handler.argument("s", default: "none")) ")
                    handler.write("\(try handler.argument("c", as: Colour.self, default: .blue))")
                }
                Route("/signup", methods: [.get, .post]) { handler in
                    let form =
                        handler.request.method == .post
                        ? try handler.form(as: SignUp.self) : try handler.query(as: SignUp.self)
                    handler.setHeader("Content-Type", "text/plain; charset=UTF-8")
                    handler.write(
                        "\(form.name)|\(form.age.map(String.init) ?? "-")|\(form.weight.map { "\($0)" } ?? "-")|")
                    handler.write("\(form.colour?.rawValue ?? "-")|\(form.plain?.rawValue ?? "-")|\(form.tags)|")
                    handler.write("\(form.numbers.map { "\($0)" } ?? "-")|\(form.newsletter)|")
                    handler.write("\(form.isSure.map { "\($0)" } ?? "-")|")
                    handler.write("\(form.born.map { "\($0.timeIntervalSince1970)" } ?? "-")|")
                    handler.write("\(form.address?.street ?? "-")|\(form.address?.zip.map(String.init) ?? "-")|")
                    handler.write("\(form.extra?.sorted { $0.key < $1.key }.map { "\($0)=\($1)" } ?? [])|")
                    handler.write("\(form.id?.uuidString ?? "-")|\(form.page?.absoluteString ?? "-")|")
                    handler.write("\(form.price.map { "\($0)" } ?? "-")")
                }
                Route("/endless") { handler in _ = try handler.query(as: Endless.self) }
                Route("/structures") { handler in _ = try handler.query(as: [String: [Address]].self) }
                Route("/tree") { handler in handler.write("\(try handler.query(as: Tree.self).depth)") }
            }, body)
    }

    @Test func `lists take all values of a name`() async throws {
        try await withInput { server in
            let response = try await server.post("/lists?tag=a&tag=%20b%20&n=1&n=2", "tag=c&n=3&n=-4", Self.formType)
            #expect(response.text == #"["a", "b"] [1, 2] ["c"] [3, -4]"#)
            #expect(try await server.get("/lists").text == "[] [] [] []")
            let wrong = try await server.get("/lists?n=1&n=x")
            #expect(wrong.status == 400)
            #expect(wrong.text.contains("&#x27;n&#x27; must be a whole number"))
        }
    }

    @Test(arguments: [
        ("/optional", 200, "nil nil nil"), ("/optional?n=&s=", 200, "nil  nil"), ("/optional?n=7&s=x", 200, "7 x nil"),
        ("/optional?n=x", 400, "must be a whole number"), ("/either?n=1", 200, "1 none blue"),
        ("/either?n=1&s=t&c=red", 200, "1 t red"), ("/either", 400, "&#x27;n&#x27; is missing"),
        ("/either?n=1&c=green", 400, "must be one of red, blue"),
    ])
    func `optional values and defaults`(_ target: String, _ status: Int, _ text: String) async throws {
        try await withInput { server in
            let response = try await server.get(target)
            #expect(response.status == status)
            #expect(response.text.contains(text), "\(response.text)")
        }
    }

    @Test func `control characters become spaces, as in Tornado`() async throws {
        try await withInput { server in
            let response = try await server.get("/signup?name=%00%01a%08b%0E%1F&tags=x%09%0A%0B%0C%0Dy&tags=%7F")
            #expect(response.text.hasPrefix("a b|"))
            #expect(response.text.contains(#"["x\t\n\u{0B}\u{0C}\ry", "\u{7F}"]"#))
            let list = try await server.get("/lists?tag=%00x%00y%00")
            #expect(list.text.hasPrefix(#"["x y"]"#))
        }
    }

    @Test(arguments: [
        ("name=Ann", "Ann|-|-|-|-|[]|-|false|-|-|-|-|[]|-|-|-"),
        ("name=A&name=B&age=7&weight=1.5&colour=red&plain=one", "B|7|1.5|red|one|[]|-|false|-|-|-|-|[]|-|-|-"),
        ("name=&age=&weight=&colour=&born=&isSure=&address=", "|-|-|-|-|[]|-|false|-|-|-|-|[]|-|-|-"),
        ("name=n&tags=a&tags=b&numbers[]=1&numbers[]=2", #"n|-|-|-|-|["a", "b"]|[1, 2]|false|-|-|-|-|[]|-|-|-"#),
        ("name=n&newsletter=on&isSure=0", "n|-|-|-|-|[]|-|true|false|-|-|-|[]|-|-|-"),
        ("name=n&newsletter=TRUE&isSure=yes", "n|-|-|-|-|[]|-|true|true|-|-|-|[]|-|-|-"),
        ("name=n&born=1970-01-02", "n|-|-|-|-|[]|-|false|-|86400.0|-|-|[]|-|-|-"),
        ("name=n&address.street=s&address[zip]=5", "n|-|-|-|-|[]|-|false|-|-|s|5|[]|-|-|-"),
        ("name=n&extra[a]=1&extra.b=2", #"n|-|-|-|-|[]|-|false|-|-|-|-|["a=1", "b=2"]|-|-|-"#),
        (
            "name=n&id=e621e1f8-c36c-495a-93fc-0c247a3e6e5f&page=https://a/b&price=1.10",
            "n|-|-|-|-|[]|-|false|-|-|-|-|[]|E621E1F8-C36C-495A-93FC-0C247A3E6E5F|https://a/b|1.1"
        ),
        ("name=n&unknown=1&a.b.c.d.e.f.g.h.i=1&]=1&[=1&.=1&[[]]=1&=1", "n|-|-|-|-|[]|-|false|-|-|-|-|[]|-|-|-"),
    ])
    func `a whole form or query is read as a type`(_ pairs: String, _ text: String) async throws {
        try await withInput { server in
            let form = try await server.post("/signup", pairs, Self.formType)
            #expect(form.text == text)
            let query = try await server.get("/signup?" + pairs)
            #expect(query.text == text)
        }
    }

    @Test(arguments: [
        ("", "the argument 'name' is missing"), ("name=n&age=x", "the argument 'age' must be a whole number"),
        ("name=n&age=99999999999999999999", "'age' must be a whole number"),
        ("name=n&weight=nan", "'weight' must be a number"),
        ("name=n&colour=green", "'colour' must be one of red, blue"),
        ("name=n&plain=two", "'plain' must be a valid Plain"),
        ("name=n&numbers=1&numbers=x", "'numbers' must be a whole number"),
        ("name=n&newsletter=maybe", "'newsletter' must be true or false"),
        ("name=n&born=yesterday", "'born' must be a date"), ("name=n&born=2026-02-30", "'born' must be a date"),
        ("name=n&address.zip=1", "the argument 'address.street' is missing"),
        ("name=n&address.street=s&address.zip=x", "'address.zip' must be a whole number"),
        ("name=n&extra[a]=x", "'extra.a' must be a whole number"), ("name=n&id=7", "'id' must be a valid UUID"),
        ("name=n&price=1x", "'price' must be a number"),
    ])
    func `what does not fit is answered 400, which names the argument`(_ pairs: String, _ message: String) async throws
    {
        try await withInput { server in
            let response = try await server.get("/signup?" + pairs, "Accept: application/json\r\n")
            #expect(response.status == 400)
            #expect(response.text.contains(message), "\(response.text)")
        }
    }

    @Test func `types that arguments cannot be do no harm`() async throws {
        try await withInput { server in
            #expect(try await server.get("/endless").status == 500)
            #expect(try await server.get("/endless?next.next.next=1").status == 500)
            let structures = try await server.get("/structures?a=1")
            #expect(structures.status == 500)
            #expect(try await server.get("/tree?name=a&left.name=b&left[left][name]=c").text == "3")
            // Deeper than names are read.
            let deep = (0..<20).map { String(repeating: "left.", count: $0) + "name=x" }.joined(separator: "&")
            #expect(try await server.get("/tree?" + deep).text == "8")
            for name in ["[", "]", ".", "a[", "a.", "left.", "left["] {
                let query = String(repeating: name, count: 20_000 / name.utf8.count) + "=1&name=n"
                #expect(try await server.get("/tree?" + query).status == 200)
            }
        }
    }

    @Test(arguments: [
        ("1970-01-01", 0.0), ("2026-11-21", 1_795_219_200), ("2000-02-29", 951_782_400),
        ("0001-01-01", -62_135_596_800),
        ("9999-12-31", 253_402_214_400), ("2026-11-21T10:44", 1_795_257_840), ("2026-11-21 10:44:30", 1_795_257_870),
        ("2026-11-21T10:44:30Z", 1_795_257_870), ("2026-11-21T10:44:30.5Z", 1_795_257_870.5),
        ("2026-11-21T12:44:30+02:00", 1_795_257_870), ("2026-11-21T05:14:30-0530", 1_795_257_870),
        ("0000-01-01", -62_167_219_200), ("1969-12-31T23:59:59Z", -1),
    ])
    func `dates are days or times`(_ text: String, _ seconds: Double) async throws {
        try await withInput { server in
            let response = try await server.get(
                "/signup?name=n&born=" + text.replacing("+", with: "%2B").replacing(" ", with: "+"))
            #expect(response.text.split(separator: "|").dropFirst(9).first == "\(seconds)")
        }
    }

    @Test(arguments: [
        "2026", "2026-1-1", "2026-13-01", "2026-00-10", "2026-01-00", "2026-01-32", "2025-02-29", "1900-02-29",
        "+2026-01-01",
        "2026-01-01T", "2026-01-01T24:00", "2026-01-01T10:60", "2026-01-01T10:00:60", "2026-01-01T10:00:00.",
        "2026-01-01T10:00ZZ",
        "2026-01-01T10:00+2", "2026-01-01T10:00+24:00", "2026-01-01T10:00+0:200",
        "2026-01-01T10:00:00.1234567890123456789012345Z",
        "2026-01-01x", "\u{661}026-01-01",
    ])
    func `what is no date is refused`(_ text: String) async throws {
        try await withInput { server in
            let escaped = Escape.url(text)
            let response = try await server.get("/signup?name=n&born=" + escaped)
            #expect(response.status == 400)
        }
    }

    @Test(arguments: [
        (#"{"a\n\u001bcb\u202e\u2028":"x"}"#, "a%0A%1Bcb%E2%80%AE%E2%80%A8", "a\u{fffd}\u{fffd}cb\u{fffd}\u{fffd}"),
        (
            #"{"\#(String(repeating: "k", count: 1 << 20))":"x"}"#, String(repeating: "k", count: 60_000),
            String(repeating: "k", count: 128) + "…"
        ),
        (
            #"{"e\#(String(repeating: #"\u0301"#, count: 1 << 18))":"x"}"#,
            "e" + String(repeating: "%CC%81", count: 10_000), "e" + String(repeating: "\u{301}", count: 127) + "…"
        ),
    ])
    func `names from the wire are cut, and without control characters, in messages and the log`(
        _ body: String, _ argument: String, _ shown: String
    ) async throws {
        try await withServer(
            { $0.limits.bodyBytes = 4 << 20 },
            routes: {
                Route("/json", methods: [.post]) { handler in _ = try handler.json([String: Int].self) }
                Route("/form", methods: [.post]) { handler in _ = try handler.form(as: [String: Int].self) }
            }
        ) { server in
            let accept = "Accept: application/json\r\n"
            let json = try await server.post("/json", body, accept)
            #expect(json.status == 400)
            #expect(String(decoding: json.body, as: UTF8.self).contains("the field '\(shown)' must be a whole number"))
            let form = try await server.post(
                "/form", argument + "=x",
                accept + "Content-Type: application/x-www-form-urlencoded\r\n")
            #expect(form.status == 400)
            #expect(form.body.count < 1_000)
            #expect(
                String(decoding: form.body, as: UTF8.self).contains("the argument '\(shown)' must be a whole number"))
            for entry in server.log.entries {
                #expect(entry.message.utf8.count < 1_000)
                #expect(
                    !entry.message.unicodeScalars.contains { $0.value < 32 || $0 == "\u{202e}" || $0 == "\u{2028}" })
            }
        }
    }
}
