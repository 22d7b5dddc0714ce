/// A response as it came.
public struct RawResponse: Sendable, CustomStringConvertible {
    /// Such as `HTTP/1.1`.
    public var version: String
    /// 0 for what could not be read as a response.
    public var status: Int
    public var reason: String
    /// Its fields in their order. One that is malformed has the name `malformed` and the line as its value.
    public var headers: [(name: String, value: String)]
    public var body: [UInt8] = []
    /// The sizes of its chunks, if it came in chunks, without the last.
    public var chunks: [Int]?
    /// Whether it came to the end that its head announced.
    public var isComplete = true

    /// The value of the field, and nil if there is none. More than one are joined by ` | `, so that no test overlooks
    /// them.
    public subscript(_ name: String) -> String? {
        let values = headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: " | ")
    }

    /// One scalar for each byte of the body.
    public var text: String { latin1(body) }

    public var description: String {
        let lines = headers.map { "\($0.name): \($0.value)" }
        return (["\(version) \(status) \(reason)"] + lines + ["", text.prefix(500).description]).joined(separator: "\n")
    }
}

/// Reads a response as its bytes come, strictly.
struct ResponseReader: Sendable {
    enum Event: Sendable {
        /// Its body is empty yet.
        case head(RawResponse)
        /// A piece of the body.
        case body([UInt8])
        /// Nothing comes any more. Before a head: the connection has ended.
        case end(isComplete: Bool)
        /// What came is no response, or its chunks are none.
        case malformed
        case needsMore
    }

    private enum Phase {
        case head, chunkHead, untilEnd, over
        case length(Int)
        /// So much of a chunk is left, of so much.
        case chunk(Int, of: Int)
        case chunkEnd(Int)
    }

    let toHead: Bool
    /// The sizes of the chunks that came, if it comes in chunks.
    private(set) var chunks: [Int]?
    private var phase = Phase.head
    private var position = 0

    init(toHead: Bool) { self.toHead = toHead }

    /// Takes what comes next from the buffer's front.
    mutating func next(_ buffer: inout [UInt8], atEnd: Bool) -> Event {
        let event = step(buffer, atEnd)
        if case .needsMore = event { drop(&buffer) }
        return event
    }

    /// Removes what was read. Not done at each event, as all that follows is moved.
    mutating func drop(_ buffer: inout [UInt8]) {
        buffer.removeFirst(position)
        position = 0
    }

    /// The next response begins where this one has ended.
    mutating func restart() {
        phase = .head
        chunks = nil
    }

    private mutating func step(_ buffer: [UInt8], _ atEnd: Bool) -> Event {
        while true {
            switch phase {
            case .head:
                guard let (response, start) = head(buffer) else { return atEnd ? .end(isComplete: false) : .needsMore }
                position = start
                begin(response)
                return .head(response)
            case .length(let left):
                return piece(buffer, left, atEnd) { $0 == 0 ? .over : .length($0) }
            case .untilEnd:
                guard position < buffer.count else { return atEnd ? .end(isComplete: true) : .needsMore }
                defer { position = buffer.count }
                return .body(Array(buffer[position...]))
            case .chunkHead:
                guard let end = find([13, 10], in: buffer, from: position) else { return missing(atEnd) }
                guard let size = Int(latin1(buffer[position..<end]), radix: 16), size >= 0 else { return .malformed }
                position = end + 2
                phase = size == 0 ? .chunkEnd(0) : .chunk(size, of: size)
            case .chunk(let left, let size):
                return piece(buffer, left, atEnd) { $0 == 0 ? .chunkEnd(size) : .chunk($0, of: size) }
            case .chunkEnd(let size):
                guard buffer.count >= position + 2 else { return missing(atEnd) }
                guard buffer[position] == 13, buffer[position + 1] == 10 else { return .malformed }
                position += 2
                if size == 0 { phase = .over } else { phase = .chunkHead }
                if size > 0 { chunks?.append(size) }
            case .over:
                return .end(isComplete: true)
            }
        }
    }

    private mutating func begin(_ response: RawResponse) {
        if toHead || response.status < 200 || response.status == 204 || response.status == 304 {
            phase = .over
        } else if response["transfer-encoding"]?.lowercased() == "chunked" {
            chunks = []
            phase = .chunkHead
        } else if let length = response["content-length"].flatMap({ Int($0) }), length >= 0 {
            phase = length == 0 ? .over : .length(length)
        } else {
            phase = .untilEnd
        }
    }

    private func missing(_ atEnd: Bool) -> Event { atEnd ? .end(isComplete: false) : .needsMore }

    private mutating func piece(_ buffer: [UInt8], _ left: Int, _ atEnd: Bool, _ next: (Int) -> Phase) -> Event {
        let count = min(left, buffer.count - position)
        guard count > 0 else { return missing(atEnd) }
        let piece = Array(buffer[position..<position + count])
        position += count
        phase = next(left - count)
        return .body(piece)
    }

    private func head(_ bytes: [UInt8]) -> (RawResponse, bodyStart: Int)? {
        guard let end = find([13, 10, 13, 10], in: bytes, from: position) else { return nil }
        let lines = latin1(bytes[position..<end]).split(separator: "\r\n", omittingEmptySubsequences: false)
        let parts = lines.first?.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false) ?? []
        let isHead = parts.count == 3 && parts[0].hasPrefix("HTTP/1.")
        let headers = lines.dropFirst().map { line -> (name: String, value: String) in
            let halves = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, halves[1].hasPrefix(" ") else { return ("malformed", String(line)) }
            return (String(halves[0]), String(halves[1].dropFirst()))
        }
        let response = RawResponse(
            version: parts.first.map(String.init) ?? "", status: isHead ? Int(parts[1]) ?? 0 : 0,
            reason: isHead ? String(parts[2]) : "", headers: headers)
        return (response, end + 4)
    }
}

/// One scalar for each byte.
func latin1(_ bytes: some Sequence<UInt8>) -> String {
    var scalars = String.UnicodeScalarView()
    for byte in bytes { scalars.append(Unicode.Scalar(byte)) }
    return String(scalars)
}

private func find(_ pattern: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
    guard let first = pattern.first, bytes.count - start >= pattern.count else { return nil }
    for index in start...(bytes.count - pattern.count)
    where bytes[index] == first && bytes[index..<index + pattern.count].elementsEqual(pattern) {
        return index
    }
    return nil
}
