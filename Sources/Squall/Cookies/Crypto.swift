import COpenSSL

/// What cookies and tokens need of OpenSSL.
enum Crypto {
    enum Digest { case sha1, sha256 }

    /// The keyed hash of `message` (RFC 2104). Nil if it cannot be made: then nothing may be taken for signed with it.
    static func hmac(_ digest: Digest, key: [UInt8], _ message: [UInt8]) -> [UInt8]? {
        guard !key.isEmpty, let keyLength = Int32(exactly: key.count) else { return nil }
        let algorithm = digest == .sha1 ? EVP_sha1() : EVP_sha256()
        var output = [UInt8](repeating: 0, count: 64)
        var length: UInt32 = 0
        // The pointers are to the arrays' own storage, for the time of the call.
        guard HMAC(algorithm, key, keyLength, message, message.count, &output, &length) != nil,
            length == (digest == .sha1 ? 20 : 32)
        else { return nil }
        return Array(output.prefix(Int(length)))
    }

    /// Bytes that nobody can guess.
    static func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// Compares in a time that depends on the lengths only.
    static func areEqual(_ a: some Collection<UInt8>, _ b: some Collection<UInt8>) -> Bool {
        guard a.count == b.count else { return false }
        var difference: UInt8 = 0
        for (x, y) in zip(a, b) { difference |= x ^ y }
        return difference == 0
    }
}

/// Hexadecimal digits in lower case.
enum Hex {
    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digit(byte >> 4))
            text.append(digit(byte & 15))
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Nil if it is not an even number of hexadecimal digits.
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text {
            guard let value = value(character) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes
    }
}
