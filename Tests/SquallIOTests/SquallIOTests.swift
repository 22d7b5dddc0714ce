import Synchronization
import Testing

@testable import SquallIO

#if canImport(Glibc)
import Glibc
#endif

@Suite struct LoopTests {
    @Test func `A spawned task runs on the loop and sleeps on its timers`() async throws {
        let loop = try IOLoop()
        loop.start()
        let value = try await loop.spawn {
            #expect(IOLoop.current === loop)
            try await IOLoop.sleep(for: .milliseconds(5))
            #expect(IOLoop.current === loop)
            return 42
        }.value
        #expect(value == 42)
        await loop.stop()
    }

    @Test func `A callback that blocks does not hold up the others`() async throws {
        let loop = try IOLoop()
        loop.start()
        let released = Gate()
        let gate = Gate()
        loop.addCallback {
            while !gate.isOpen { usleep(1_000) }
            released.open()
        }
        for index in 0..<100 {
            let value = try await loop.spawn { index }.value
            #expect(value == index)
        }
        #expect(!released.isOpen)
        gate.open()
        await loop.stop()
    }
}

final class Gate: Sendable {
    private let state = Atomic<Bool>(false)
    var isOpen: Bool { state.load(ordering: .acquiring) }
    func open() { state.store(true, ordering: .releasing) }
}
