import CXXHash
import SquallHTTP
import SquallIO

extension RequestHandler {
    // MARK: caching

    /// Says which version of the resource the response is (RFC 9110 section 8.8.3), in place of the tag that is made from the
    /// body. A client that has this version gets 304.
    /// - Parameter isWeak: the bytes may differ where the meaning does not.
    /// - Throws: ``ResponseStateError`` if the text has a quotation mark, a blank or a control character.
    public func setETag(_ tag: String, isWeak: Bool = false) throws {
        guard EntityTags.isOpaque(tag) else {
            throw ResponseStateError(description: "the tag '\(tag)' has a character that a tag cannot have")
        }
        setHeader("ETag", "\(isWeak ? "W/" : "")\"\(tag)\"")
    }

    /// Says when the resource last changed, in seconds since 1970. A client that has it from then or later gets 304.
    public func setLastModified(_ time: Int) { setHeader("Last-Modified", HTTPDate.string(secondsSince1970: time)) }

    /// Checks what the request demands of the resource that it is about to change: `If-Match`, `If-Unmodified-Since` and
    /// `If-None-Match` (RFC 9110 section 13.2.2). To be called before the change.
    /// - Parameters:
    ///   - tag: the tag of the resource's present version, as given to ``setETag(_:isWeak:)``. Nil: there is no such resource.
    ///   - lastModified: when it last changed, in seconds since 1970.
    /// - Throws: ``HTTPError`` 412 if a demand is not met.
    public func checkPreconditions(tag: String?, lastModified: Int? = nil) throws {
        let current = tag.map { "\"\($0)\"" }
        if let field = exchange?.head.list(of: "if-match") {
            guard let current,
                tagsInAllCodings(current).contains(where: { EntityTags.contains(field, strongly: $0) })
            else { throw HTTPError.preconditionFailed }
        } else if let field = request.header("if-unmodified-since"), let since = HTTPDate.parse(field), let lastModified
        {
            guard lastModified <= since else { throw HTTPError.preconditionFailed }
        }
        if let field = exchange?.head.list(of: "if-none-match"), let current,
            tagsInAllCodings(current).contains(where: { EntityTags.contains(field, weakly: $0) })
        {
            throw HTTPError.preconditionFailed
        }
    }

    /// A 304 with its tag would be longer than so small a body.
    private static let leastTagged = 256

    /// Makes a 304 of a response that the client has already.
    /// - Throws: ``HTTPError`` 412 if it demands another version.
    @inline(__always)
    func revalidate(_ exchange: Exchange) throws {
        guard bodyLength >= Self.leastTagged || !fields.isEmpty else { return }
        try revalidateTagged(exchange)
    }

    private func revalidateTagged(_ exchange: Exchange) throws {
        guard status == 200, exchange.head.method == .get || exchange.head.method == .head else { return }
        // A page with a nonce is another each time.
        if bodyLength >= Self.leastTagged, nonce == nil, application?.settings.makesETags == true, field("etag") == nil
        {
            fields.append(("ETag", compression?.tag(for: bodyTag) ?? bodyTag))
        }
        if try isUnchanged(exchange) { makeNotModified() }
    }

    /// Whether the client has what it would get (RFC 9110 section 13.2.2).
    func isUnchanged(_ exchange: Exchange) throws -> Bool {
        let head = exchange.head
        let tag = field("etag")
        lazy var modified = field("last-modified").flatMap { HTTPDate.parse($0) }
        if let field = head.list(of: "if-match") {
            // Any version will do for an asterisk, one without a tag too.
            guard EntityTags.contains(field, strongly: tag ?? "W/") else { throw HTTPError.preconditionFailed }
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

    func makeNotModified() {
        status = 304
        reason = nil
        text = ""
        chunk = []
        for name in ["content-encoding", "content-language", "content-length"] { clearHeader(name) }
    }

    /// A strong tag: 128 bits of the body's hash, which is no secret and no signature.
    private var bodyTag: String {
        if !text.isEmpty { gather() }
        // The pointer is to the array's own storage, for the time of the call.
        let hash = chunk.withUnsafeBytes { XXH3_128bits($0.baseAddress, $0.count) }
        var digits: [UInt8] = [UInt8(ascii: "\"")]
        digits.reserveCapacity(34)
        for half in [hash.high64, hash.low64] {
            for shift in stride(from: 60, through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: half >> UInt64(shift)) & 15
                digits.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
            }
        }
        digits.append(UInt8(ascii: "\""))
        return String(decoding: digits, as: UTF8.self)
    }
}
