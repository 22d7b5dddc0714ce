@testable import Squall

/// A tree whose values are its patterns' texts, with what the tests ask of it.
struct Lookup {
    let tree: RouteTree<String>

    /// Leaves out what is no pattern, which then fails the test's expectation.
    init(_ sources: [String]) {
        tree = RouteTree(
            routes: sources.compactMap { source in
                (try? PathPattern(source)).map { ($0, source) }
            })
    }

    /// The pattern that matches.
    func callAsFunction(_ path: String) -> String? {
        tree.match(path)?.value
    }

    /// The decoded values of the parameters.
    func values(_ path: String) -> [String: String]? {
        guard let match = tree.match(path) else { return nil }
        let bytes = Array(path.utf8)
        var values: [String: String] = [:]
        for (name, range) in zip(match.pattern.parameterNames, match.captures) {
            values[name] = PercentEscapes.decode(bytes.span, range)
        }
        return values
    }

    /// How many steps it takes.
    func steps(_ path: String) -> Int {
        let bytes = Array(path.utf8)
        var steps = 0
        _ = tree.match(bytes.span, steps: &steps)
        return steps
    }
}

/// The same numbers in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
