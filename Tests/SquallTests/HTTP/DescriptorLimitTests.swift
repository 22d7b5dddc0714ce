#if os(Linux)
import Foundation
import Testing

/// The limit of open files is a process's, so these serve from a process of their own.
@Suite struct DescriptorLimitTests {
    /// With 20 the system refuses; with 40 the server's own limit, taken from it, comes first.
    @Test(arguments: [20, 40])
    func `a server without descriptors serves whom it has, and the others when some leave`(_ files: Int) async throws {
        try await withChild(files: files) { port in
            var clients: [RawClient] = []
            for _ in 0..<60 { clients.append(try await RawClient.connect(port: port)) }
            // The first are served; the last are in the system's queue and have their requests there.
            for client in clients { try await client.send(request("GET / HTTP/1.1")) }
            let first = clients[0..<4]
            for client in first { #expect(try await client.response().text == "hello") }
            for _ in 0..<100 {
                for client in first {
                    try await client.send(request("GET / HTTP/1.1"))
                    #expect(try await client.response().text == "hello")
                }
            }
            // One after the other they leave, and each makes room for one that waits.
            for client in first { client.close() }
            for client in clients[4...] {
                #expect(try await client.response().text == "hello")
                client.close()
            }
            let last = try await RawClient.connect(port: port)
            try await last.send(request("GET / HTTP/1.1"))
            #expect(try await last.response().text == "hello")
            last.close()
        }
    }

    private func withChild(files: Int, _ body: (Int) async throws -> Void) async throws {
        let directory = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let binary = directory.appendingPathComponent("squall-conformance").path
        try #require(FileManager.default.isExecutableFile(atPath: binary), "\(binary) is built with the tests")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "ulimit -n \(files); exec \"$0\" --port 0 --loops 1 2>&1", binary]
        let output = Pipe()
        process.standardOutput = output
        let lines = Trace()
        output.fileHandleForReading.readabilityHandler = { handle in
            let data = handle.availableData
            if !data.isEmpty { lines(String(decoding: data, as: UTF8.self)) }
        }
        try process.run()
        defer {
            output.fileHandleForReading.readabilityHandler = nil
            if process.isRunning { process.terminate() }
        }
        var port = 0
        try await waitUntil("the server listens") {
            guard process.isRunning else { throw WaitError(what: "the server, which has ended, listens: \(lines.all)") }
            guard let match = lines.all.joined().firstMatch(of: /listening on http:\/\/127\.0\.0\.1:(\d+)/) else {
                return false
            }
            port = Int(match.1) ?? 0
            return true
        }
        try await body(port)
        #expect(lines.all.joined().contains("accepting pauses"))
        process.terminate()
        try await waitUntil("the server has ended") { !process.isRunning }
        #expect(process.terminationStatus == 0)
    }
}
#endif
