import HTTPTypes
import Logging
import SquallHTTP
import SquallIO
import Synchronization

/// The response cannot be changed in this way any more.
public struct ResponseStateError: Error, CustomStringConvertible {
    public let description: String
}

extension RequestHandler {
    // MARK: status and fields

    /// Sets the status, from 200 to 599. A reason that is no reason phrase (RFC 9112 section 4), or has a `<`, is
    /// replaced by the standard one.
    public func setStatus(_ status: Int, reason: String? = nil) {
        self.status = (200...599).contains(status) ? status : 500
        self.reason = reason.flatMap { Self.isReasonPhrase($0) ? $0 : nil }
    }

    /// Tabs, blanks, printable characters and bytes over 127, and at least one. Some show a `<` to people as HTML.
    private static func isReasonPhrase(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { ($0 >= 0x20 || $0 == 0x09) && $0 != 0x7f && $0 != UInt8(ascii: "<") }
    }

    /// The status that is set.
    public var responseStatus: Int { status }

    /// Sets a field, in place of all of the same name. It is validated when it is sent: a name that is not a token or a
    /// value with control characters makes the response a 500.
    public func setHeader(_ name: String, _ value: String) {
        if name == "Content-Type" || name.equalsIgnoringCase("content-type") {
            contentType = value
        } else {
            clearHeader(name)
            fields.append((name, value))
        }
    }

    /// Adds a field beside those of the same name.
    public func addHeader(_ name: String, _ value: String) {
        if name.equalsIgnoringCase("content-type") { contentType = value } else { fields.append((name, value)) }
    }

    /// Removes the fields of this name.
    public func clearHeader(_ name: String) {
        if name.equalsIgnoringCase("content-type") { contentType = nil }
        if !fields.isEmpty { fields.removeAll { $0.name.equalsIgnoringCase(name) } }
    }

    /// The fields that are set.
    public var responseHeaders: HTTPFields {
        var result = HTTPFields()
        if let contentType { result[.contentType] = contentType }
        for field in fields {
            guard let name = HTTPField.Name(field.name) else { continue }
            result.append(HTTPField(name: name, value: field.value))
        }
        return result
    }

    // MARK: body

    /// Adds to the body. Nothing is sent before ``flush()`` or ``finish()``. Does nothing once the response is finished.
    public func write(_ text: String) {
        if chunk.isEmpty, self.text.isEmpty, case .open = phase {
            // Most responses are one piece, which needs no buffer of its own.
            self.text = text
        } else {
            append { $0.append(contentsOf: text.utf8) }
        }
    }

    /// Adds to the body.
    public func write(_ bytes: some Sequence<UInt8>) { append { $0.append(contentsOf: bytes) } }

    private func append(_ body: (inout [UInt8]) -> Void) {
        if case .finished = phase { return }
        gather()
        body(&chunk)
    }

    /// Puts the piece that stands alone into the buffer.
    func gather() {
        guard !text.isEmpty else { return }
        chunk.append(contentsOf: text.utf8)
        text = ""
    }

    var bodyLength: Int { text.utf8.count + chunk.count }

    private func appendWhole(to wire: inout [UInt8]) {
        if text.isEmpty {
            wire.append(contentsOf: chunk)
        } else {
            wire.append(contentsOf: text.utf8)
        }
    }

    /// Drops what was written and not sent, and the status and fields, unless they are sent.
    public func clear() {
        chunk = []
        text = ""
        guard case .open = phase else { return }
        status = 200
        reason = nil
        compression = nil
        fields = []
        contentType = Self.defaultContentType
        setDefaultHeaders()
        appendKept(keptFields)
    }

    /// Puts fields beside the defaults, of which each stands in place of all of its name.
    func appendKept(_ kept: [(name: String, value: String)]) {
        let defaults = fields
        fields += kept.filter { field in !defaults.contains { $0.name.equalsIgnoringCase(field.name) } }
    }

