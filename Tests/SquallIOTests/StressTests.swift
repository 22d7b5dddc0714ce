import Foundation
import SquallIO
import Synchronization
import Testing

extension OneAtATime {
    @Suite struct StressTests {
        /// Several loops, and on them tasks that do what code does, at random. The numbers are the same at every run, the
        /// order in which threads come to them is not.
        @Test(arguments: [1, 2, 3])
        func `Everything is accounted for`(_ seed: UInt64) async throws {
            var random = SeededGenerator(seed: seed)
            let loops = try (0..<4).map { _ in try IOLoop() }
            for loop in loops { loop.start() }
            let stress = Stress(loops: loops)
            let tasks = (0..<2_000).map { number in
                let loop = loops[number % loops.count]
                let seed = random.next()
                return loop.spawn { try await stress.task(seed: seed, on: loop) }
            }
            var steps = 0
            for task in tasks { steps += try await task.value }
            try await waitUntil { stress.owed.load(ordering: .acquiring) == 0 }
            #expect(stress.done.load(ordering: .relaxed) == steps)
            #expect(stress.strayed.load(ordering: .relaxed) == 0)
            #expect(stress.late.load(ordering: .relaxed) == 0)
            try await waitUntil { Stalls.statistics.guests == 0 }
            for loop in loops { await loop.stop() }
        }
    }
}

private final class Stress: Sendable {
    let loops: [IOLoop]
    /// Steps that are done.
    let done = Atomic<Int>(0)
    /// Callbacks that were asked for and have not come.
    let owed = Atomic<Int>(0)
    /// Times that code found itself off its loop.
    let strayed = Atomic<Int>(0)
    /// Cancelled timers that came all the same, and sleeps that were short.
    let late = Atomic<Int>(0)
    private let actor = Shared()
    private let pool = BlockingPool(threads: 4)

    init(loops: [IOLoop]) { self.loops = loops }

    func task(seed: UInt64, on loop: IOLoop) async throws -> Int {
        var random = SeededGenerator(seed: seed)
        let steps = Int.random(in: 1...12, using: &random)
        for _ in 0..<steps {
            try await step(&random, on: loop)
            if IOLoop.current !== loop { strayed.wrappingAdd(1, ordering: .relaxed) }
            done.wrappingAdd(1, ordering: .relaxed)
        }
        return steps
    }

    private func step(_ random: inout SeededGenerator, on loop: IOLoop) async throws {
        let other = loops.randomElement(using: &random) ?? loop
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<20:
            let length = Int64.random(in: 0..<4_000_000, using: &random)
            let began = monotonicTime()
            try await IOLoop.sleep(for: .nanoseconds(length))
            if monotonicTime() - began < length { late.wrappingAdd(1, ordering: .relaxed) }
        case 20..<35:
            await Task.yield()
        case 35..<50:
            owe(other)
        case 50..<60:
            let delay = Duration.microseconds(Int.random(in: 0..<3_000, using: &random))
            owed.wrappingAdd(1, ordering: .relaxed)
            other.callLater(delay) { self.owed.wrappingSubtract(1, ordering: .releasing) }
        case 60..<65:
            // An hour away: nobody is so late that it comes before it is cancelled.
            other.callLater(.seconds(3_600)) { self.late.wrappingAdd(1, ordering: .relaxed) }.cancel()
        case 65..<75:
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                other.addCallback { continuation.resume() }
            }
        case 75..<80:
            let length = UInt32.random(in: 0..<4_000, using: &random)
            let began = monotonicTime()
            usleep(length)
            if monotonicTime() - began < Int64(length) * 1_000 { late.wrappingAdd(1, ordering: .relaxed) }
            owe(other)
        case 80..<83:
            let end = monotonicTime() + Int64.random(in: 0..<3_000_000, using: &random)
            while monotonicTime() < end {}
            owe(other)
        case 83..<88:
            let value = UInt64.random(in: 0..<1_000, using: &random)
            let answer = try await other.spawn { value &* 3 }.value
            if answer != value &* 3 { late.wrappingAdd(1, ordering: .relaxed) }
        case 88..<92:
            await actor.touch()
        case 92..<96:
            let task = loop.spawn { try await IOLoop.sleep(for: .seconds(3_600)) }
            if Bool.random(using: &random) { await Task.yield() }
            task.cancel()
            if (try? await task.value) != nil { late.wrappingAdd(1, ordering: .relaxed) }
        default:
            let length = UInt32.random(in: 0..<500, using: &random)
            try await blocking(in: pool) { _ = usleep(length) }
        }
    }

    private func owe(_ loop: IOLoop) {
        owed.wrappingAdd(1, ordering: .relaxed)
        loop.addCallback {
            if IOLoop.current !== loop { self.strayed.wrappingAdd(1, ordering: .relaxed) }
            self.owed.wrappingSubtract(1, ordering: .releasing)
        }
    }

    private actor Shared {
        private var count = 0
        func touch() { count += 1 }
    }
}
