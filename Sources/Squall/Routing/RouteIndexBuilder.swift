/// Gathers patterns and makes a ``RouteIndex`` of them.
struct RouteIndexBuilder {
    private struct Node {
        var leaf = -1
        var restLeaf = -1
        var parameter = -1
        /// In order of declaration.
        var literals: [(bytes: [UInt8], child: Int)] = []
        var literalChildren: [[UInt8]: Int] = [:]
        var mixed: [(literals: [[UInt8]], child: Int)] = []
        var mixedChildren: [[[UInt8]]: Int] = [:]
    }

    private var nodes = [Node()]
    private var leafCount = 0

    /// Adds a pattern, and says which leaf it ends in: a new one, whose number is the next, or that of an earlier
    /// pattern which matches the same paths.
    mutating func insert(_ pattern: PathPattern) -> Int {
        var current = 0
        for segment in pattern.segments {
            switch segment {
            case .literal(let bytes):
                if let child = nodes[current].literalChildren[bytes] {
                    current = child
                } else {
                    let child = addNode()
                    nodes[current].literalChildren[bytes] = child
                    nodes[current].literals.append((bytes, child))
                    current = child
                }
            case .mixed(let literals, _):
                if let child = nodes[current].mixedChildren[literals] {
                    current = child
                } else {
                    let child = addNode()
                    nodes[current].mixedChildren[literals] = child
                    nodes[current].mixed.append((literals, child))
                    current = child
                }
            case .parameter:
                if nodes[current].parameter < 0 {
                    let child = addNode()
                    nodes[current].parameter = child
                }
                current = nodes[current].parameter
            case .rest:
                if nodes[current].restLeaf < 0 { nodes[current].restLeaf = addLeaf() }
                return nodes[current].restLeaf
            }
        }
        if nodes[current].leaf < 0 { nodes[current].leaf = addLeaf() }
        return nodes[current].leaf
    }

    private mutating func addNode() -> Int {
        nodes.append(Node())
        return nodes.count - 1
    }

    private mutating func addLeaf() -> Int {
        leafCount += 1
        return leafCount - 1
    }

    consuming func build() -> RouteIndex {
        var flat: [RouteIndex.Node] = []
        flat.reserveCapacity(nodes.count)
        var keys: [LiteralTable.Key] = []
        var pool: [UInt8] = []
        var mixed: [RouteIndex.MixedEdge] = []
        for (number, node) in nodes.enumerated() {
            for (bytes, child) in node.literals {
                let start = pool.count
                pool += bytes
                keys.append(.init(parent: Int32(number), bytes: start..<pool.count, child: Int32(child)))
            }
            let mixedStart = mixed.count
            for (literals, child) in byLiteralLength(node.mixed) {
                mixed.append(.init(template: SegmentTemplate(literals), child: child))
            }
            let hasOpenSegments = !node.mixed.isEmpty || node.parameter >= 0 || node.restLeaf >= 0
            flat.append(
                .init(
                    leaf: Int32(node.leaf), restLeaf: Int32(node.restLeaf), parameter: Int32(node.parameter),
                    mixedStart: Int32(mixedStart), mixedEnd: Int32(mixed.count),
                    hasLiterals: !node.literals.isEmpty,
                    hasLiteralsOnly: !node.literals.isEmpty && !hasOpenSegments))
        }
        return RouteIndex(
            nodes: flat, literals: LiteralTable(keys, pool: pool), mixed: mixed, worstCaseSteps: worstCaseSteps())
    }

    /// The more literal text, the sooner; and where it is as much, in order of declaration.
    private func byLiteralLength(_ edges: [(literals: [[UInt8]], child: Int)]) -> [(literals: [[UInt8]], child: Int)] {
        func length(_ index: Int) -> Int { edges[index].literals.reduce(0) { $0 + $1.count } }
        return edges.indices.sorted { (length($0), $1) > (length($1), $0) }.map { edges[$0] }
    }

    /// The most steps that a path can cause: of a node's literals at most one goes on, of everything else all may.
    private func worstCaseSteps() -> Int {
        var costs = [Int](repeating: 0, count: nodes.count)
        // A node's children come after it.
        for (number, node) in nodes.enumerated().reversed() {
            var cost = 1
            if !node.literals.isEmpty { cost += 1 + (node.literals.map { costs[$0.child] }.max() ?? 0) }
            for edge in node.mixed { cost += 1 + costs[edge.child] }
            if node.parameter >= 0 { cost += 1 + costs[node.parameter] }
            if node.restLeaf >= 0 { cost += 1 }
            costs[number] = cost
        }
        return costs[0]
    }
}
