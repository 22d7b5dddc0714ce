import HTTPTypes
import SquallHTTP
import Testing

/// What a parser made of an input: the events in a form that can be compared, with body stretches joined.
struct Transcript: Equatable, CustomStringConvertible {
    enum Entry: Equatable {
        case head(String)
        case body([UInt8])
        case end([String])
        case failure(Int, String)
    }

    var entries: [Entry] = []
    var calls = 0
    /// Bytes of input never consumed. Not compared: a refusal leaves behind what the last piece held.
    var rest = 0

    static func == (a: Transcript, b: Transcript) -> Bool { a.entries == b.entries }

    /// Feeds `pieces` as a connection would: unconsumed bytes are passed again with the next piece appended.
    init(_ pieces: [ArraySlice<UInt8>], limits: HTTP1Limits = HTTP1Limits(), bodyLimit: Int? = nil) {
        var parser = HTTP1RequestParser(limits: limits)
        var buffer: [UInt8] = []
        for piece in pieces {
            buffer += piece
            var position = 0
            feeding: while true {
                var consumed = 0
                let input = buffer.span.extracting(position..<buffer.count)
                calls += 1
                let event = parser.next(input, consumed: &consumed)
                switch event {
                case .needMoreInput: break
                case .head(let head):
                    entries.append(.head(Self.describe(head)))
                    if let bodyLimit { parser.setBodyLimit(bodyLimit) }
                case .body(let range):
                    add(body: Array(buffer[position + range.lowerBound..<position + range.upperBound]))
                case .end(let trailers): entries.append(.end(trailers.map { "\($0.name): \($0.value)" }))
                case .failure(let error):
                    if case .failure = entries.last {} else { entries.append(.failure(error.status, error.message)) }
                    #expect(consumed == 0)
                }
                position += consumed
                #expect(position <= buffer.count)
                switch event {
                case .needMoreInput, .failure: break feeding
                case .end where position == buffer.count: break feeding
                default: break
                }
            }
            buffer.removeFirst(position)
        }
        rest = buffer.count
    }

    private mutating func add(body bytes: [UInt8]) {
        #expect(!bytes.isEmpty)
        if case .body(let sofar) = entries.last {
            entries[entries.count - 1] = .body(sofar + bytes)
        } else {
            entries.append(.body(bytes))
        }
    }

    static func describe(_ head: HTTP1RequestHead) -> String {
        var text = "\(head.method.rawValue) \(head.target) \(head.targetForm) \(head.path) \(head.query ?? "-")"
        text += " \(head.minorVersion) \(head.framing) \(head.keepAlive) \(head.expectsContinue) \(head.upgrade)"
        text += " \(head.authority ?? "-")"
        for index in 0..<head.fieldCount { text += "\n\(head.fieldName(at: index)): \(head.fieldValue(at: index))" }
        return text
    }

    var description: String { entries.map { "\($0)" }.joined(separator: "\n") }

    var failureStatus: Int? {
        if case .failure(let status, _)? = entries.last { return status }
        return nil
    }

    var ends: Int { entries.count { if case .end = $0 { true } else { false } } }

    var body: [UInt8] {
        entries.reduce(into: []) { sum, entry in if case .body(let bytes) = entry { sum += bytes } }
    }
}

/// Parses `bytes` whole, byte by byte and cut in two at every offset, and expects the same events each time.
@discardableResult
func transcript(
    _ bytes: [UInt8], limits: HTTP1Limits = HTTP1Limits(), bodyLimit: Int? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) -> Transcript {
    let whole = Transcript([bytes[...]], limits: limits, bodyLimit: bodyLimit)
    let trickled = Transcript(
        bytes.indices.map { bytes[$0...$0] }, limits: limits, bodyLimit: bodyLimit)
    #expect(trickled == whole, "one byte at a time", sourceLocation: sourceLocation)
    // Long inputs are cut at a sample of offsets, at most 400.
    for offset in stride(from: 0, through: bytes.count, by: max(1, bytes.count / 400)) {
        let cut = Transcript([bytes[..<offset], bytes[offset...]], limits: limits, bodyLimit: bodyLimit)
        #expect(cut == whole, "cut at \(offset)", sourceLocation: sourceLocation)
    }
    return whole
}

/// Bytes of a string in which every character is one byte (so that "\u{e9}" is the byte 0xE9).
func raw(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }

/// A GET request with `fields`, each ended by CRLF.
func get(_ fields: String) -> [UInt8] { raw("GET / HTTP/1.1\r\n" + fields + "\r\n") }

/// A POST request with `fields` after Host, and `body`.
func post(_ fields: String, _ body: String = "") -> [UInt8] {
    raw("POST / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" + body)
}

/// The head that `bytes` start with, or nil.
func firstHead(_ bytes: [UInt8]) -> HTTP1RequestHead? {
    var parser = HTTP1RequestParser()
    var consumed = 0
    guard case .head(let head) = parser.next(bytes.span, consumed: &consumed) else { return nil }
    return head
}
