/// A landscape that nobody has been to: some hills, made up from a name.
struct Relief {
    static let (width, height, step) = (320, 200, 8)
    /// At the corners of small squares, row by row.
    let altitudes: [[Double]]

    init(of name: String) {
        // Not Swift's hash, which is another one in each run.
        var state = name.utf8.reduce(0x9e37_79b9_7f4a_7c15 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        func next(_ range: ClosedRange<Double>) -> Double {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return range.lowerBound + Double(state >> 11) / 0x1p53 * (range.upperBound - range.lowerBound)
        }
        let hills = (0..<6).map { _ in
            (x: next(20...280), y: next(20...180), height: next(0.4...1), width: next(25...60))
        }
        altitudes = stride(from: 0, through: Self.height, by: Self.step).map { y in
            stride(from: 0, through: Self.width, by: Self.step).map { x in
                hills.reduce(0) { sum, hill in
                    let (dx, dy) = ((Double(x) - hill.x) / hill.width, (Double(y) - hill.y) / hill.width)
                    return sum + hill.height / (1 + dx * dx + dy * dy)
                }
            }
        }
    }

    /// Fifteen altitudes, from the lowest place to the highest.
    var levels: [Double] {
        let all = altitudes.joined()
        let (low, high) = (all.min() ?? 0, all.max() ?? 1)
        return (1...15).map { low + (high - low) * Double($0) / 15.5 }
    }

    struct Summit {
        var x: Int, y: Int, metres: Int
    }

    /// Places that are higher than those around them, and not too near to an edge to be lettered.
    var summits: [Summit] {
        var found: [Summit] = []
        for y in 2..<altitudes.count - 2 {
            for x in 2..<altitudes[y].count - 4 {
                let around = altitudes[y - 1...y + 1].flatMap { $0[x - 1...x + 1] }
                guard altitudes[y][x] == around.max() else { continue }
                found.append(Summit(x: x * Self.step, y: y * Self.step, metres: Int(altitudes[y][x] * 900)))
            }
        }
        return found
    }
}
