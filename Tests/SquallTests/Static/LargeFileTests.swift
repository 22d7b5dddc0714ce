import Foundation
import Squall
import SquallIO
import Testing

/// Files that are sent by the kernel, and not from memory.
@Suite struct LargeFileTests {
    private static let size = 3_000_000
    /// Not the same in any two places.
    private static let content: [UInt8] = {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        var value: UInt32 = 1
        while bytes.count < size {
            value = value &* 1_664_525 &+ 1_013_904_223
            bytes.append(UInt8(truncatingIfNeeded: value >> 24))
        }
        return bytes
    }()

    private func withLargeFile(
        _ change: @escaping (inout Application.Settings) -> Void = { _ in },
        _ body: @escaping @Sendable (TestServer, TemporaryFolder) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            try folder.write("large.bin", Self.content)
            try folder.write("small.txt", "small")
            try await withServer(
                change,
                routes: {
                    StaticFiles("/f", root: folder.path)
                    Route("/hello") { $0.write("hello") }
                }, { server in try await body(server, folder) })
        }
    }

    @Test func `A large file arrives as it is, and the connection goes on`() async throws {
        try await withLargeFile { server, _ in
            let client = try await server.client()
            for _ in 0..<3 {
                try await client.send(request("GET /f/large.bin HTTP/1.1"))
                let answer = try await client.response()
                #expect(answer.status == 200)
                #expect(answer.body == Self.content)
            }
        }
    }

    @Test func `What follows a file in a pipeline comes after it`() async throws {
        try await withLargeFile { server, _ in
            let client = try await server.client(receiveBuffer: 4_096)
            let targets = ["/f/large.bin", "/hello", "/f/small.txt", "/f/large.bin", "/f/large.bin", "/hello"]
            try await client.send(targets.map { request("GET \($0) HTTP/1.1") }.joined())
            let answers = try await client.responses(targets.count)
            #expect(answers.map(\.body.count) == [Self.size, 5, 5, Self.size, Self.size, 5])
            #expect(answers[3].body == Self.content)
            #expect(answers[5].text == "hello")
        }
    }

    @Test func `Parts of a large file, one and several`() async throws {
        try await withLargeFile { server, _ in
            let one = try await server.get("/f/large.bin", "Range: bytes=100000-2500000\r\n")
            #expect(one.status == 206)
            #expect(one.body == Array(Self.content[100_000...2_500_000]))
            let several = try await server.get("/f/large.bin", "Range: bytes=0-299999,2000000-\r\n")
            #expect(several.status == 206)
            #expect(several["content-length"] == "\(several.body.count)")
            let expected = Array(Self.content[0..<300_000]) + Array(Self.content[2_000_000...])
            #expect(several.body.count > expected.count)
            #expect(several.body.firstRange(of: Self.content[0..<300_000]) != nil)
            #expect(several.body.firstRange(of: Self.content[2_000_000..<2_050_000]) != nil)
        }
    }

    @Test func `HTTP/1.0 gets a file and the end of the connection`() async throws {
        try await withLargeFile { server, _ in
            let answers = try await server.converse("GET /f/large.bin HTTP/1.0\r\n\r\n")
            #expect(answers.count == 1)
            #expect(answers.first?.body == Self.content)
        }
    }

    /// The loop's thread does not read the disk: where the pages are not in memory, others bring them there.
    @Test func `A file that is not in memory is read by other threads`() async throws {
        try await withLargeFile { server, folder in
            for name in ["large.bin", "small.txt"] {
                let fd = open(folder.file(name), O_RDONLY)
                defer { close(fd) }
                #expect(fsync(fd) == 0)
                #expect(posix_fadvise(fd, 0, 0, Int32(POSIX_FADV_DONTNEED)) == 0)
            }
            let answer = try await server.get("/f/large.bin")
            #expect(answer.body == Self.content)
            let small = try await server.get("/f/small.txt")
            #expect(small.text == "small")
        }
    }

    @Test func `A client that leaves takes the file with it`() async throws {
        try await withLargeFile { server, folder in
            let client = try await server.client(receiveBuffer: 4_096)
            try await client.send(request("GET /f/large.bin HTTP/1.1"))
            try await waitUntil("the file is open") { folder.openCount("large.bin") == 1 }
            client.reset()
            try await waitUntil("the file is closed") { folder.openCount("large.bin") == 0 }
        }
    }

    @Test func `A client that takes nothing is cut off`() async throws {
        try await withLargeFile({ $0.limits.writeTimeout = .milliseconds(300) }) { server, folder in
            let client = try await server.client(receiveBuffer: 4_096)
            try await client.send(request("GET /f/large.bin HTTP/1.1"))
            try await waitUntil("the connection is closed") { server.server.connectionCount == 0 }
            // The handler that opened it may not have come to its end: its loop was taken, or a thread reads for it.
            try await waitUntil("the file is closed") { folder.openCount("large.bin") == 0 }
        }
    }

    /// A download may take longer than a connection may be idle.
    @Test func `A connection that sends a file is not idle`() async throws {
        try await withLargeFile({ $0.limits.idleTimeout = .milliseconds(100) }) { server, folder in
            let client = try await server.client(receiveBuffer: 4_096)
            try await client.send(request("GET /f/large.bin HTTP/1.1"))
            try await waitUntil("the file is open") { folder.openCount("large.bin") == 1 }
            // Longer than the time-out, by the server's own doing.
            for _ in 0..<3 {
                let other = try await server.client()
                try await other.send(request("GET /hello HTTP/1.1"))
                _ = try await other.responsesToEnd()
            }
            let answer = try await client.response()
            #expect(answer.body == Self.content)
        }
    }

    @Test func `A file that shrinks while it is sent breaks the answer off`() async throws {
        try await withLargeFile { server, folder in
            let client = try await server.client(receiveBuffer: 4_096)
            try await client.send(request("GET /f/large.bin HTTP/1.1"))
            try await waitUntil("the file is open") { folder.openCount("large.bin") == 1 }
            #expect(truncate(folder.file("large.bin"), 2_900_000) == 0)
            let bytes = try await client.readToEnd()
            #expect(bytes.count < Self.size)
        }
    }

    @Test func `A file that grows is sent with the length it had`() async throws {
        try await withLargeFile { server, folder in
            let client = try await server.client(receiveBuffer: 4_096)
            try await client.send(request("GET /f/large.bin HTTP/1.1"))
            try await waitUntil("the file is open") { folder.openCount("large.bin") == 1 }
            let file = try FileHandle(forWritingTo: URL(filePath: folder.file("large.bin")))
            try file.seekToEnd()
            try file.write(contentsOf: Data("more".utf8))
            try file.close()
            let answer = try await client.response()
            #expect(answer.body == Self.content)
            try await client.send(request("GET /hello HTTP/1.1"))
            let next = try await client.response()
            #expect(next.text == "hello")
        }
    }

    @Test func `A server that stops sends a file to its end`() async throws {
        try await withLargeFile { server, folder in
            let client = try await server.client(receiveBuffer: 4_096)
            try await client.send(request("GET /f/large.bin HTTP/1.1"))
            try await waitUntil("the file is open") { folder.openCount("large.bin") == 1 }
            async let stopped: Void = server.server.stop()
            let answer = try await client.response()
            #expect(answer.body == Self.content)
            await stopped
        }
    }
}
