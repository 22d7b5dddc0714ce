/// Reading and writing the `%XX` escapes of a URL's path.
///
/// An escape is `%` and two hexadecimal digits. A `%` that does not begin an escape stands for itself, so that every
/// path can be read and nothing in it is lost. `+` is an ordinary character in a path.
package enum PercentEscapes {
    static let percent = UInt8(ascii: "%")
    static let slash = UInt8(ascii: "/")

    /// The byte that stands at `index`, and how many bytes spell it: 3 for an escape, otherwise 1.
    ///
    /// Requires `index < limit` and `limit <= bytes.count`.
    @inline(__always)
    static func unit(in bytes: Span<UInt8>, at index: Int, limit: Int) -> (byte: UInt8, length: Int) {
        let byte = bytes[index]
        guard byte == percent, limit - index >= 3,
            let high = hexValue(bytes[index + 1]), let low = hexValue(bytes[index + 2])
        else { return (byte, 1) }
        return (high << 4 | low, 3)
    }

    /// The byte that ends just before `limit`, and how many bytes spell it.
    ///
    /// Reading backwards gives the same units as reading forwards, because `%` is no hexadecimal digit and so never
    /// stands inside an escape. Requires `floor < limit`, and that a unit begins at `floor`.
    static func unitBefore(_ limit: Int, in bytes: Span<UInt8>, floor: Int) -> (byte: UInt8, length: Int) {
        if limit - floor >= 3, bytes[limit - 3] == percent {
            let escaped = unit(in: bytes, at: limit - 3, limit: limit)
            if escaped.length == 3 { return escaped }
        }
        return (bytes[limit - 1], 1)
    }

    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The decoded text of `bytes[range]`, or `nil` where that is not UTF-8 or `range` does not lie in `bytes`.
    package static func decode(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String? {
        guard range.lowerBound >= 0, range.upperBound <= bytes.count else { return nil }
        let decoded = decodedBytes(bytes, range)
        return String(validating: decoded, as: UTF8.self)
    }

    static func decodedBytes(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            let (byte, length) = unit(in: bytes, at: index, limit: range.upperBound)
            result.append(byte)
            index += length
        }
        return result
    }

    /// Which bytes stay as they are when a path is written.
    enum Kept {
        /// All that RFC 3986 allows in a segment: for the literal text of a pattern.
        case segmentCharacters
        /// The same without `!`, `'`, `(`, `)`, `*`, `,` and `;`, to which some receivers give a meaning: for values.
        case valueCharacters

        func contains(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "+"), UInt8(ascii: "="),
                UInt8(ascii: ":"), UInt8(ascii: "@"):
                true
            case UInt8(ascii: "!"), UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"),
                UInt8(ascii: ","), UInt8(ascii: ";"):
                self == .segmentCharacters
            default:
                false
            }
        }
    }

    /// Appends `bytes` to `output`, with all but the kept characters escaped.
    static func append(_ bytes: some Sequence<UInt8>, to output: inout [UInt8], keeping kept: Kept) {
        func digit(_ value: UInt8) -> UInt8 {
            value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
        }
        for byte in bytes {
            if kept.contains(byte) {
                output.append(byte)
            } else {
                output.append(percent)
                output.append(digit(byte >> 4))
                output.append(digit(byte & 15))
            }
        }
    }
}
