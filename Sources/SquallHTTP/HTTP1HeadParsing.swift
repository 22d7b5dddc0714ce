import HTTPTypes

/// Where a field line's name and value lie, as offsets from the start of its head or trailer section.
///
/// `UInt32` is enough: sections are capped at 2³⁰ bytes.
struct FieldRange: Sendable {
    var nameStart: UInt32
    var nameEnd: UInt32
    var valueStart: UInt32
    var valueEnd: UInt32

    @inline(__always) var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
    @inline(__always) var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
}

/// `Result` without its requirement that failures are errors.
enum Parsed<Value> {
    case value(Value)
    case failure(HTTP1Failure)
}

/// A request line in parts (RFC 9112 section 3). Offsets are from the start of the head.
struct RequestLine {
    var methodEnd: Int
    var minorVersion: Int
    var form: HTTP1RequestHead.TargetForm
    var target: Range<Int>
    var path: Range<Int>
    var query: Range<Int>?
    var authority: Range<Int>?

    /// Longest method passed on to the application.
    static let maxMethodBytes = 32

    /// Parses `0..<end`, a line without its CRLF and without control characters other than HTAB.
    static func parse(_ bytes: Bytes, end: Int) -> Parsed<RequestLine> {
        let methodEnd = bytes.firstNot(in: .token, from: 0, to: end)
        guard methodEnd > 0 else { return .failure(.badMethod) }
        guard methodEnd < end, bytes[methodEnd] == ASCII.space else {
            return .failure(methodEnd < end ? .badMethod : .badRequestLine)
        }
        guard methodEnd <= maxMethodBytes else { return .failure(.methodTooLong) }
        let targetStart = methodEnd &+ 1
        var query: Int?
        var index = targetStart
        while index < end, ByteSet.target.contains(bytes[index]) {
            if bytes[index] == UInt8(ascii: "?"), query == nil { query = index }
            index &+= 1
        }
        let targetEnd = index
        guard targetEnd > targetStart else { return .failure(.badRequestLine) }
        guard targetEnd < end, bytes[targetEnd] == ASCII.space else {
            return .failure(targetEnd < end && bytes[targetEnd] != ASCII.tab ? .badTarget : .badRequestLine)
        }
        let minor: Int
        switch parseVersion(bytes, from: targetEnd &+ 1, to: end) {
        case .value(let digit): minor = digit
        case .failure(let failure): return .failure(failure)
        }
        var line = RequestLine(
            methodEnd: methodEnd, minorVersion: minor, form: .origin, target: targetStart..<targetEnd,
            path: targetStart..<(query ?? targetEnd), query: query.map { ($0 &+ 1)..<targetEnd }, authority: nil)
        if bytes[targetStart] == UInt8(ascii: "/"), methodEnd != 7 || !isConnect(bytes) { return .value(line) }
        return line.resolveOtherForms(bytes) ? .value(line) : .failure(.badTarget)
    }

    @inline(__always)
    private static func isConnect(_ bytes: Bytes) -> Bool { matches(bytes, "CONNECT", at: 0) }

    /// Case-sensitive. Reads `at..<at + word.count`, which the caller knows to be inside.
    @inline(__always)
    private static func matches(_ bytes: Bytes, _ word: StaticString, at: Int) -> Bool {
        let start = word.utf8Start
        for offset in 0..<word.utf8CodeUnitCount where bytes[at &+ offset] != start[offset] { return false }
        return true
    }

    /// `HTTP/` DIGIT `.` DIGIT, the whole of `from..<to`. Minor versions from 2 on count as 1.
    @inline(__always)
    private static func parseVersion(_ bytes: Bytes, from: Int, to end: Int) -> Parsed<Int> {
        guard end &- from == 8, matches(bytes, "HTTP/", at: from), bytes[from &+ 6] == UInt8(ascii: ".") else {
            // A blank before or after the version, or a second one, is a matter of the line.
            let isBlank = from < end && (ASCII.isBlank(bytes[from]) || ASCII.isBlank(bytes[end &- 1]))
            return .failure(isBlank ? .badRequestLine : .badVersion)
        }
        let major = bytes[from &+ 5]
        let minor = bytes[from &+ 7]
        guard ASCII.isDigit(major), ASCII.isDigit(minor) else { return .failure(.badVersion) }
        guard major == UInt8(ascii: "1") else { return .failure(.unsupportedVersion) }
        return .value(minor == UInt8(ascii: "0") ? 0 : 1)
    }

