import Foundation
import Logging
import Synchronization
import Testing

@testable import SquallIO

extension OneAtATime {
    /// What is told of a stall, and to whom. Which line is named on a release build is in NamingTests.
    @Suite struct ReportTests {
        @Test(.enabled(if: isSampling))
        func `A stall is reported with all that is known of it, and once more when it has ended`() async throws {
            let route = "GET /slow/{id}"
            try await withReports { loop, records in
                let gate = DispatchSemaphore(value: 0)
                let wallClock = Date().timeIntervalSince1970
                let run = Task(executorPreference: RequestContext(loop, route)) { waitOnALine(gate) }
                // Also where this fails: the tests that follow count guests.
                defer { gate.signal() }
                try await waitUntil { !Self.reports(of: route).isEmpty }
                gate.signal()
                await run.value
                try await waitUntil { Self.reports(of: route).last?.hasEnded == true }

                let reports = Self.reports(of: route)
                let first = try #require(reports.first)
                let last = try #require(reports.last)
                #expect(reports.count >= 2 && reports.allSatisfy { $0.id == first.id })
                #expect(!first.hasEnded)
                #expect(first.route == "GET /slow/{id}" && first.requestID == "request-7")
                #expect(first.cause == .lock && first.systemCall == "futex")
                #expect(first.duration >= .milliseconds(30) && last.duration > first.duration)
                #expect(first.began >= wallClock - 0.1 && first.began <= Date().timeIntervalSince1970)
                #expect(first.file?.hasSuffix("/ReportTests.swift") == true && !first.frames.isEmpty)

                // Others may stall in the same process.
                let own = { records.entries.filter { $0.metadata["route"] == "GET /slow/{id}" } }
                try await waitUntil { own().count >= reports.count }
                let logged = own()
                let record = try #require(logged.first)
                #expect(record.level == .warning && record.message == first.description)
                #expect(record.metadata["route"] == "GET /slow/{id}")
                #expect(record.metadata["request_id"] == "request-7")
                #expect(record.metadata["cause"] == "lock")
                #expect(record.metadata["syscall"] == "futex")
                #expect(record.metadata["ended"] == "false")
                #expect(record.metadata["duration_ms"] == "\(first.duration / .milliseconds(1))".metadataInteger)
                #expect(record.metadata["requests_moved"] != nil && record.metadata["requests_waited_ms"] != nil)
                #expect(record.metadata["line"] == first.line.map { "\($0)" })
                #expect(record.metadata["file"] == first.file.map { "\($0)" })
                #expect(record.metadata["stack"] != nil)
                #expect(logged.last?.metadata["ended"] == "true")
            }
        }

        @Test(.enabled(if: isSampling))
        func `No line is named for what just got no processor`() async throws {
            try await withStallThatComputes("GET /unscheduled") { stall in
                // What computes may be interrupted again for its stack, what waits in a call not.
                stall.cause = .kernelWait
                #expect(!stall.wantsAnotherStack)
                stall.cause = .cpu
                #expect(stall.wantsAnotherStack)
                try await Self.sample(stall)
                #expect(!stall.frames.isEmpty)
                for cause in [StallReport.Cause.notScheduled, .cpu] {
                    stall.cause = cause
                    StallReporter.shared.send(stall, now: monotonicNanoseconds())
                }
                try await waitUntil { Self.reports(of: "GET /unscheduled").count == 2 }
                #expect(Self.reports(of: "GET /unscheduled").map(\.frames.isEmpty) == [true, false])
            }
        }

        /// On a busy machine it may not have been seen to compute by the time that it is sampled.
        @Test(.enabled(if: isSampling))
        func `What waited until it was sampled is seen to compute later`() async throws {
            try await withStallThatComputes("GET /later") { stall in
                stall.cause = .kernelWait
                stall.systemCall = "read"
                try await Self.sample(stall)
                #expect(!stall.frames.isEmpty)
                try await waitUntil {
                    stall.findCause(monotonicNanoseconds())
                    return stall.cause == .cpu
                }
                #expect(stall.systemCall == nil && stall.wantsAnotherStack)
            }
        }

        @Test(.enabled(if: isSampling))
        func `The same line is logged for one stall a minute, and kept in the ring for each`() async throws {
            let route = "GET /line"
            try await withReports { loop, records in
                // The reporter looks a line up, puts the report into the ring and logs it, one after the other.
                for count in 1...3 { try await stall(loop, route, count) { waitOnOneLine($0) } }
                let reports = Self.reports(of: route)
                #expect(Set(reports.map(\.id)).count == 3)
                let lines = reports.compactMap(\.line)
                try #require(lines.count == reports.count && Set(lines).count == 1)
                #expect(reports[0].file?.hasSuffix("/ReportTests.swift") == true)
                // Another line's comes after all of them.
                try await stall(loop, route, 4) { waitOnAnotherLine($0) }
                let ofFirst = reports.count { $0.id == reports[0].id }
                // Others may stall in the same process.
                let own = { records.entries.filter { $0.metadata["route"] == "GET /line" } }
                try await waitUntil { own().count > ofFirst }
                let logged = own()
                #expect(logged.prefix(ofFirst).allSatisfy { $0.metadata["line"] == "\(lines[0])" })
                #expect(logged[ofFirst].metadata["line"] != "\(lines[0])")
            }
        }

        @Test func `Those who were moved are counted`() async throws {
            let route = "GET /moved"
            try await withReports { loop, _ in
                let calm = Calm(expecting: 1)
                let gate = Gate()
                let others = Log<Int>()
                loop.addCallback {
                    loop.addCallback(for: RequestContext(loop, route)) { gate.block() }
                    for number in 0..<50 { loop.addCallback { others.add(number) } }
                }
                await others.wait(for: 50)
                try await waitUntil { !Self.reports(of: route).isEmpty }
                gate.open()
                let report = try #require(Self.reports(of: route).first)
                #expect(TaskContext(loop: loop).label == "callback")
                #expect(report.requestsMoved >= 50 || calm.isDisturbed)
                #expect(report.requestsWaited > .zero || isChaotic)
            }
        }

