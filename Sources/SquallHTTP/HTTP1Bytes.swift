// The parser's view of memory. Everything here works on an `UnsafeBufferPointer` that the parser made from the
// caller's `Span` (so the memory is alive and initialised for the whole call) and on offsets that stay inside it:
// each function names the range it reads, and its callers pass 0 <= from <= to <= bytes.count. Subscripts are
// checked in debug builds, which the tests and the fuzzer use.

typealias Bytes = UnsafeBufferPointer<UInt8>

/// A set of ASCII characters as 128 bits; bytes from 0x80 are never in it.
struct ByteSet {
    let lo: UInt64
    let hi: UInt64

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        guard byte < 0x80 else { return false }
        let half = byte < 64 ? lo : hi
        return (half &>> UInt64(byte & 63)) & 1 != 0
    }

    /// `tchar` of RFC 9110 section 5.6.2.
    @inline(__always)
    static var token: ByteSet { ByteSet(lo: 0x03ff_6cfa_0000_0000, hi: 0x57ff_ffff_c7ff_fffe) }

    /// Visible ASCII without `#`.
    @inline(__always)
    static var target: ByteSet { ByteSet(lo: 0xffff_fff6_0000_0000, hi: 0x7fff_ffff_ffff_ffff) }

    /// `unreserved` of RFC 3986 section 2.3.
    @inline(__always)
    static var unreserved: ByteSet { ByteSet(lo: 0x03ff_6000_0000_0000, hi: 0x47ff_fffe_87ff_fffe) }

    /// `unreserved` and `sub-delims` of RFC 3986, without the comma, which would make a list of a Host field.
    @inline(__always)
    static var regName: ByteSet { ByteSet(lo: 0x2bff_6fd2_0000_0000, hi: 0x47ff_fffe_87ff_fffe) }

    /// `pchar` of RFC 3986 section 3.3, without the percent sign.
    @inline(__always)
    static var pathSegment: ByteSet { ByteSet(lo: 0x2fff_7fd2_0000_0000, hi: 0x47ff_fffe_87ff_ffff) }

    /// `HEXDIG` in both cases.
    @inline(__always)
    static var hexDigit: ByteSet { ByteSet(lo: 0x03ff_0000_0000_0000, hi: 0x0000_007e_0000_007e) }
}

enum ASCII {
    static let tab: UInt8 = 0x09
    static let lf: UInt8 = 0x0a
    static let cr: UInt8 = 0x0d
    static let space: UInt8 = 0x20
    static let del: UInt8 = 0x7f

    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    /// A control character that no field value may hold: below 0x20 except HTAB, and DEL.
    @inline(__always)
    static func isForbiddenControl(_ byte: UInt8) -> Bool { (byte < 0x20 && byte != tab) || byte == del }

    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    /// 0...15, or nil when `byte` is no hexadecimal digit.
    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        let digit = byte &- 0x30
        if digit < 10 { return digit }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter &+ 10 : nil
    }
}

extension Bytes {
    /// Offset of the first forbidden control character in `from..<to`, or `to`.
    ///
    /// Eight bytes at a time: a byte below 0x20 borrows into its top bit when 0x20 is taken from it, and DEL
    /// becomes zero under exclusive or. A borrow can only make false hits above a true one, and only the lowest
    /// hit is used. Reads `from..<to` and nothing else: the wide loads stop eight bytes before `to`.
    @inline(__always)
    func firstControl(from: Int, to: Int) -> Int {
        guard let base = UnsafeRawPointer(baseAddress) else { return to }
        var index = from
        while to &- index >= 8 {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let high: UInt64 = 0x8080_8080_8080_8080
            let below = (word &- 0x2020_2020_2020_2020) & ~word
            let deleted = word ^ 0x7f7f_7f7f_7f7f_7f7f
            let hits = (below | ((deleted &- 0x0101_0101_0101_0101) & ~deleted)) & high
            if hits == 0 {
                index &+= 8
                continue
            }
            index &+= hits.trailingZeroBitCount &>> 3
            if ASCII.isForbiddenControl(self[index]) { return index }
            index &+= 1  // HTAB
        }
        while index < to {
            if ASCII.isForbiddenControl(self[index]) { return index }
            index &+= 1
        }
        return to
    }

    /// Whether `from..<to` spells `word`, which must be lower-case letters, digits and hyphens, in any case.
    ///
    /// Setting bit 5 of a byte makes `word`'s letters only out of letters; the bytes it would confuse with hyphens
    /// and digits are control characters, which the line scanner has already refused.
    @inline(__always)
    func spells(_ word: StaticString, from: Int, to: Int) -> Bool {
        let count = word.utf8CodeUnitCount
        guard to &- from == count else { return false }
        let start = word.utf8Start
        for offset in 0..<count where self[from &+ offset] | 0x20 != start[offset] { return false }
        return true
    }

    /// `from..<to` without spaces and tabs at either end.
    @inline(__always)
    func trimmed(from: Int, to: Int) -> Range<Int> {
        var start = from
        var end = to
        while start < end, ASCII.isBlank(self[start]) { start &+= 1 }
        while end > start, ASCII.isBlank(self[end &- 1]) { end &-= 1 }
        return start..<end
    }

    /// The first offset in `from..<to` whose byte is not in `set`, or `to`.
    @inline(__always)
    func firstNot(in set: ByteSet, from: Int, to: Int) -> Int {
        var index = from
        while index < to, set.contains(self[index]) { index &+= 1 }
        return index
    }
}
