import COpenSSL
import Foundation
import Squall
import Testing

/// The file that outside test suites ask for.
@Suite struct FixtureTests {
    @Test func `robots.txt of the conformance server is Tornado's`() async throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "ConformanceServer/Static").path
        try await withServer(
            routes: { StaticFiles("/static", root: root) },
            { server in
                let answer = try await server.get("/static/robots.txt")
                #expect(answer.text == "User-agent: *\nDisallow: /\n")
                var digest = [UInt8](repeating: 0, count: 64)
                #expect(EVP_Digest(answer.body, answer.body.count, &digest, nil, EVP_sha512(), nil) == 1)
                let hex = digest.map { String(format: "%02x", $0) }.joined()
                #expect(hex.hasPrefix("63a36e95") && hex.hasSuffix("54c04563"))
            })
    }
}
