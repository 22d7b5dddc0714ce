import HTTPTypes
import Squall
import SquallHTTP
import SquallIO
import SquallTesting
import Synchronization
import Testing

@Suite struct ClockTests {
    private func withLoop(
        _ clock: TestClock, _ body: (IOLoop) async throws -> Void
    ) async throws {
        let loop = try IOLoop(clock: clock)
        loop.start()
        do { try await body(loop) } catch {
            await loop.stop()
            throw error
        }
        await loop.stop()
    }

    @Test func `nothing is due until the clock is moved, and then all, in order`() async throws {
        let (clock, steps) = (TestClock(), Steps())
        try await withLoop(clock) { loop in
            loop.callLater(.seconds(3)) { steps("third") }
            loop.callLater(.seconds(1)) {
                steps("first")
                // Within what is left of the same advance.
                loop.callLater(.seconds(1)) { steps("second") }
                loop.callLater(.seconds(10)) { steps("never") }
            }
            loop.callLater(.zero) { steps("at once") }
            try await clock.settle()
            #expect(steps.all == ["at once"])
            try await clock.advance(by: .milliseconds(999))
            #expect(steps.all == ["at once"])
            try await clock.advance(by: .seconds(5))
            #expect(steps.all == ["at once", "first", "second", "third"])
            #expect(clock.now.elapsed == .milliseconds(5_999))
        }
    }

    @Test func `tasks that sleep see each step`() async throws {
        let (clock, steps) = (TestClock(), Steps())
        try await withLoop(clock) { loop in
            for period in [2, 3] {
                loop.spawn {
                    while true {
                        try await IOLoop.sleep(for: .seconds(period))
                        steps("\(period) at \(clock.now.elapsed.components.seconds)")
                    }
                }
            }
            try await clock.advance(by: .seconds(6))
            #expect(Set(steps.all) == ["2 at 2", "3 at 3", "2 at 4", "2 at 6", "3 at 6"])
            #expect(steps.all.prefix(3) == ["2 at 2", "3 at 3", "2 at 4"])
        }
    }

    @Test func `a periodic callback comes each period`() async throws {
        let (clock, steps) = (TestClock(), Steps())
        try await withLoop(clock) { loop in
            let callback = PeriodicCallback(every: .seconds(60)) { steps("\(clock.now.elapsed.components.seconds)") }
            callback.start(on: loop)
            try await clock.advance(by: .seconds(200))
            #expect(steps.all == ["60", "120", "180"])
            callback.stop()
            try await clock.advance(by: .seconds(600))
            #expect(steps.all.count == 3)
        }
    }

    @Test func `a handler that sleeps is answered when the clock says so`() async throws {
        try await withApplication(try site(), clock: TestClock()) { client in
            let request = try await client.start(.get, "/sleep/20")
            try await client.clock?.advance(by: .seconds(19))
            #expect(client.server.connectionCount == 1)
            let other = try await client.another().get("/")
            #expect(other.text == "hello")
            try await client.clock?.advance(by: .seconds(1))
            #expect(try await request.response().text == "slept")
        }
    }

    @Test func `a handler's deadline passes exactly when it is due`() async throws {
        let steps = Steps()
        let application = try site(with: { $0.limits.handlerDeadline = .seconds(5) }) {
            Route("/late") { _ in
                do { try await IOLoop.sleep(for: .seconds(6)) } catch {
                    steps("cancelled")
                    throw error
                }
            }
        }
        try await withApplication(application, clock: TestClock()) { client in
            let clock = try #require(client.clock)
            // Not at a whole number of anything.
            try await clock.advance(by: .nanoseconds(12_345_679))
            let late = try await client.start(.get, "/late")
            try await clock.advance(by: .nanoseconds(4_999_999_999))
            #expect(steps.all.isEmpty)
            try await clock.advance(by: .nanoseconds(1))
            #expect(steps.all == ["cancelled"])
            #expect(try await late.response().status == .serviceUnavailable)
            let early = try await client.start(.get, "/sleep/4")
            try await clock.advance(by: .seconds(4))
            #expect(try await early.response().text == "slept")
        }
    }

