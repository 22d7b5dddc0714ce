/// A resumable HTTP/1.1 request parser: bytes in, events out (RFC 9112).
///
/// A value without I/O. Feed it what a connection has received and not yet consumed, take one event, drop
/// `consumed` bytes, repeat until ``Event/needMoreInput``:
///
///     var consumed = 0
///     let event = parser.next(input, consumed: &consumed)
///
/// The events do not depend on how the input is cut, except that one stretch of body may come as several
/// ``Event/body(_:)`` events. Work is linear in the input, and nothing is allocated per chunk or per body event.
///
/// Where leniency has been a way to smuggle requests the parser is strict: lines end in CR LF, names are tokens,
/// nothing is folded, Host is sent once, and a message has one Content-Length or one `Transfer-Encoding: chunked`,
/// never both. After a ``Event/failure(_:)`` the connection must be closed.
///
/// A copy of a parser shares its limits; a server keeps one parser as a template and copies it per connection.
public struct HTTP1RequestParser: Sendable {
    /// What the parser found.
    public enum Event: Sendable {
        /// Nothing more can be said without more input. Some input may have been consumed.
        case needMoreInput
        /// A request line with its fields.
        case head(HTTP1RequestHead)
        /// A stretch of the body, as offsets into the `input` passed. Never empty.
        case body(Range<Int>)
        /// The end of the message. The parser is ready for the next head.
        ///
        /// Trailers come in order and are not merged into the head. Fields that frame, route, authenticate or
        /// describe a message have no business among them and are left out (RFC 9110 section 6.5.1).
        case end(trailers: [(name: String, value: String)])
        /// The message is refused. Every later call gives the same failure and consumes nothing.
        case failure(HTTP1ParseError)
    }

    enum State: UInt8 {
        case head, bodyStart, fixedBody, chunkSize, chunkExtension, chunkLineEnd, chunkData, chunkCR, chunkLF
        case trailers, finish, failed
    }

    let limits: HTTP1LimitStore
    /// Fields of the head or trailer section in progress; empty otherwise, and then without storage.
    var fields: [FieldRange] = []
    /// Body bytes to come: of the whole body, or of the chunk in progress, or the chunk size read so far.
    var remaining = 0
    /// Body bytes announced by chunk sizes so far, those to come included.
    var chunkedTotal = 0
    /// Bytes of chunk lines so far.
    var chunkOverhead = 0
    /// The body limit of the message in progress.
    var bodyLimit: Int
    /// Start of the line in progress, from the start of its section.
    var lineStart: UInt32 = 0
    /// How far the section in progress has been looked at; in a chunk line, how long that is so far.
    var scanned: UInt32 = 0
    var state = State.head
    var failure = HTTP1Failure.badRequestLine
    /// Whether the one empty line that may precede a request line has been seen.
    var skippedEmptyLine = false
    /// Digits of the chunk size in progress.
    var chunkDigits: UInt8 = 0

    /// Makes a parser that waits for a request line.
    public init(limits: HTTP1Limits = HTTP1Limits()) {
        self.limits = HTTP1LimitStore(limits)
        bodyLimit = self.limits.bodyBytes
    }

    /// Whether the parser is between messages and has not seen a byte of the next head.
    ///
    /// An empty line before a request line (RFC 9112 section 2.2) is not part of the head.
    public var isIdle: Bool { state == .head && scanned == 0 }

    /// Whether the parser is between the ``Event/head(_:)`` of a message with a body and its
    /// ``Event/end(trailers:)``.
    public var isInBody: Bool {
        switch state {
        case .head, .finish, .failed: false
        default: true
        }
    }

    /// How many bytes of the body are still to be parsed; nil while that is not known, as of a chunked body.
    public var missingBodyBytes: Int? { state == .fixedBody || state == .bodyStart ? remaining : nil }

    /// The body limit of the message in progress, in bytes.
    public var bodyLimitInForce: Int { bodyLimit }

    /// Replaces the body limit for the message in progress, in bytes.
    ///
    /// To be called after ``Event/head(_:)`` and before the next call of ``next(_:consumed:)``. A Content-Length
    /// over the limit is refused with 413 on that call; a chunked body as soon as its chunk sizes add up to more.
    /// The next message has the limit of ``HTTP1Limits/maxBodyBytes`` again.
    public mutating func setBodyLimit(_ bytes: Int) {
        bodyLimit = max(bytes, 0)
    }

    /// Takes the next event out of `input`.
    ///
    /// While a head is incomplete nothing of it is consumed: call again with the same bytes and more appended. The
    /// parser remembers how far it has looked. (An empty line before a head, chunk lines and bodies are consumed as
    /// they come.)
    ///
    /// - Parameters:
    ///   - input: All bytes received and not consumed, from the first of them.
    ///   - consumed: Set to how many bytes of `input` are done with.
    /// - Returns: One event. ``Event/failure(_:)`` has consumed nothing.
    public mutating func next(_ input: Span<UInt8>, consumed: inout Int) -> Event {
        consumed = 0
        let event = input.withUnsafeBufferPointer { bytes in
            switch state {
            case .head: return readHead(bytes, &consumed)
            case .bodyStart, .fixedBody: return readFixedBody(bytes, &consumed)
            case .finish:
                reset()
                return .end(trailers: [])
            case .failed: return .failure(failure.error)
            default: return readChunked(bytes, &consumed)
            }
        }
        if state == .failed { consumed = 0 }
        return event
    }

