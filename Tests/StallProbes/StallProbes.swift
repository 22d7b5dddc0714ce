import Foundation
import SquallIO
import Synchronization

/// Runs one blocking call as user code of a loop, and prints what the watchdog reported about it.
///
/// Usage: StallProbes CASE
///
/// Each line of output is JSON: first the reports of the case's route, oldest first, and at the end what the call itself
/// came to, under `outcome`. `NamingTests` in SquallIOTests builds this for release and reads the lines. The line that has
/// to be named carries the comment `GUILTY` and the case's name.
@main struct StallProbes {
    static func main() async throws {
        guard CommandLine.arguments.count == 2, let probe = probes[CommandLine.arguments[1]] else {
            print("usage: StallProbes CASE\ncases: \(probes.keys.sorted().joined(separator: " "))")
            exit(64)
        }
        Stalls.policy.reportAfter = .milliseconds(40)
        let loop = try IOLoop()
        loop.start()
        let context = ProbeContext(loop: loop)
        let outcome = await Task(executorPreference: context) { probe() }.value
        // The last report of the stall says that it has ended.
        var reports: [StallReport] = []
        while !reports.contains(where: \.hasEnded) {
            reports = Stalls.reports().reports.filter { $0.route == ProbeContext.route }
            try await Task.sleep(for: .milliseconds(2))
        }
        let encoder = JSONEncoder()
        for report in reports {
            print(String(decoding: try encoder.encode(Line(report: Line.Report(report))), as: UTF8.self))
        }
        print(String(decoding: try encoder.encode(Line(outcome: outcome)), as: UTF8.self))
        exit(0)
    }
}

/// What the call itself came to.
struct Outcome: Codable {
    var result: Int
    var errorNumber: Int32 = 0
    var elapsed: Int64
    /// What the call says was left of its time, in nanoseconds.
    var remaining: Int64?
    /// What the resource's name must have in it, where only the case knows.
    var resource: String?
}

struct Line: Codable {
    struct Report: Codable {
        var cause: String
        var systemCall: String?
        var resource: String?
        var file: String?
        var line: Int?
        var function: String?
        var duration: Int64
        var hasEnded: Bool
        var frames: [String]

        init(_ report: StallReport) {
            cause = report.cause.rawValue
            systemCall = report.systemCall
            resource = report.resource
            file = report.file
            line = report.line
            function = report.guilty?.function
            duration = Int64(report.duration / .nanoseconds(1))
            hasEnded = report.hasEnded
            frames = report.frames.map { "\($0.function) \($0.file ?? ""):\($0.line ?? 0)" }
        }
    }

    var report: Report?
    var outcome: Outcome?
}

final class ProbeContext: TaskContext, @unchecked Sendable {
    static let route = "GET /case"
    override var label: String { Self.route }
}

func nanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Runs a call that gives an integer, and keeps what it gave, the error number and the time it took.
@inline(__always)
func measure(resource: String? = nil, _ call: () -> some BinaryInteger) -> Outcome {
    let began = nanoseconds()
    errno = 0
    let result = Int(call())
    let code = errno
    return Outcome(result: result, errorNumber: code, elapsed: nanoseconds() - began, resource: resource)
}

/// Lets the call go, on another thread, once the stall was reported.
func afterReport(_ release: @escaping @Sendable () -> Void) {
    Thread.detachNewThread {
        while !Stalls.reports().reports.contains(where: { $0.route == ProbeContext.route }) { usleep(1_000) }
        release()
    }
}

/// Both ends of a pipe, to read from and to write to.
func makePipe() -> (reads: Int32, writes: Int32) {
    var ends: [Int32] = [-1, -1]
    precondition(pipe(&ends) == 0)
    return (ends[0], ends[1])
}

func makeSocketPair() -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    return (ends[0], ends[1])
}

/// A name in a directory of the case's own.
func temporaryPath(_ name: String) -> String {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("squall-\(getpid())")
    try? FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    atexit { try? FileManager.default.removeItem(atPath: "\(NSTemporaryDirectory())/squall-\(getpid())") }
    return directory.appendingPathComponent(name).path
}
