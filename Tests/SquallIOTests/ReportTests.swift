import Foundation
import Logging
import Testing

@testable import SquallIO

extension OneAtATime {
    /// What is told of a stall, and to whom. Which line is named on a release build is in NamingTests.
    @Suite struct ReportTests {
        @Test func `A stall is reported with all that is known of it, and once more when it has ended`() async throws {
            try await withReports { loop, records in
                let sequence = Stalls.reports().next
                let gate = DispatchSemaphore(value: 0)
                let wallClock = Date().timeIntervalSince1970
                let run = Task(executorPreference: RequestContext(loop: loop)) { waitOnALine(gate) }
                try await waitUntil { !Stalls.reports(since: sequence).reports.isEmpty }
                gate.signal()
                await run.value
                try await waitUntil { Stalls.reports(since: sequence).reports.last?.hasEnded == true }

                let reports = Stalls.reports(since: sequence).reports
                let first = try #require(reports.first), last = try #require(reports.last)
                #expect(reports.count >= 2 && reports.allSatisfy { $0.id == first.id })
                #expect(!first.hasEnded)
                #expect(first.route == "GET /slow/{id}" && first.requestID == "request-7")
                #expect(first.cause == .lock && first.systemCall == "futex")
                #expect(first.duration >= .milliseconds(30) && last.duration > first.duration)
                #expect(first.began >= wallClock - 0.1 && first.began <= Date().timeIntervalSince1970)
                #expect(first.file?.hasSuffix("/ReportTests.swift") == true && !first.frames.isEmpty)

                let logged = await records.wait(for: reports.count)
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

        @Test func `The same line is logged for one stall a minute, and kept in the ring for each`() async throws {
            try await withReports { loop, records in
                let sequence = Stalls.reports().next
                for count in 1...3 {
                    await Task(executorPreference: RequestContext(loop: loop)) { sleepOnOneLine() }.value
                    try await waitUntil { Stalls.reports(since: sequence).reports.count { $0.hasEnded } == count }
                }
                let reports = Stalls.reports(since: sequence).reports
                #expect(Set(reports.map(\.id)).count == 3)
                let line = reports.compactMap(\.line)
                try #require(line.count == reports.count && Set(line).count == 1)
                #expect(reports[0].file?.hasSuffix("/ReportTests.swift") == true)
                // Those of the first stall, and another line's: the reporter has been through all of them by then.
                let others = DispatchSemaphore(value: 0)
                let other = Task(executorPreference: RequestContext(loop: loop)) { waitOnAnotherLine(others) }
                try await waitUntil { Stalls.reports(since: sequence).reports.contains { $0.cause == .lock } }
                others.signal()
                await other.value
                let ofFirst = reports.count { $0.id == reports[0].id }
                let logged = await records.wait(for: ofFirst + 1)
                #expect(logged.prefix(ofFirst).allSatisfy { $0.metadata["syscall"] == "clock_nanosleep" })
                #expect(logged[ofFirst].metadata["syscall"] == "futex")
            }
        }

        @Test func `Those who were moved are counted`() async throws {
            try await withReports { loop, _ in
                let sequence = Stalls.reports().next
                let gate = Gate(), others = Log<Int>()
                loop.addCallback {
                    loop.addCallback { gate.block() }
                    for number in 0..<50 { loop.addCallback { others.add(number) } }
                }
                await others.wait(for: 50)
                try await waitUntil { !Stalls.reports(since: sequence).reports.isEmpty }
                gate.open()
                let report = try #require(Stalls.reports(since: sequence).reports.first)
                #expect(report.route == "callback" && report.requestID == nil)
                #expect(report.requestsMoved >= 50 || isChaotic)
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
                #expect(Stalls.statistics.guests == 5)
                #expect(Stalls.statistics.takeovers >= before.takeovers + 5)
                gate.open()
                try await waitUntil { Stalls.statistics.guests == 0 }
            }
        }

        @Test func `A report reads as a sentence`() async throws {
            try await withReports { loop, _ in
                let sequence = Stalls.reports().next
                let gate = Gate()
                let run = Task(executorPreference: RequestContext(loop: loop)) { gate.block() }
                try await waitUntil { !Stalls.reports(since: sequence).reports.isEmpty }
                gate.open()
                await run.value
                var report = try #require(Stalls.reports(since: sequence).reports.first)
                report.duration = .milliseconds(412)
                report.systemCall = "read"
                report.resource = "/data/report.csv"
                report.cause = .kernelWait
                report.guilty = StallReport.Frame(function: "get()", file: "ReportHandler.swift", line: 88)
                report.requestsMoved = 214
                report.requestsWaited = .microseconds(10_200)
                let line = "GET /slow/{id} has blocked 412 ms in read on /data/report.csv, ReportHandler.swift:88"
                #expect(report.description == "\(line); 214 others were moved and waited 11 ms")
                report.cause = .cpu
                report.hasEnded = true
                report.resource = nil
                report.requestsMoved = 0
                #expect(report.description == "GET /slow/{id} computed for 412 ms, ReportHandler.swift:88")
                report.cause = .notScheduled
                report.guilty = nil
                report.systemCall = nil
                #expect(report.description == "GET /slow/{id} got no processor for 412 ms")
            }
        }

        /// Runs `body` with reports from 30 ms on, and with what they log.
        private func withReports(_ body: (IOLoop, Log<LogCapture.Record>) async throws -> Void) async throws {
            let policy = Stalls.policy, logger = Stalls.logger
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
    override var label: String { "GET /slow/{id}" }
    override var requestID: String? { "request-7" }
}

@inline(never) private func sleepOnOneLine() { usleep(80_000) }

// A line is logged once a minute, so each test that reads the log blocks on lines of its own.
@inline(never) private func waitOnALine(_ semaphore: DispatchSemaphore) { semaphore.wait() }

@inline(never) private func waitOnAnotherLine(_ semaphore: DispatchSemaphore) { semaphore.wait() }

extension String {
    /// Without the fraction.
    fileprivate var metadataInteger: Logger.MetadataValue { "\(prefix { $0 != "." })" }
}
