/// `uri-host [ ":" port ]`: the Host field and the authority of a request target (RFC 9110 section 7.2,
/// RFC 3986 section 3.2.2).
public enum HostSyntax {
    /// Whether all of the text is a host with an optional port.
    public static func isValid(_ text: String) -> Bool {
        // The pointer is to the array's own storage, for the time of the call.
        Array(text.utf8).withUnsafeBufferPointer { isValid($0, 0..<$0.count) }
    }

    /// Whether `range` of `bytes` is a host with an optional port.
    ///
    /// Stricter than RFC 3986 in that a comma is refused (two joined Host fields), a port is 0...65535 in at most
    /// five digits, and of IP literals only IPv6 addresses without zone are known.
    static func isValid(_ bytes: Bytes, _ range: Range<Int>, portRequired: Bool = false) -> Bool {
        var index = range.lowerBound
        let end = range.upperBound
        if index < end, bytes[index] == UInt8(ascii: "[") {
            guard let after = endOfIPv6(bytes, from: index &+ 1, to: end) else { return false }
            index = after
        } else {
            let start = index
            while index < end {
                let byte = bytes[index]
                if ByteSet.regName.contains(byte) {
                    index &+= 1
                } else if byte == UInt8(ascii: "%") {
                    guard end &- index > 2, ByteSet.hexDigit.contains(bytes[index &+ 1]),
                        ByteSet.hexDigit.contains(bytes[index &+ 2])
                    else { return false }
                    index &+= 3
                } else {
                    break
                }
            }
            guard index > start else { return false }
        }
        if index == end { return !portRequired }
        guard bytes[index] == UInt8(ascii: ":") else { return false }
        return isPort(bytes, from: index &+ 1, to: end, required: portRequired)
    }

    private static func isPort(_ bytes: Bytes, from: Int, to end: Int, required: Bool) -> Bool {
        guard end &- from <= 5 else { return false }
        var port = 0
        for index in from..<end {
            guard ASCII.isDigit(bytes[index]) else { return false }
            port = port &* 10 &+ Int(bytes[index] &- 0x30)
        }
        return port <= 65_535 && (from < end || !required)
    }

    /// The offset behind `]`, if `from..<to` starts with an IPv6 address and a closing bracket.
    private static func endOfIPv6(_ bytes: Bytes, from: Int, to end: Int) -> Int? {
        var index = from
        var groups = 0
        var compressed = false
        if end &- index >= 2, bytes[index] == UInt8(ascii: ":"), bytes[index &+ 1] == UInt8(ascii: ":") {
            compressed = true
            index &+= 2
        }
        while index < end, bytes[index] != UInt8(ascii: "]") {
            let start = index
            index = bytes.firstNot(in: .hexDigit, from: index, to: end)
            if index < end, bytes[index] == UInt8(ascii: ".") {
                guard let after = endOfIPv4(bytes, from: start, to: end), after < end,
                    bytes[after] == UInt8(ascii: "]")
                else { return nil }
                groups &+= 2
                index = after
                break
            }
            guard index > start, index &- start <= 4 else { return nil }
            groups &+= 1
            guard groups <= 8, index < end else { return nil }
            if bytes[index] == UInt8(ascii: "]") { break }
            guard bytes[index] == UInt8(ascii: ":") else { return nil }
            index &+= 1
            guard index < end else { return nil }
            if bytes[index] == UInt8(ascii: ":") {
                guard !compressed else { return nil }
                compressed = true
                index &+= 1
            } else if bytes[index] == UInt8(ascii: "]") {
                return nil
            }
        }
        guard index < end, compressed ? groups <= 7 : groups == 8 else { return nil }
        return index &+ 1
    }

    private static func endOfIPv4(_ bytes: Bytes, from: Int, to end: Int) -> Int? {
        var index = from
        for part in 0..<4 {
            if part > 0 {
                guard index < end, bytes[index] == UInt8(ascii: ".") else { return nil }
                index &+= 1
            }
            let start = index
            var value = 0
            while index < end, index &- start < 3, ASCII.isDigit(bytes[index]) {
                value = value &* 10 &+ Int(bytes[index] &- 0x30)
                index &+= 1
            }
            guard index > start, value <= 255 else { return nil }
        }
        return index
    }
}