        @Test func `Taken loops, guests and long stalls are counted`() async throws {
            try await withLoop { loop in
                try await waitUntil { Stalls.statistics.guests == 0 }
                let before = Stalls.statistics
                let gate = Gate()
                for _ in 0..<5 { loop.addCallback { gate.block() } }
                try await waitUntil { Stalls.statistics.longStalls == before.longStalls + 5 }
                #expect(Stalls.statistics.guests >= 5)
                #expect(Stalls.statistics.takeovers >= before.takeovers + 5)
                gate.open()
                try await waitUntil { Stalls.statistics.guests == 0 }
            }
        }

        @Test func `A report reads as a sentence`() async throws {
            let route = "GET /sentence/{id}"
            try await withReports { loop, _ in
                let gate = Gate()
                let run = Task(executorPreference: RequestContext(loop, route)) { gate.block() }
                try await waitUntil { !Self.reports(of: route).isEmpty }
                gate.open()
                await run.value
                var report = try #require(Self.reports(of: route).first)
                report.duration = .milliseconds(412)
                report.systemCall = "read"
                report.resource = "/data/report.csv"
                report.cause = .kernelWait
                report.guilty = StallReport.Frame(function: "get()", file: "ReportHandler.swift", line: 88)
                report.requestsMoved = 214
                report.requestsWaited = .microseconds(10_200)
                let line = "GET /sentence/{id} has blocked 412 ms in read on /data/report.csv, ReportHandler.swift:88"
                #expect(report.description == "\(line); 214 others were moved and waited 11 ms")
                report.cause = .cpu
                report.hasEnded = true
                report.resource = nil
                report.requestsMoved = 0
                #expect(report.description == "GET /sentence/{id} computed for 412 ms, ReportHandler.swift:88")
                report.cause = .notScheduled
                report.guilty = nil
                report.systemCall = nil
                #expect(report.description == "GET /sentence/{id} got no processor for 412 ms")
            }
        }

        /// Runs `body` with a stall of a thread that computes, which the watchdog knows nothing of.
        private func withStallThatComputes(_ route: String, _ body: (Stall) async throws -> Void) async throws {
            try await withLoop { loop in
                let thread = LoopThread()
                let (began, isSeen) = (Box(false), Box(false))
                let isStarted = startThread(named: "spins") {
                    thread.run {
                        began.value = true
                        while !isSeen.value {}
                    }
                }
                try #require(isStarted)
                defer { isSeen.value = true }
                try await waitUntil { began.value }
                let profile = DispatchProfile(name: route)
                let now = monotonicNanoseconds()
                let stall = Stall(
                    id: 1 << 40, subject: TaskContext(loop: loop, profile: profile), thread: thread, isGuest: false,
                    began: now, cpuAtBegin: 0, stateAtBegin: nil, now: now)
                thread.followed.store(Stall.mark(stall.id), ordering: .releasing)
                try await body(stall)
            }
        }

        private static func sample(_ stall: Stall) async throws {
            let now = monotonicNanoseconds()
            stall.requestSample(now)
            try await waitUntil { stall.hasSample(now) }
            stall.collectSample(now)
        }

        /// Blocks until the route's stall number `count` is reported, and waits for the report that it has ended.
        private func stall(
            _ loop: IOLoop, _ route: String, _ count: Int, _ block: @escaping @Sendable (DispatchSemaphore) -> Void
        ) async throws {
            let semaphore = DispatchSemaphore(value: 0)
            let run = Task(executorPreference: RequestContext(loop, route)) { block(semaphore) }
            defer { semaphore.signal() }
            try await waitUntil { Set(Self.reports(of: route).map(\.id)).count == count }
            semaphore.signal()
            await run.value
            try await waitUntil { Self.reports(of: route).count { $0.hasEnded } == count }
        }

        /// The reports of one route, as other code may stall meanwhile: in chaos mode any code does.
        private static func reports(of route: String) -> [StallReport] {
            Stalls.reports().reports.filter { $0.route == route }
        }

        /// Runs `body` with reports from 30 ms on, and with what they log.
        private func withReports(_ body: (IOLoop, Log<LogCapture.Record>) async throws -> Void) async throws {
            let policy = Stalls.policy
            let logger = Stalls.logger
            defer {
                Stalls.policy = policy
                Stalls.logger = logger
            }
            Stalls.policy.reportAfter = .milliseconds(30)
            let records = Log<LogCapture.Record>()
            Stalls.logger = Logger(label: "stalls") { LogCapture(label: $0, log: records) }
            try await withLoop { loop in try await body(loop, records) }
        }
    }
}

private final class RequestContext: TaskContext, @unchecked Sendable {
    private let route: String

    init(_ loop: IOLoop, _ route: String) {
        self.route = route
        super.init(loop: loop)
    }

    override var label: String { route }
    override var requestID: String? { "request-7" }
}

// A line is logged once a minute, so each test that reads the log blocks on lines of its own.
@inline(never) private func waitOnALine(_ semaphore: DispatchSemaphore) { semaphore.wait() }

@inline(never) private func waitOnOneLine(_ semaphore: DispatchSemaphore) { semaphore.wait() }

@inline(never) private func waitOnAnotherLine(_ semaphore: DispatchSemaphore) { semaphore.wait() }

extension String {
    /// Without the fraction.
    fileprivate var metadataInteger: Logger.MetadataValue { "\(prefix { $0 != "." })" }
}
