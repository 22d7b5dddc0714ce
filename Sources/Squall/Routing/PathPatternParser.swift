/// Reads the text of a ``PathPattern``.
struct PathPatternParser {
    private let source: String
    private let bytes: [UInt8]
    private var index = 0
    private(set) var names: [String] = []

    init(_ source: String) {
        self.source = source
        self.bytes = Array(source.utf8)
    }

    mutating func parse() throws(PathPatternError) -> [PathPattern.Segment] {
        guard bytes.first == PercentEscapes.slash else { throw failure(.missingLeadingSlash, at: 0) }
        var segments: [PathPattern.Segment] = []
        while index < bytes.count {
            let slash = index
            index += 1
            let segment = try parseSegment()
            if case .literal(let literal) = segment {
                if literal.isEmpty, index < bytes.count { throw failure(.emptySegment, at: slash) }
                if literal == Array(".".utf8) || literal == Array("..".utf8) {
                    throw failure(.dotSegment, at: slash + 1)
                }
            }
            segments.append(segment)
        }
        return segments
    }

    /// Reads up to the next slash or the end, and leaves `index` there.
    private mutating func parseSegment() throws(PathPatternError) -> PathPattern.Segment {
        let start = index
        var literals: [[UInt8]] = [[]]
        var segmentNames: [String] = []
        while index < bytes.count, bytes[index] != PercentEscapes.slash {
            switch bytes[index] {
            case UInt8(ascii: "{"):
                let brace = index
                let (name, isRest) = try parseParameter()
                if isRest {
                    guard index == bytes.count else { throw failure(.restNotLast(name), at: brace) }
                    guard brace == start else { throw failure(.restNotAlone(name), at: brace) }
                    return .rest(name)
                }
                if let previous = segmentNames.last, literals[literals.count - 1].isEmpty {
                    throw failure(.adjacentParameters(previous, name), at: brace)
                }
                segmentNames.append(name)
                literals.append([])
            case UInt8(ascii: "}"):
                throw failure(.unmatchedClosingBrace, at: index)
            case UInt8(ascii: "?"), UInt8(ascii: "#"):
                throw failure(.queryOrFragment, at: index)
            default:
                let (byte, length) = PercentEscapes.unit(in: bytes.span, at: index, limit: bytes.count)
                if bytes[index] == PercentEscapes.percent, length == 1 {
                    throw failure(.malformedEscape, at: index)
                }
                literals[literals.count - 1].append(byte)
                index += length
            }
        }
        switch segmentNames.count {
        case 0: return .literal(literals[0])
        case 1 where literals.allSatisfy(\.isEmpty): return .parameter(segmentNames[0])
        default: return .mixed(literals: literals, names: segmentNames)
        }
    }

    /// Reads `{name}` or `{name...}`, and leaves `index` behind it.
    private mutating func parseParameter() throws(PathPatternError) -> (name: String, isRest: Bool) {
        let brace = index
        let stops: [UInt8] = [UInt8(ascii: "{"), UInt8(ascii: "}"), PercentEscapes.slash]
        guard let end = bytes[(brace + 1)...].firstIndex(where: stops.contains), bytes[end] == UInt8(ascii: "}") else {
            throw failure(.unclosedBrace, at: brace)
        }
        var text = bytes[(brace + 1)..<end]
        let isRest = text.count >= 3 && text.suffix(3).allSatisfy { $0 == UInt8(ascii: ".") }
        if isRest { text.removeLast(3) }
        let name = String(decoding: text, as: UTF8.self)
        guard !name.isEmpty else { throw failure(.emptyName, at: brace) }
        guard text.allSatisfy(Self.isNameByte) else { throw failure(.invalidName(name), at: brace + 1) }
        guard !names.contains(name) else { throw failure(.duplicateName(name), at: brace + 1) }
        names.append(name)
        index = end + 1
        return (name, isRest)
    }

    /// Letters, digits, `_`, `-`, and whatever is not ASCII.
    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), 0x80...0xFF:
            true
        default:
            false
        }
    }

    private func failure(_ reason: PathPatternError.Reason, at offset: Int) -> PathPatternError {
        let position = String(decoding: bytes[..<offset], as: UTF8.self).count + 1
        return PathPatternError(reason: reason, pattern: source, position: position)
    }
}
