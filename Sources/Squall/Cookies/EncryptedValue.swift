import COpenSSL

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A value that its holder can neither read nor change: AES-256-GCM, with the name and the key's version authenticated.
///
/// `e1.<key version>.<nonce, ciphertext and tag in Base64 for URLs>`; the time stands before the value in what is encrypted.
public enum EncryptedValue {
    private static let nonceLength = 12
    private static let tagLength = 16

    /// Encrypts a value. Nil if the secret has no key of its current version, or an empty one.
    /// - Parameters:
    ///   - name: what the value is for; it is accepted under this name only.
    ///   - time: seconds since 1970.
    public static func create(_ secret: CookieSecret, name: String, value: [UInt8], time: Int) -> String? {
        guard let key = secret.keys[secret.current].flatMap(derived) else { return nil }
        let nonce = Crypto.randomBytes(nonceLength)
        let head = "e1.\(secret.current)."
        let plain = (0..<8).map { UInt8(truncatingIfNeeded: time >> (56 - 8 * $0)) } + value
        guard let sealed = seal(plain, key: key, nonce: nonce, authenticated: Array((head + name).utf8)) else {
            return nil
        }
        let text = Data(nonce + sealed).base64EncodedString()
        return head + text.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// The value, if it was encrypted under this name and not too long ago. Nil otherwise, whatever was wrong.
    /// - Parameters:
    ///   - time: now, in seconds since 1970.
    ///   - maxAge: how old the value may be, in seconds: 31 days by default.
    public static func decode(
        _ secret: CookieSecret, name: String, _ text: String, time: Int, maxAge: Int = 31 * 86_400
    ) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "e1", let version = Int(parts[1]), "\(version)" == parts[1],
            let key = secret.keys[version].flatMap(derived)
        else { return nil }
        let base64 = String(parts[2]).replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        guard let bytes = Data(base64Encoded: base64 + padding).map(Array.init),
            bytes.count >= nonceLength + tagLength + 8,
            let plain = open(
                Array(bytes[nonceLength...]), key: key, nonce: Array(bytes[..<nonceLength]),
                authenticated: Array("e1.\(version).\(name)".utf8))
        else { return nil }
        let made = plain[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard Int64(bitPattern: made) >= Int64(time - maxAge) else { return nil }
        return Array(plain[8...])
    }

    /// A key of 256 bits for this purpose only.
    private static func derived(_ key: [UInt8]) -> [UInt8]? {
        Crypto.hmac(.sha256, key: key, Array("squall encrypted value 1".utf8))
    }

    // The pointers below are to the arrays' own storage, for the time of each call.

    private static func seal(_ plain: [UInt8], key: [UInt8], nonce: [UInt8], authenticated: [UInt8]) -> [UInt8]? {
        guard let context = EVP_CIPHER_CTX_new() else { return nil }
        defer { EVP_CIPHER_CTX_free(context) }
        var output = [UInt8](repeating: 0, count: plain.count)
        var tag = [UInt8](repeating: 0, count: tagLength)
        var length: Int32 = 0
        guard EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1,
            EVP_EncryptUpdate(context, nil, &length, authenticated, Int32(authenticated.count)) == 1,
            EVP_EncryptUpdate(context, &output, &length, plain, Int32(plain.count)) == 1,
            EVP_EncryptFinal_ex(context, nil, &length) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tagLength), &tag) == 1
        else { return nil }
        return output + tag
    }

    private static func open(_ sealed: [UInt8], key: [UInt8], nonce: [UInt8], authenticated: [UInt8]) -> [UInt8]? {
        guard sealed.count >= tagLength, let context = EVP_CIPHER_CTX_new() else { return nil }
        defer { EVP_CIPHER_CTX_free(context) }
        let ciphertext = Array(sealed.dropLast(tagLength))
        var tag = Array(sealed.suffix(tagLength))
        var output = [UInt8](repeating: 0, count: ciphertext.count)
        var length: Int32 = 0
        guard EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1,
            EVP_DecryptUpdate(context, nil, &length, authenticated, Int32(authenticated.count)) == 1,
            EVP_DecryptUpdate(context, &output, &length, ciphertext, Int32(ciphertext.count)) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagLength), &tag) == 1,
            EVP_DecryptFinal_ex(context, nil, &length) == 1
        else { return nil }
        return output
    }
}
