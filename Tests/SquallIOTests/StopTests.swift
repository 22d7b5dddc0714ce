import Foundation
import SquallIO
import Testing

extension OneAtATime {
    @Suite struct StopTests {
        @Test func `Every one of many stops returns once the loop has ended`() async throws {
            for _ in 0..<50 {
                let loop = try IOLoop()
                loop.start()
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<20 { group.addTask { await loop.stop() } }
                }
                await loop.stop()
            }
        }

        @Test func `Stopping a loop that was never started returns, and it cannot be started then`() async throws {
            let loop = try IOLoop()
            let log = Log<String>()
            loop.addCallback { log.add("called") }
            await loop.stop()
            loop.start()
            loop.addCallback { log.add("called") }
            await loop.stop()
            #expect(log.entries == [])
        }

        @Test func `What was added before the stop runs, what is added after it is dropped`() async throws {
            let loop = try IOLoop()
            loop.start()
            let log = Log<Int>()
            for number in 0..<100 { loop.addCallback { log.add(number) } }
            await loop.stop()
            #expect(log.entries.sorted() == Array(0..<100))
            loop.addCallback { log.add(100) }
            loop.callLater(.zero) { log.add(101) }
            // Another loop's turns pass in between, as many as it takes to show that nothing comes.
            try await withLoop { other in
                for _ in 0..<10 { try await other.spawn { await Task.yield() }.value }
            }
            #expect(log.entries.count == 100)
        }

        @Test func `A stop returns although a task yields for ever`() async throws {
            let loop = try IOLoop()
            loop.start()
            let began = Gate()
            let ended = Gate()
            let task = loop.spawn {
                while !Task.isCancelled {
                    began.open()
                    await Task.yield()
                }
                ended.open()
            }
            await began.wait()
            await loop.stop()
            // The task is nobody's to end, and goes on until it is cancelled.
            #expect(!ended.isOpen)
            task.cancel()
            await ended.wait()
        }

        @Test func `Nothing can be watched on a stopped loop, and nobody waits for it`() async throws {
            let loop = try IOLoop()
            loop.start()
            await loop.stop()
            let pipe = try Pipe()
            await #expect(throws: CancellationError.self) {
                try await loop.watch(pipe.reads, for: .read) { _ in }
            }
            // The signal is free again.
            for _ in 0..<2 {
                await #expect(throws: CancellationError.self) { try await loop.watchSignal(SIGUSR2) {} }
            }
        }

        @Test func `A stop does not wait for a guest, and the guest ends in peace`() async throws {
            let loop = try IOLoop()
            loop.start()
            let release = Gate()
            let ended = Gate()
            let began = Gate()
            let takeovers = Stalls.statistics.takeovers
            loop.addCallback {
                began.open()
                release.block()
                // All these find the loop gone.
                loop.addCallback {}
                loop.callLater(.zero) {}.cancel()
                loop.spawn {}
                ended.open()
            }
            await began.wait()
            try await waitUntil { Stalls.statistics.takeovers > takeovers }
            await loop.stop()
            #expect(!ended.isOpen)
            release.open()
            await ended.wait()
            try await waitUntil { Stalls.statistics.guests == 0 }
        }

        @Test func `A stopped loop is freed, whatever was left on it`() async throws {
            weak var gone: IOLoop?
            do {
                let loop = try IOLoop()
                gone = loop
                loop.start()
                loop.callLater(.seconds(3_600)) { loop.addCallback {} }
                let ends = try Pipe()
                let watch = try await loop.watch(ends.reads, for: .read) { _ in _ = loop.index }
                let started = Gate()
                loop.addCallback { started.open() }
                await started.wait()
                await loop.stop()
                loop.addCallback { _ = loop.index }
                watch.cancel()
                loop.callLater(.seconds(1)) { _ = loop.index }
            }
            try await waitUntil { gone == nil }
        }

        @Test func `Loops are made, used and stopped again and again without using up descriptors`() async throws {
            let before = try descriptorCount()
            for _ in 0..<100 {
                try await withLoop { loop in
                    let value = try await loop.spawn { 7 }.value
                    #expect(value == 7)
                }
            }
            try await waitUntil { (try? descriptorCount()) ?? .max <= before + 4 }
        }
    }
}

private func descriptorCount() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
}
