import Testing

@testable import Squall

@Suite struct RouteTreeTests {
    @Test(arguments: [
        ("/", "/", true),
        ("/", "", false),
        ("/", "*", false),
        ("/", "//", false),
        ("/a", "/a", true),
        ("/a", "a", false),
        ("/a", "/a/", false),
        ("/a/", "/a/", true),
        ("/a/", "/a", false),
        ("/a/b", "/a/b", true),
        ("/a/b", "/a//b", false),
        ("/a", "/A", false),
        ("/a", "/ab", false),
        ("/ab", "/a", false),
        // Escapes in what is literal.
        ("/abc", "/%61bc", true),
        ("/abc", "/%61%62%63", true),
        ("/café", "/caf%C3%A9", true),
        ("/café", "/caf%c3%a9", true),
        ("/café", "/café", true),
        ("/caf%C3%A9", "/café", true),
        ("/a b", "/a%20b", true),
        ("/a b", "/a+b", false),
        ("/a+b", "/a+b", true),
        ("/a+b", "/a%2Bb", true),
        ("/a/b", "/a%2Fb", false),
        ("/a%2Fb", "/a%2Fb", true),
        ("/a%2Fb", "/a/b", false),
        ("/100%25", "/100%25", true),
        ("/100%25", "/100%", true),
        ("/100%25", "/100%2525", false),
        ("/%25zz", "/%zz", true),
        ("/a", "/%6", false),
        ("/a", "/%", false),
        ("/a", "/%61%00", false),
        // Whole segments.
        ("/{a}", "/x", true),
        ("/{a}", "/", false),
        ("/{a}", "/x/", false),
        ("/{a}/", "/x/", true),
        ("/{a}/", "//", false),
        ("/{a}", "/%2F", true),
        ("/{a}/{b}", "/x", false),
        ("/{a}/{b}", "/x%2Fy", false),
        ("/{a}/{b}", "/x/", false),
        ("/{a}/{b}", "//x", false),
        // Parts of segments.
        ("/{n}.json", "/a.json", true),
        ("/{n}.json", "/a.b.json", true),
        ("/{n}.json", "/.json", false),
        ("/{n}.json", "/a.json/", false),
        ("/{n}.json", "/a%2Ejson", true),
        ("/{n}.json", "/a.jso%6E", true),
        ("/{n}.json", "/a.xjson", false),
        ("/v{a}", "/v", false),
        ("/v{a}", "/v1", true),
        ("/v{a}", "/%761", true),
        ("/aa{x}aa", "/aaa", false),
        ("/aa{x}aa", "/aaaa", false),
        ("/aa{x}aa", "/aaaaa", true),
        ("/{a}-{b}-{c}", "/1-2-3", true),
        ("/{a}-{b}-{c}", "/--3-4", true),
        ("/{a}-{b}-{c}", "/--3", false),
        ("/{a}-{b}-{c}", "/----x", true),
        ("/{a}-{b}-{c}", "/-----", true),
        ("/{a}-{b}-{c}", "/1-2", false),
        // The rest.
        ("/p/{b...}", "/p", false),
        ("/p/{b...}", "/p/", true),
        ("/p/{b...}", "/p//", true),
        ("/p/{b...}", "/p/x/y/", true),
        ("/{b...}", "/", true),
        ("/{b...}", "", false),
        ("/p/{a}/{b...}", "/p/x", false),
        ("/p/{a}/{b...}", "/p/x/", true),
        ("/p/{a}/{b...}", "/p//x", false),
    ])
    func matches(_ source: String, _ path: String, _ expected: Bool) throws {
        _ = try PathPattern(source)
        #expect((Lookup([source])(path) != nil) == expected)
    }

    @Test(arguments: [
        ("/a/{x}", "/a/1", ["x": "1"]),
        ("/a/{x}", "/a/b%2Fc+d%20e", ["x": "b/c+d e"]),
        ("/{x}/b/{y}/c/{z...}", "/1/b/2/c/3/4/", ["x": "1", "y": "2", "z": "3/4/"]),
        ("/{x...}", "/", ["x": ""]),
        ("/v{a}.{b}", "/v1.2.3", ["a": "1", "b": "2.3"]),
        ("/v{a}.{b}", "/v%2E.%2E", ["a": ".", "b": "."]),
        ("/{a}-{b}-{c}", "/--3-4", ["a": "-", "b": "3", "c": "4"]),
        ("/{a}-{b}-{c}", "/-----", ["a": "-", "b": "-", "c": "-"]),
        ("/{n}.tar.gz/{v}", "/x.tar.tar.gz/y", ["n": "x.tar", "v": "y"]),
        ("/{a}é{b}", "/1%C3%A92", ["a": "1", "b": "2"]),
    ])
    func captures(_ source: String, _ path: String, _ values: [String: String]) {
        #expect(Lookup([source]).values(path) == values)
    }