    /// Authority, asterisk and absolute form (RFC 9112 sections 3.2.2 to 3.2.4).
    private mutating func resolveOtherForms(_ bytes: Bytes) -> Bool {
        if methodEnd == 7, Self.isConnect(bytes) {
            form = .authority
            authority = target
            path = target.upperBound..<target.upperBound
            return query == nil && HostSyntax.isValid(bytes, target, portRequired: true)
        }
        if target.count == 1, bytes[target.lowerBound] == UInt8(ascii: "*") {
            form = .asterisk
            return methodEnd == 7 && Self.matches(bytes, "OPTIONS", at: 0)
        }
        form = .absolute
        guard let start = Self.endOfScheme(bytes, target) else { return false }
        // The path is up to the question mark; the authority ends at the first slash of that.
        var end = start
        while end < path.upperBound, bytes[end] != UInt8(ascii: "/") { end &+= 1 }
        guard start <= path.upperBound, HostSyntax.isValid(bytes, start..<end) else { return false }
        authority = start..<end
        path = end..<path.upperBound
        return true
    }

    /// The offset behind `http://` or `https://`.
    private static func endOfScheme(_ bytes: Bytes, _ target: Range<Int>) -> Int? {
        var index = target.lowerBound &+ 4
        guard target.count > 7, bytes.spells("http", from: target.lowerBound, to: index) else { return nil }
        if bytes[index] | 0x20 == UInt8(ascii: "s") { index &+= 1 }
        guard target.upperBound &- index > 3, matches(bytes, "://", at: index) else { return nil }
        return index &+ 3
    }

    /// The method, without an allocation for the usual ones.
    func method(_ bytes: Bytes) -> HTTPRequest.Method? {
        switch methodEnd {
        case 3:
            if Self.matches(bytes, "GET", at: 0) { return .get }
            if Self.matches(bytes, "PUT", at: 0) { return .put }
        case 4:
            if Self.matches(bytes, "POST", at: 0) { return .post }
            if Self.matches(bytes, "HEAD", at: 0) { return .head }
        case 5:
            if Self.matches(bytes, "PATCH", at: 0) { return .patch }
        case 6:
            if Self.matches(bytes, "DELETE", at: 0) { return .delete }
        case 7:
            if Self.matches(bytes, "OPTIONS", at: 0) { return .options }
        default: break
        }
        return HTTPRequest.Method(String(decoding: bytes[0..<methodEnd], as: UTF8.self))
    }
}

extension FieldRange {
    /// Parses a field line in `start..<end`, without its CRLF and without control characters other than HTAB
    /// (RFC 9112 section 5).
    @inline(__always)
    static func parse(_ bytes: Bytes, from start: Int, to end: Int) -> Parsed<FieldRange> {
        let nameEnd = bytes.firstNot(in: .token, from: start, to: end)
        guard nameEnd < end, bytes[nameEnd] == UInt8(ascii: ":"), nameEnd > start else {
            return .failure(refusal(bytes, from: start, nameEnd: nameEnd, to: end))
        }
        let value = bytes.trimmed(from: nameEnd &+ 1, to: end)
        return .value(
            FieldRange(
                nameStart: UInt32(truncatingIfNeeded: start), nameEnd: UInt32(truncatingIfNeeded: nameEnd),
                valueStart: UInt32(truncatingIfNeeded: value.lowerBound),
                valueEnd: UInt32(truncatingIfNeeded: value.upperBound)))
    }

    @inline(never)
    private static func refusal(_ bytes: Bytes, from start: Int, nameEnd: Int, to end: Int) -> HTTP1Failure {
        if ASCII.isBlank(bytes[start]) { return .foldedLine }
        var index = nameEnd
        while index < end, ASCII.isBlank(bytes[index]) { index &+= 1 }
        if index == end { return .noColon }
        return bytes[index] == UInt8(ascii: ":") && index > nameEnd && nameEnd > start
            ? .spaceBeforeColon : .badFieldName
    }
}
