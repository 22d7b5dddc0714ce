import HTTPTypes
import SquallHTTP
import SquallIO

extension RequestHandler {
    // MARK: bodies that can be had in parts

    /// Ends the response with a body, or with the parts of it that the request asks for: 206 for `Range`, 304 for a client that
    /// has it already, 412 or 416 for demands that cannot be met (RFC 9110 sections 13 and 14).
    ///
    /// The tag or the date by which a client names what it has are those set by ``setETag(_:isWeak:)`` and
    /// ``setLastModified(_:)``; a file has them from its metadata. Files are sent without being read into memory, and the
    /// handler's end does not wait for the client to take them.
    /// - Throws: ``ResponseStateError`` if something was written before; ``HTTPError`` 412 and 416; what reading throws;
    ///   ``StreamClosedError`` if the client leaves.
    public func send(_ body: some SeekableBody) async throws {
        guard let exchange else { return }
        let file = body as? OpenFile
        if let file { describe(file) }
        let ranges = try select(from: body.byteCount, exchange)
        if try respondAtOnce(ranges, of: file, exchange) { return }
        if ranges.count > 1 { return try await send(ranges, of: body, exchange) }
        let range = ranges[0]
        if range.count <= Self.pieceSize {
            chunk = range.isEmpty ? [] : try await body.bytes(in: range)
            guard chunk.count == range.count else { throw BodyTooShortError(expected: range.count, got: chunk.count) }
            return try respondWhole(exchange)
        }
        setHeader("Content-Length", String(range.count))
        try await stream(range, of: body)
        try finish()
    }

    /// Sends a file, if nothing has to be waited for. What describes it is set.
    func sendAtOnce(_ file: OpenFile) throws -> Bool {
        guard let exchange else { return true }
        return try respondAtOnce(try select(from: file.byteCount, exchange), of: file, exchange)
    }

    /// What of the body the request asks for, by its conditions and ranges: one range or more, or none for 304.
    private func select(from length: Int, _ exchange: Exchange) throws -> [Range<Int>] {
        guard case .open = phase, bodyLength == 0 else {
            throw ResponseStateError(description: "a body is written already; send one instead of writing")
        }
        let whole = [0..<length]
        guard status == 200, exchange.head.method == .get || exchange.head.method == .head else { return whole }
        if try isUnchanged(exchange) {
            makeNotModified()
            return []
        }
        fields.append(("Accept-Ranges", "bytes"))
        guard let parts = try requestedRanges(exchange, length: length) else { return whole }
        status = 206
        if parts.count == 1 {
            setHeader("Content-Range", "bytes \(parts[0].lowerBound)-\(parts[0].upperBound - 1)/\(length)")
        }
        return parts
    }

    /// Responds where nothing has to be read, or what has to be read is in memory.
    private func respondAtOnce(_ ranges: [Range<Int>], of file: OpenFile?, _ exchange: Exchange) throws -> Bool {
        guard let range = ranges.first else {
            try respondWhole(exchange)
            return true
        }
        guard ranges.count == 1 else { return false }
        if !hasBody(exchange) {
            setHeader("Content-Length", String(range.count))
        } else if let file {
            if range.count > Self.mostCopied {
                try respond(exchange, with: FileParts(file: file, parts: [.init(head: [], range: range)]))
                return true
            }
            guard let bytes = file.cachedBytes(in: range) else { return false }
            chunk = bytes
        } else {
            return false
        }
        try respondWhole(exchange)
        return true
    }

    /// Ends the response with a file: ``send(_:)``. Its type is told by its name, unless Content-Type was set to something else
    /// than the default.
    /// - Parameter path: not from the request as it is; for files that clients name, see ``StaticFiles``.
    /// - Throws: ``HTTPError`` 404 if there is no such file; ``SystemError``; as ``send(_:)``.
    public func sendFile(_ path: String) async throws {
        let file: OpenFile
        do {
            file = try await OpenFile.open(path)
        } catch let error as SystemError where error.isMissingFile {
            throw HTTPError(404, logMessage: "\(path): \(error)")
        }
        if contentType == Self.defaultContentType { contentType = MediaTypes.type(ofFile: path) }
        try await send(file)
    }

    /// Has browsers save the response under this name in place of showing it (RFC 6266). Characters that a file's name
    /// cannot have are left out.
    public func setDownloadName(_ name: String) {
        setHeader("Content-Disposition", ContentDisposition.attachment(name))
    }

    /// Bodies up to this size are copied from the file, which costs less than having the kernel send it.
    static let mostCopied = 16_384
    private static let pieceSize = 65_536

    /// Says which version of the file it is, unless the handler has said so.
    func describe(_ file: OpenFile) {
        if field("etag") == nil { fields.append(("ETag", FileVersion.tag(of: file))) }
        if field("last-modified") == nil {
            fields.append(("Last-Modified", HTTPDate.string(secondsSince1970: file.modified.seconds)))
        }
    }

