/// The form of a path: literal text, with named parameters in braces.
///
/// | Written | Matches | Does not match |
/// | --- | --- | --- |
/// | `/reports/{id}` | `/reports/7` | `/reports/`, `/reports/7/`, `/reports/7/x` |
/// | `/files/{name}.json` | `/files/a.json`, `/files/a.b.json` | `/files/.json` |
/// | `/v{major}.{minor}` | `/v1.2`, `/v1.2.3` (`minor` is `2.3`) | `/v1` |
/// | `/docs/{path...}` | `/docs/`, `/docs/a`, `/docs/a/b` | `/docs` |
///
/// A parameter takes one segment or a part of one, and at least one character. Where several share a segment, each
/// takes as little as it can, from left to right. `{name...}` stands last and takes the rest of the path with its
/// slashes; it may be empty when the path ends with the slash before it. A slash at the end is significant.
///
/// Literal text is written plainly (`/café`) or escaped (`/caf%C3%A9`): both are the same pattern and match both
/// spellings in a request. `%7B` and `%7D` write braces, `%25` a percent sign. Text is compared byte by byte, with
/// regard to case, and without Unicode normalisation.
///
/// Two patterns are equal when they match the same paths and give their parameters the same names.
public struct PathPattern: Sendable {
    /// One piece of a pattern between two slashes.
    enum Segment: Hashable, Sendable {
        /// Literal text, decoded. It is empty for the slash at the end of a pattern.
        case literal([UInt8])
        /// Literal text round parameters: one literal more than names; the first and the last may be empty.
        case mixed(literals: [[UInt8]], names: [String])
        /// `{name}`.
        case parameter(String)
        /// `{name...}`, only at the end.
        case rest(String)
    }

    /// The pattern as it was written.
    public let source: String
    /// The names of the parameters, from left to right.
    public let parameterNames: [String]
    let segments: [Segment]

    /// Parses a pattern.
    ///
    /// - Throws: ``PathPatternError``, which says where the mistake is and what to write instead.
    public init(_ source: String) throws(PathPatternError) {
        var parser = PathPatternParser(source)
        let segments = try parser.parse()
        self.source = source
        self.segments = segments
        self.parameterNames = parser.names
    }
}

extension PathPattern: Hashable {
    public static func == (left: PathPattern, right: PathPattern) -> Bool {
        left.segments == right.segments
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(segments)
    }
}

extension PathPattern: CustomStringConvertible {
    /// The pattern as it was written.
    public var description: String { source }
}

extension PathPattern {
    /// Writes the path that this pattern matches with the values given: the reverse of matching.
    ///
    /// Values are plain text. They are escaped for their place: a slash in the value of `{name}` becomes `%2F`, in the
    /// value of `{name...}` it stays. Reading the resulting path gives the same values again.
    ///
    /// ```swift
    /// try PathPattern("/reports/{id}").path(filling: ["id": "a/b"])   // "/reports/a%2Fb"
    /// ```
    ///
    /// - Throws: ``PathFillingError`` where a value is missing, is not a parameter's, or cannot be written so that
    ///   it is read again.
    public func path(filling values: [String: String]) throws(PathFillingError) -> String {
        for name in values.keys.sorted() where !parameterNames.contains(name) {
            throw failure(.unknownParameter, name)
        }
        var output: [UInt8] = []
        for segment in segments {
            output.append(PercentEscapes.slash)
            switch segment {
            case .literal(let bytes):
                PercentEscapes.append(bytes, to: &output, keeping: .segmentCharacters)
            case .parameter(let name):
                let text = try value(of: name, in: values)
                guard text != ".", text != ".." else { throw failure(.dotSegment, name) }
                PercentEscapes.append(text.utf8, to: &output, keeping: .valueCharacters)
            case .mixed(let literals, let names):
                try appendMixed(literals, names, values, to: &output)
            case .rest(let name):
                try appendRest(name, values, to: &output)
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private func appendMixed(
        _ literals: [[UInt8]], _ names: [String], _ values: [String: String], to output: inout [UInt8]
    ) throws(PathFillingError) {
        let start = output.count
        var decoded: [UInt8] = []
        for (literal, name) in zip(literals, names) {
            let text = try value(of: name, in: values)
            PercentEscapes.append(literal, to: &output, keeping: .segmentCharacters)
            PercentEscapes.append(text.utf8, to: &output, keeping: .valueCharacters)
            decoded += literal + Array(text.utf8)
        }
        if let suffix = literals.last {
            PercentEscapes.append(suffix, to: &output, keeping: .segmentCharacters)
            decoded += suffix
        }
        guard decoded != Array(".".utf8), decoded != Array("..".utf8) else {
            throw failure(.dotSegment, names.first ?? "")
        }
        // Read it again: what comes out has to be what went in.
        let template = SegmentTemplate(literals)
        var captures = [Range<Int>](repeating: 0..<0, count: names.count)
        let matched = template.match(output.span, start..<output.count) { captures[$0] = $1 }
        for (name, range) in zip(names, captures) {
            let read = PercentEscapes.decodedBytes(output.span, range)
            guard matched, read == Array((values[name] ?? "").utf8) else { throw failure(.ambiguousValue, name) }
        }
    }

    private func appendRest(
        _ name: String, _ values: [String: String], to output: inout [UInt8]
    ) throws(PathFillingError) {
        guard let text = values[name] else { throw failure(.missingValue, name) }
        let pieces = text.utf8.split(separator: PercentEscapes.slash, omittingEmptySubsequences: false)
        if output.count == 1, pieces.count > 1, pieces[0].isEmpty { throw failure(.leadingDoubleSlash, name) }
        for (index, piece) in pieces.enumerated() {
            guard !piece.elementsEqual(".".utf8), !piece.elementsEqual("..".utf8) else {
                throw failure(.dotSegment, name)
            }
            if index > 0 { output.append(PercentEscapes.slash) }
            PercentEscapes.append(piece, to: &output, keeping: .valueCharacters)
        }
    }

    private func value(of name: String, in values: [String: String]) throws(PathFillingError) -> String {
        guard let text = values[name] else { throw failure(.missingValue, name) }
        guard !text.isEmpty else { throw failure(.emptyValue, name) }
        return text
    }

    private func failure(_ reason: PathFillingError.Reason, _ name: String) -> PathFillingError {
        PathFillingError(reason: reason, parameter: name, pattern: source)
    }
}
