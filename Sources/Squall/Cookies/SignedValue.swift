#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The key, or keys, with which an application signs what it gives to its clients.
///
/// With several keys, values are signed with the newest one and accepted with any: so a key is replaced without the values
/// that are out becoming void. A key is random text of at least 32 characters that nobody else knows.
/// An application with an empty key, or with none of the current version, does not start; with less than 16 bytes it warns.
public struct CookieSecret: Sendable, ExpressibleByStringLiteral {
    /// The keys by version.
    let keys: [Int: [UInt8]]
    /// The version that signs.
    let current: Int

    /// One key, of version 0.
    public init(_ key: String) { (keys, current) = ([0: Array(key.utf8)], 0) }

    public init(stringLiteral key: String) { self.init(key) }

    /// Keys by version: Tornado's dictionary of secrets.
    /// - Parameter current: the one that signs; the highest by default.
    public init(keys: [Int: String], current: Int? = nil) {
        self.keys = keys.mapValues { Array($0.utf8) }
        self.current = current ?? keys.keys.max() ?? 0
    }

    /// The length of the key that signs, in bytes, if it is too short to be safe.
    var shortKeyLength: Int? { keys[current].map(\.count).flatMap { $0 < Self.leastKeyLength ? $0 : nil } }
    private static let leastKeyLength = 16

    /// Why nothing may be served with it. Nil: it can be used.
    var failure: InvalidSettingError? {
        if let version = keys.filter({ $0.value.isEmpty }).keys.min() {
            return InvalidSettingError(
                description: "key \(version) of the cookie secret is empty, and anybody could sign with it; set random "
                    + "text of at least 32 characters, or leave cookieSecret nil")
        }
        guard keys[current] != nil else {
            return InvalidSettingError(
                description: "the cookie secret has no key of its current version, \(current); add it to its keys, or "
                    + "name one of them as current")
        }
        return nil
    }
}

/// A value that its holder can read and cannot change: Tornado's signed values, byte for byte.
///
/// Version 2 is `2|<len>:<key version>|<len>:<time>|<len>:<name>|<len>:<value in Base64>|<HMAC-SHA-256>`. Version 1 has
/// no lengths and SHA-1; it is read only where that is asked for, and never written.
public enum SignedValue {
    /// Which formats are accepted.
    public enum Version: Int, Sendable {
        case v1 = 1
        case v2 = 2
    }

    /// Signs a value. Nil if the secret has no key of its current version, or an empty one.
    /// - Parameters:
    ///   - name: what the value is for; it is accepted under this name only.
    ///   - time: seconds since 1970.
    public static func create(_ secret: CookieSecret, name: String, value: [UInt8], time: Int) -> String? {
        guard let key = secret.keys[secret.current] else { return nil }
        let fields = [String(secret.current), String(time), name, Data(value).base64EncodedString()]
        let signed = "2|" + fields.map { "\($0.utf8.count):\($0)|" }.joined()
        return Crypto.hmac(.sha256, key: key, Array(signed.utf8)).map { signed + Hex.encode($0) }
    }

    /// The value, if it was signed under this name and not too long ago. Nil otherwise, whatever was wrong.
    /// - Parameters:
    ///   - time: now, in seconds since 1970.
    ///   - maxAge: how old the value may be, in seconds: 31 days by default.
    ///   - oldest: the oldest format that is accepted.
    public static func decode(
        _ secret: CookieSecret, name: String, _ text: String, time: Int, maxAge: Int = 31 * 86_400,
        oldest: Version = .v2
    ) -> [UInt8]? {
        let bytes = Array(text.utf8)
        switch version(bytes) {
        case 2: return decodeV2(secret, name, bytes, time, maxAge)
        case 1 where oldest == .v1: return decodeV1(secret, name, bytes, time, maxAge)
        default: return nil
        }
    }

    /// Which key a value says that it was signed with. Not verified.
    public static func keyVersion(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard version(bytes) == 2 else { return nil }
        return fieldsV2(bytes)?.keyVersion
    }

    /// A number of up to three digits before the first bar; what has none is of version 1.
    private static func version(_ bytes: [UInt8]) -> Int {
        guard let bar = bytes.prefix(4).firstIndex(of: UInt8(ascii: "|")), let number = number(bytes[..<bar]) else {
            return 1
        }
        return number
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard (1...18).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    private struct FieldsV2 {
        var keyVersion: Int
        var time: Int
        var name: ArraySlice<UInt8>
        var value: ArraySlice<UInt8>
        var signatureStart: Int
    }

    private static func fieldsV2(_ bytes: [UInt8]) -> FieldsV2? {
        var position = 2
        func next() -> ArraySlice<UInt8>? {
            guard let colon = bytes[position...].prefix(19).firstIndex(of: UInt8(ascii: ":")),
                let length = number(bytes[position..<colon]), length < bytes.count - colon - 1
            else { return nil }
            let end = colon + 1 + length
            guard bytes[end] == UInt8(ascii: "|") else { return nil }
            position = end + 1
            return bytes[colon + 1..<end]
        }
        guard bytes.count > 2, let keyVersion = next().flatMap(number), let time = next().flatMap(number),
            let name = next(), let value = next()
        else { return nil }
        return FieldsV2(keyVersion: keyVersion, time: time, name: name, value: value, signatureStart: position)
    }

    private static func decodeV2(
        _ secret: CookieSecret, _ name: String, _ bytes: [UInt8], _ time: Int, _ maxAge: Int
    ) -> [UInt8]? {
        guard let fields = fieldsV2(bytes), let key = secret.keys[fields.keyVersion],
            let expected = Crypto.hmac(.sha256, key: key, Array(bytes[..<fields.signatureStart])),
            Crypto.areEqual(bytes[fields.signatureStart...], Hex.encode(expected).utf8),
            fields.name.elementsEqual(name.utf8),
            fields.time >= time - maxAge
        else { return nil }
        return base64(fields.value)
    }

    private static func decodeV1(
        _ secret: CookieSecret, _ name: String, _ bytes: [UInt8], _ time: Int, _ maxAge: Int
    ) -> [UInt8]? {
        let parts = bytes.split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: false)
        guard parts.count == 3, let key = secret.keys[secret.current],
            let expected = Crypto.hmac(.sha1, key: key, Array(name.utf8) + parts[0] + parts[1]),
            Crypto.areEqual(parts[2], Hex.encode(expected).utf8), let signedAt = number(parts[1]),
            // Nothing between the fields is signed: digits could be moved from the value to the time.
            parts[1].first != UInt8(ascii: "0"), signedAt >= time - maxAge, signedAt <= time + 31 * 86_400
        else { return nil }
        return base64(parts[0])
    }

    private static func base64(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        Data(base64Encoded: Data(text)).map(Array.init)
    }
}
