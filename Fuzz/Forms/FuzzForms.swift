// The fuzz target for forms, cookies and parameters: whatever the input, nothing traps, a multipart form says the same however it
// is cut, and a cookie comes back as it was set. The first byte chooses the cuts, the rest is the input.

private func check(_ condition: Bool, _ message: StaticString) {
    if !condition { fatalError("\(message)") }
}

/// What came out of one run, as text.
private func run(_ input: [UInt8], pieces: Int) -> [UInt8] {
    var text: [UInt8] = []
    var limits = MultipartLimits()
    limits.maxParts = 8
    limits.maxPartHeaderBytes = 512
    var parser = MultipartParser(boundary: "1234", limits: limits)
    var position = 0
    var available = 0
    var calls = 0
    repeat {
        available = min(input.count, available + pieces)
        feeding: while true {
            var consumed = -1
            calls += 1
            check(calls <= 3 * input.count + 16, "the parser makes no progress")
            let length = available - position
            let event = parser.next(input.span.extracting(position..<available), consumed: &consumed)
            check(consumed >= 0 && consumed <= length, "consumed is out of range")
            let start = position
            position += consumed
            switch event {
            case .needMoreInput: break feeding
            case .part(let part):
                text += "\npart \(part.name) \(part.filename ?? "-") \(part.contentType ?? "-") ".utf8
                let safe = part.safeFilename
                check(!safe.isEmpty && !safe.contains("/") && safe.utf8.count <= 205, "a safe name is not safe")
            case .content(let range):
                check(!range.isEmpty && range.upperBound <= consumed, "a content range is out of range")
                text += input[start + range.lowerBound..<start + range.upperBound]
            case .endOfPart: text += "\nend of part".utf8
            case .end: text += "\nend".utf8
            case .failure(let error):
                return text + "\nfailure \(error.message)".utf8
            }
        }
    } while available < input.count
    return text + "\n\(parser.finish()?.message ?? "whole")".utf8
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count >= 1 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: data + 1, count: count - 1))
    let whole = run(input, pieces: max(input.count, 1))
    check(run(input, pieces: 1) == whole, "cut into bytes it differs")
    check(run(input, pieces: Int(data[0] & 127) + 2) == whole, "cut into pieces it differs")

    _ = try? FormURLEncoded.parse(input.span)
    _ = HeaderParameters(input.span)
    check(
        (0...1_000).contains(AcceptEncoding(String(decoding: input, as: UTF8.self)).quality(of: .gzip)),
        "a weight is out of range")
    for cookie in CookieHeader.parse(input.span) {
        guard let line = try? SetCookie("a", cookie.value).serialized() else { continue }
        let pair = line.prefix(line.count - "; HttpOnly; Path=/; SameSite=Lax".count)
        check(CookieHeader.parse(String(pair)).map(\.value) == [cookie.value], "a cookie is not what was set")
    }
    return 0
}
