// The fuzz targets for what messages hold: one program, which tests what it is called by, so that each has a corpus of its own.
// Whatever the input, nothing traps, a multipart form and a PROXY header say the same however they are cut, and a cookie
// comes back as it was set. The first byte chooses the cuts, the rest is the input.

private enum Target: String { case multipart, cookies, forms, ranges, fields, proxies }

private let target: Target = {
    let name = CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? ""
    guard let target = Target(rawValue: name) else { fatalError("there is no target \(name)") }
    return target
}()

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

/// A header that is complete, or a refusal, stays what it is when more comes, and before it nothing is consumed.
private func checkProxyHeader(_ input: [UInt8]) {
    var whole = -1
    let event = ProxyHeader.parse(input.span, consumed: &whole)
    check(whole >= 0 && whole <= input.count, "consumed is out of range")
    for count in 0..<min(input.count, 512) {
        var consumed = -1
        let part = ProxyHeader.parse(input.span.extracting(0..<count), consumed: &consumed)
        if part == .needMoreInput {
            check(consumed == 0, "a part of a header is consumed")
        } else {
            check(part == event && consumed == whole, "cut it differs")
        }
    }
    if case .header = event { check(whole > 0 && whole <= ProxyHeader.longestBlock, "a header without bytes") }
}

private func checkMultipart(_ input: [UInt8], pieces: Int) {
    let whole = run(input, pieces: max(input.count, 1))
    check(run(input, pieces: 1) == whole, "cut into bytes it differs")
    check(run(input, pieces: pieces) == whole, "cut into pieces it differs")
}

/// Fields that hold a list, or a value with parameters.
private func checkFields(_ input: [UInt8]) {
    _ = HeaderParameters(input.span)
    let text = String(decoding: input, as: UTF8.self)
    for entry in AcceptHeader(text).entries { check((0...1_000).contains(entry.quality), "a quality is out of range") }
    let tag = "\"1234\""
    check(
        !EntityTags.contains(text, strongly: tag) || EntityTags.contains(text, weakly: tag),
        "what is the same strongly is the same weakly")
}

private func checkRanges(_ input: [UInt8], length: Int) {
    guard let ranges = ByteRanges(String(decoding: input, as: UTF8.self)) else { return }
    var left = Set(0..<length)
    for range in ranges.resolved(length: length) {
        check(!range.isEmpty && range.lowerBound >= 0 && range.upperBound <= length, "a range is out of range")
        check(left.isSuperset(of: range), "ranges overlap")
        left.subtract(range)
    }
}

private func checkCookies(_ input: [UInt8]) {
    for cookie in CookieHeader.parse(input.span) {
        guard let line = try? SetCookie("a", cookie.value).serialized() else { continue }
        let pair = line.prefix(line.count - "; HttpOnly; Path=/; SameSite=Lax".count)
        check(CookieHeader.parse(String(pair)).map(\.value) == [cookie.value], "a cookie is not what was set")
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count >= 1 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: data + 1, count: count - 1))
    switch target {
    case .multipart: checkMultipart(input, pieces: Int(data[0] & 127) + 2)
    case .cookies: checkCookies(input)
    case .forms: _ = try? FormURLEncoded.parse(input.span)
    case .ranges: checkRanges(input, length: Int(data[0]))
    case .fields: checkFields(input)
    case .proxies:
        checkProxyHeader(input)
        for element in ForwardedElement.nearestFirst(input.span).elements {
            _ = element.node.flatMap { ForwardedNode($0) }
        }
        _ = IPAddress(input.span)?.unmapped
    }
    return 0
}
