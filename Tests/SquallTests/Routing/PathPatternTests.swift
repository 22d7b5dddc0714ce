import Testing

@testable import Squall

@Suite struct PathPatternTests {
    @Test(arguments: [
        ("/", []),
        ("/reports", []),
        ("/reports/{id}", ["id"]),
        ("/p/{a}/{b...}", ["a", "b"]),
        ("/{path...}", ["path"]),
        ("/files/{name}.json", ["name"]),
        ("/v{major}.{minor}", ["major", "minor"]),
        ("/{größe}/", ["größe"]),
        ("/%7Bbraces%7D", []),
    ])
    func namesParameters(_ source: String, _ names: [String]) throws {
        let pattern = try PathPattern(source)
        #expect(pattern.parameterNames == names)
        #expect(pattern.source == source)
        #expect("\(pattern)" == source)
    }

    @Test(
        arguments: [
            ("", .missingLeadingSlash, 1),
            ("reports/{id}", .missingLeadingSlash, 1),
            ("/reports/{id", .unclosedBrace, 10),
            ("/{id/x}", .unclosedBrace, 2),
            ("/{a{b}}", .unclosedBrace, 2),
            ("/café/{id", .unclosedBrace, 7),
            ("/a}", .unmatchedClosingBrace, 3),
            ("/{}", .emptyName, 2),
            ("/{...}", .emptyName, 2),
            ("/{id:int}", .invalidName("id:int"), 3),
            ("/{*path}", .invalidName("*path"), 3),
            ("/{a b}", .invalidName("a b"), 3),
            ("/{a}/x/{a}", .duplicateName("a"), 9),
            ("/{a}/{a...}", .duplicateName("a"), 7),
            ("/{path...}/x", .restNotLast("path"), 2),
            ("/{path...}.json", .restNotLast("path"), 2),
            ("/a-{path...}", .restNotAlone("path"), 4),
            ("/{a}{b}", .adjacentParameters("a", "b"), 5),
            ("/a//b", .emptySegment, 3),
            ("//", .emptySegment, 1),
            ("/a/../b", .dotSegment, 4),
            ("/.", .dotSegment, 2),
            ("/a/%2e%2E", .dotSegment, 4),
            ("/100%", .malformedEscape, 5),
            ("/%4", .malformedEscape, 2),
            ("/search?q={q}", .queryOrFragment, 8),
            ("/a#b", .queryOrFragment, 3),
        ] as [(String, PathPatternError.Reason, Int)])
    func refuses(_ source: String, _ reason: PathPatternError.Reason, _ position: Int) {
        #expect(throws: PathPatternError(reason: reason, pattern: source, position: position)) {
            _ = try PathPattern(source)
        }
    }

    @Test(arguments: [
        (
            "reports/{id}",
            #"path pattern "reports/{id}", character 1: a pattern starts with "/"; write "/reports/{id}""#
        ),
        (
            "/reports/{id",
            #"path pattern "/reports/{id", character 10: this "{" has no "}" in its segment; "#
                + #"close the parameter as in "{name}", or write "%7B" for a brace in the path itself"#
        ),
        (
            "/{id:int}",
            #"path pattern "/{id:int}", character 3: a pattern has no types; write "{id}" "#
                + "and name the type where the handler reads the argument"
        ),
        (
            "/{*path}",
            #"path pattern "/{*path}", character 3: write "{path...}" for the rest of the path"#
        ),
        (
            "/{a}/{a}",
            #"path pattern "/{a}/{a}", character 7: there is already a parameter "a"; "#
                + "give this one a name of its own"
        ),
        (
            "/{r...}/x",
            #"path pattern "/{r...}/x", character 2: "{r...}" takes the rest of the path, so nothing can follow it; "#
                + #"make it the last segment, or write "{r}" for one segment"#
        ),
        (
            "/{a}{b}",
            #"path pattern "/{a}{b}", character 5: nothing tells where "a" ends and "b" begins; "#
                + #"put text between them, as in "{a}-{b}""#
        ),
        (
            "/100%",
            #"path pattern "/100%", character 5: "%" begins an escape of two hexadecimal digits; "#
                + #"write "%25" for a percent sign"#
        ),
    ])
    func saysWhatToWrite(_ source: String, _ description: String) throws {
        let error = try #require(throws: PathPatternError.self) { _ = try PathPattern(source) }
        #expect(error.description == description)
    }

    @Test func equalsByMeaning() throws {
        #expect(try PathPattern("/café/{id}") == PathPattern("/caf%C3%A9/{id}"))
        #expect(try PathPattern("/café").hashValue == PathPattern("/caf%c3%a9").hashValue)
        #expect(try PathPattern("/{a}") != PathPattern("/{b}"))
        #expect(try PathPattern("/{a}") != PathPattern("/{a...}"))
        #expect(try PathPattern("/a") != PathPattern("/a/"))
    }
}