    /// Sends what was written so far, with the head if that is not sent yet.
    ///
    /// Waits while the client does not take what it is sent, so that a slow reader costs no more than a buffer.
    /// - Throws: ``StreamClosedError`` if the client has left; `CancellationError` if the request's deadline has passed;
    ///   ``ResponseStateError`` if the response is finished.
    public nonisolated(nonsending) func flush() async throws {
        guard let exchange else { return }
        if exchange.isAbandoned { throw exchange.abandonment.error }
        var wire: [UInt8] = []
        var dateAt: Int?
        switch phase {
        case .finished: throw ResponseStateError(description: "the response is finished; flush before finish()")
        case .open:
            gather()
            chooseStreamCoding(exchange)
            let framing = streamFraming(exchange)
            let closes = framing == .untilClose || mustClose(exchange)
            await encodeStreamed(framing)
            dateAt = try appendHead(to: &wire, length: nil, framing: framing, closes: closes)
            phase = .streaming(framing)
            try appendBody(to: &wire, framing)
        case .streaming(let framing):
            await encodeStreamed(framing)
            try appendBody(to: &wire, framing)
        }
        guard !wire.isEmpty else { return }
        exchange.send(wire, dateAt: dateAt, end: nil)
        try await exchange.drained()
    }

    /// Ends the response: sends what was not sent. Called after the method's function, unless it has been called.
    /// - Throws: ``ResponseStateError`` if it has; `HTTPFieldError` if a field cannot be sent.
    public func finish() throws {
        guard let exchange else { return }
        var wire: [UInt8] = []
        switch phase {
        case .finished: throw ResponseStateError(description: "the response is finished already")
        case .open:
            chooseCoding(exchange)
            try revalidate(exchange)
            if compression != nil { compressBody() }
            try respondWhole(exchange)
        case .streaming(let framing):
            if let compression, framing != .none { chunk = compression.encode(chunk, isLast: true) }
            try appendBody(to: &wire, framing)
            if framing == .chunked { wire.append(contentsOf: HTTP1Encoder.lastChunk) }
            phase = .finished
            if framing == .length, let declaredLength, sentBytes < declaredLength {
                exchange.send(wire, dateAt: nil, end: .abort)
                throw ResponseStateError(
                    description: "Content-Length says \(declaredLength) bytes and \(sentBytes) were written")
            }
            exchange.send(wire, dateAt: nil, end: framing == .untilClose || mustClose(exchange) ? .close : .keepAlive)
        }
    }

    /// Sends head and body, which is all in memory.
    @inline(__always)
    func respondWhole(_ exchange: Exchange) throws(HTTPFieldError) {
        let closes = mustClose(exchange)
        let length = bodyLength
        let isCommon = !closes && isPlain(exchange)
        try exchange.respond(end: closes ? .close : .keepAlive) { wire, server throws(HTTPFieldError) in
            let isWritten =
                isCommon
                ? try server?.appendCommonHead(contentType, length: length, for: exchange, to: &wire) ?? false : false
            let dateAt =
                isWritten
                ? nil : try appendHead(to: &wire, length: length, framing: .length, closes: closes)
            if hasBody(exchange) { appendWhole(to: &wire) }
            return dateAt
        }
        phase = .finished
        text = ""
        chunk = []
    }

    /// Whether nothing was set but the type.
    @inline(__always)
    private func isPlain(_ exchange: Exchange) -> Bool {
        status == 200 && reason == nil && fields.isEmpty && newCookies.isEmpty && nonce == nil && extras == nil
            && exchange.head.minorVersion == 1
    }

    /// Sends the head, and for the body parts of files.
    func respond(_ exchange: Exchange, with files: FileParts) throws(HTTPFieldError) {
        let closes = mustClose(exchange)
        try exchange.respond(end: closes ? .close : .keepAlive, with: files) { wire throws(HTTPFieldError) in
            try appendHead(to: &wire, length: files.byteCount, framing: .length, closes: closes)
        }
        phase = .finished
    }

    /// Writes a last piece and ends the response.
    public func finish(_ text: String) throws {
        write(text)
        try finish()
    }

