import Foundation
import Logging
import Squall
import SquallIO
import Testing

/// A body that comes from elsewhere, in pieces.
private struct Alphabet: SeekableBody {
    var byteCount: Int
    var trace: Trace
    var shortFrom = Int.max

    /// Made once: in a debug build that takes long.
    private static let letters = (0..<65_562).map { UInt8(97 + $0 % 26) }

    func bytes(in range: Range<Int>) async throws -> [UInt8] {
        trace("\(range)")
        let bytes = Array(Self.letters[range.lowerBound % 26..<range.lowerBound % 26 + range.count])
        return range.upperBound > shortFrom ? Array(bytes.dropLast()) : bytes
    }
}

@Suite struct SeekableBodyTests {
    private let letters = (0..<1_000).map { UInt8(97 + $0 % 26) }
    private let trace = Trace()

    private func withBodies(_ body: @escaping @Sendable (TestServer) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let path = try folder.write("letters.txt", letters)
            try await withServer(
                routes: { [letters, trace] in
                    Route("/array") { handler in
                        try handler.setETag("v1")
                        handler.setLastModified(1_359_312_200)
                        try await handler.send(letters)
                    }
                    Route("/weak") { handler in
                        try handler.setETag("v1", isWeak: true)
                        try await handler.send(letters)
                    }
                    Route("/file") { handler in
                        try handler.setETag("v1")
                        handler.setLastModified(1_359_312_200)
                        try await handler.sendFile(path)
                    }
                    Route("/own") { handler in
                        try handler.setETag("v1")
                        handler.setLastModified(1_359_312_200)
                        try await handler.send(Alphabet(byteCount: 1_000, trace: trace))
                    }
                    Route("/long") { try await $0.send(Alphabet(byteCount: 200_000, trace: trace)) }
                    Route("/short") { try await $0.send(Alphabet(byteCount: 100, trace: trace, shortFrom: 0)) }
                    Route("/short/long") { handler in
                        try await handler.send(Alphabet(byteCount: 200_000, trace: trace, shortFrom: 0))
                    }
                    Route("/short/later") { handler in
                        try await handler.send(Alphabet(byteCount: 200_000, trace: trace, shortFrom: 100_000))
                    }
                    Route("/missing") { try await $0.sendFile(path + "x") }
                    Route("/folder") { try await $0.sendFile((path as NSString).deletingLastPathComponent) }
                    Route("/twice") { handler in
                        handler.write("a")
                        try await handler.send(letters)
                    }
                    Route("/created") { handler in
                        handler.setStatus(201)
                        try await handler.send(letters)
                    }
                    Route("/empty") { try await $0.send([UInt8]()) }
                }, body)
        }
    }

    @Test(arguments: ["/array", "/file", "/own"]) func `Parts of any body can be had`(_ target: String) async throws {
        try await withBodies { [letters] server in
            let whole = try await server.get(target)
            #expect(whole.status == 200)
            #expect(whole.body == letters)
            #expect(whole["accept-ranges"] == "bytes")
            #expect(whole["etag"] == "\"v1\"")
            for (field, range) in [
                ("0-0", 0..<1), ("10-19", 10..<20), ("990-", 990..<1_000), ("-1", 999..<1_000), ("0-", 0..<1_000),
            ] {
                let part = try await server.get(target, "Range: bytes=\(field)\r\n")
                #expect(part.status == 206)
                #expect(part.body == Array(letters[range]))
                #expect(part["content-range"] == "bytes \(range.lowerBound)-\(range.upperBound - 1)/1000")
                #expect(part["content-length"] == "\(range.count)")
                #expect(part["etag"] == "\"v1\"")
            }
            let none = try await server.get(target, "Range: bytes=1000-\r\n")
            #expect(none.status == 416)
            #expect(none["content-range"] == "bytes */1000")
            let ignored = try await server.get(target, "Range: bytes=--5\r\n")
            #expect(ignored.status == 200)
        }
    }

    @Test(arguments: ["/array", "/file", "/own"]) func `Several parts come in one body`(_ target: String) async throws {
        try await withBodies { [letters] server in
            let answer = try await server.get(target, "Range: bytes=900-,0-1,20-29\r\n")
            #expect(answer.status == 206)
            #expect(answer["content-range"] == nil)
            let type = try #require(answer["content-type"])
            #expect(type.hasPrefix("multipart/byteranges; boundary="))
            let boundary = type.dropFirst("multipart/byteranges; boundary=".count)
            let part = target == "/file" ? "text/plain; charset=UTF-8" : "text/html; charset=UTF-8"
            var expected = ""
            for range in [900..<1_000, 0..<2, 20..<30] {
                expected +=
                    (expected.isEmpty ? "" : "\r\n") + "--\(boundary)\r\nContent-Type: \(part)\r\nContent-Range: "
                expected += "bytes \(range.lowerBound)-\(range.upperBound - 1)/1000\r\n\r\n"
                expected += String(decoding: letters[range], as: UTF8.self)
            }
            #expect(answer.text == expected + "\r\n--\(boundary)--\r\n")
        }
    }

    @Test(arguments: [
        ("\"v1\"", 206), ("\"v2\"", 200), ("W/\"v1\"", 200), ("Sun, 27 Jan 2013 18:43:20 GMT", 206),
        ("Sun, 27 Jan 2013 18:43:21 GMT", 200), ("Sun, 27 Jan 2013 18:43:19 GMT", 200), ("nonsense", 200), ("", 200),
        ("*", 200), ("\"v1\", \"v2\"", 200),
    ])
    func `If-Range names the very version`(_ condition: String, _ status: Int) async throws {
        try await withBodies { server in
            let answer = try await server.get("/array", "Range: bytes=0-1\r\nIf-Range: \(condition)\r\n")
            #expect(answer.status == status)
            let beyond = try await server.get("/array", "Range: bytes=9999-\r\nIf-Range: \(condition)\r\n")
            #expect(beyond.status == (status == 206 ? 416 : 200))
        }
    }

    @Test func `A weak tag is not enough for If-Range`() async throws {
        try await withBodies { server in
            for condition in ["W/\"v1\"", "\"v1\""] {
                let answer = try await server.get("/weak", "Range: bytes=0-1\r\nIf-Range: \(condition)\r\n")
                #expect(answer.status == 200)
            }
        }
    }

    @Test func `Conditions come before ranges`() async throws {
        try await withBodies { server in
            let same = try await server.get("/array", "Range: bytes=0-1\r\nIf-None-Match: \"v1\"\r\n")
            #expect(same.status == 304)
            let failed = try await server.get("/array", "Range: bytes=0-1\r\nIf-Match: \"v2\"\r\n")
            #expect(failed.status == 412)
        }
    }

    @Test func `HEAD and other statuses know no ranges`() async throws {
        try await withBodies { server in
            let head = try await server.ask(
                request("HEAD /array HTTP/1.1", "Host: h\r\nRange: bytes=0-1\r\n"), toHead: true)
            #expect(head.status == 200)
            #expect(head["content-length"] == "1000")
            let created = try await server.get("/created", "Range: bytes=0-1\r\n")
            #expect(created.status == 201)
            #expect(created.body.count == 1_000)
            #expect(created["accept-ranges"] == nil)
            let empty = try await server.get("/empty")
            #expect(empty.status == 200)
            #expect(empty["content-length"] == "0")
        }
    }

    @Test func `A long body is read in pieces`() async throws {
        try await withBodies { [trace] server in
            let answer = try await server.get("/long")
            #expect(answer.body.count == 200_000)
            #expect(answer["content-length"] == "200000")
            #expect(trace.all == ["0..<65536", "65536..<131072", "131072..<196608", "196608..<200000"])
            let part = try await server.get("/long", "Range: bytes=100000-170000\r\n")
            #expect(part.body == (100_000...170_000).map { UInt8(97 + $0 % 26) })
        }
    }

    @Test func `What can be had in parts is not compressed on its way`() async throws {
        try await withServer(
            { $0.compressesResponses = true },
            routes: { [trace] in
                Route("/long") { handler in
                    try handler.setETag("v1")
                    try await handler.send(Alphabet(byteCount: 200_000, trace: trace))
                }
            }
        ) { server in
            let answer = try await server.get("/long", "Accept-Encoding: gzip, br\r\n")
            #expect(answer["content-encoding"] == nil)
            #expect(answer["content-length"] == "200000")
            #expect(answer["etag"] == "\"v1\"")
        }
    }

    @Test func `A body that is shorter than it said is no whole answer`() async throws {
        try await withBodies { server in
            let short = try await server.get("/short")
            #expect(short.status == 500)
            // Nothing was sent yet.
            let first = try await server.get("/short/long")
            #expect(first.status == 500)
            let client = try await server.client()
            try await client.send(request("GET /short/later HTTP/1.1"))
            let bytes = try await client.readToEnd()
            #expect(bytes.count < 200_000)
            #expect(
                server.log.messages(at: .error).contains {
                    $0 == "the body gave 99 bytes in place of 100; it must not change while it is sent"
                })
        }
    }

    @Test func `Misuse is told`() async throws {
        try await withBodies { server in
            let missing = try await server.get("/missing")
            #expect(missing.status == 404)
            let folder = try await server.get("/folder")
            #expect(folder.status == 404)
            let twice = try await server.get("/twice")
            #expect(twice.status == 500)
            #expect(
                server.log.messages(at: .error) == ["a body is written already; send one instead of writing"])
        }
    }
}
