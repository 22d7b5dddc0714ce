/// What a proxy says of a connection before its first byte: the PROXY protocol, versions 1 and 2, as HAProxy specifies
/// it.
public struct ProxyHeader: Sendable, Equatable {
    /// One end of the connection that the proxy took.
    public enum Endpoint: Sendable, Equatable {
        case ip(IPAddress, port: UInt16)
        /// A Unix socket's path; empty for an unnamed one.
        case unix(String)
    }

    /// The proxy's client. Nil if the proxy speaks for itself (`LOCAL`, such as a health check) or does not tell
    /// (`UNKNOWN`, `UNSPEC`).
    public var source: Endpoint?
    /// Where that client connected to. Nil with the source.
    public var destination: Endpoint?

    public init(source: Endpoint? = nil, destination: Endpoint? = nil) {
        self.source = source
        self.destination = destination
    }

    public enum Event: Sendable, Equatable {
        /// The input may be the beginning of a header. Call again with the same bytes and more.
        case needMoreInput
        /// The header is complete.
        case header(ProxyHeader)
        /// The input is no header, and no more of it will make it one. Close the connection, as the specification
        /// demands.
        case failure(ProxyHeaderError)
    }

    /// The longest header of version 1, with its line end.
    public static let longestLine = 107
    /// The longest header of version 2 that is taken, with what follows its addresses.
    public static let longestBlock = 4_096

    /// Reads a header at the start of `bytes`, which is all that has come of the connection so far.
    ///
    /// Whatever follows the addresses of version 2 is skipped. Nothing is consumed before the header is complete, and
    /// none of what follows it. Takes time for ``longestLine`` bytes at most.
    public static func parse(_ bytes: Span<UInt8>, consumed: inout Int) -> Event {
        consumed = 0
        guard bytes.count > 0 else { return .needMoreInput }
        let isBlock = bytes[0] == signature[0]
        let start = isBlock ? signature : word
        for index in 0..<min(start.count, bytes.count) where bytes[index] != start[index] {
            return .failure(.missing)
        }
        guard bytes.count >= start.count else { return .needMoreInput }
        return isBlock ? block(bytes, &consumed) : line(bytes, &consumed)
    }

    private static let word = Array("PROXY ".utf8)
    private static let signature: [UInt8] = [
        0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
    ]

    // MARK: version 1

