import COpenSSL

/// OpenSSL's SHA-256, fed in pieces.
final class SHA256: @unchecked Sendable {
    // Of one task, which waits for each call.
    private let context = EVP_MD_CTX_new()

    init() { EVP_DigestInit_ex(context, EVP_sha256(), nil) }
    deinit { EVP_MD_CTX_free(context) }

    func update(_ bytes: [UInt8]) { EVP_DigestUpdate(context, bytes, bytes.count) }

    func hexDigest() -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        EVP_DigestFinal_ex(context, &digest, nil)
        return digest.map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
    }
}
