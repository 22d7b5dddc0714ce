import HTTPTypes
import Squall
import Testing

@Suite struct ArgumentTests {
    @Test func `arguments of the query are decoded, in order, and the last of a name counts`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.write("\(try handler.queryArguments().map { "\($0.name)=\($0.value)" }) ")
                handler.write(
                    "\(try handler.queryArgument("a") ?? "nil") \(try handler.queryArgument("none") ?? "nil") ")
                handler.write("\(try handler.arguments("a"))")
            }
        }) { server in
            let response = try await server.get("/?a=1&b=x%20y+z&a=%20%C3%A9%20&c&=d")
            #expect(
                response.text == text(#"["a=1", "b=x y z", "a= é ", "c=", "=d"] é nil ["1", "é"]"#.utf8))
            let none = try await server.get("/")
            #expect(none.text == "[] nil nil []")
        }
    }

    @Test(arguments: [
        ("/int?n=7", 200, "7"), ("/int?n=%207%20", 200, "7"), ("/int?n=-7", 200, "-7"),
        ("/int?n=+7", 200, "7"), ("/int?n=%2B7", 400, "must be a whole number"),
        ("/int?n=x", 400, "must be a whole number"),
        ("/int?n=", 400, "must be a whole number"), ("/int?n=1_0", 400, "must be a whole number"),
        ("/int?n=99999999999999999999", 400, "must be a whole number"), ("/int", 400, "&#x27;n&#x27; is missing"),
        ("/default", 200, "42"), ("/default?n=1", 200, "1"),
        ("/default?n=x", 400, "&#x27;n&#x27; must be a whole number"),
        ("/double?n=1.5e3", 200, "1500.0"), ("/double?n=nan", 400, "must be a number"),
        ("/double?n=0x1p3", 400, "must be a number"), ("/bool?n=true", 200, "true"),
        ("/bool?n=1", 400, "true or false"),
        ("/any?n=x", 200, "x"), ("/any", 400, "the argument &#x27;n&#x27; is missing"), ("/case?n=red", 200, "red"),
        ("/case?n=blue", 400, "must be a valid Colour"),
    ])
    func `typed arguments are read strictly, and 400 names what does not fit`(
        _ target: String, _ status: Int, _ fragment: String
    ) async throws {
        try await withServer(routes: {
            Route("/int") { handler in handler.write("\(try handler.queryArgument("n", as: Int.self))") }
            Route("/default") { handler in handler.write("\(try handler.queryArgument("n", as: Int.self, default: 42))")
            }
            Route("/double") { handler in handler.write("\(try handler.queryArgument("n", as: Double.self))") }
            Route("/bool") { handler in handler.write("\(try handler.queryArgument("n", as: Bool.self))") }
            Route("/any") { handler in handler.write(try handler.argument("n")) }
            Route("/case") { handler in handler.write("\(try handler.queryArgument("n", as: Colour.self))") }
        }) { server in
            let response = try await server.get(target)
            #expect(response.status == status)
            #expect(response.text.contains(fragment), "\(response.text)")
        }
    }

    private enum Colour: String, PathArgument { case red }

    @Test func `arguments of a form are read from the body, and only from a form`() async throws {
        try await withServer(routes: {
            Route("/", methods: [.post]) { handler in
                handler.write("\(try handler.bodyArgument("a") ?? "nil") \(try handler.argument("a")) ")
                handler.write(
                    "\(try handler.arguments("a")) \(try handler.bodyArgument("n", as: Int.self, default: 0))")
            }
        }) { server in
            let form = "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
            let response = try await server.post("/?a=query", "a=1&a=b%2Fc&n=5", form)
            #expect(response.text == #"b/c b/c ["query", "1", "b/c"] 5"#)
            let other = try await server.post("/?a=query", "a=1", "Content-Type: text/plain\r\n")
            #expect(other.text == #"nil query ["query"] 0"#)
            let wrong = try await server.post("/?a=query", "n=x", form)
            #expect(wrong.status == 400)
            #expect(wrong.text.contains("&#x27;n&#x27; must be a whole number"))
        }
    }

    @Test func `more than a thousand arguments are answered 400`() async throws {
        try await withServer(routes: {
            Route("/", methods: [.get, .post]) { handler in handler.write("\(try handler.arguments("a").count)") }
        }) { server in
            func pairs(_ count: Int) -> String { Array(repeating: "a=1", count: count).joined(separator: "&") }
            let fits = try await server.get("/?" + pairs(1_000))
            #expect(fits.text == "1000")
            let query = try await server.get("/?" + pairs(1_001))
            #expect(query.status == 400)
            let form = try await server.post(
                "/", pairs(1_001), "Content-Type: application/x-www-form-urlencoded\r\n")
            #expect(form.status == 400)
        }
    }

    @Test func `arguments that are no UTF-8 do not end the process`() async throws {
        try await withServer(routes: {
            Route("/") { handler in handler.write("\(try handler.queryArguments().count)") }
        }) { server in
            for query in ["a=%ff", "a=%", "a=%2", "a=%zz", "%00=%00", "a=%C3"] {
                let response = try await server.get("/?\(query)")
                #expect(response.status == 200 || response.status == 400, "\(query)")
            }
        }
    }
}
