/// The closest of some words, as an addition to a message; empty where none is close.
func suggestion(for word: String, among words: some Sequence<String>) -> String {
    var best: (word: String, distance: Int)?
    for candidate in words {
        let distance = editDistance(Array(word.utf8.prefix(64)), Array(candidate.utf8.prefix(64)))
        if distance <= max(1, candidate.utf8.count / 3), distance < best?.distance ?? .max {
            best = (candidate, distance)
        }
    }
    return best.map { "; did you mean '\($0.word)'?" } ?? ""
}

/// How many bytes are to be put in, taken out, changed, or exchanged with the next.
private func editDistance(_ one: [UInt8], _ other: [UInt8]) -> Int {
    var before: [Int] = []
    var row = Array(0...other.count)
    for (index, byte) in one.enumerated() {
        var next = [index + 1]
        for (column, otherByte) in other.enumerated() {
            var least = min(row[column] + (byte == otherByte ? 0 : 1), row[column + 1] + 1, next[column] + 1)
            if index > 0, column > 0, byte == other[column - 1], one[index - 1] == otherByte {
                least = min(least, before[column - 1] + 1)
            }
            next.append(least)
        }
        before = row
        row = next
    }
    return row[other.count]
}
