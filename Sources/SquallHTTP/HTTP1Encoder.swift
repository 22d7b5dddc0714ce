/// A field that cannot be sent.
public enum HTTPFieldError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The name is not a token (RFC 9110 section 5.1).
    case invalidName
    /// The value holds CR, LF, NUL or another control character (RFC 9110 section 5.5).
    case invalidValue

    /// What is wrong, without the offending text.
    public var description: String {
        switch self {
        case .invalidName: "a header name may hold letters, digits and !#$%&'*+-.^_`|~ only, and at least one"
        case .invalidValue: "a header value may hold no CR, LF, NUL or other control character but the tab"
        }
    }
}

/// Writes HTTP/1.1 responses into byte arrays (RFC 9112 sections 4, 5 and 7.1).
public enum HTTP1Encoder {
    /// What ends a chunked body that has no trailers: `0`, CRLF, CRLF.
    public static let lastChunk: [UInt8] = [0x30, 0x0d, 0x0a, 0x0d, 0x0a]

    /// Appends a status line, such as `HTTP/1.1 200 OK` and CRLF.
    ///
    /// - Parameters:
    ///   - status: 100...999; anything else is sent as 500.
    ///   - reason: Nil for the standard phrase. So that no caller can inject a line, a phrase with a control
    ///     character other than HTAB is replaced by the standard one too, `Unknown` where there is none.
    public static func appendStatusLine(_ status: Int, reason: String?, to buffer: inout [UInt8]) {
        if status == 200, reason == nil {
            append("HTTP/1.1 200 OK\r\n", to: &buffer)
            return
        }
        let isValid = status >= 100 && status <= 999
        let status = isValid ? status : 500
        append("HTTP/1.1 ", to: &buffer)
        appendDecimal(status, to: &buffer)
        buffer.append(ASCII.space)
        if isValid, let reason, !reason.utf8.contains(where: ASCII.isForbiddenControl) {
            buffer.append(contentsOf: reason.utf8)
        } else {
            append(standardReason(status), to: &buffer)
        }
        append("\r\n", to: &buffer)
    }

    /// Appends `name: value` and CRLF.
    ///
    /// Whatever set the field, it is validated here. Nothing is appended when it is refused.
    ///
    /// - Throws: ``HTTPFieldError`` if `name` is not a token, or `value` holds a control character other than HTAB.
    public static func appendField(
        _ name: String, _ value: String, to buffer: inout [UInt8]
    ) throws(HTTPFieldError) {
        let start = buffer.count
        buffer.append(contentsOf: name.utf8)
        for index in start..<buffer.count where !ByteSet.token.contains(buffer[index]) {
            buffer.removeLast(buffer.count - start)
            throw .invalidName
        }
        guard buffer.count > start else { throw .invalidName }
        append(": ", to: &buffer)
        do throws(HTTPFieldError) {
            try appendValue(value, to: &buffer)
        } catch {
            buffer.removeLast(buffer.count - start)
            throw error
        }
    }

    /// Appends `Content-Type: value` and CRLF. As ``appendField(_:_:to:)``, without a look at the name.
    public static func appendContentType(_ value: String, to buffer: inout [UInt8]) throws(HTTPFieldError) {
        let start = buffer.count
        append("Content-Type: ", to: &buffer)
        do throws(HTTPFieldError) {
            try appendValue(value, to: &buffer)
        } catch {
            buffer.removeLast(buffer.count - start)
            throw error
        }
    }

    /// Appends `value` and CRLF, or a part of it and throws.
    private static func appendValue(_ value: String, to buffer: inout [UInt8]) throws(HTTPFieldError) {
        let start = buffer.count
        buffer.append(contentsOf: value.utf8)
        for index in start..<buffer.count where ASCII.isForbiddenControl(buffer[index]) { throw .invalidValue }
        append("\r\n", to: &buffer)
    }

    /// Appends a Content-Length field. A negative `count` is sent as 0.
    public static func appendContentLength(_ count: Int, to buffer: inout [UInt8]) {
        append("Content-Length: ", to: &buffer)
        appendDecimal(max(count, 0), to: &buffer)
        append("\r\n", to: &buffer)
    }

    /// Appends a Date field with a value made by ``HTTPDate``, which a server formats once a second.
    public static func appendDate(_ cached: [UInt8], to buffer: inout [UInt8]) {
        append("Date: ", to: &buffer)
        buffer.append(contentsOf: cached)
        append("\r\n", to: &buffer)
    }

    /// Appends the line that starts a chunk of `size` bytes: hexadecimal digits and CRLF.
    ///
    /// A size of zero or less appends nothing, because its line would end the body; see ``lastChunk``.
    public static func appendChunkHead(_ size: Int, to buffer: inout [UInt8]) {
        guard size > 0 else { return }
        var shift = (Int.bitWidth - 1 - size.leadingZeroBitCount) & ~3
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: size >> shift) & 0xf
            buffer.append(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
            shift -= 4
        }
        append("\r\n", to: &buffer)
    }

    /// Appends `number`, zero or more, in decimal.
    package static func appendDecimal(_ number: Int, to buffer: inout [UInt8]) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var first = digits.count
        var rest = number
        repeat {
            first -= 1
            digits[first] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        for index in first..<digits.count { buffer.append(digits[index]) }
    }

    @inline(__always)
    static func append(_ text: StaticString, to buffer: inout [UInt8]) {
        // Every caller passes a literal of two characters or more, which has a pointer to its UTF-8.
        buffer.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
