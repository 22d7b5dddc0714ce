/// A table of routes, from a request's path to the values declared for it.
///
/// It is built once and never changes, so any number of threads may read it. A lookup costs the same among ten routes
/// and among ten thousand, and allocates nothing when the path has no parameters.
///
/// ```swift
/// let tree = RouteTree(routes: [
///     (try PathPattern("/reports/{id}"), "report"),
///     (try PathPattern("/reports/new"), "form"),
/// ])
/// tree.match("/reports/new")?.value   // "form"
/// ```
///
/// The order of declaration does not decide between patterns: at each segment, literal text goes before literal text
/// with parameters in it, that before `{name}`, and that before `{name...}`. Among segments with text and parameters
/// the one with more text goes first. If the best choice at one segment leads nowhere, the next best is tried.
///
/// Several values with the same pattern, or with patterns that differ only in their parameters' names, are
/// kept together in order of declaration, and the caller chooses: ``match(_:where:)``.
public struct RouteTree<Value: Sendable>: Sendable {
    private let index: RouteIndex
    private let leaves: [RouteLeaf<Value>]

    /// Builds the table.
    public init(routes: [(pattern: PathPattern, value: Value)]) {
        var builder = RouteIndexBuilder()
        var gathered: [(patterns: [PathPattern], values: [Value])] = []
        for (pattern, value) in routes {
            let leaf = builder.insert(pattern)
            if leaf == gathered.count { gathered.append(([], [])) }
            gathered[leaf].patterns.append(pattern)
            gathered[leaf].values.append(value)
        }
        self.index = builder.build()
        self.leaves = gathered.map { RouteLeaf(patterns: $0.patterns, values: $0.values) }
    }

    /// How many steps a lookup can take at most, for any path whatever.
    ///
    /// It grows with the depth of the patterns and with how many of them overlap (`/a/{x}/c` and `/{x}/b/c`), not with
    /// how many literals stand beside each other. Segments like `{name}.json` are tried one after another, so those
    /// that stand beside each other do count. A few dozen steps are usual.
    public var worstCaseSteps: Int { index.worstCaseSteps }

    /// The best route for a path.
    ///
    /// - Parameter path: The path as the client sent it, escaped, without query. Escapes are decoded to be compared
    ///   with literal text, and `%2F` does not end a segment.
    /// - Returns: `nil` if no pattern matches, or the path does not begin with `/`.
    @inline(__always)
    public func match(_ path: Span<UInt8>) -> RouteMatch<Value>? {
        var steps = 0
        return match(path, steps: &steps)
    }

    /// The best route for a path with a value that will do, such as one for the request's host.
    ///
    /// Where a pattern matches but none of its values will do, the next best pattern is tried. ``RouteMatch/value`` is
    /// the first value that does.
    public func match(_ path: Span<UInt8>, where accepts: (Value) -> Bool) -> RouteMatch<Value>? {
        var steps = 0
        var captures: [Range<Int>] = []
        var choice = 0
        let leaf = index.find(path, captures: &captures, steps: &steps) { leaf in
            guard let accepted = leaves[leaf].values.firstIndex(where: accepts) else { return false }
            choice = accepted
            return true
        }
        guard leaf >= 0 else { return nil }
        return RouteMatch(leaf: leaves[leaf], choice: choice, captures: captures)
    }

    /// The best route for a path, for tests and tools: requests are matched as the bytes they came in.
    public func match(_ path: String) -> RouteMatch<Value>? {
        match(Array(path.utf8).span)
    }

    /// Counts the steps of a lookup: the nodes entered and the attempts to go on from them.
    @inline(__always)
    package func match(_ path: Span<UInt8>, steps: inout Int) -> RouteMatch<Value>? {
        var captures: [Range<Int>] = []
        let leaf = index.find(path, captures: &captures, steps: &steps) { _ in true }
        guard leaf >= 0 else { return nil }
        return RouteMatch(leaf: leaves[leaf], choice: 0, captures: captures)
    }
}

/// A route that matches a path.
public struct RouteMatch<Value: Sendable>: Sendable {
    let leaf: RouteLeaf<Value>
    let choice: Int
    /// Where the parameters are in the path, escaped as they were sent, in the order of
    /// ``PathPattern/parameterNames``.
    public let captures: [Range<Int>]

    /// The first value of the pattern, or the first that the caller accepted.
    public var value: Value { leaf.values[choice] }
    /// The pattern with which ``value`` was declared.
    public var pattern: PathPattern { leaf.patterns[choice] }
    /// All values whose patterns match the same paths as this one, in order of declaration. There is at least one.
    public var values: [Value] { leaf.values }
    /// The patterns with which ``values`` were declared. They differ at most in the names of their parameters.
    public var patterns: [PathPattern] { leaf.patterns }
}

/// The values at the end of a pattern. It is a class so that a match costs one reference and no copies.
final class RouteLeaf<Value: Sendable>: Sendable {
    let patterns: [PathPattern]
    let values: [Value]

    init(patterns: [PathPattern], values: [Value]) {
        self.patterns = patterns
        self.values = values
    }
}