    mutating func fail(_ reason: HTTP1Failure) -> Event {
        state = .failed
        failure = reason
        fields = []
        return .failure(reason.error)
    }

    /// Makes ready for the next head.
    mutating func reset() {
        state = .head
        fields = []
        lineStart = 0
        scanned = 0
        skippedEmptyLine = false
        bodyLimit = limits.bodyBytes
    }
}

// MARK: - Head

extension HTTP1RequestParser {
    private mutating func readHead(_ input: Bytes, _ consumed: inout Int) -> Event {
        if scanned == 0, !skippedEmptyLine, let first = input.first, first == ASCII.cr {
            guard input.count > 1 else { return .needMoreInput }
            guard input[1] == ASCII.lf else { return fail(.bareCR) }
            skippedEmptyLine = true
            consumed = 2
        }
        let bytes = Bytes(rebasing: input[consumed...])
        var line: RequestLine?
        let end: Int
        switch readLines(bytes, limit: limits.headerBytes, requestLine: &line) {
        case .incomplete: return .needMoreInput
        case .failure(let reason): return fail(reason)
        case .complete(let offset): end = offset
        }
        return finishHead(bytes, end: end, line: line, &consumed)
    }

    @inline(__always)
    private mutating func finishHead(
        _ bytes: Bytes, end: Int, line: RequestLine?, _ consumed: inout Int
    ) -> Event {
        let requestLine: RequestLine
        if let line {
            requestLine = line
        } else {
            // The request line ended in an earlier call, which validated it and kept nothing but that.
            let lineEnd = bytes.firstControl(from: 0, to: end)
            switch RequestLine.parse(bytes, end: lineEnd) {
            case .value(let value): requestLine = value
            case .failure(let reason): return fail(reason)
            }
        }
        let facts: HeadFacts
        switch HeadFacts.read(bytes, fields, minorVersion: requestLine.minorVersion) {
        case .value(let value): facts = value
        case .failure(let reason): return fail(reason)
        }
        var taken: [FieldRange] = []
        swap(&taken, &fields)
        guard
            let head = HTTP1RequestHead(bytes, end: end, line: requestLine, facts: facts, fields: taken)
        else { return fail(.badMethod) }
        consumed &+= end
        lineStart = 0
        scanned = 0
        chunkedTotal = 0
        chunkOverhead = 0
        switch facts.framing {
        case .none, .length(0): state = .finish
        case .length(let count):
            remaining = count
            state = .bodyStart
        case .chunked: beginChunk()
        }
        return .head(head)
    }

    enum Lines {
        case incomplete
        case complete(Int)
        case failure(HTTP1Failure)
    }

    /// Reads field lines, and a request line before them if the state is ``State/head``, up to the empty line that
    /// ends the section. Resumes where the last call with the same section stopped.
    ///
    /// - Parameters:
    ///   - bytes: The section from its start, the same bytes on every call with more appended.
    ///   - limit: How long the section may be.
    /// - Returns: Where the section ends, if it does.
    @inline(__always)
    private mutating func readLines(_ bytes: Bytes, limit: Int, requestLine: inout RequestLine?) -> Lines {
        let isHead = state == .head
        let window = min(bytes.count, limit)
        // A caller that passes fewer bytes than before has lost some; it may get nonsense, but reads stay inside.
        var scan = min(Int(scanned), window)
        var start = min(Int(lineStart), scan)
        while true {
            let end = bytes.firstControl(from: scan, to: window)
            if end == window {
                scan = window
                break
            }
            guard bytes[end] == ASCII.cr else {
                return .failure(bytes[end] == ASCII.lf ? .bareLF : .controlCharacter)
            }
            if end &+ 1 == window {
                scan = end
                break
            }
            guard bytes[end &+ 1] == ASCII.lf else { return .failure(.bareCR) }
            if end == start {
                return isHead && start == 0 ? .failure(.emptyRequestLine) : .complete(end &+ 2)
            }
            if isHead && start == 0 {
                switch RequestLine.parse(bytes, end: end) {
                case .value(let value): requestLine = value
                case .failure(let reason): return .failure(reason)
                }
            } else {
                guard fields.count < limits.headerCount else {
                    return .failure(isHead ? .tooManyFields : .tooManyTrailers)
                }
                switch FieldRange.parse(bytes, from: start, to: end) {
                case .value(let range):
                    if fields.isEmpty { fields.reserveCapacity(16) }
                    fields.append(range)
                case .failure(let reason): return .failure(reason)
                }
            }
            start = end &+ 2
            scan = start
        }
        if bytes.count >= limit {
            return .failure(!isHead ? .trailersTooLong : start == 0 ? .targetTooLong : .headTooLong)
        }
        // Both are at most `limit`, which is at most 2³⁰.
        lineStart = UInt32(truncatingIfNeeded: start)
        scanned = UInt32(truncatingIfNeeded: scan)
        return .incomplete
    }
}