    // MARK: conditions

    /// Whether the client has what it would get (RFC 9110 section 13.2.2).
    private func isUnchanged(_ exchange: Exchange) throws -> Bool {
        let head = exchange.head
        let tag = field("etag")
        lazy var modified = field("last-modified").flatMap { HTTPDate.parse($0) }
        if let field = head.list(of: "if-match") {
            guard let tag, EntityTags.contains(field, strongly: tag) else { throw HTTPError.preconditionFailed }
        } else if let field = head.value(of: "if-unmodified-since"), let since = HTTPDate.parse(field), let modified {
            guard modified <= since else { throw HTTPError.preconditionFailed }
        }
        if let field = head.list(of: "if-none-match") {
            return tag.map { EntityTags.contains(field, weakly: $0) } ?? false
        }
        if let field = head.value(of: "if-modified-since"), let since = HTTPDate.parse(field), since >= 0, let modified
        {
            return modified <= since
        }
        return false
    }

    /// The ranges that are asked for. Nil for the whole.
    private func requestedRanges(_ exchange: Exchange, length: Int) throws -> [Range<Int>]? {
        guard exchange.head.method == .get, let field = exchange.head.value(of: "range"), isSameVersion(exchange),
            let asked = ByteRanges(field)
        else { return nil }
        let ranges = asked.resolved(length: length)
        guard !ranges.isEmpty else { throw HTTPError.rangeNotSatisfiable(length) }
        return ranges
    }

    /// Whether `If-Range`, if it is there, names this version: by a strong tag or by the very date (RFC 9110 section 13.1.5).
    private func isSameVersion(_ exchange: Exchange) -> Bool {
        guard let condition = exchange.head.value(of: "if-range") else { return true }
        if condition.hasPrefix("\"") { return condition == field("etag") }
        guard !condition.hasPrefix("W/"), let date = HTTPDate.parse(condition) else { return false }
        return date == field("last-modified").flatMap { HTTPDate.parse($0) }
    }

    private func field(_ name: String) -> String? { fields.first { $0.name.equalsIgnoringCase(name) }?.value }

    // MARK: sending

    private func stream(_ range: Range<Int>, of body: some SeekableBody) async throws {
        var position = range.lowerBound
        while position < range.upperBound {
            let piece = position..<min(range.upperBound, position + Self.pieceSize)
            let bytes = try await body.bytes(in: piece)
            guard bytes.count == piece.count else { throw BodyTooShortError(expected: piece.count, got: bytes.count) }
            write(bytes)
            try await flush()
            position = piece.upperBound
        }
    }

    /// Several ranges, as `multipart/byteranges` (RFC 9110 section 14.6).
    private func send(_ ranges: [Range<Int>], of body: some SeekableBody, _ exchange: Exchange) async throws {
        let length = body.byteCount
        let boundary = "squall-" + Hex.encode(Crypto.randomBytes(12))
        let type = contentType.map { "Content-Type: \($0)\r\n" } ?? ""
        contentType = "multipart/byteranges; boundary=\(boundary)"
        let heads = ranges.enumerated().map { index, range in
            let field = "Content-Range: bytes \(range.lowerBound)-\(range.upperBound - 1)/\(length)\r\n"
            return Array("\(index == 0 ? "" : "\r\n")--\(boundary)\r\n\(type)\(field)\r\n".utf8)
        }
        let tail = Array("\r\n--\(boundary)--\r\n".utf8)
        if let file = body as? OpenFile {
            let parts = zip(heads, ranges).map { FileParts.Part(head: $0, range: $1) }
            return try respond(exchange, with: FileParts(file: file, parts: parts, tail: tail))
        }
        let count = heads.reduce(0) { $0 + $1.count } + ranges.reduce(0) { $0 + $1.count } + tail.count
        setHeader("Content-Length", String(count))
        for (head, range) in zip(heads, ranges) {
            write(head)
            try await stream(range, of: body)
        }
        write(tail)
        try finish()
    }
}

/// Names a version of a file by its size and the time of its change to the nanosecond.
enum FileVersion {
    static func tag(of file: OpenFile, suffix: String = "") -> String {
        let seconds = String(file.modified.seconds, radix: 16)
        let rest = String(file.modified.nanoseconds, radix: 16)
        return "\"\(seconds).\(rest)-\(String(file.byteCount, radix: 16))\(suffix)\""
    }
}

/// A ``SeekableBody`` gave less than it had promised.
struct BodyTooShortError: Error, CustomStringConvertible {
    var expected: Int
    var got: Int
    var description: String {
        "the body gave \(got) bytes in place of \(expected); it must not change while it is sent"
    }
}
