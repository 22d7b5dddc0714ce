import Foundation
import SquallIO
import Synchronization
import Testing

extension OneAtATime {
    @Suite struct CallbackTests {
        @Test func `Callbacks of one thread run in the order in which it added them`() async throws {
            try await withLoop { loop in
                let log = Log<Int>()
                let calm = Calm()
                for number in 0..<10_000 { loop.addCallback { log.add(number) } }
                let entries = await log.wait(for: 10_000)
                #expect(entries == Array(0..<10_000) || calm.isDisturbed)
                #expect(entries.sorted() == Array(0..<10_000))
            }
        }

        @Test func `Callbacks that a callback adds keep their order, and come after it`() async throws {
            try await withLoop { loop in
                let calm = Calm()
                let log = Log<String>()
                loop.addCallback {
                    for number in 0..<3 { loop.addCallback { log.add("inner \(number)") } }
                    log.add("outer")
                }
                let entries = await log.wait(for: 4)
                // A take-over between two of them sends the later ones through the inbox, in order all the same.
                #expect(entries == ["outer", "inner 0", "inner 1", "inner 2"] || calm.isDisturbed)
                #expect(Set(entries).count == 4)
                #expect(entries.filter { $0 != "outer" } == ["inner 0", "inner 1", "inner 2"] || calm.isDisturbed)
            }
        }

        @Test func `Callbacks come from any thread, none is lost, and each thread's keep their order`() async throws {
            try await withLoop { loop in
                let calm = Calm()
                let log = Log<(thread: Int, number: Int)>()
                for thread in 0..<8 {
                    Thread.detachNewThread {
                        for number in 0..<500 { loop.addCallback { log.add((thread, number)) } }
                    }
                }
                let entries = await log.wait(for: 4_000)
                #expect(entries.count == 4_000)
                for thread in 0..<8 {
                    let numbers = entries.filter { $0.thread == thread }.map(\.number)
                    // In chaos, a callback that lost its loop may run beside its successor.
                    #expect(numbers == Array(0..<500) || (calm.isDisturbed && numbers.sorted() == Array(0..<500)))
                }
            }
        }

        @Test func `A callback never runs within the call that adds it`() async throws {
            try await withLoop { loop in
                let isNested = Box<Bool>(false)
                let ran = Gate()
                loop.addCallback {
                    let adding = Adding()
                    loop.addCallback {
                        if adding.isByThisThread { isNested.value = true }
                        ran.open()
                    }
                    adding.end()
                }
                await ran.wait()
                #expect(!isNested.value)
            }
        }

        @Test func `The current loop is the callback's, and there is none elsewhere`() async throws {
            #expect(IOLoop.current == nil)
            try await withLoop { first in
                try await withLoop { second in
                    let log = Log<Bool>()
                    first.addCallback { log.add(IOLoop.current === first) }
                    second.addCallback { log.add(IOLoop.current === second) }
                    #expect(await log.wait(for: 2) == [true, true])
                    Thread.detachNewThread { log.add(IOLoop.current == nil) }
                    #expect(await log.wait(for: 3) == [true, true, true])
                }
            }
        }

        @Test func `Callbacks that were added before the start run after it`() async throws {
            let loop = try IOLoop()
            let log = Log<Int>()
            for number in 0..<10 { loop.addCallback { log.add(number) } }
            #expect(log.entries.isEmpty)
            loop.start()
            loop.start()
            #expect(await log.wait(for: 10).sorted() == Array(0..<10))
            await loop.stop()
        }

        @Test func `A callback that adds itself again does not hold up timers, descriptors and other callbacks`()
            async throws
        {
            try await withLoop { loop in
                let again = Repeating(loop)
                loop.addCallback { again.run() }
                let timer = Gate()
                loop.callLater(.milliseconds(2)) { timer.open() }
                await timer.wait()
                let other = Gate()
                loop.addCallback { other.open() }
                await other.wait()
                try await readThroughWatch(on: loop)
                #expect(again.count.value > 0)
                again.isOver.value = true
            }
        }
    }
}

/// Adds itself to its loop for ever.
private final class Repeating: Sendable {
    let loop: IOLoop
    let count = Box<Int>(0)
    let isOver = Box<Bool>(false)

    init(_ loop: IOLoop) { self.loop = loop }

    func run() {
        count.update { $0 += 1 }
        if !isOver.value { loop.addCallback { self.run() } }
    }
}
