import SquallHTTP
import SquallIO

/// Some of the addresses that a connection can come from, such as those of the proxies in front.
///
/// | Written | Contains |
/// | --- | --- |
/// | `10.1.2.3`, `::1` | that address |
/// | `10.0.0.0/8`, `fd00::/8` | all that begin with as many bits (CIDR, RFC 4632) |
/// | `unix` | every peer of a Unix socket |
///
/// An IPv6 address that stands for an IPv4 address, `::ffff:10.1.2.3`, is that IPv4 address. Ports do not count.
public struct AddressRange: Sendable, Hashable, CustomStringConvertible {
    private enum Form: Hashable, Sendable {
        case unix
        case v4(UInt32, mask: UInt32)
        case v6(high: UInt64, low: UInt64, highMask: UInt64, lowMask: UInt64)
    }

    /// The range as it was written.
    public let description: String
    private let form: Form

    /// - Throws: ``AddressRangeError``, which says what to write instead.
    public init(_ text: String) throws(AddressRangeError) {
        description = text
        if text == "unix" {
            form = .unix
            return
        }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let written = parts.first.flatMap({ IPAddress(String($0)) }) else {
            throw AddressRangeError("'\(text)' is no address; write one such as 10.0.0.0/8, ::1 or unix")
        }
        let most = if case .v4 = written { 32 } else { 128 }
        var bits = most
        if parts.count > 1 {
            // A leading zero has no meaning here.
            guard parts[1].utf8.count <= 3, parts[1] == "0" || parts[1].utf8.first != UInt8(ascii: "0"),
                let number = UInt(pathArgument: String(parts[1])), number <= most
            else { throw AddressRangeError("'\(text)' needs a number of bits from 0 to \(most) behind the slash") }
            bits = Int(number)
        }
        var address = written
        if case .v4 = written.unmapped, most == 128, bits >= 96 {
            address = written.unmapped
            bits -= 96
        }
        let isExact: Bool
        switch address {
        case .v4(let number):
            let mask = ~(UInt32.max >> UInt32(bits))
            form = .v4(number, mask: mask)
            isExact = number & ~mask == 0
        case .v6(let high, let low):
            let (highMask, lowMask) = (
                ~(UInt64.max >> UInt64(min(bits, 64))), ~(UInt64.max >> UInt64(max(bits, 64) - 64))
            )
            form = .v6(high: high, low: low, highMask: highMask, lowMask: lowMask)
            isExact = high & ~highMask == 0 && low & ~lowMask == 0
        }
        guard isExact else {
            throw AddressRangeError(
                "'\(text)' has bits beyond those that count; set them to zero, or leave out the slash to mean one address"
            )
        }
    }

    /// Whether the address is one of these.
    public func contains(_ address: SocketAddress) -> Bool {
        guard let address = address.ip else { return form == .unix }
        switch (form, address) {
        case (.v4(let range, let mask), .v4(let number)): return number & mask == range
        case (.v6(let high, let low, let highMask, let lowMask), .v6(let high2, let low2)):
            return high2 & highMask == high && low2 & lowMask == low
        default: return false
        }
    }
}

/// A text is no ``AddressRange``.
public struct AddressRangeError: Error, Equatable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

extension SocketAddress {
    /// Nil for a Unix socket.
    var ip: IPAddress? {
        switch self {
        case .ipv4(let address, _): .v4(address)
        case .ipv6(let high, let low, _): IPAddress.v6(high: high, low: low).unmapped
        case .unix: nil
        }
    }

    init(_ address: IPAddress, port: UInt16) {
        switch address.unmapped {
        case .v4(let number): self = .ipv4(number, port: port)
        case .v6(let high, let low): self = .ipv6(high: high, low: low, port: port)
        }
    }
}
