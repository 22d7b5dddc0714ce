import Foundation
import Synchronization
import Testing

@testable import SquallIO

extension OneAtATime {
    @Suite struct TimerTests {
        @Test func `What is cancelled in time is not called, though the loop hears of it too late`() async throws {
            // Nobody drives the loop yet, so it is the test's.
            let loop = try IOLoop()
            let called = Box(false)
            let timeout = IOLoop.Timeout(due: loop.now, loop: loop, action: .trusted { called.value = true })
            loop.timers.insert(timeout)
            timeout.cancel()
            #expect(loop.runTimers())
            #expect(loop.timers.isEmpty && !called.value)
            // A sleeper hears of it all the same, once.
            await #expect(throws: CancellationError.self) {
                try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
                    let sleeper = IOLoop.Timeout(due: loop.now, loop: loop, action: .resume(continuation))
                    loop.timers.insert(sleeper)
                    sleeper.cancel()
                    _ = loop.runTimers()
                    sleeper.cancel()
                    loop.start()
                }
            }
            await loop.stop()
            #expect(!called.value)
        }

        @Test func `Timers come in the order of their due times`() async throws {
            try await withLoop { loop in
                let calm = Calm()
                let log = Log<Int>()
                // Made in one callback, so that they are all there before the first is due.
                loop.addCallback {
                    let now = ContinuousClock.now
                    for number in [7, 2, 9, 1, 5, 8, 3, 6, 4, 0] {
                        loop.callAt(now + .milliseconds(20 + number * 2)) { log.add(number) }
                    }
                }
                let entries = await log.wait(for: 10)
                #expect(entries == Array(0..<10) || calm.isDisturbed)
                #expect(entries.sorted() == Array(0..<10))
            }
        }

        @Test func `Timers that are due at the same time come in the order in which they were made`() async throws {
            try await withLoop { loop in
                let calm = Calm()
                let log = Log<Int>()
                // An hour ago and two: each is due at once, and so is the other.
                loop.addCallback {
                    for number in 0..<100 { loop.callLater(.seconds(-3_600 * (number % 2 + 1))) { log.add(number) } }
                }
                let entries = await log.wait(for: 100)
                #expect(entries == Array(0..<100) || calm.isDisturbed)
                #expect(entries.sorted() == Array(0..<100))
            }
        }

        @Test(arguments: [Duration.zero, .seconds(-1), .nanoseconds(Int64.min), .milliseconds(1)])
        func `A timer is never called within the call that makes it, and never early`(_ delay: Duration) async throws {
            try await withLoop { loop in
                let called = Gate()
                let wasInline = Box<Bool>(false)
                let elapsed = Box<Int64>(0)
                loop.addCallback {
                    let began = monotonicTime()
                    let adding = Adding()
                    loop.callLater(delay) {
                        if adding.isByThisThread { wasInline.value = true }
                        elapsed.value = monotonicTime() - began
                        called.open()
                    }
                    adding.end()
                }
                await called.wait()
                #expect(!wasInline.value)
                #expect(elapsed.value >= max(0, Int64(delay / .nanoseconds(1))))
            }
        }

        @Test func `A delay beyond what a clock can count never comes, and can be cancelled`() async throws {
            try await withLoop { loop in
                let log = Log<String>()
                let never = loop.callLater(.seconds(Int64.max)) { log.add("never") }
                loop.callLater(.milliseconds(5)) { log.add("soon") }
                #expect(await log.wait(for: 1) == ["soon"])
                never.cancel()
            }
        }

        @Test func `A cancelled timer does not come, whoever cancels it`() async throws {
            try await withLoop { loop in
                let log = Log<String>()
                let first = loop.callLater(.milliseconds(30)) { log.add("cancelled from outside") }
                first.cancel()
                first.cancel()
                let done = Gate()
                loop.addCallback {
                    let second = loop.callLater(.zero) { log.add("cancelled by its maker") }
                    second.cancel()
                    let third = loop.callLater(.milliseconds(20)) { log.add("cancelled by another timer") }
                    loop.callLater(.milliseconds(1)) { third.cancel() }
                    loop.callLater(.milliseconds(60)) { done.open() }
                }
                await done.wait()
                #expect(log.entries == [])
            }
        }

        @Test func `Cancelling a timer that was called, or that calls, does nothing`() async throws {
            try await withLoop { loop in
                let log = Log<Int>()
                let box = Box<IOLoop.Timeout?>(nil)
                let isKept = Gate()
                box.value = loop.callLater(.milliseconds(1)) {
                    isKept.block()
                    box.value?.cancel()
                    log.add(1)
                }
                isKept.open()
                await log.wait(for: 1)
                box.value?.cancel()
                loop.callLater(.milliseconds(1)) { log.add(2) }
                #expect(await log.wait(for: 2) == [1, 2])
            }
        }

        @Test func `A timer can be cancelled after its loop is gone`() async throws {
            var timer: IOLoop.Timeout?
            weak var gone: IOLoop?
            do {
                let loop = try IOLoop()
                gone = loop
                loop.start()
                timer = loop.callLater(.seconds(3_600)) {}
                await loop.stop()
            }
            try await waitUntil { gone == nil }
            timer?.cancel()
        }

        @Test func `Thousands of timers, half of them cancelled, come once each and in order`() async throws {
            try await withLoop { loop in
                var random = SeededGenerator(seed: 7)
                let delays = (0..<10_000).map { _ in Int.random(in: 0..<200, using: &random) }
                let log = Log<Int>()
                let timers = delays.enumerated().map { number, delay in
                    loop.callLater(.milliseconds(300 + delay)) { log.add(number) }
                }
                var kept = Set(0..<10_000)
                for number in timers.indices.shuffled(using: &random).prefix(5_000) {
                    timers[number].cancel()
                    kept.remove(number)
                }
                let end = Gate()
                loop.callLater(.milliseconds(600)) { end.open() }
                await end.wait()
                let entries = await log.wait(for: min(kept.count, log.entries.count))
                // A machine that stood still for longer than the timers' 300 ms has called some before their cancellation.
                #expect(Set(entries).isSuperset(of: kept))
                #expect(Set(entries).count == entries.count)
            }
        }

        @Test func `A sleep is not short, on the loop and off it`() async throws {
            let length: Int64 = 20_000_000
            try await withLoop { loop in
                let elapsed = try await loop.spawn {
                    let began = monotonicTime()
                    try await IOLoop.sleep(for: .nanoseconds(length))
                    return monotonicTime() - began
                }.value
                #expect(elapsed >= length)
            }
            #expect(IOLoop.current == nil)
            let began = monotonicTime()
            try await IOLoop.sleep(for: .nanoseconds(length))
            #expect(monotonicTime() - began >= length)
        }

        @Test func `Sleeping for nothing or less gives way, and returns`() async throws {
            try await withLoop { loop in
                try await loop.spawn {
                    try await IOLoop.sleep(for: .zero)
                    try await IOLoop.sleep(for: .seconds(-5))
                }.value
            }
        }

        @Test func `Ten thousand sleeps at once all end`() async throws {
            try await withLoop { loop in
                let count = try await loop.spawn {
                    await withTaskGroup(of: Int.self) { group in
                        for number in 0..<10_000 {
                            group.addTask {
                                (try? await IOLoop.sleep(for: .milliseconds(number % 50))) != nil ? 1 : 0
                            }
                        }
                        return await group.reduce(0, +)
                    }
                }.value
                #expect(count == 10_000)
            }
        }

        @Test func `A cancelled sleep throws at once, before, while and after it begins`() async throws {
            try await withLoop { loop in
                // An hour: were the cancellation lost, the test would not end.
                for round in 0..<500 {
                    let started = Gate()
                    let task = loop.spawn {
                        started.open()
                        try await IOLoop.sleep(for: .seconds(3_600))
                    }
                    switch round % 4 {
                    case 0: break
                    case 1: await started.wait()
                    case 2: loop.addCallback { task.cancel() }
                    default: loop.callLater(.zero) { task.cancel() }
                    }
                    if round % 4 < 2 { task.cancel() }
                    await #expect(throws: CancellationError.self) { try await task.value }
                }
            }
        }

        @Test func `A sleep that the loop's own code cancels while a guest begins it throws at once`() async throws {
            try await withLoop { loop in
                for _ in 0..<200 {
                    let isGuest = Gate()
                    // It loses the loop first, so that its sleep goes to the loop through the inbox.
                    let task = loop.spawn {
                        blockUntilTakenOver(loop)
                        isGuest.open()
                        try await IOLoop.sleep(for: .seconds(3_600))
                    }
                    let canceller = Canceller(loop, isGuest, task)
                    loop.addCallback { canceller.run() }
                    await #expect(throws: CancellationError.self) { try await task.value }
                }
            }
        }
    }
}

/// Cancels a task from the loop's own code, at some turn shortly after a gate has opened.
private final class Canceller: Sendable {
    private let loop: IOLoop
    private let gate: Gate
    private let task: Task<Void, any Error>
    private let turns = Box<Int>(Int.random(in: 0..<30))

    init(_ loop: IOLoop, _ gate: Gate, _ task: Task<Void, any Error>) {
        self.loop = loop
        self.gate = gate
        self.task = task
    }

    func run() {
        if gate.isOpen,
            turns.update({
                $0 -= 1
                return $0
            }) < 0
        {
            return task.cancel()
        }
        loop.addCallback { self.run() }
    }
}
