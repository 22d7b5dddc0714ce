/// What a form must bring along so that it is known to be one of this site's: Tornado's tokens.
///
/// The bytes are in a cookie and in the form. In both they are masked anew for each response, so that a page that is
/// compressed does not give them away by its length (BREACH).
struct XSRFToken {
    let bytes: [UInt8]
    /// When it was made, in seconds since 1970.
    let time: Int

    /// A token of 16 bytes has 58.
    static let mostBytes = 128

    /// A new one.
    init(time: Int) {
        bytes = Crypto.randomBytes(16)
        self.time = time
    }

    /// Reads version 2, `2|mask|masked bytes|time`, and version 1, the bytes in hexadecimal digits or any text. Nil for what is
    /// malformed, of another version or longer than ``mostBytes``.
    init?(_ text: String, now: Int) {
        guard text.utf8.count <= Self.mostBytes else { return nil }
        let parts = text.utf8.split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: false)
        guard parts.count > 1 else {
            let bytes = Hex.decode(Array(text.utf8)) ?? Array(text.utf8)
            guard !bytes.isEmpty else { return nil }
            (self.bytes, time) = (bytes, now)
            return
        }
        guard parts.count == 4, parts[0].elementsEqual("2".utf8), let mask = Hex.decode(parts[1]), mask.count == 4,
            let masked = Hex.decode(parts[2]), !masked.isEmpty, let time = Int(Substring(parts[3]))
        else { return nil }
        bytes = Self.mask(masked, mask)
        self.time = time
    }

    /// The token with a mask of its own.
    var masked: String {
        let mask = Crypto.randomBytes(4)
        return "2|\(Hex.encode(mask))|\(Hex.encode(Self.mask(bytes, mask)))|\(time)"
    }

    private static func mask(_ bytes: [UInt8], _ mask: [UInt8]) -> [UInt8] {
        bytes.enumerated().map { $1 ^ mask[$0 & 3] }
    }
}