@Suite struct PathFillingTests {
    @Test(
        arguments: [
            ("/", [:], "/"),
            ("/a/", [:], "/a/"),
            ("/café", [:], "/caf%C3%A9"),
            ("/@{user}", ["user": "joe"], "/@joe"),
            ("/a(b),c", [:], "/a(b),c"),
            ("/reports/{id}", ["id": "7"], "/reports/7"),
            ("/reports/{id}", ["id": "a/b?c#d e%20"], "/reports/a%2Fb%3Fc%23d%20e%2520"),
            ("/reports/{id}", ["id": "a+b;c"], "/reports/a+b%3Bc"),
            ("/reports/{id}", ["id": "日本"], "/reports/%E6%97%A5%E6%9C%AC"),
            ("/reports/{id}", ["id": "a\r\nX: y\0"], "/reports/a%0D%0AX:%20y%00"),
            ("/reports/{id}", ["id": "..."], "/reports/..."),
            ("/v{a}.{b}", ["a": "1", "b": "2.3"], "/v1.2.3"),
            ("/files/{name}.json", ["name": "x.json"], "/files/x.json.json"),
            ("/docs/{path...}", ["path": "a b/c/"], "/docs/a%20b/c/"),
            ("/docs/{path...}", ["path": ""], "/docs/"),
            ("/docs/{path...}", ["path": "/a"], "/docs//a"),
        ] as [(String, [String: String], String)])
    func writesWhatIsReadAgain(_ source: String, _ values: [String: String], _ path: String) throws {
        let pattern = try PathPattern(source)
        #expect(try pattern.path(filling: values) == path)
        #expect(Lookup([source]).values(path) == values)
    }

    @Test(
        arguments: [
            ("/{a}", [:], .missingValue, "a"),
            ("/{a...}", [:], .missingValue, "a"),
            ("/x{a}", [:], .missingValue, "a"),
            ("/{a}", ["a": "1", "b": "2"], .unknownParameter, "b"),
            ("/{a}", ["a": ""], .emptyValue, "a"),
            ("/x{a}", ["a": ""], .emptyValue, "a"),
            ("/{a}", ["a": ".."], .dotSegment, "a"),
            ("/{a}.", ["a": "."], .dotSegment, "a"),
            ("/x/{a...}", ["a": "b/../c"], .dotSegment, "a"),
            ("/v{a}.{b}", ["a": "1.2", "b": "3"], .ambiguousValue, "a"),
            ("/{a...}", ["a": "/evil.example"], .leadingDoubleSlash, "a"),
        ] as [(String, [String: String], PathFillingError.Reason, String)])
    func refuses(
        _ source: String, _ values: [String: String], _ reason: PathFillingError.Reason, _ parameter: String
    ) throws {
        let pattern = try PathPattern(source)
        #expect(throws: PathFillingError(reason: reason, parameter: parameter, pattern: source)) {
            _ = try pattern.path(filling: values)
        }
    }

    @Test func namesPatternAndParameter() throws {
        let error = PathFillingError(reason: .missingValue, parameter: "id", pattern: "/reports/{id}")
        #expect(error.description == #"path pattern "/reports/{id}": there is no value for "id""#)
    }
}
