import Foundation
import Synchronization
import Testing

@testable import SquallIO

extension OneAtATime {
    @Suite struct TakeoverTests {
        @Test func `A callback that blocks holds up nobody else`() async throws {
            try await withLoop { loop in
                let gate = Gate()
                let released = Gate()
                loop.addCallback {
                    gate.block()
                    released.open()
                }
                for number in 0..<100 {
                    let value = try await loop.spawn { number }.value
                    #expect(value == number)
                }
                let timer = Gate()
                loop.callLater(.milliseconds(1)) { timer.open() }
                await timer.wait()
                try await readThroughWatch(on: loop)
                #expect(!released.isOpen)
                gate.open()
                await released.wait()
            }
        }

        @Test func `What was queued behind the blocked code goes on, in order`() async throws {
            try await withLoop { loop in
                let calm = Calm(expecting: 1)
                let gate = Gate()
                let log = Log<Int>()
                loop.addCallback {
                    // All in the queue that the loop is about to go through.
                    loop.addCallback { gate.block() }
                    for number in 0..<500 { loop.addCallback { log.add(number) } }
                }
                let entries = await log.wait(for: 500)
                #expect(entries == Array(0..<500) || calm.isDisturbed)
                #expect(entries.sorted() == Array(0..<500))
                #expect(!gate.isOpen)
                gate.open()
            }
        }

        @Test(arguments: [10, 60])
        func `Many may block at once`(_ count: Int) async throws {
            try await withLoop { loop in
                let gate = Gate()
                let ended = Log<Int>()
                let began = Log<Int>()
                for number in 0..<count {
                    loop.spawn {
                        began.add(number)
                        gate.block()
                        ended.add(number)
                    }
                }
                await began.wait(for: count)
                let value = try await loop.spawn {
                    try await IOLoop.sleep(for: .milliseconds(1))
                    return 42
                }.value
                #expect(value == 42)
                #expect(ended.entries.isEmpty)
                #expect(Stalls.statistics.guests >= count)
                gate.open()
                #expect(await ended.wait(for: count).sorted() == Array(0..<count))
                try await waitUntil { Stalls.statistics.guests == 0 }
            }
        }

        @Test func `Beyond the ceiling the loop waits, and goes on when a guest has ended`() async throws {
            let policy = Stalls.policy
            defer { Stalls.policy = policy }
            Stalls.policy.ceiling = 1
            // Twice the ceiling for routes that are refused above it, and 64 for what has no route.
            let most = 2 + 64
            try await withLoop { loop in
                let gate = Gate()
                let ended = Log<Int>()
                let began = Log<Int>()
                for number in 0..<most + 10 {
                    loop.addCallback {
                        began.add(number)
                        gate.block()
                        ended.add(number)
                    }
                }
                // The one that the loop waits for is the last to begin.
                await began.wait(for: most + 1)
                try await waitUntil { Stalls.statistics.guests == most }
                #expect(began.entries.count == most + 1)
                gate.open()
                await ended.wait(for: most + 10)
                try await waitUntil { Stalls.statistics.guests == 0 }
            }
        }

        @Test func `A task that lost its loop can use all of it`() async throws {
            try await withLoop { loop in
                try await loop.spawn {
                    for _ in 0..<5 {
                        await becomeGuest(loop)
                        // A guest now.
                        try #require(IOLoop.current === loop)
                        let log = Log<String>()
                        loop.addCallback { log.add("callback") }
                        loop.callLater(.milliseconds(1)) { log.add("timer") }
                        let start = monotonicTime()
                        loop.callLater(.milliseconds(1)) { log.add("cancelled") }.cancel()
                        // On a busy machine its time may have come before.
                        let isLate = monotonicTime() - start >= 1_000_000
                        loop.spawn { log.add("task") }
                        IOLoop.current?.perform { log.add("framework") }
                        let entries = await log.wait(for: 4)
                        #expect(isLate || Set(entries) == ["callback", "timer", "task", "framework"])

                        await becomeGuest(loop)
                        try await IOLoop.sleep(for: .milliseconds(1))
                        try #require(IOLoop.current === loop)

                        await becomeGuest(loop)
                        let answer = await withUnsafeContinuation { continuation in
                            loop.addCallback { continuation.resume(returning: 42) }
                        }
                        #expect(answer == 42)

                        await becomeGuest(loop)
                        try await readThroughWatch(on: loop)

                        await becomeGuest(loop)
                        async let child = IOLoop.current === loop
                        let isChildOnLoop = await child
                        #expect(isChildOnLoop)
                    }
                }.value
            }
        }

