/// A route that nearly answered a path that has none.
struct NearMiss {
    let route: RouteEntry
    let reason: String

    /// Of a path no more than this is looked at.
    private static let mostSegments = 16
    private static let longestSegment = 64

    /// Up to five, the closest first.
    static func find(_ path: String, among entries: ArraySlice<RouteEntry>) -> [NearMiss] {
        let asked = segments(path)
        var found: [(distance: Int, miss: NearMiss)] = []
        for entry in entries {
            let declared = segments(entry.name)
            if let miss = compare(asked, declared, entry) { found.append(miss) }
        }
        return found.sorted { $0.distance < $1.distance }.prefix(5).map(\.miss)
    }

    private static func compare(
        _ asked: [[UInt8]], _ declared: [[UInt8]], _ entry: RouteEntry
    ) -> (distance: Int, miss: NearMiss)? {
        func miss(_ distance: Int, _ reason: String) -> (distance: Int, miss: NearMiss) {
            (distance, NearMiss(route: entry, reason: reason))
        }
        if fits(asked, declared) {
            return entry.host == nil ? nil : miss(0, "answers another host")
        }
        if fits(asked + [[]], declared) { return miss(1, "has a slash at its end") }
        if asked.last == [], fits(asked.dropLast(), declared) { return miss(1, "has no slash at its end") }
        guard asked.count == declared.count else { return nil }
        var distance = 0
        for (one, other) in zip(asked, declared) where !isOpen(other) && one != other {
            let (lower, otherLower) = (one.map(lowercased), other.map(lowercased))
            distance += lower == otherLower ? 1 : editDistance(lower, otherLower)
        }
        let literals = declared.filter { !isOpen($0) }.reduce(0) { $0 + $1.count }
        guard distance > 0, distance <= max(1, literals / 3) else { return nil }
        return miss(1 + distance, "is spelled otherwise")
    }

    private static func fits(_ asked: some Collection<[UInt8]>, _ declared: [[UInt8]]) -> Bool {
        asked.count == declared.count && zip(asked, declared).allSatisfy { $0 == $1 || isOpen($1) && !$0.isEmpty }
    }

    private static func isOpen(_ segment: [UInt8]) -> Bool { segment.contains(UInt8(ascii: "{")) }

    private static func segments(_ path: String) -> [[UInt8]] {
        path.utf8.prefix(mostSegments * longestSegment).split(
            separator: UInt8(ascii: "/"), maxSplits: mostSegments, omittingEmptySubsequences: false
        ).dropFirst().map { Array($0.prefix(longestSegment)) }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }

    /// How many bytes are to be put in, taken out or changed.
    private static func editDistance(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var row = Array(0...other.count)
        for (index, byte) in one.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, otherByte) in other.enumerated() {
                let changed = diagonal + (byte == otherByte ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(changed, diagonal + 1, row[column] + 1)
            }
        }
        return row[other.count]
    }
}
