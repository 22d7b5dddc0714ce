import Foundation
import Logging
import SquallIO
import Testing

extension OneAtATime {
    @Suite struct PeriodicCallbackTests {
        @Test func `It calls on the loop, the first time a period after the start`() async throws {
            try await withLoop { loop in
                let log = Log<(time: ContinuousClock.Instant, isOnLoop: Bool)>()
                let periodic = PeriodicCallback(every: .milliseconds(10)) {
                    log.add((ContinuousClock.now, IOLoop.current === loop))
                }
                #expect(!periodic.isRunning)
                let began = ContinuousClock.now
                periodic.start(on: loop)
                periodic.start(on: loop)
                #expect(periodic.isRunning)
                let calls = await log.wait(for: 4)
                periodic.stop()
                #expect(!periodic.isRunning)
                for (number, call) in calls.enumerated() {
                    #expect(call.isOnLoop)
                    // Started twice it would come twice as often.
                    #expect(call.time - began >= .milliseconds(10) * (number + 1))
                }
            }
        }

        @Test func `Calls never overlap, and missed periods are skipped`() async throws {
            try await withLoop { loop in
                let calls = Log<(began: ContinuousClock.Instant, ended: ContinuousClock.Instant)>()
                let running = Box(0)
                let periodic = PeriodicCallback(every: .milliseconds(10)) {
                    #expect(
                        running.update {
                            $0 += 1
                            return $0
                        } == 1)
                    let began = ContinuousClock.now
                    // The first takes five periods and a half.
                    if calls.entries.isEmpty { try await IOLoop.sleep(for: .milliseconds(55)) }
                    running.update { $0 -= 1 }
                    calls.add((began, ContinuousClock.now))
                }
                periodic.start(on: loop)
                let entries = await calls.wait(for: 6)
                periodic.stop()
                for (call, next) in zip(entries, entries.dropFirst()) { #expect(next.began >= call.ended) }
                // Made up for, the missed ones would come one upon the other.
                for (number, call) in entries.dropFirst().enumerated() {
                    #expect(call.began - entries[0].ended >= .milliseconds(10) * number)
                }
            }
        }

        @Test func `A call that blocks its thread is not overlapped by the next one either`() async throws {
            try await withLoop { loop in
                let running = Box(0)
                let calls = Log<Int>()
                let periodic = PeriodicCallback(every: .milliseconds(1)) {
                    calls.add(
                        running.update {
                            $0 += 1
                            return $0
                        })
                    usleep(15_000)
                    running.update { $0 -= 1 }
                }
                periodic.start(on: loop)
                #expect(await calls.wait(for: 5).allSatisfy { $0 == 1 })
                periodic.stop()
            }
        }

        @Test func `An error is logged, and the next call comes all the same`() async throws {
            struct Failure: Error, CustomStringConvertible { var description: String { "no report today" } }
            try await withLoop { loop in
                let calls = Log<Int>()
                let before = LogCapture.library.entries.count
                let periodic = PeriodicCallback(every: .milliseconds(1)) {
                    calls.add(1)
                    throw Failure()
                }
                periodic.start(on: loop)
                await calls.wait(for: 3)
                periodic.stop()
                let records = await LogCapture.library.wait(for: before + 2).dropFirst(before)
                let record = try #require(records.first)
                #expect(record.label == "squall" && record.level == .error)
                #expect(record.message == "a periodic callback failed")
                #expect(record.metadata["error"] == "no report today")
            }
        }

        @Test func `A call that is cancelled by its own code is followed by the next`() async throws {
            try await withLoop { loop in
                let calls = Log<Int>()
                let periodic = PeriodicCallback(every: .milliseconds(1)) {
                    calls.add(1)
                    throw CancellationError()
                }
                periodic.start(on: loop)
                await calls.wait(for: 3)
                periodic.stop()
            }
        }

        @Test func `Stopping cancels the call that is under way, and it can be started again`() async throws {
            try await withLoop { loop in
                let began = Log<Int>()
                let cancelled = Log<Bool>()
                let periodic = PeriodicCallback(every: .milliseconds(1)) {
                    began.add(1)
                    do { try await IOLoop.sleep(for: .seconds(3_600)) } catch {
                        cancelled.add(error is CancellationError)
                        throw error
                    }
                }
                periodic.stop()
                for round in 1...3 {
                    periodic.start(on: loop)
                    await began.wait(for: round)
                    periodic.stop()
                    #expect(await cancelled.wait(for: round) == Array(repeating: true, count: round))
                }
                #expect(began.entries.count == 3)
            }
        }

        @Test func `Jitter moves the calls, and keeps them in order`() async throws {
            try await withLoop { loop in
                let calls = Log<ContinuousClock.Instant>()
                let began = ContinuousClock.now
                let periodic = PeriodicCallback(every: .milliseconds(4), jitter: 1) { calls.add(.now) }
                periodic.start(on: loop)
                let times = await calls.wait(for: 10)
                periodic.stop()
                #expect(times == times.sorted())
                // Half a period early at the most.
                for (number, time) in times.enumerated() {
                    #expect(time - began >= .milliseconds(4) * number + .milliseconds(2))
                }
            }
        }
    }
}