// MARK: - Body

extension HTTP1RequestParser {
    private mutating func readFixedBody(_ input: Bytes, _ consumed: inout Int) -> Event {
        if state == .bodyStart {
            guard remaining <= bodyLimit else { return fail(.bodyTooLong) }
            state = .fixedBody
        }
        let count = min(remaining, input.count)
        guard count > 0 else { return .needMoreInput }
        remaining &-= count
        if remaining == 0 { state = .finish }
        consumed = count
        return .body(0..<count)
    }

    private mutating func beginChunk() {
        state = .chunkSize
        remaining = 0
        chunkDigits = 0
        scanned = 0
    }

    /// Chunk size, extensions, data and trailers (RFC 9112 section 7.1).
    private mutating func readChunked(_ input: Bytes, _ consumed: inout Int) -> Event {
        var index = 0
        while index < input.count {
            switch state {
            case .chunkSize, .chunkExtension, .chunkLineEnd:
                if let reason = readChunkLine(input, &index) { return fail(reason) }
            case .chunkData:
                let count = min(remaining, input.count &- index)
                remaining &-= count
                if remaining == 0 { state = .chunkCR }
                consumed = index &+ count
                return .body(index..<consumed)
            case .chunkCR:
                guard input[index] == ASCII.cr else { return fail(.chunkNotTerminated) }
                index &+= 1
                state = .chunkLF
            case .chunkLF:
                guard input[index] == ASCII.lf else { return fail(.chunkNotTerminated) }
                index &+= 1
                beginChunk()
            default:
                consumed = index
                return readTrailers(Bytes(rebasing: input[index...]), &consumed)
            }
        }
        consumed = index
        return .needMoreInput
    }

    /// Reads a chunk line from `index`, to its end or that of `input`.
    ///
    /// `scanned` counts the bytes of the line, so that a line in many pieces is bounded like one in one piece.
    private mutating func readChunkLine(_ input: Bytes, _ index: inout Int) -> HTTP1Failure? {
        while index < input.count {
            let byte = input[index]
            guard Int(scanned) < limits.chunkLineBytes else { return .chunkLineTooLong }
            scanned &+= 1
            index &+= 1
            if state == .chunkLineEnd {
                return byte == ASCII.lf ? endChunkLine() : .bareCR
            }
            if byte == ASCII.cr {
                guard chunkDigits > 0 else { return .badChunkSize }
                state = .chunkLineEnd
            } else if state == .chunkExtension {
                if ASCII.isForbiddenControl(byte) { return byte == ASCII.lf ? .bareLF : .badChunkExtension }
            } else if let digit = ASCII.hexValue(byte) {
                guard chunkDigits < 16 else { return .chunkSizeTooLong }
                chunkDigits &+= 1
                // 16 digits may be one bit too many for an Int: less than zero stands for that.
                remaining = remaining >> 59 == 0 ? remaining << 4 | Int(digit) : -1
            } else if byte == UInt8(ascii: ";"), chunkDigits > 0 {
                state = .chunkExtension
            } else {
                return byte == ASCII.lf ? .bareLF : .badChunkSize
            }
        }
        return nil
    }

    /// Extensions cost the server work and the client next to nothing, and so do tiny chunks: what chunk lines may
    /// add up to is 16 times the body so far and 64 KiB.
    private static let freeChunkOverhead = 65_536

    private mutating func endChunkLine() -> HTTP1Failure? {
        guard remaining >= 0, remaining <= bodyLimit, chunkedTotal <= bodyLimit &- remaining else {
            return .bodyTooLong
        }
        chunkedTotal &+= remaining
        chunkOverhead &+= Int(scanned)
        guard (chunkOverhead &- Self.freeChunkOverhead) / 16 <= chunkedTotal else { return .chunkOverhead }
        if remaining > 0 {
            state = .chunkData
        } else {
            state = .trailers
            lineStart = 0
            scanned = 0
        }
        return nil
    }

    private mutating func readTrailers(_ bytes: Bytes, _ consumed: inout Int) -> Event {
        var none: RequestLine?
        let end: Int
        switch readLines(bytes, limit: limits.trailerBytes, requestLine: &none) {
        case .incomplete: return .needMoreInput
        case .failure(let reason): return fail(reason)
        case .complete(let offset): end = offset
        }
        var trailers: [(name: String, value: String)] = []
        for field in fields where !TrailerPolicy.isForbidden(bytes, field) {
            let name = String(decoding: bytes[field.name], as: UTF8.self)
            trailers.append((name, fieldString(ArraySlice(bytes[field.value]))))
        }
        consumed &+= end
        reset()
        return .end(trailers: trailers)
    }
}
