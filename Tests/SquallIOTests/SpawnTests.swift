import Foundation
import SquallIO
import Synchronization
import Testing

extension OneAtATime {
    @Suite struct SpawnTests {
        @Test func `A task stays on its loop through every kind of await`() async throws {
            try await withLoop { loop in
                let counter = Counter()
                try await loop.spawn {
                    try expectCurrent(loop)
                    try await IOLoop.sleep(for: .milliseconds(1))
                    try expectCurrent(loop)
                    await Task.yield()
                    try expectCurrent(loop)
                    // A default actor's code runs on the loop too.
                    #expect(await counter.increment() === loop)
                    try expectCurrent(loop)
                    await Task.detached { #expect(IOLoop.current == nil) }.value
                    try expectCurrent(loop)
                    try await blocking { #expect(IOLoop.current == nil) }
                    try expectCurrent(loop)
                    await MainActor.run { #expect(IOLoop.current == nil) }
                    try expectCurrent(loop)
                    await withCheckedContinuation { continuation in
                        Thread.detachNewThread { continuation.resume() }
                    }
                    try expectCurrent(loop)
                }.value
            }
        }

        @Test func `Children of a task group and async let run on the loop`() async throws {
            try await withLoop { loop in
                let sum = try await loop.spawn {
                    async let one = {
                        try expectCurrent(loop)
                        return 1
                    }()
                    async let two = {
                        try await IOLoop.sleep(for: .milliseconds(1))
                        try expectCurrent(loop)
                        return 2
                    }()
                    let many = try await withThrowingTaskGroup(of: Int.self) { group in
                        for number in 0..<100 {
                            group.addTask {
                                try expectCurrent(loop)
                                await Task.yield()
                                try expectCurrent(loop)
                                return number
                            }
                        }
                        return try await group.reduce(0, +)
                    }
                    try expectCurrent(loop)
                    return try await one + two + many
                }.value
                #expect(sum == 4_953)
            }
        }

        @Test func `A task spawned from a loop's code runs on that loop`() async throws {
            try await withLoop { loop in
                let inner = try await loop.spawn {
                    IOLoop.current?.spawn { IOLoop.current === loop }
                }.value
                let isCurrent = try await inner?.value
                #expect(isCurrent == true)
                let log = Log<Bool>()
                loop.addCallback {
                    loop.spawn { log.add(IOLoop.current === loop) }
                }
                #expect(await log.wait(for: 1) == [true])
            }
        }

        @Test func `Two loops pass a task's await to and fro`() async throws {
            try await withLoop { first in
                try await withLoop { second in
                    let total = try await first.spawn {
                        var total = 0
                        for number in 0..<200 {
                            total += try await second.spawn {
                                try expectCurrent(second)
                                return number
                            }.value
                            try expectCurrent(first)
                        }
                        return total
                    }.value
                    #expect(total == 19_900)
                }
            }
        }

        @Test func `Results, errors, cancellation and names come through the task`() async throws {
            struct Failure: Error {}
            try await withLoop { loop in
                let result = try await loop.spawn { "result" }.value
                #expect(result == "result")
                await #expect(throws: Failure.self) { try await loop.spawn { throw Failure() }.value }
                let name = try await loop.spawn(name: "named") { Task.name }.value
                #expect(name == "named")
                let started = Gate()
                let task = loop.spawn {
                    started.open()
                    try await IOLoop.sleep(for: .seconds(3_600))
                }
                await started.wait()
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
            }
        }

        @Test func `Thousands of tasks end, each with its own result`() async throws {
            try await withLoop { loop in
                let tasks = (0..<5_000).map { number in
                    loop.spawn {
                        if number % 3 == 0 { await Task.yield() }
                        return number * 2
                    }
                }
                for (number, task) in tasks.enumerated() {
                    let result = try await task.value
                    #expect(result == number * 2)
                }
            }
        }

        @Test func `An actor that tasks of several loops share excludes them from each other`() async throws {
            try await withLoop { first in
                try await withLoop { second in
                    let counter = Counter()
                    let tasks = (0..<1_000).map { number in
                        (number % 2 == 0 ? first : second).spawn { _ = await counter.increment() }
                    }
                    for task in tasks { try await task.value }
                    #expect(await counter.value == 1_000)
                }
            }
        }
    }
}

private actor Counter {
    var value = 0

    func increment() -> IOLoop? {
        value += 1
        return IOLoop.current
    }
}

private func expectCurrent(_ loop: IOLoop) throws { try #require(IOLoop.current === loop) }
