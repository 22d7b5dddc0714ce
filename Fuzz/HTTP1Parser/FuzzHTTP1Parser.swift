// The fuzz target: whatever the input, the parser does not trap, stays within what it was given, and says the same
// however the input is cut. The first three bytes choose the cuts and the limits, the rest is the input.

import HTTPTypes

/// What came out of one run, as text.
private struct Transcript: Equatable {
    var text: [UInt8] = []
    private var inBody = false

    mutating func add(_ entry: String, isBody: Bool = false) {
        // Stretches of body are joined, because where they are cut depends on the input's cuts.
        if !(isBody && inBody) { text.append(contentsOf: isBody ? "\nbody ".utf8 : "\n".utf8) }
        inBody = isBody
        text.append(contentsOf: entry.utf8)
    }

    mutating func add(body bytes: ArraySlice<UInt8>) {
        add("", isBody: true)
        text.append(contentsOf: bytes)
    }
}

private func check(_ condition: Bool, _ message: StaticString) {
    if !condition { fatalError("\(message)") }
}

private func run(_ input: [UInt8], pieces: Int, limits: HTTP1Limits, bodyLimit: Int?) -> Transcript {
    var transcript = Transcript()
    var parser = HTTP1RequestParser(limits: limits)
    var position = 0
    var available = 0
    var calls = 0
    while available < input.count || calls == 0 {
        available = min(input.count, available + pieces)
        feeding: while true {
            var consumed = -1
            calls += 1
            // Every call but the last with its piece makes progress; 3 calls per byte is far more than can be due.
            check(calls <= 3 * input.count + 16, "the parser makes no progress")
            let length = available - position
            let event = parser.next(input.span.extracting(position..<available), consumed: &consumed)
            check(consumed >= 0 && consumed <= length, "consumed is out of range")
            switch event {
            case .needMoreInput:
                position += consumed
                break feeding
            case .head(let head):
                touch(head)
                transcript.add("head \(head.method) \(head.target) \(head.framing) \(head.keepAlive)")
                transcript.add("fields \(head.fieldCount)")
                if let bodyLimit { parser.setBodyLimit(bodyLimit) }
            case .body(let range):
                check(!range.isEmpty && range.upperBound <= consumed, "a body range is out of range")
                transcript.add(body: input[position + range.lowerBound..<position + range.upperBound])
            case .end(let trailers):
                for trailer in trailers { transcript.add("trailer \(trailer.name): \(trailer.value)") }
                transcript.add("end")
                position += consumed
                if position == available { break feeding }
                continue
            case .failure(let error):
                check(consumed == 0, "a failure consumed input")
                transcript.add("failure \(error.status) \(error.message)")
                return transcript
            }
            position += consumed
        }
    }
    return transcript
}

private func touch(_ head: HTTP1RequestHead) {
    _ = head.path
    _ = head.query
    _ = head.authority
    _ = head.fields
    for index in 0..<head.fieldCount {
        let value = head.value(of: head.fieldName(at: index).lowercased())
        check(value != nil, "a field cannot be found by its name")
        _ = head.fieldValue(at: index)
    }
    check(!head.bytes.contains(0), "a head holds NUL")
    check(head.bytes.suffix(4) == [13, 10, 13, 10], "a head does not end in an empty line")
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count >= 3 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: data + 3, count: count - 3))
    var limits = HTTP1Limits()
    if data[0] & 1 != 0 { limits.maxHeaderBytes = 64 + Int(data[1]) }
    if data[0] & 2 != 0 { limits.maxHeaderCount = Int(data[1] & 7) }
    if data[0] & 4 != 0 { limits.maxBodyBytes = Int(data[1] & 63) }
    if data[0] & 8 != 0 { limits.maxChunkLineBytes = Int(data[1] & 31) }
    if data[0] & 16 != 0 { limits.maxTrailerBytes = Int(data[1] & 63) }
    let bodyLimit: Int? = data[0] & 32 != 0 ? (data[1] & 1 != 0 ? Int.max : Int(data[1])) : nil
    let whole = run(input, pieces: max(input.count, 1), limits: limits, bodyLimit: bodyLimit)
    check(run(input, pieces: 1, limits: limits, bodyLimit: bodyLimit) == whole, "cut into bytes it differs")
    let pieces = Int(data[2] & 127) + 2
    check(run(input, pieces: pieces, limits: limits, bodyLimit: bodyLimit) == whole, "cut into pieces it differs")

    _ = PercentCoding.percentDecodedString(input.span, plusIsSpace: true)
    _ = try? FormURLEncoded.parse(input.span)
    _ = HTTPDate.parse(String(decoding: input.prefix(40), as: UTF8.self), now: count)
    return 0
}
