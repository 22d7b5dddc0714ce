import Foundation
import Testing

extension OneAtATime {
    /// What the reports of a stall say, and that taking the stack changed nothing, both on a release build.
    ///
    /// An optimised build is another program than the one that tests run in: functions are inlined, frames are gone. So each
    /// case is run in `StallProbes`, which is built here for release, in a scratch directory of its own because the package's
    /// is locked by the build that runs the tests. After the first time that takes a second.
    @Suite struct NamingTests {
        @Test(arguments: expectations)
        func `The guilty line is named, and its call ends as if nothing had happened`(_ expected: Expectation)
            async throws
        {
            let (reports, outcome) = try await Probe.run(expected.name)

            let last = try #require(reports.last)
            #expect(last.hasEnded && reports.dropLast().allSatisfy { !$0.hasEnded })
            for report in reports {
                #expect(report.duration >= reportAfter)
                #expect(report.cause == expected.cause)
                #expect(report.systemCall == expected.systemCall)
                if let resource = outcome.resource { #expect(report.resource?.contains(resource) == true) }
                if let line = try guiltyLine(expected.name) {
                    let stack = Comment(rawValue: report.frames.joined(separator: "\n"))
                    #expect(report.file?.hasSuffix("/Tests/StallProbes/\(line.file)") == true, stack)
                    #expect(report.line == line.number, stack)
                    #expect(report.function != nil)
                } else {
                    // A signal would have cut it short, so there is no stack.
                    #expect(report.line == nil && report.frames.isEmpty)
                }
            }

            #expect(outcome.result == expected.result)
            #expect(outcome.errorNumber == expected.errorNumber)
            #expect(outcome.remaining == expected.remaining)
            if let length = expected.length { #expect(outcome.elapsed >= length) }
        }

        /// Where the comment stands that says which line of a case has to be named.
        private func guiltyLine(_ name: String) throws -> (file: String, number: Int)? {
            for file in ["Sleeping.swift", "Waiting.swift"] {
                let path = Probe.package.appendingPathComponent("Tests/StallProbes/\(file)")
                let source = try String(contentsOf: path, encoding: .utf8)
                let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
                if let index = lines.firstIndex(where: { $0.hasSuffix("// GUILTY \(name)") }) {
                    return (file, index + 1)
                }
            }
            return nil
        }
    }
}

struct Expectation: Sendable, CustomTestStringConvertible {
    var name: String
    var cause = "kernel wait"
    var systemCall: String?
    var result = 0
    var errorNumber: Int32 = 0
    /// At least this long, in nanoseconds.
    var length: Int64?
    var remaining: Int64?

    var testDescription: String { name }
}

private let reportAfter: Int64 = 40_000_000
private let slept: Int64 = 400_000_000
/// What a sleep that ends at its time leaves alone.
private let untouched: Int64 = 7_000_000_007

private let expectations: [Expectation] = [
    Expectation(name: "usleep", systemCall: "clock_nanosleep", length: slept),
    Expectation(name: "thread-sleep", systemCall: "clock_nanosleep", length: slept),
    Expectation(name: "nanosleep", systemCall: "clock_nanosleep", length: slept, remaining: untouched),
    Expectation(name: "nanosleep-generic", systemCall: "nanosleep", length: slept, remaining: untouched),
    Expectation(name: "clock-nanosleep-relative", systemCall: "clock_nanosleep", length: slept, remaining: untouched),
    Expectation(name: "clock-nanosleep-absolute", systemCall: "clock_nanosleep", length: slept),
    Expectation(name: "poll", systemCall: "poll", length: slept),
    Expectation(name: "ppoll", systemCall: "ppoll", length: slept),
    Expectation(name: "select", systemCall: "pselect6", length: slept, remaining: 0),
    Expectation(name: "pselect", systemCall: "pselect6", length: slept),
    Expectation(name: "epoll-wait", systemCall: "epoll_wait", length: slept),
    Expectation(name: "read-pipe", systemCall: "read", result: 3),
    Expectation(name: "read-fifo", systemCall: "read", result: 3),
    Expectation(name: "open-fifo", systemCall: "openat"),
    Expectation(name: "write-pipe", systemCall: "write", result: 1 << 17),
    Expectation(name: "recv", systemCall: "recvfrom", result: 3),
    Expectation(name: "recv-timeout", systemCall: "recvfrom", result: -1, errorNumber: EAGAIN, length: slept),
    Expectation(name: "recv-all", systemCall: "recvfrom", result: 16),
    Expectation(name: "send", systemCall: "sendto", result: 1 << 19),
    Expectation(name: "flock", systemCall: "flock"),
    Expectation(name: "pthread-mutex", cause: "lock", systemCall: "futex"),
    Expectation(name: "swift-mutex", cause: "lock", systemCall: "futex"),
    Expectation(name: "condition-timeout", cause: "lock", systemCall: "futex", result: Int(ETIMEDOUT), length: slept),
    Expectation(name: "semaphore", cause: "lock", systemCall: "futex"),
    Expectation(
        name: "semaphore-timeout", cause: "lock", systemCall: "futex", result: -1, errorNumber: ETIMEDOUT, length: slept
    ),
    Expectation(name: "cpu-loop", cause: "cpu"),
    Expectation(name: "waitpid", systemCall: "wait4"),
    Expectation(name: "inlined", systemCall: "wait4"),
]

/// Runs StallProbes.
private enum Probe {
    struct Report: Decodable {
        var cause: String
        var systemCall: String?
        var resource: String?
        var file: String?
        var line: Int?
        var function: String?
        var duration: Int64
        var hasEnded: Bool
        var frames: [String]
    }

    struct Outcome: Decodable {
        var result: Int
        var errorNumber: Int32
        var elapsed: Int64
        var remaining: Int64?
        var resource: String?
    }

    private struct Line: Decodable {
        var report: Report?
        var outcome: Outcome?
    }

    static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The path of the program, once it is built.
    private static let program = Task<String, any Error> {
        let build = ["build", "-c", "release", "--scratch-path", ".build/naming", "--product", "StallProbes"]
        let result = try await run("swift", build)
        try #require(result.status == 0, "\(result.output)")
        return package.appendingPathComponent(".build/naming/release/StallProbes").path
    }

    static func run(_ name: String) async throws -> (reports: [Report], outcome: Outcome) {
        let result = try await run(program.value, [name])
        try #require(result.status == 0, "\(result.output)")
        let lines = try result.output.split(separator: "\n").map {
            try JSONDecoder().decode(Line.self, from: Data($0.utf8))
        }
        return (lines.compactMap(\.report), try #require(lines.last?.outcome))
    }

    private static func run(_ program: String, _ arguments: [String]) async throws -> (status: Int32, output: String) {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("squall-\(UUID().uuidString)")
        try Data().write(to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.currentDirectoryURL = package
        // The probes are about one stall each, without chaos and without this process's sanitizer.
        process.environment = ProcessInfo.processInfo.environment.filter { $0.key != "SQUALL_CHAOS" }
        process.standardOutput = try FileHandle(forWritingTo: path)
        process.standardError = FileHandle.nullDevice
        return try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { process in
                let output = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
                continuation.resume(returning: (process.terminationStatus, output))
            }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
    }
}
