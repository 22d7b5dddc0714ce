import Foundation
import SquallIO
import Testing

extension OneAtATime {
    @Suite struct BlockingPoolTests {
        @Test func `Results and errors come back`() async throws {
            struct Failure: Error {}
            #expect(try await blocking { 42 } == 42)
            await #expect(throws: Failure.self) { try await blocking { throw Failure() } }
            let pool = BlockingPool(threads: 2)
            #expect(try await blocking(in: pool) { "own" } == "own")
        }

        @Test func `As many run as there are threads, the others wait`() async throws {
            let pool = BlockingPool(threads: 3)
            let gate = Gate()
            let running = Box((now: 0, most: 0))
            let tasks = (0..<10).map { number in
                Task {
                    try await pool.run {
                        running.update { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                        gate.block()
                        running.update { $0.now -= 1 }
                        return number
                    }
                }
            }
            try await waitUntil { running.value.now == 3 && pool.statistics.queued == 7 }
            #expect(pool.statistics.running == 3)
            #expect(pool.statistics.completed == 0)
            gate.open()
            for (number, task) in tasks.enumerated() {
                let result = try await task.value
                #expect(result == number)
            }
            #expect(running.value.most == 3)
            #expect(pool.statistics.running == 0 && pool.statistics.queued == 0 && pool.statistics.completed == 10)
        }

        @Test func `A call is counted before its caller goes on`() async throws {
            let pool = BlockingPool(threads: 4)
            for number in 1...2_000 {
                try await pool.run {}
                let statistics = pool.statistics
                try #require(statistics.completed == number && statistics.running == 0)
            }
        }

        @Test func `Time spent waiting is measured`() async throws {
            let pool = BlockingPool(threads: 1)
            let gate = Gate()
            let first = Task { try await pool.run { gate.block() } }
            try await waitUntil { pool.statistics.running == 1 }
            let second = Task { try await pool.run {} }
            try await waitUntil { pool.statistics.queued == 1 }
            let seen = ContinuousClock.now
            try await Task.sleep(for: .milliseconds(10))
            let waited = ContinuousClock.now - seen
            gate.open()
            try await first.value
            try await second.value
            #expect(pool.statistics.longestWait >= waited)
            #expect(pool.statistics.totalWait >= pool.statistics.longestWait)
        }

        @Test func `A full queue refuses, and says how many wait`() async throws {
            let pool = BlockingPool(threads: 1, queueLimit: 2)
            let gate = Gate()
            let tasks = (0..<3).map { _ in Task { try await pool.run { gate.block() } } }
            try await waitUntil { pool.statistics.running == 1 && pool.statistics.queued == 2 }
            let error = await #expect(throws: BlockingPool.Full.self) { try await pool.run {} }
            #expect(error?.waiting == 2)
            let text = "2 calls wait for this BlockingPool already; give it more threads, or take fewer requests"
            #expect(error?.description == text)
            gate.open()
            for task in tasks { try await task.value }
            #expect(try await pool.run { "again" } == "again")
        }

        @Test func `A call that waits is cancelled at once, and never runs`() async throws {
            let pool = BlockingPool(threads: 1)
            let gate = Gate()
            let first = Task { try await pool.run { gate.block() } }
            try await waitUntil { pool.statistics.running == 1 }
            let log = Log<Int>()
            let waiting = (0..<100).map { number in Task { try await pool.run { log.add(number) } } }
            try await waitUntil { pool.statistics.queued == 100 }
            for number in stride(from: 0, to: 100, by: 2) { waiting[number].cancel() }
            // The thread is blocked all the while.
            for number in stride(from: 0, to: 100, by: 2) {
                await #expect(throws: CancellationError.self) { try await waiting[number].value }
            }
            #expect(pool.statistics.queued == 50)
            gate.open()
            try await first.value
            for number in stride(from: 1, to: 100, by: 2) { try await waiting[number].value }
            #expect(log.entries.sorted() == Array(stride(from: 1, to: 100, by: 2)))
        }

        @Test func `Cancelled calls take no place in the queue`() async throws {
            let pool = BlockingPool(threads: 1, queueLimit: 1)
            let gate = Gate()
            let running = Task { try await pool.run { gate.block() } }
            try await waitUntil { pool.statistics.running == 1 }
            for _ in 0..<1_000 {
                let queued = Task { try await pool.run {} }
                try await waitUntil { pool.statistics.queued == 1 }
                queued.cancel()
                await #expect(throws: CancellationError.self) { try await queued.value }
                #expect(pool.statistics.queued == 0)
            }
            let last = Task { try await pool.run { 7 } }
            try await waitUntil { pool.statistics.queued == 1 }
            gate.open()
            #expect(try await last.value == 7)
            try await running.value
        }

        @Test func `A call that has begun is not interrupted`() async throws {
            let pool = BlockingPool(threads: 1)
            let gate = Gate()
            let task = Task {
                try await pool.run {
                    gate.block()
                    return "whole"
                }
            }
            try await waitUntil { pool.statistics.running == 1 }
            task.cancel()
            gate.open()
            #expect(try await task.value == "whole")
        }

        @Test func `A cancelled task does not call at all`() async throws {
            let pool = BlockingPool(threads: 1)
            let gate = Gate()
            let task = Task {
                await gate.wait()
                try await pool.run { _ = Issue.record("called") }
            }
            task.cancel()
            gate.open()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(pool.statistics.completed == 0)
        }

        @Test func `Cancelling at random moments loses nobody`() async throws {
            let pool = BlockingPool(threads: 2)
            let ended = Box(0)
            let tasks = (0..<2_000).map { _ in Task { try await pool.run { ended.update { $0 += 1 } } } }
            for task in tasks.shuffled() { task.cancel() }
            var returned = 0
            for task in tasks where (try? await task.value) != nil { returned += 1 }
            #expect(ended.value == returned && pool.statistics.completed == returned)
            #expect(pool.statistics.queued == 0 && pool.statistics.running == 0)
        }
    }
}
