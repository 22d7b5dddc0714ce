/// The patterns of a ``RouteTree``, flattened: from a path to the number of a leaf.
///
/// It is a trie of segments. A node stands for what has been matched so far, and is entered where a segment begins. All
/// nodes are in one array, all literals in one ``LiteralTable``.
///
/// **Cost.** A node has exactly one parent, so a lookup enters it at most once; and it enters no more nodes of one
/// level than there are ways to read the segments before it, literal or parameter. What a table of routes can cost at
/// worst is computed when it is built: ``worstCaseSteps``. The number of literals beside each other does not count;
/// mixed segments beside each other are tried one after another.
struct RouteIndex: Sendable {
    struct Node: Sendable {
        /// The leaf of the patterns that end here, or -1.
        var leaf: Int32 = -1
        /// The leaf of the patterns that take the rest from here, or -1.
        var restLeaf: Int32 = -1
        /// The node behind a `{name}`, or -1.
        var parameter: Int32 = -1
        /// Where the node's mixed segments begin and end in `mixed`.
        var mixedStart: Int32 = 0
        var mixedEnd: Int32 = 0
        var hasLiterals = false
        /// Whether literals are all there is, so that there is nothing to come back for.
        var hasLiteralsOnly = false
    }

    struct MixedEdge: Sendable {
        let template: SegmentTemplate
        let child: Int
    }

    let nodes: [Node]
    let literals: LiteralTable
    let mixed: [MixedEdge]
    /// How many steps a lookup can take at most, for any path.
    let worstCaseSteps: Int

    /// The leaf for `path`, or -1.
    ///
    /// A step is the entering of a node, or an attempt to go on from it: one literal lookup, one mixed segment, one
    /// parameter, one rest.
    ///
    /// - Parameters:
    ///   - captures: Set to the ranges of the parameters if a leaf is found, otherwise left as it is.
    ///   - accepts: Whether a leaf that fits will do. If not, the search goes on with the next best.
    @inline(__always)
    func find(
        _ path: Span<UInt8>, captures: inout [Range<Int>], steps: inout Int, accepts: (Int) -> Bool
    ) -> Int {
        guard !path.isEmpty, path[0] == PercentEscapes.slash else { return -1 }
        return walk(path, from: 0, at: 1, captured: 0, &captures, &steps, accepts)
    }

    /// Matches what begins at `position` below `start`, literals first, then mixed segments, a parameter, the rest.
    ///
    /// It calls itself only where there is an alternative to come back for, so no deeper than a pattern has segments.
    private func walk(
        _ path: Span<UInt8>, from start: Int, at position: Int, captured: Int,
        _ captures: inout [Range<Int>], _ steps: inout Int, _ accepts: (Int) -> Bool
    ) -> Int {
        var current = start
        var begin = position
        while true {
            steps &+= 1
            let node = nodes[current]
            var end = begin
            var isEscaped = false
            var hash = literals.begin(current)
            while end < path.count {
                let byte = path[end]
                if byte == PercentEscapes.slash { break }
                if byte == PercentEscapes.percent { isEscaped = true }
                hash = LiteralTable.add(byte, to: hash)
                end &+= 1
            }
            let segment = begin..<end

            if node.hasLiterals {
                steps &+= 1
                let child =
                    isEscaped
                    ? literals.decodedChild(of: current, path, segment)
                    : literals.child(of: current, path, segment, hash: hash)
                if child >= 0 {
                    if node.hasLiteralsOnly, end < path.count {
                        current = child
                        begin = end &+ 1
                        continue
                    }
                    let leaf = goOn(path, child, after: segment, captured: captured, &captures, &steps, accepts)
                    if leaf >= 0 { return leaf }
                }
                if node.hasLiteralsOnly { return -1 }
            }
            return walkOpenSegments(path, node, segment, captured: captured, &captures, &steps, accepts)
        }
    }

    /// The alternatives to a literal: mixed segments, the parameter, the rest.
    private func walkOpenSegments(
        _ path: Span<UInt8>, _ node: Node, _ segment: Range<Int>, captured: Int,
        _ captures: inout [Range<Int>], _ steps: inout Int, _ accepts: (Int) -> Bool
    ) -> Int {
        for index in Int(node.mixedStart)..<Int(node.mixedEnd) {
            steps &+= 1
            let edge = mixed[index]
            guard edge.template.match(path, segment, record: { _, _ in }) else { continue }
            let leaf = goOn(
                path, edge.child, after: segment, captured: captured + edge.template.parameterCount,
                &captures, &steps, accepts)
            if leaf >= 0 {
                _ = edge.template.match(path, segment) { captures[captured + $0] = $1 }
                return leaf
            }
        }
        if node.parameter >= 0, !segment.isEmpty {
            steps &+= 1
            let leaf = goOn(
                path, Int(node.parameter), after: segment, captured: captured + 1, &captures, &steps, accepts)
            if leaf >= 0 {
                captures[captured] = segment
                return leaf
            }
        }
        if node.restLeaf >= 0 {
            steps &+= 1
            let leaf = finish(Int(node.restLeaf), captured: captured + 1, &captures, accepts)
            if leaf >= 0 {
                captures[captured] = segment.lowerBound..<path.count
                return leaf
            }
        }
        return -1
    }

    /// Goes on at `child` with the next segment, or ends there if `segment` was the last.
    private func goOn(
        _ path: Span<UInt8>, _ child: Int, after segment: Range<Int>, captured: Int,
        _ captures: inout [Range<Int>], _ steps: inout Int, _ accepts: (Int) -> Bool
    ) -> Int {
        if segment.upperBound < path.count {
            return walk(
                path, from: child, at: segment.upperBound + 1, captured: captured, &captures, &steps, accepts)
        }
        return finish(Int(nodes[child].leaf), captured: captured, &captures, accepts)
    }

    /// Makes room for the captures, all at once, if `leaf` is one and will do.
    private func finish(
        _ leaf: Int, captured: Int, _ captures: inout [Range<Int>], _ accepts: (Int) -> Bool
    ) -> Int {
        guard leaf >= 0, accepts(leaf) else { return -1 }
        if captured > 0 { captures = [Range<Int>](repeating: 0..<0, count: captured) }
        return leaf
    }
}
