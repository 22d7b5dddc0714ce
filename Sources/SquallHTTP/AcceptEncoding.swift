/// Which content codings a client takes (RFC 9110 section 12.5.3).
///
/// Only what it says of the codings that are asked about here is kept, so a list of any length costs one look at each
/// byte. An element that is malformed says nothing.
public struct AcceptEncoding: Sendable, Equatable {
    /// The codings that a server of ours can make.
    public enum Coding: Sendable { case gzip, brotli }

    // In thousandths; nil for what is not named.
    private var gzip: Int?
    private var brotli: Int?
    private var identity: Int?
    private var others: Int?

    /// - Parameter field: the field's value; several fields are joined with commas.
    public init(_ field: String) {
        let list = Array(field.utf8)
        let bytes = list.span
        var start = 0
        while start <= bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != UInt8(ascii: ",") { end += 1 }
            add(bytes, start..<end)
            start = end + 1
        }
    }

    /// How much the client likes the coding, in thousandths. 0: not at all.
    public func quality(of coding: Coding) -> Int {
        switch coding {
        case .gzip: gzip ?? others ?? 0
        case .brotli: brotli ?? others ?? 0
        }
    }

    /// How much it likes what has no coding. Without a word about it that is fine, and less liked than any coding.
    private var qualityOfIdentity: Int? { identity ?? (others == 0 ? 0 : nil) }

    /// The coding to send, of those given, the better first: the one that the client likes most, and the first of
    /// equals. Nil: none, because the client takes none of them or likes it better without. A client that takes neither
    /// is sent no coding.
    public func preferred(of codings: [Coding]) -> Coding? {
        var best: Coding?
        var bestQuality = 0
        for coding in codings where quality(of: coding) > bestQuality {
            (best, bestQuality) = (coding, quality(of: coding))
        }
        if let identity = qualityOfIdentity, identity > bestQuality { return nil }
        return best
    }

    /// An element: a coding, and maybe its weight. The first element for a coding counts.
    private mutating func add(_ bytes: Span<UInt8>, _ element: Range<Int>) {
        var end = element.lowerBound
        while end < element.upperBound, bytes[end] != UInt8(ascii: ";") { end += 1 }
        let name = trimmed(bytes, element.lowerBound..<end)
        var quality = 1_000
        if end < element.upperBound {
            guard let weight = Self.weight(bytes, trimmed(bytes, end + 1..<element.upperBound)) else { return }
            quality = weight
        }
        if equals(bytes, name, "gzip") || equals(bytes, name, "x-gzip") {
            gzip = gzip ?? quality
        } else if equals(bytes, name, "br") {
            brotli = brotli ?? quality
        } else if equals(bytes, name, "identity") {
            identity = identity ?? quality
        } else if equals(bytes, name, "*") {
            others = others ?? quality
        }
    }

    /// `q=0.5`, of up to three digits behind the point, in thousandths.
    private static func weight(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
        let start = range.lowerBound
        guard (3...7).contains(range.count), ASCII.lowercased(bytes[start]) == UInt8(ascii: "q"),
            bytes[start + 1] == UInt8(ascii: "="),
            bytes[start + 2] == UInt8(ascii: "0") || bytes[start + 2] == UInt8(ascii: "1")
        else { return nil }
        var value = Int(bytes[start + 2] - UInt8(ascii: "0")) * 1_000
        guard range.count > 3 else { return value }
        guard bytes[start + 3] == UInt8(ascii: ".") else { return nil }
        var unit = 100
        for index in start + 4..<range.upperBound {
            guard ASCII.isDigit(bytes[index]) else { return nil }
            value += Int(bytes[index] - UInt8(ascii: "0")) * unit
            unit /= 10
        }
        return value <= 1_000 ? value : nil
    }
}

private func trimmed(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
    var (lower, upper) = (range.lowerBound, range.upperBound)
    while lower < upper, ASCII.isBlank(bytes[lower]) { lower += 1 }
    while upper > lower, ASCII.isBlank(bytes[upper - 1]) { upper -= 1 }
    return lower..<upper
}

private func equals(_ bytes: Span<UInt8>, _ range: Range<Int>, _ name: StaticString) -> Bool {
    guard range.count == name.utf8CodeUnitCount else { return false }
    return name.withUTF8Buffer { name in
        for index in 0..<range.count where ASCII.lowercased(bytes[range.lowerBound + index]) != name[index] {
            return false
        }
        return true
    }
}
