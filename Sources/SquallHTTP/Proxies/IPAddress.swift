/// An IP address as a number.
public enum IPAddress: Sendable, Hashable {
    /// The four bytes in network order.
    case v4(UInt32)
    /// The sixteen bytes in network order.
    case v6(high: UInt64, low: UInt64)

    /// Reads an address as RFC 3986 section 3.2.2 writes it, without brackets: four decimal numbers without leading
    /// zeros, or IPv6 without a zone. Nil for anything else, blanks around it too.
    public init?(_ bytes: Span<UInt8>) {
        guard bytes.count <= Self.longest else { return nil }
        guard let address = Self.v4(bytes, from: 0).map(Self.v4) ?? Self.v6(bytes) else { return nil }
        self = address
    }

    /// Reads text; see ``init(_:)-(Span<UInt8>)``.
    public init?(_ text: String) { self.init(Array(text.utf8).span) }

    /// The IPv4 address in an IPv6 address that stands for one, `::ffff:10.1.2.3`; any other address as it is.
    public var unmapped: IPAddress {
        guard case .v6(high: 0, let low) = self, low >> 32 == 0xffff else { return self }
        return .v4(UInt32(truncatingIfNeeded: low))
    }

    /// Eight groups of four digits, the last two as an IPv4 address.
    private static let longest = 45
    private static let dot = UInt8(ascii: ".")
    private static let colon = UInt8(ascii: ":")

    /// The address that `bytes` is from `start` to its end.
    private static func v4(_ bytes: Span<UInt8>, from start: Int) -> UInt32? {
        var address: UInt32 = 0
        var index = start
        for part in 0..<4 {
            if part > 0 {
                guard index < bytes.count, bytes[index] == dot else { return nil }
                index += 1
            }
            let first = index
            var value: UInt32 = 0
            while index < bytes.count, ASCII.isDigit(bytes[index]) {
                // A leading zero makes an octal number for some.
                guard index == first || value > 0 else { return nil }
                value = value * 10 + UInt32(bytes[index] - 0x30)
                guard value <= 255 else { return nil }
                index += 1
            }
            guard index > first else { return nil }
            address = address << 8 | value
        }
        return index == bytes.count ? address : nil
    }

    private static func v6(_ bytes: Span<UInt8>) -> IPAddress? {
        var groups: [UInt16] = []
        /// How many groups stand before `::`.
        var gap: Int?
        var index = 0
        if bytes.count >= 2, bytes[0] == colon, bytes[1] == colon {
            gap = 0
            index = 2
        }
        // Each turn begins where a group must.
        while index < bytes.count {
            let first = index
            var value: UInt16 = 0
            while index < bytes.count, let digit = ASCII.hexValue(bytes[index]) {
                guard index - first < 4 else { return nil }
                value = value << 4 | UInt16(digit)
                index += 1
            }
            if index < bytes.count, bytes[index] == dot {
                guard groups.count <= 6, let address = v4(bytes, from: first) else { return nil }
                groups += [UInt16(address >> 16), UInt16(address & 0xffff)]
                break
            }
            guard index > first, groups.count < 8 else { return nil }
            groups.append(value)
            if index == bytes.count { break }
            guard bytes[index] == colon, index + 1 < bytes.count else { return nil }
            index += 1
            if bytes[index] == colon {
                guard gap == nil else { return nil }
                gap = groups.count
                index += 1
            }
        }
        guard gap == nil ? groups.count == 8 : groups.count <= 7 else { return nil }
        if let gap { groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap) }
        func half(_ groups: ArraySlice<UInt16>) -> UInt64 { groups.reduce(0) { $0 << 16 | UInt64($1) } }
        return .v6(high: half(groups[..<4]), low: half(groups[4...]))
    }
}