    /// `PROXY TCP4 192.0.2.1 192.0.2.2 56324 443`, or `PROXY UNKNOWN` and anything.
    private static func line(_ bytes: Span<UInt8>, _ consumed: inout Int) -> Event {
        let most = min(bytes.count, longestLine)
        var end = word.count
        while end < most, bytes[end] != ASCII.cr, bytes[end] != ASCII.lf { end += 1 }
        guard end + 1 < longestLine else { return .failure(.tooLong) }
        guard end < bytes.count else { return .needMoreInput }
        guard bytes[end] == ASCII.cr else { return .failure(.malformed) }
        guard end + 1 < bytes.count else { return .needMoreInput }
        guard bytes[end + 1] == ASCII.lf else { return .failure(.malformed) }
        var text: [UInt8] = []
        for index in word.count..<end { text.append(bytes[index]) }
        let parts = String(decoding: text, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
        if parts.first == "UNKNOWN" {
            consumed = end + 2
            return .header(ProxyHeader())
        }
        guard parts.count == 5, let source = IPAddress(String(parts[1])), let destination = IPAddress(String(parts[2])),
            isOf(parts[0], source), isOf(parts[0], destination),
            let sourcePort = port(parts[3]), let destinationPort = port(parts[4])
        else { return .failure(.malformed) }
        consumed = end + 2
        return .header(
            ProxyHeader(
                source: .ip(source, port: sourcePort), destination: .ip(destination, port: destinationPort)))
    }

    private static func isOf(_ family: Substring, _ address: IPAddress) -> Bool {
        if case .v4 = address { return family == "TCP4" }
        return family == "TCP6"
    }

    /// Leading zeros are not allowed here.
    private static func port(_ text: Substring) -> UInt16? {
        text.utf8.count > 1 && text.utf8.first == UInt8(ascii: "0") ? nil : PortNumber.parse(text.utf8)
    }

    // MARK: version 2

    private static let fixedPart = 16
    private static let pathLength = 108

    private static func block(_ bytes: Span<UInt8>, _ consumed: inout Int) -> Event {
        guard bytes.count > 12 else { return .needMoreInput }
        let command = bytes[12]
        guard command == 0x20 || command == 0x21 else { return .failure(.malformed) }
        guard bytes.count >= fixedPart else { return .needMoreInput }
        let length = Int(number(bytes, 14, 2))
        guard fixedPart + length <= longestBlock else { return .failure(.tooLong) }
        let family = bytes[13]
        let needed: Int
        switch family {
        // What the proxy does for itself has no addresses that matter.
        case _ where command == 0x20: needed = 0
        case 0x00: needed = 0
        case 0x11: needed = 12
        case 0x21: needed = 36
        case 0x31: needed = 2 * pathLength
        // Datagrams, which a stream does not carry, and what is not defined.
        default: return .failure(.malformed)
        }
        guard length >= needed else { return .failure(.malformed) }
        guard bytes.count >= fixedPart + length else { return .needMoreInput }
        consumed = fixedPart + length
        guard needed > 0 else { return .header(ProxyHeader()) }
        let start = fixedPart
        switch family {
        case 0x11:
            return .header(
                ProxyHeader(
                    source: .ip(v4(bytes, start), port: port(bytes, start + 8)),
                    destination: .ip(v4(bytes, start + 4), port: port(bytes, start + 10))))
        case 0x21:
            return .header(
                ProxyHeader(
                    source: .ip(v6(bytes, start), port: port(bytes, start + 32)),
                    destination: .ip(v6(bytes, start + 16), port: port(bytes, start + 34))))
        default:
            return .header(
                ProxyHeader(
                    source: .unix(path(bytes, start)), destination: .unix(path(bytes, start + pathLength))))
        }
    }

    // The caller has seen that the bytes are there.

    private static func port(_ bytes: Span<UInt8>, _ offset: Int) -> UInt16 {
        UInt16(truncatingIfNeeded: number(bytes, offset, 2))
    }

    private static func v4(_ bytes: Span<UInt8>, _ offset: Int) -> IPAddress {
        .v4(UInt32(truncatingIfNeeded: number(bytes, offset, 4)))
    }

    private static func v6(_ bytes: Span<UInt8>, _ offset: Int) -> IPAddress {
        .v6(high: number(bytes, offset, 8), low: number(bytes, offset + 8, 8))
    }

    /// Up to the first zero.
    private static func path(_ bytes: Span<UInt8>, _ offset: Int) -> String {
        var path: [UInt8] = []
        for index in offset..<offset + pathLength {
            if bytes[index] == 0 { break }
            path.append(bytes[index])
        }
        return String(decoding: path, as: UTF8.self)
    }

    /// `count` bytes in network order.
    private static func number(_ bytes: Span<UInt8>, _ offset: Int, _ count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in offset..<offset + count { value = value << 8 | UInt64(bytes[index]) }
        return value
    }
}

/// A connection did not begin with a header of the PROXY protocol.
public enum ProxyHeaderError: Error, Sendable, Equatable, CustomStringConvertible {
    /// It begins with something else.
    case missing
    /// It begins like one and is none.
    case malformed
    /// It is longer than ``ProxyHeader/longestLine`` or ``ProxyHeader/longestBlock``.
    case tooLong

    public var description: String {
        switch self {
        case .missing: "the connection does not begin with a PROXY header; have the proxy send one"
        case .malformed: "the connection begins with a PROXY header that is malformed"
        case .tooLong:
            "the connection begins with a PROXY header of more than \(ProxyHeader.longestLine) bytes in version 1 or "
                + "\(ProxyHeader.longestBlock) in version 2; have the proxy send less"
        }
    }
}
