// Parses an input of a kind and a size, as hostile as it can be to a parser that looks twice; see scripts/linearity.

private func repeated(_ text: String, to size: Int) -> [UInt8] {
    let unit = Array(text.utf8)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size + unit.count)
    while bytes.count < size { bytes += unit }
    return bytes
}

/// Gives a parser its input in pieces, with what it has not consumed again, as a connection does.
private func feed(_ input: [UInt8], pieces: Int, _ parse: (Span<UInt8>, inout Int) -> Bool) {
    var position = 0
    var available = 0
    while available < input.count {
        available = min(input.count, available + pieces)
        var consumed = 0
        while parse(input.span.extracting(position..<available), &consumed) { position += consumed }
        position += consumed
    }
}

private func headers(_ size: Int, _ line: String) {
    var limits = HTTP1Limits()
    limits.maxHeaderBytes = .max
    limits.maxHeaderCount = .max
    var parser = HTTP1RequestParser(limits: limits)
    let input = Array("GET / HTTP/1.1\r\nHost: h\r\n".utf8) + repeated(line, to: size) + Array("\r\n".utf8)
    feed(input, pieces: 512) { bytes, consumed in
        switch parser.next(bytes, consumed: &consumed) {
        case .head(let head):
            _ = head.value(of: "cookie")
            _ = head.fields
            return true
        case .end: return true
        case .failure(let error): fatalError("the headers are refused: \(error)")
        default: return false
        }
    }
}

private func multipart(_ size: Int, _ unit: String) {
    var limits = MultipartLimits()
    limits.maxParts = .max
    var parser = MultipartParser(boundary: "12345678", limits: limits)
    let field = "Content-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\n"
    let input =
        Array("--12345678\r\n\(field)".utf8) + repeated(unit.isEmpty ? "x\r\n--12345678\r\n\(field)" : unit, to: size)
    feed(input, pieces: 512) { bytes, consumed in
        switch parser.next(bytes, consumed: &consumed) {
        case .needMoreInput: return false
        case .failure(let error): fatalError("the form is refused: \(error)")
        default: return true
        }
    }
}

private func text(_ unit: String, _ size: Int) -> String { String(decoding: repeated(unit, to: size), as: UTF8.self) }

private let kinds: [String: @Sendable (Int) -> Void] = [
    "headers": { headers($0, "Cookie: a\r\n") },
    "headers-one-line": { size in headers(size, "A: \(text("b ", size))\r\n") },
    "cookies": { _ = CookieHeader.parse(text("a=\"\\042;\\", $0)) },
    "cookies-empty": { _ = CookieHeader.parse(text(";=", $0)) },
    "forms": { _ = try? FormURLEncoded.parse((Array("a=".utf8) + repeated("%4+%41%", to: $0)).span) },
    "forms-many": { _ = try? FormURLEncoded.parse(repeated("a=b&", to: $0).span) },
    "multipart": { multipart($0, "\r\n--1234567") },
    "multipart-parts": { multipart($0, "") },
    "parameters": { _ = HeaderParameters(text("a=\"\\\\\";", $0)) },
    "accept": { _ = AcceptHeader(text("text/html;a=b;q=0.5,", $0)).preferred(of: ["text/html", "application/json"]) },
    "accept-commas": { _ = AcceptHeader(text(",\"\\", $0)).preferred(of: ["text/html", "application/json"]) },
    "accept-encoding": { _ = AcceptHeader(text("gzip;q=0.5,", $0)).quality(ofCoding: "br") },
    "ranges": { _ = ByteRanges("bytes=" + text("0-1,", $0))?.resolved(length: 1_000) },
    "ranges-commas": { _ = ByteRanges("bytes=0-0" + text(", ", $0))?.resolved(length: 1_000) },
    "ranges-digits": { _ = ByteRanges("bytes=0-" + text("9", $0))?.resolved(length: 1_000) },
    "etags": { _ = EntityTags.contains(text("W/\"a\",", $0), weakly: "\"b\"") },
]

@main struct Linearity {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let kind = kinds[arguments[1]], let size = Int(arguments[2]) else {
            print(kinds.keys.sorted().joined(separator: "\n"))
            return
        }
        kind(size)
    }
}
