/// What a Range field asks for (RFC 9110 section 14.1).
public struct ByteRanges: Sendable, Equatable {
    /// One range, before the length of what it is a part of is known.
    public enum Spec: Sendable, Equatable {
        /// From a position to another, that included, or to the end.
        case from(Int, through: Int?)
        /// So many bytes at the end.
        case suffix(Int)
    }

    public var specs: [Spec]

    /// More ranges than this are not served: the field is ignored.
    public static let most = 100

    /// Nil if the field is to be ignored: another unit than bytes, malformed, or too many ranges. Linear.
    public init?(_ field: String) {
        let bytes = Array(field.utf8)
        let unit = Array("bytes=".utf8)
        guard bytes.count > unit.count, zip(bytes, unit).allSatisfy({ ASCII.lowercased($0) == $1 }) else { return nil }
        var specs: [Spec] = []
        for part in bytes[unit.count...].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let part = Self.trimmed(part)
            // Empty members of a list are allowed (RFC 9110 section 5.6.1).
            if part.isEmpty { continue }
            guard specs.count < Self.most, let spec = Self.spec(part) else { return nil }
            specs.append(spec)
        }
        guard !specs.isEmpty else { return nil }
        self.specs = specs
    }

    /// The ranges that a body of `length` bytes can give, in the order in which they were asked for, those that overlap or touch
    /// joined in one. Empty if it can give none: 416.
    public func resolved(length: Int) -> [Range<Int>] {
        var ranges: [(range: Range<Int>, order: Int)] = []
        for (order, spec) in specs.enumerated() {
            switch spec {
            case .from(let start, let last):
                guard start < length else { continue }
                ranges.append((start..<min(length, last.map { $0 == .max ? .max : $0 + 1 } ?? length), order))
            case .suffix(let count):
                guard count > 0, length > 0 else { continue }
                ranges.append((max(0, length - count)..<length, order))
            }
        }
        var joined: [(range: Range<Int>, order: Int)] = []
        for next in ranges.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            if let last = joined.last, next.range.lowerBound <= last.range.upperBound {
                let end = max(last.range.upperBound, next.range.upperBound)
                joined[joined.count - 1] = (last.range.lowerBound..<end, min(last.order, next.order))
            } else {
                joined.append(next)
            }
        }
        return joined.sorted { $0.order < $1.order }.map(\.range)
    }

    private static func spec(_ part: ArraySlice<UInt8>) -> Spec? {
        guard let hyphen = part.firstIndex(of: UInt8(ascii: "-")) else { return nil }
        let (first, last) = (part[..<hyphen], part[(hyphen + 1)...])
        if first.isEmpty { return number(last).map { .suffix($0) } }
        guard let start = number(first) else { return nil }
        if last.isEmpty { return .from(start, through: nil) }
        guard let end = number(last), end >= start else { return nil }
        return .from(start, through: end)
    }

    /// Digits and nothing else. A number that is too large for any body is as good as the largest.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty else { return nil }
        var value = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(digit) - 48)
            value = overflow || carry || value == .max ? .max : sum
        }
        return value
    }

    private static func trimmed(_ part: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var part = part
        while let first = part.first, ASCII.isBlank(first) { part.removeFirst() }
        while let last = part.last, ASCII.isBlank(last) { part.removeLast() }
        return part
    }
}