        @Test func `Callbacks that a guest adds keep their order`() async throws {
            try await withLoop { loop in
                let log = Log<Int>()
                let calm = Box(Calm())
                loop.addCallback {
                    blockUntilTakenOver(loop)
                    calm.value = Calm()
                    for number in 0..<1_000 { loop.addCallback { log.add(number) } }
                }
                let entries = await log.wait(for: 1_000)
                #expect(entries == Array(0..<1_000) || calm.value.isDisturbed)
                #expect(entries.sorted() == Array(0..<1_000))
            }
        }

        @Test func `Threads that guests have left are used again`() async throws {
            try await withLoop { loop in
                let takeovers = Stalls.statistics.takeovers
                for _ in 0..<200 {
                    try await loop.spawn { blockUntilTakenOver(loop) }.value
                }
                #expect(Stalls.statistics.takeovers >= takeovers + 200)
                try await waitUntil { Stalls.statistics.guests == 0 }
                // The cache keeps eight, and one drives the loop.
                try await waitUntil { threads(named: "squall-loop") <= 10 }
            }
        }

        @Test func `A guest that computes gets a lower priority, however late it begins to, and no loop its thread`()
            async throws
        {
            try await withLoop { loop in
                for delay: UInt32 in [0, 30_000] {
                    let lowered = Gate()
                    loop.addCallback {
                        usleep(delay)
                        // Computes until it is lowered: were it not, the test would not end.
                        while niceness() == 0 { for _ in 0..<10_000 { _ = random() } }
                        lowered.open()
                    }
                    await lowered.wait()
                }
                for _ in 0..<50 {
                    let nice = try await loop.spawn {
                        blockUntilTakenOver(loop)
                        await Task.yield()
                        return niceness()
                    }.value
                    #expect(nice == 0)
                }
            }
        }

        @Test func `Never are two threads inside the loop's state at a time`() async throws {
            try await withLoop { loop in
                let state = OwnersState()
                let rounds = 300
                let others = 4
                for _ in 0..<others {
                    Thread.detachNewThread { for _ in 0..<rounds * 10 { loop.perform { state.touch() } } }
                }
                let tasks = (0..<8).map { number in
                    loop.spawn {
                        for round in 0..<rounds {
                            loop.perform { state.touch() }
                            loop.addCallback { loop.perform { state.touch() } }
                            if round % 20 == number { blockUntilTakenOver(loop) }
                            loop.perform { state.touch() }
                            await Task.yield()
                        }
                    }
                }
                for task in tasks { try await task.value }
                let total = others * rounds * 10 + 8 * rounds * 3
                try await waitUntil { state.entered.load(ordering: .acquiring) == total }
                #expect(state.most.load(ordering: .relaxed) == 1)
                // Guarded by nothing but the ownership: a second thread would have lost some.
                let plain = await withUnsafeContinuation { continuation in
                    loop.perform { continuation.resume(returning: state.plain) }
                }
                #expect(plain == total)
            }
        }

        @Test func `Loops do not feel each other's stalls`() async throws {
            try await withLoop { first in
                try await withLoop { second in
                    let gate = Gate()
                    for _ in 0..<10 { first.addCallback { gate.block() } }
                    for _ in 0..<10 { second.addCallback { gate.block() } }
                    for number in 0..<50 {
                        let loop = number % 2 == 0 ? first : second
                        let isOnLoop = try await loop.spawn { IOLoop.current === loop }.value
                        #expect(isOnLoop)
                    }
                    gate.open()
                }
            }
        }
    }
}

/// What only the loop's owner may touch.
private final class OwnersState: @unchecked Sendable {
    private let inside = Atomic<Int>(0)
    let most = Atomic<Int>(0)
    let entered = Atomic<Int>(0)
    private(set) var plain = 0

    func touch() {
        most.max(inside.wrappingAdd(1, ordering: .relaxed).newValue, ordering: .relaxed)
        plain += 1
        inside.wrappingSubtract(1, ordering: .relaxed)
        entered.wrappingAdd(1, ordering: .releasing)
    }
}

private func threads(named name: String) -> Int {
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
    return threads.count { thread in
        let path = "/proc/self/task/\(thread)/comm"
        return (try? String(contentsOfFile: path, encoding: .utf8))?.hasPrefix(name) == true
    }
}

/// Returns on a thread that has lost the loop, on which the task was just now.
private func becomeGuest(_ loop: IOLoop) async {
    await Task.yield()
    blockUntilTakenOver(loop)
}

/// The calling thread's.
private func niceness() -> Int32 { getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) }
