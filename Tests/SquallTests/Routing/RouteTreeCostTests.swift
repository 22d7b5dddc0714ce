import Testing

@testable import Squall

/// What a lookup costs, counted in steps: see `RouteIndex.find`.
@Suite struct RouteTreeCostTests {
    @Test func stepsDoNotDependOnTheNumberOfRoutes() {
        let common = ["/", "/plaintext", "/reports/{id}", "/a/b/c", "/files/{name}.json", "/static/{path...}"]
        func lookup(_ count: Int) -> Lookup {
            Lookup(common + (common.count..<count).flatMap { ["/many/page\($0)", "/other\($0)/{id}/x"] }.prefix(count))
        }
        let few = lookup(10)
        let many = lookup(10_000)
        let paths = [
            "/", "/plaintext", "/pl%61intext", "/reports/7", "/a/b/c", "/a/b/x", "/files/a.json", "/static/a/b/c",
            "/missing", "/many/missing", "/many/page6", "/other6/1/x", "/reports/7/8", "",
        ]
        for path in paths {
            #expect(few(path) == many(path), "\(path)")
            #expect(few.steps(path) == many.steps(path), "\(path)")
        }
        #expect(many.steps("/") == 2)
        #expect(many.steps("/a/b/c") == 6)
        #expect(many.tree.worstCaseSteps == few.tree.worstCaseSteps)
        #expect(many.tree.worstCaseSteps < 12)
    }

    /// Every node has a literal and a parameter that both fit: all 2^depth ways are open, and none leads to the end.
    @Test func overlappingPatternsCostNoMoreThanTheirNodes() {
        let depth = 8
        var sources: [String] = []
        for choices in 0..<(1 << depth) {
            let segments = (0..<depth).map { choices >> $0 & 1 == 0 ? "a" : "{p\($0)}" }
            sources.append("/" + segments.joined(separator: "/") + "/end")
        }
        let lookup = Lookup(sources)
        let nodes = 1 << (depth + 1)
        let failing = "/" + Array(repeating: "a", count: depth).joined(separator: "/") + "/other"
        #expect(lookup(failing) == nil)
        #expect(lookup.steps(failing) <= 3 * nodes)
        #expect(lookup.steps(failing) <= lookup.tree.worstCaseSteps)
        // A longer path does not cost more: below the deepest pattern there is nowhere to go.
        #expect(lookup.steps(failing + String(repeating: "/a", count: 100_000)) <= lookup.tree.worstCaseSteps)
    }

    /// A literal at each depth of one long pattern, a parameter in its place in another: each is left once.
    @Test func stepsAreLinearInTheSegments() {
        func lookup(_ depth: Int) -> Lookup {
            Lookup(
                (0..<depth).map { number in
                    let prefix = String(repeating: "/a", count: number)
                    return prefix + "/{x}/b"
                } + [String(repeating: "/a", count: depth) + "/c"])
        }
        for depth in [10, 100, 1000] {
            let path = String(repeating: "/a", count: depth) + "/d"
            let lookup = lookup(depth)
            #expect(lookup(path) == nil)
            #expect(lookup.steps(path) <= 5 * (depth + 2))
        }
    }

    @Test func pathLengthDoesNotAddSteps() {
        let lookup = Lookup(["/{a}/{b}/{c}", "/{a}.{b}/x", "/a/{r...}", "/{a}/b/{c}/d"])
        for path in [
            String(repeating: "/", count: 50_000), String(repeating: "/a", count: 50_000),
            "/" + String(repeating: ".", count: 50_000), "/" + String(repeating: "%2E", count: 50_000),
            "/" + String(repeating: "%", count: 50_000), "/z" + String(repeating: "/b", count: 50_000),
        ] {
            #expect(lookup.steps(path) <= lookup.tree.worstCaseSteps)
        }
        #expect(lookup.tree.worstCaseSteps < 30)
    }

    @Test func noPathTakesMoreThanTheWorstCase() {
        var random = SplitMix(state: 11)
        for _ in 0..<200 {
            let lookup = Lookup(RandomRoutes.patterns(&random))
            for _ in 0..<50 {
                #expect(lookup.steps(RandomRoutes.path(&random)) <= lookup.tree.worstCaseSteps)
            }
        }
    }
}
