extension Relief {
    /// The line of an altitude, as SVG draws paths: where it crosses the edges of the squares.
    func contour(_ level: Double) -> String {
        var path = ""
        for y in altitudes.indices.dropLast() {
            for x in altitudes[y].indices.dropLast() {
                let corners = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1), (x, y)]
                let heights = corners.map { altitudes[$0.1][$0.0] - level }
                var isStart = true
                for (a, b) in zip(0..<4, 1...4) where (heights[a] < 0) != (heights[b] < 0) {
                    let part = heights[a] / (heights[a] - heights[b])
                    path += (isStart ? "M" : "L") + point(corners[a], corners[b], part)
                    isStart.toggle()
                }
            }
        }
        return path
    }

    /// A part of the way from one corner to another.
    private func point(_ a: (Int, Int), _ b: (Int, Int), _ part: Double) -> String {
        func tenths(_ a: Int, _ b: Int) -> Double {
            ((Double(a) + part * Double(b - a)) * Double(Self.step) * 10).rounded() / 10
        }
        return "\(tenths(a.0, b.0)) \(tenths(a.1, b.1))"
    }
}
