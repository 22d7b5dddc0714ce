/// Literal text round parameters within one segment, as in `v{major}.{minor}`, ready to be matched.
///
/// The first literal has to stand at the start and the last at the end; each literal between them is looked for from
/// left to right, its first place being taken. That finds a match whenever there is one, without trying again, since
/// what an earlier place leaves to the later parameters contains what a later place would leave to them.
struct SegmentTemplate: Sendable {
    /// The literals, one more than there are parameters, as ranges of `pool`.
    private let literals: [Range<Int>]
    private let pool: [UInt8]

    init(_ literals: [[UInt8]]) {
        var pool: [UInt8] = []
        self.literals = literals.map { literal in
            let start = pool.count
            pool += literal
            return start..<pool.count
        }
        self.pool = pool
    }

    /// How many parameters there are.
    var parameterCount: Int { literals.count - 1 }

    /// Whether `path[segment]` has this form. `record` is told which parameter is where; what it was told before a
    /// `false` means nothing.
    func match(_ path: Span<UInt8>, _ segment: Range<Int>, record: (Int, Range<Int>) -> Void) -> Bool {
        let last = literals.count - 1
        guard last >= 1,
            var position = end(of: literals[0], in: path, at: segment.lowerBound, limit: segment.upperBound),
            let stop = start(of: literals[last], in: path, endingAt: segment.upperBound, floor: position)
        else { return false }
        for parameter in 0..<(last - 1) {
            guard position < stop else { return false }
            var candidate = position + PercentEscapes.unit(in: path, at: position, limit: stop).length
            var found: Int?
            while candidate < stop {
                found = end(of: literals[parameter + 1], in: path, at: candidate, limit: stop)
                if found != nil { break }
                candidate += PercentEscapes.unit(in: path, at: candidate, limit: stop).length
            }
            guard let found else { return false }
            record(parameter, position..<candidate)
            position = found
        }
        guard position < stop else { return false }
        record(last - 1, position..<stop)
        return true
    }

    /// Where `literal` ends if it stands at `start`.
    private func end(of literal: Range<Int>, in path: Span<UInt8>, at start: Int, limit: Int) -> Int? {
        var position = start
        for index in literal {
            guard position < limit else { return nil }
            let (byte, length) = PercentEscapes.unit(in: path, at: position, limit: limit)
            guard byte == pool[index] else { return nil }
            position += length
        }
        return position
    }

    /// Where `literal` starts if it ends at `limit`.
    private func start(of literal: Range<Int>, in path: Span<UInt8>, endingAt limit: Int, floor: Int) -> Int? {
        var position = limit
        for index in literal.reversed() {
            guard position > floor else { return nil }
            let (byte, length) = PercentEscapes.unitBefore(position, in: path, floor: floor)
            guard byte == pool[index] else { return nil }
            position -= length
        }
        return position
    }
}
