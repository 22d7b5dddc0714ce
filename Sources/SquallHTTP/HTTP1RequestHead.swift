public import HTTPTypes

/// A request line and its fields, kept as the bytes that came (RFC 9112 sections 3 and 5).
///
/// Strings are made only when asked for. All ranges are offsets into ``bytes``.
public struct HTTP1RequestHead: Sendable {
    /// The four forms of a request target (RFC 9112 section 3.2).
    public enum TargetForm: Sendable {
        /// `/path?query`
        case origin
        /// `http://host/path?query`
        case absolute
        /// `host:port`, with CONNECT only
        case authority
        /// `*`, with OPTIONS only
        case asterisk
    }

    /// How the end of the body is found (RFC 9112 section 6.3).
    public enum Framing: Equatable, Sendable {
        /// There is no body.
        case none
        /// Content-Length: so many bytes follow, zero or more.
        case length(Int)
        /// Transfer-Encoding: chunked.
        case chunked
    }

    /// The method as sent; any token of up to 32 bytes.
    public var method: HTTPRequest.Method

    /// The form of the target.
    public var targetForm: TargetForm

    /// 0 or 1. A higher minor version counts as 1 (RFC 9110 section 2.5).
    public var minorVersion: Int

    /// How the end of the body is found.
    public var framing: Framing

    /// Whether the connection may serve another request after this one, by version and Connection fields
    /// (RFC 9112 section 9.3). `close` wins over `keep-alive`.
    public var keepAlive: Bool

    /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 section 10.1.1).
    /// Always false in HTTP/1.0.
    public var expectsContinue: Bool

    /// Whether Connection lists `upgrade` and there is an Upgrade field (RFC 9110 section 7.8).
    public var upgrade: Bool

    /// The whole head as it came, from the request line to the empty line that ends it.
    public var bytes: [UInt8]

    /// The target as sent.
    public var targetRange: Range<Int>

    /// The path as sent, still escaped. Empty in authority form, and in absolute form when nothing follows the
    /// authority; in asterisk form it is the asterisk.
    public var pathRange: Range<Int>

    /// The query as sent, without its question mark; nil if there was no question mark.
    public var queryRange: Range<Int>?

    /// The authority in the target or, if it has none, the value of the Host field.
    let authorityRange: Range<Int>?

    let fieldRanges: [FieldRange]

    /// Copies the head at the start of `buffer`, `end` bytes long, and takes the parser's findings.
    init?(_ buffer: Bytes, end: Int, line: RequestLine, facts: HeadFacts, fields: [FieldRange]) {
        guard let method = line.method(buffer) else { return nil }
        self.method = method
        targetForm = line.form
        minorVersion = line.minorVersion
        framing = facts.framing
        keepAlive = facts.keepAlive
        expectsContinue = facts.expectsContinue
        upgrade = facts.upgrade
        bytes = Array(Bytes(rebasing: buffer[0..<end]))
        targetRange = line.target
        pathRange = line.path
        queryRange = line.query
        authorityRange = line.authority ?? facts.host
        fieldRanges = fields
    }
}

extension HTTP1RequestHead {
    /// The target as sent.
    public var target: String { string(targetRange) }

    /// The path as sent, still escaped; `/` where the target has none.
    public var path: String { pathRange.isEmpty ? "/" : string(pathRange) }

    /// The query as sent, still escaped, without its question mark; nil if there was no question mark.
    public var query: String? { queryRange.map { string($0) } }

    /// `host` or `host:port`: from the target in absolute and authority form, from the Host field otherwise
    /// (RFC 9112 section 3.2.2). Nil in HTTP/1.0 without Host; empty if the Host field is empty.
    public var authority: String? { authorityRange.map { string($0) } }

    /// Number of field lines.
    public var fieldCount: Int { fieldRanges.count }

    /// The name of field `index`, in the case it was sent in. `index` must be in `0..<fieldCount`.
    public func fieldName(at index: Int) -> String { string(fieldRanges[index].name) }

    /// The value of field `index` without leading and trailing blanks. `index` must be in `0..<fieldCount`.
    ///
    /// Bytes from 0x80 are read as UTF-8 or, if the value is not valid UTF-8, as Latin-1, so that nothing is lost.
    public func fieldValue(at index: Int) -> String { fieldString(bytes[fieldRanges[index].value]) }

    /// The value of the first field called `name`, or nil. Does not allocate when there is none.
    ///
    /// - Parameter name: In lower-case ASCII. Names are compared without regard to case.
    public func value(of name: String) -> String? {
        for index in fieldRanges.indices where isField(index, named: name) { return fieldValue(at: index) }
        return nil
    }

    /// The values of all fields called `name`, in order.
    ///
    /// - Parameter name: In lower-case ASCII. Names are compared without regard to case.
    public func values(of name: String) -> [String] {
        var values: [String] = []
        for index in fieldRanges.indices where isField(index, named: name) { values.append(fieldValue(at: index)) }
        return values
    }

    /// The values of all fields called `name` as one list, with commas between them (RFC 9110 section 5.3). Nil if there
    /// is none. Does not allocate then.
    ///
    /// - Parameter name: In lower-case ASCII. Names are compared without regard to case.
    public func list(of name: String) -> String? {
        guard let first = fieldRanges.indices.first(where: { isField($0, named: name) }) else { return nil }
        guard fieldRanges[(first + 1)...].indices.contains(where: { isField($0, named: name) }) else {
            return fieldValue(at: first)
        }
        return values(of: name).joined(separator: ", ")
    }

    /// All fields in order. A field that HTTPTypes refuses is skipped.
    public var fields: HTTPFields {
        var fields = HTTPFields()
        fields.reserveCapacity(fieldRanges.count)
        for range in fieldRanges {
            guard let name = HTTPField.Name(string(range.name)) else { continue }
            fields.append(HTTPField(name: name, value: bytes[range.value]))
        }
        return fields
    }

    private func isField(_ index: Int, named name: String) -> Bool {
        let range = fieldRanges[index]
        let utf8 = name.utf8
        guard Int(range.nameEnd &- range.nameStart) == utf8.count else { return false }
        var position = Int(range.nameStart)
        for byte in utf8 {
            guard ASCII.lowercased(bytes[position]) == byte else { return false }
            position &+= 1
        }
        return true
    }

    private func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
}

/// Field bytes as text: UTF-8 or, if they are not valid UTF-8, Latin-1.
func fieldString(_ bytes: ArraySlice<UInt8>) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    return String(decoding: bytes.lazy.map { UInt16($0) }, as: UTF16.self)
}
