/// How large the parts of a form may be.
public struct MultipartLimits: Sendable {
    /// Parts of a form: 100.
    public var maxParts = 100
    /// The fields of one part, in bytes, with their line ends: 10 KiB.
    public var maxPartHeaderBytes = 10_240

    public init() {}
}

/// A form was refused.
public struct MultipartError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The status to answer: 400.
    public var status = 400
    /// What the peer must mend. Static text.
    public var message: String

    public var description: String { message }
}

/// Parses a `multipart/form-data` body (RFC 7578, RFC 2046 section 5.1) as it comes: bytes in, events out.
///
/// A value, resumable at any byte, and linear in what it is given. What comes before the first delimiter and after the last
/// one is ignored.
public struct MultipartParser: Sendable {
    public enum Event: Sendable {
        /// Nothing more can be said without more input.
        case needMoreInput
        /// A part begins.
        case part(MultipartPart)
        /// A stretch of the part's content, as offsets into the input passed. Never empty.
        case content(Range<Int>)
        /// The part has come to its end.
        case endOfPart
        /// The form has come to its end. What follows is ignored.
        case end
        case failure(MultipartError)
    }

    private enum State: UInt8 { case preamble, afterDelimiter, header, content, end, failed }

    private let limits: MultipartLimits
    /// CR LF, two hyphens, and the boundary.
    private let delimiter: [UInt8]
    /// How far back in the delimiter to go on where a byte does not fit (Knuth, Morris, Pratt).
    private let fallback: [Int]
    private var state = State.preamble
    private var parts = 0
    private var failure = MultipartError(message: "")
    /// How much of the section in progress was looked at: it is given again with what comes next.
    private var scanned = 0
    /// How much of the delimiter the bytes before `scanned` are.
    private var matched = 2

    /// - Parameter boundary: from the Content-Type, see ``boundary(ofContentType:)``.
    public init(boundary: String, limits: MultipartLimits = MultipartLimits()) {
        self.limits = limits
        delimiter = Array("\r\n--".utf8) + Array(boundary.utf8)
        var fallback = [0]
        var length = 0
        for index in delimiter.indices.dropFirst() {
            while length > 0, delimiter[index] != delimiter[length] { length = fallback[length - 1] }
            if delimiter[index] == delimiter[length] { length += 1 }
            fallback.append(length)
        }
        self.fallback = fallback
    }

    /// Whether the form has come to its end.
    public var isAtEnd: Bool { state == .end }

    /// Takes the next event out of `input`.
    /// - Parameters:
    ///   - input: All bytes received and not consumed, from the first of them.
    ///   - consumed: Set to how many bytes of `input` are done with.
    public mutating func next(_ input: Span<UInt8>, consumed: inout Int) -> Event {
        consumed = 0
        while true {
            switch state {
            case .preamble:
                // The first delimiter may be without its line end, as it is at the very beginning.
                guard let end = find(input) else {
                    consumed = dropMatched(input.count)
                    return .needMoreInput
                }
                consumed = end
                begin(.afterDelimiter)
            case .afterDelimiter:
                guard let event = afterDelimiter(input, &consumed) else { continue }
                return event
            case .header: return header(input, &consumed)
            case .content: return content(input, &consumed)
            case .end:
                consumed = input.count
                return .needMoreInput
            case .failed: return .failure(failure)
            }
        }
    }

    /// The body has come to its end. Nil if the form has too; otherwise what is wrong.
    public func finish() -> MultipartError? {
        switch state {
        case .end: nil
        case .failed: failure
        default: MultipartError(message: "the form ends before its last delimiter")
        }
    }

    private mutating func begin(_ next: State) {
        state = next
        scanned = 0
        matched = 0
    }

    private mutating func fail(_ message: String) -> Event {
        state = .failed
        failure = MultipartError(message: message)
        return .failure(failure)
    }

    /// Looks on for the delimiter. Returns where it ends.
    private mutating func find(_ input: Span<UInt8>) -> Int? {
        while scanned < input.count {
            let byte = input[scanned]
            while matched > 0, byte != delimiter[matched] { matched = fallback[matched - 1] }
            if byte == delimiter[matched] { matched += 1 }
            scanned += 1
            if matched == delimiter.count { return scanned }
        }
        return nil
    }

    /// All that was looked at is consumed but what may be the beginning of a delimiter. Returns how much that is.
    private mutating func dropMatched(_ count: Int) -> Int {
        // At the very beginning a line end counts as there that is not.
        let kept = min(matched, count)
        scanned = kept
        return count - kept
    }

    private mutating func afterDelimiter(_ input: Span<UInt8>, _ consumed: inout Int) -> Event? {
        // Blanks may stand between a delimiter and its line end (RFC 2046 section 5.1.1).
        var index = consumed + scanned
        if index == consumed, index < input.count, input[index] == UInt8(ascii: "-") {
            guard input.count - index >= 2 else { return .needMoreInput }
            guard input[index + 1] == UInt8(ascii: "-") else { return fail("a delimiter does not end its line") }
            consumed = index + 2
            begin(.end)
            return .end
        }
        while index < input.count, ASCII.isBlank(input[index]) {
            index += 1
            scanned += 1
            guard scanned <= 256 else { return fail("a delimiter does not end its line") }
        }
        guard input.count - index >= 2 else {
            if index < input.count, input[index] != ASCII.cr { return fail("a delimiter does not end its line") }
            return .needMoreInput
        }
        guard input[index] == ASCII.cr, input[index + 1] == ASCII.lf else {
            return fail("a delimiter does not end its line")
        }
        guard parts < limits.maxParts else { return fail("the form has too many parts; send fewer") }
        parts += 1
        consumed = index + 2
        begin(.header)
        return nil
    }

    private mutating func header(_ input: Span<UInt8>, _ consumed: inout Int) -> Event {
        let start = consumed
        var index = start + scanned
        // The fields end with an empty line; there may be none, and then it is the first.
        while index < input.count {
            if input[index] == ASCII.lf, index > start, input[index - 1] == ASCII.cr,
                index == start + 1 || index >= start + 3 && input[index - 2] == ASCII.lf && input[index - 3] == ASCII.cr
            {
                let fields = input.extracting(start..<index + 1)
                do {
                    let part = try MultipartPart(fields)
                    consumed = index + 1
                    begin(.content)
                    // The line end of the fields may be that of a delimiter: the content is empty then.
                    matched = 2
                    return .part(part)
                } catch {
                    return fail(error.message)
                }
            }
            index += 1
            guard index - start <= limits.maxPartHeaderBytes else {
                return fail("a part's fields are too long; send shorter ones")
            }
        }
        scanned = index - start
        return .needMoreInput
    }

    private mutating func content(_ input: Span<UInt8>, _ consumed: inout Int) -> Event {
        let start = consumed
        // `matched` may count the line end of the fields, which is no byte of the content's.
        let window = input.extracting(start..<input.count)
        if let end = find(window) {
            let length = end - delimiter.count
            if length > 0 {
                // The content first; the delimiter is found again by the next call.
                begin(.content)
                consumed = start + length
                return .content(start..<start + length)
            }
            consumed = start + end
            begin(.afterDelimiter)
            return .endOfPart
        }
        let count = dropMatched(window.count)
        consumed = start + count
        return count > 0 ? .content(start..<start + count) : .needMoreInput
    }
}
