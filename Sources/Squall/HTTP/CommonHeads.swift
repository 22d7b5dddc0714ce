import SquallHTTP

/// Heads that differ in nothing but the length of the body, as those of most small responses do: 200, a type, and none but the
/// fields that every response has. Each is made once a second, as it holds the date.
struct CommonHeads {
    private struct Entry {
        var type = ""
        var second = Int.min
        /// Up to the digits of Content-Length.
        var bytes: [UInt8] = []
    }
    private var entries = [Entry](repeating: Entry(), count: 8)

    /// Appends the head of a response of this type, all but the digits of its length.
    mutating func append(
        _ type: String, _ lines: SecurityLines, date: [UInt8], second: Int, to wire: inout [UInt8]
    ) throws(HTTPFieldError) {
        // Two types of one length take each other's place: that costs time and nothing else.
        let index = type.utf8.count & 7
        let isKept =
            entries[index].second == second && entries[index].type.utf8.count == type.utf8.count
            && entries[index].type == type
        if !isKept {
            var bytes: [UInt8] = []
            HTTP1Encoder.appendStatusLine(200, reason: nil, to: &bytes)
            HTTP1Encoder.appendDate(date, to: &bytes)
            try HTTP1Encoder.appendContentType(type, to: &bytes)
            try lines.append(
                besides: [], isDocument: SecurityLines.isDocument(type), isSecure: false, nonce: nil, to: &bytes)
            bytes.append(contentsOf: "Content-Length: ".utf8)
            // Other strings may be equal without being the same bytes.
            guard type.utf8.allSatisfy({ $0 < 0x80 }) else { return wire.append(contentsOf: bytes) }
            entries[index] = Entry(type: type, second: second, bytes: bytes)
        }
        wire.append(contentsOf: entries[index].bytes)
    }
}

extension LoopServer {
    /// Appends the head of a response that has nothing of its own but its type and the length of its body. False if there is
    /// more to it: the route's own security headers, CORS, or the doubt whether a trusted proxy was reached over TLS.
    @inline(__always)
    func appendCommonHead(
        _ type: String?, length: Int, for exchange: Exchange, to wire: inout [UInt8]
    ) throws(HTTPFieldError) -> Bool {
        guard !trustsProxies, let type, exchange.route.securityLines == nil, !hasCORS || exchange.cors == nil else {
            return false
        }
        refreshDate()
        try commonHeads.append(type, securityLines, date: dateBytes, second: dateSecond, to: &wire)
        HTTP1Encoder.appendDecimal(length, to: &wire)
        wire.append(contentsOf: Self.headEnd)
        return true
    }
    private static let headEnd = Array("\r\n\r\n".utf8)
}