    /// Sends the client elsewhere: 302, or 301 if it is for good, or another status from 300 to 399. Ends the response.
    ///
    /// Blanks, control characters and letters beyond ASCII are escaped, as `%20`; escapes are left as they are.
    /// - Throws: ``ResponseStateError`` if the head is sent already.
    public func redirect(_ location: String, permanent: Bool = false, status: Int? = nil) throws {
        guard case .open = phase else {
            throw ResponseStateError(description: "the head is sent already; redirect before flush()")
        }
        let status = status ?? (permanent ? 301 : 302)
        setStatus((300...399).contains(status) ? status : 302)
        setHeader("Location", PercentCoding.percentEncode(location: location))
        chunk = []
        text = ""
        try finish()
    }

    /// Sends the client to a place of this site that the request named, as with `?next=/reports`. Text that leads elsewhere, be
    /// it by `//`, a backslash or a scheme, is not followed: the client is sent to `fallback`.
    /// - Throws: ``ResponseStateError`` if the head is sent already.
    public func safeRedirect(to path: String?, fallback: String = "/") throws {
        try redirect(path.flatMap { isOwnPath($0) ? $0 : nil } ?? fallback, status: 303)
    }

    /// Whether browsers take the text for a path of the same site: one slash, and nothing that they drop or turn round.
    func isOwnPath(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.first == UInt8(ascii: "/") && !(bytes.count > 1 && bytes[1] == UInt8(ascii: "/"))
            && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") }
    }

    /// Answers with an error: drops what was written, calls ``writeError(_:)`` and ends the response. If the head is sent
    /// already, the response is broken off, so that the client does not take it for whole.
    public func sendError(_ error: HTTPError) async {
        guard let exchange else { return }
        switch phase {
        case .finished: return
        case .streaming:
            phase = .finished
            exchange.send([], dateAt: nil, end: .abort)
            return
        case .open: break
        }
        do {
            clear()
            setStatus(error.status)
            for (index, header) in error.headers.enumerated() {
                // The first takes the place of the defaults, the others stand beside it.
                let isFirst = !error.headers[..<index].contains { $0.name.equalsIgnoringCase(header.name) }
                if isFirst { setHeader(header.name, header.value) } else { addHeader(header.name, header.value) }
            }
            try await writeError(error)
            if case .finished = phase { return }
            try finish()
        } catch {
            logger.error("the error page failed", metadata: ["error": "\(error)"])
            switch phase {
            case .open: finishBare(500)
            case .streaming: abandon()
            case .finished: break
            }
        }
    }

    /// A response that cannot fail.
    func finishBare(_ status: Int) {
        chunk = []
        text = ""
        fields = []
        compression = nil
        reason = nil
        contentType = nil
        self.status = status
        try? finish()
    }

    // MARK: the wire

    func hasBody(_ exchange: Exchange) -> Bool {
        exchange.head.method != .head && status != 204 && status != 304
    }

    func mustClose(_ exchange: Exchange) -> Bool {
        if !exchange.head.keepAlive || exchange.isLast { return true }
        if exchange.connection.server.core.isDraining.load(ordering: .relaxed) { return true }
        return fields.contains { $0.name.equalsIgnoringCase("connection") && $0.value.equalsIgnoringCase("close") }
    }

    private func streamFraming(_ exchange: Exchange) -> Framing {
        if !hasBody(exchange) { return .none }
        if let length = fields.first(where: { $0.name.equalsIgnoringCase("content-length") })?.value {
            if let length = Self.contentLength(length) {
                declaredLength = length
                return .length
            }
            clearHeader("content-length")
        }
        return exchange.head.minorVersion == 0 ? .untilClose : .chunked
    }

    private nonisolated(nonsending) func encodeStreamed(_ framing: Framing) async {
        guard let compression, framing != .none, !chunk.isEmpty else { return }
        let piece = chunk
        chunk = []
        chunk = await compression.encodeElsewhere(piece, isLast: false)
    }