    @Test func capturesAreRangesOfThePathAsSent() throws {
        let tree = RouteTree(routes: [(try PathPattern("/a/{x}/{y...}"), 0)])
        let match = try #require(tree.match("/a/b%20c/d/e"))
        #expect(match.captures == [3..<8, 9..<12])
        #expect(match.pattern.parameterNames == ["x", "y"])
    }

    @Test func literalGoesBeforeMixedBeforeParameterBeforeRest() {
        let sources = [
            "/{rest...}", "/{name}", "/{name}.json", "/{name}.min.json", "/data.json", "/x/{rest...}", "/x/{y}",
            "/x/y",
        ]
        for lookup in [Lookup(sources), Lookup(sources.reversed())] {
            #expect(lookup("/data.json") == "/data.json")
            #expect(lookup("/d%61ta.json") == "/data.json")
            #expect(lookup("/other.json") == "/{name}.json")
            #expect(lookup("/other.min.json") == "/{name}.min.json")
            #expect(lookup("/other") == "/{name}")
            #expect(lookup("/") == "/{rest...}")
            #expect(lookup("/a/b") == "/{rest...}")
            #expect(lookup("/x/y") == "/x/y")
            #expect(lookup("/x/z") == "/x/{y}")
            #expect(lookup("/x/") == "/x/{rest...}")
            #expect(lookup("/x/y/z") == "/x/{rest...}")
        }
    }

    @Test func comesBackFromALiteralThatLeadsNowhere() {
        let lookup = Lookup(["/a/b/c", "/a/{x}/d", "/{x}/b/e", "/{x}.y/b/f", "/a/{r...}", "/{x}/{y}/{z}/g"])
        #expect(lookup("/a/b/c") == "/a/b/c")
        #expect(lookup("/a/b/d") == "/a/{x}/d")
        #expect(lookup.values("/a/b/d") == ["x": "b"])
        // The first segment decides: what begins with "/a" goes before what begins with a parameter.
        #expect(lookup("/a/b/e") == "/a/{r...}")
        #expect(lookup("/q.y/b/f") == "/{x}.y/b/f")
        #expect(lookup("/q.y/b/e") == "/{x}/b/e")
        #expect(lookup.values("/q.y/b/e") == ["x": "q.y"])
        #expect(lookup("/q/b/h/g") == "/{x}/{y}/{z}/g")
        #expect(lookup("/q/b/h") == nil)
    }

    @Test func keepsValuesOfOnePatternInOrder() throws {
        let tree = RouteTree(routes: [
            (try PathPattern("/a/{x}"), "first"),
            (try PathPattern("/b"), "other"),
            (try PathPattern("/a/{y}"), "second"),
            (try PathPattern("/a/{x}"), "third"),
        ])
        let match = try #require(tree.match("/a/1"))
        #expect(match.values == ["first", "second", "third"])
        #expect(match.patterns.map(\.source) == ["/a/{x}", "/a/{y}", "/a/{x}"])
        #expect(match.value == "first")
    }

    @Test func goesOnWhereNoValueWillDo() throws {
        let tree = RouteTree(routes: [
            (try PathPattern("/{page}"), "any"),
            (try PathPattern("/a"), "one.example"),
            (try PathPattern("/a"), "two.example"),
        ])
        let path = Array("/a".utf8)
        func value(_ host: String) -> RouteMatch<String>? {
            tree.match(path.span) { $0 == host || $0 == "any" }
        }
        #expect(value("two.example")?.value == "two.example")
        #expect(value("two.example")?.values == ["one.example", "two.example"])
        #expect(value("three.example")?.value == "any")
        #expect(value("three.example")?.captures == [1..<2])
        let none = tree.match(path.span) { _ in false }
        #expect(none?.value == nil)
    }

    @Test func anEmptyTreeMatchesNothing() {
        #expect(Lookup([])("/") == nil)
        #expect(Lookup([])("") == nil)
        #expect(RouteTree<Int>(routes: []).worstCaseSteps == 1)
    }

    @Test func findsEachOfManyRoutes() throws {
        let sources = (0..<5000).flatMap { ["/section\($0 % 70)/page\($0)", "/s\($0)/{id}/x\($0)"] }
        let lookup = Lookup(sources)
        for number in stride(from: 0, to: 5000, by: 7) {
            let page = "/section\(number % 70)/page\(number)"
            #expect(lookup(page) == page)
            #expect(lookup("/s\(number)/q/x\(number)") == "/s\(number)/{id}/x\(number)")
            #expect(lookup("/section\(number % 70)/page\(number)x") == nil)
            #expect(lookup("/section\(number % 70 + 1)/page\(number)") == nil)
        }
    }
}