    @Test func `the Date field follows the clock`() async throws {
        try await withApplication(try site(), clock: TestClock()) { client in
            #expect(try await client.get("/")["date"] == "Thu, 01 Jan 2026 00:00:00 GMT")
            try await client.clock?.advance(by: .seconds(3_661))
            #expect(try await client.get("/")["date"] == "Thu, 01 Jan 2026 01:01:01 GMT")
        }
        try await withApplication(try site(), clock: TestClock(secondsSince1970: 0)) { client in
            let answer = try await client.get("/")
            #expect(answer["date"] == "Thu, 01 Jan 1970 00:00:00 GMT")
            #expect(client.clock?.secondsSince1970 == 0)
        }
    }

    @Test func `signed cookies grow old`() async throws {
        let application = try site(with: { $0.cookieSecret = "It's a secret to everybody" }) {
            Route("/set") { handler in try handler.setSignedCookie("user", "ann", maxAge: nil) }
            Route("/get") { handler in handler.write(try handler.signedCookie("user", maxAge: 3_600) ?? "nobody") }
        }
        try await withApplication(application, clock: TestClock()) { client in
            _ = try await client.get("/set")
            try await client.clock?.advance(by: .seconds(3_600))
            #expect(try await client.get("/get").text == "ann")
            try await client.clock?.advance(by: .seconds(1))
            #expect(try await client.get("/get").text == "nobody")
        }
    }

    @Test func `what is off the loops waits on the clock itself`() async throws {
        let (clock, steps) = (TestClock(), Steps())
        let first = Task {
            try await clock.sleep(for: .seconds(2))
            steps("first")
        }
        let cancelled = Task { try await clock.sleep(for: .seconds(1_000)) }
        try await clock.sleep(for: .zero)
        try await waitUntil("the sleeper is due") {
            try await clock.advance(by: .seconds(2))
            return !steps.all.isEmpty
        }
        try await first.value
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        let forEver = Task { try await clock.sleep(until: .init(elapsed: .seconds(Int64.max / 2))) }
        forEver.cancel()
        await #expect(throws: CancellationError.self) { try await forEver.value }
    }

    @Test func `several loops and several advances come to rest`() async throws {
        let steps = Steps()
        let application = try site(with: { $0.loops = 3 }) {
            Route("/count") { handler in
                try await IOLoop.sleep(for: .seconds(1))
                steps("\(IOLoop.current?.index ?? -1)")
            }
        }
        try await withApplication(application, clock: TestClock()) { client in
            let requests = [
                try await client.start(.get, "/count"), try await client.start(.get, "/count"),
                try await client.start(.get, "/count"),
            ]
            let clock = try #require(client.clock)
            async let one: Void = clock.advance(by: .milliseconds(600))
            async let two: Void = clock.advance(by: .milliseconds(400))
            _ = try await (one, two)
            #expect(Set(steps.all) == ["0", "1", "2"])
            for request in requests { #expect(try await request.response().status == .ok) }
        }
    }

    @Test func `code that blocks is waited for, and not for ever`() async throws {
        let (clock, steps) = (TestClock(), Steps())
        let block = Block()
        try await withLoop(clock) { loop in
            loop.callLater(.seconds(1)) {
                block.wait()
                steps("blocked")
            }
            loop.callLater(.seconds(2)) { steps("other") }
            try await clock.advance(by: .seconds(2))
            // The loop was taken from the code that blocks.
            #expect(steps.all == ["other"])
            block.open()
            try await waitUntil("it goes on") { steps.all == ["other", "blocked"] }
        }
    }

    @Test func `loops that do not come to rest are told of`() async throws {
        let clock = TestClock(patience: .milliseconds(100))
        let isOver = Gate()
        try await withLoop(clock) { loop in
            loop.spawn { while !isOver.isOpen { await Task.yield() } }
            let error = await #expect(throws: (any Error).self) { try await clock.settle() }
            #expect("\(error as Any)".contains("did") || "\(error as Any)".contains("stood still"))
            isOver.open()
        }
    }

    @Test func `an application stops although its clock stands still`() async throws {
        let clock = TestClock()
        try await withApplication(try site(), clock: clock) { client in
            _ = try await client.start(.get, "/sleep/20")
            try await clock.settle()
        }
        // Nothing is left to be driven.
        try await clock.advance(by: .seconds(100))
    }
}

/// Blocks a thread.
private final class Block: Sendable {
    private let isOpen = Atomic<Bool>(false)
    func open() { isOpen.store(true, ordering: .releasing) }
    func wait() { while !isOpen.load(ordering: .acquiring) { nap() } }
}