    private func appendBody(to wire: inout [UInt8], _ framing: Framing) throws {
        guard !chunk.isEmpty else { return }
        defer { chunk.removeAll(keepingCapacity: true) }
        switch framing {
        case .none: return
        case .chunked:
            wire.reserveCapacity(wire.count + chunk.count + 24)
            HTTP1Encoder.appendChunkHead(chunk.count, to: &wire)
            wire.append(contentsOf: chunk)
            wire.append(13)
            wire.append(10)
        case .length:
            sentBytes += chunk.count
            if let declaredLength, sentBytes > declaredLength {
                phase = .finished
                exchange?.send([], dateAt: nil, end: .abort)
                throw ResponseStateError(
                    description: "Content-Length says \(declaredLength) bytes and \(sentBytes) were written")
            }
            wire.append(contentsOf: chunk)
        case .untilClose:
            wire.append(contentsOf: chunk)
        }
    }

    /// Appends status line and fields. Returns where the date goes.
    func appendHead(to wire: inout [UInt8], length: Int?, framing: Framing, closes: Bool) throws(HTTPFieldError)
        -> Int
    {
        HTTP1Encoder.appendStatusLine(status, reason: reason, to: &wire)
        HTTP1Encoder.appendDate(Self.datePlaceholder, to: &wire)
        let dateAt = wire.count - 2 - HTTPDate.byteCount
        let isBodiless = status == 204 || status == 304
        if let contentType, !isBodiless { try HTTP1Encoder.appendContentType(contentType, to: &wire) }
        var setsLength = false
        for field in fields {
            // How the message is framed is not the handler's to say; what it says of its length must be true.
            if field.name.equalsIgnoringCase("transfer-encoding") || field.name.equalsIgnoringCase("connection") {
                continue
            }
            if field.name.equalsIgnoringCase("content-length") {
                guard !setsLength, !isBodiless, framing == .length || exchange?.head.method == .head else { continue }
                if length != nil, !(exchange?.head.method == .head && length == 0) { continue }
                if Self.contentLength(field.value) == nil { continue }
                setsLength = true
            }
            try HTTP1Encoder.appendField(field.name, field.value, to: &wire)
        }
        if let timings { try HTTP1Encoder.appendField("Server-Timing", serverTimingField(timings), to: &wire) }
        for cookie in newCookies { try HTTP1Encoder.appendField("Set-Cookie", cookie.line, to: &wire) }
        if let exchange {
            // What a client keeps is not changed by 304, its nonce neither.
            let isDocument = !isBodiless && contentType.map(SecurityLines.isDocument) ?? false
            try appendProtection(exchange, isDocument: isDocument, to: &wire)
        }
        if let length, !setsLength, !isBodiless { HTTP1Encoder.appendContentLength(length, to: &wire) }
        if framing == .chunked { wire.append(contentsOf: Self.chunkedLine) }
        if closes {
            wire.append(contentsOf: Self.closeLine)
        } else if exchange?.head.minorVersion == 0 {
            wire.append(contentsOf: Self.keepAliveLine)
        }
        wire.append(13)
        wire.append(10)
        return dateAt
    }

    private static func contentLength(_ text: String) -> Int? { UInt(pathArgument: text).flatMap(Int.init(exactly:)) }

    private static let datePlaceholder = [UInt8](repeating: 32, count: HTTPDate.byteCount)
    private static let chunkedLine = Array("Transfer-Encoding: chunked\r\n".utf8)
    private static let closeLine = Array("Connection: close\r\n".utf8)
    private static let keepAliveLine = Array("Connection: keep-alive\r\n".utf8)
}

extension String {
    /// Compares without regard to the case of ASCII letters.
    func equalsIgnoringCase(_ other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        var own = utf8.makeIterator()
        var others = other.utf8.makeIterator()
        while let a = own.next(), let b = others.next() {
            guard a == b || (a | 32 == b | 32 && a | 32 >= 97 && a | 32 <= 122) else { return false }
        }
        return true
    }
}
