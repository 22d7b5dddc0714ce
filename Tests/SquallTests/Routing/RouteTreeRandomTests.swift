import Testing

@testable import Squall

/// The tree against the plainest matcher that could be written, over random routes and paths.
@Suite struct RouteTreeRandomTests {
    @Test func agreesWithTryingEveryPattern() throws {
        var random = SplitMix(state: 7)
        for _ in 0..<400 {
            let sources = RandomRoutes.patterns(&random)
            let lookup = Lookup(sources)
            let patterns = try sources.map { try PathPattern($0) }
            for _ in 0..<60 {
                let path = RandomRoutes.path(&random)
                let expected = Naive.best(patterns, path)
                let match = lookup.tree.match(path)
                #expect(match?.value == expected?.source, "\(sources) \(path)")
                #expect(match?.captures.count == expected?.parameterNames.count)
            }
        }
    }

    @Test func survivesAnyBytes() {
        var random = SplitMix(state: 3)
        let alphabet = Array("/%a2F.e-{}".utf8) + [0x00, 0x80, 0xC3, 0xFF]
        let lookup = Lookup(["/{a}.{b}", "/{a}-e/{b}", "/a/{r...}", "/%2Fa", "/aa{x}a%25{y}", "/{a}/{b}/{c}"])
        for _ in 0..<20_000 {
            let tail = (0..<Int.random(in: 0..<14, using: &random)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            }
            let path = [UInt8(ascii: "/")] + tail
            guard let match = lookup.tree.match(path.span) else { continue }
            for (range, name) in zip(match.captures, match.pattern.parameterNames) {
                #expect(range.lowerBound > 0 && range.upperBound <= path.count)
                #expect(!range.isEmpty || name == "r")
                _ = PercentEscapes.decode(path.span, range)
            }
        }
    }
}

enum RandomRoutes {
    /// Up to eight patterns without a second one of the same form.
    static func patterns(_ random: inout SplitMix) -> [String] {
        var forms: Set<[Naive.Form]> = []
        var sources: [String] = []
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            var source = ""
            let count = Int.random(in: 1...4, using: &random)
            for number in 0..<count {
                let choices = [
                    "a", "b", "a.a", "é", "{p\(number)}", "{p\(number)}", "a{p\(number)}", "{p\(number)}.a",
                    "{p\(number)}.{q\(number)}", "a{p\(number)}a",
                ]
                let last = number == count - 1
                let end = Int.random(in: 0..<8, using: &random)
                if last, end == 0 {
                    source += "/{r...}"
                } else if last, end == 1 {
                    source += "/"
                } else {
                    source += "/" + (choices.randomElement(using: &random) ?? "a")
                }
            }
            guard let pattern = try? PathPattern(source) else { continue }
            if forms.insert(pattern.segments.map(Naive.Form.init)).inserted { sources.append(source) }
        }
        return sources
    }

    static func path(_ random: inout SplitMix) -> String {
        let segments = ["a", "b", "a.a", "%61", "%C3%A9", "ab", "aba", "a.b", "b.a", "b%2Ea", "", "aa", "a%2Fa"]
        return (0..<Int.random(in: 1...5, using: &random))
            .map { _ in "/" + (segments.randomElement(using: &random) ?? "a") }
            .joined()
    }
}

enum Naive {
    /// A segment without its parameters' names.
    enum Form: Hashable {
        case literal([UInt8])
        case mixed([[UInt8]])
        case parameter
        case rest

        init(_ segment: PathPattern.Segment) {
            self =
                switch segment {
                case .literal(let bytes): .literal(bytes)
                case .mixed(let literals, _): .mixed(literals)
                case .parameter: .parameter
                case .rest: .rest
                }
        }
    }

    /// Of all patterns that match, the one with the best first segment, then the best second, and so on.
    static func best(_ patterns: [PathPattern], _ path: String) -> PathPattern? {
        var remaining = patterns.filter { matches($0, path) }
        var depth = 0
        while remaining.count > 1 {
            let ranks = remaining.map { rank($0, depth, among: patterns) }
            let least = ranks.min { $0.lexicographicallyPrecedes($1) }
            remaining = zip(remaining, ranks).filter { $0.1 == least }.map(\.0)
            depth += 1
            if depth > 10 { break }
        }
        return remaining.first
    }

    private static func matches(_ pattern: PathPattern, _ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { decode($0) }
        for (number, segment) in pattern.segments.enumerated() {
            if case .rest = segment { return number < parts.count }
            guard number < parts.count else { return false }
            switch segment {
            case .literal(let bytes): guard bytes == parts[number] else { return false }
            case .parameter: guard !parts[number].isEmpty else { return false }
            case .mixed(let literals, _): guard fits(literals[...], parts[number][...]) else { return false }
            case .rest: break
            }
        }
        return parts.count == pattern.segments.count
    }

    /// Tries every length of every parameter.
    private static func fits(_ literals: ArraySlice<[UInt8]>, _ text: ArraySlice<UInt8>) -> Bool {
        guard let literal = literals.first, text.starts(with: literal) else { return false }
        let rest = text.dropFirst(literal.count)
        if literals.count == 1 { return rest.isEmpty }
        guard !rest.isEmpty else { return false }
        return (1...rest.count).contains { fits(literals.dropFirst(), rest.dropFirst($0)) }
    }

    private static func decode(_ part: Substring) -> [UInt8] {
        let bytes = Array(part.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let value = UInt8(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
            {
                result.append(value)
                index += 3
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return result
    }

    private static func rank(_ pattern: PathPattern, _ depth: Int, among patterns: [PathPattern]) -> [Int] {
        guard depth < pattern.segments.count else { return [9] }
        switch pattern.segments[depth] {
        case .literal: return [0]
        case .parameter: return [2]
        case .rest: return [3]
        case .mixed(let literals, _):
            // Of forms at the same place with as much text, the one declared first.
            let prefix = pattern.segments[..<depth].map(Form.init)
            let place = patterns.firstIndex {
                $0.segments.count > depth && $0.segments[..<depth].map(Form.init) == prefix
                    && Form($0.segments[depth]) == .mixed(literals)
            }
            return [1, -literals.reduce(0) { $0 + $1.count }, place ?? 0]
        }
    }
}
