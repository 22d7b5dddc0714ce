import SquallIO

/// A clock that stands still until the test moves it.
///
/// The loops of an application that is served with it go by it: `IOLoop.sleep`, `callLater` and `PeriodicCallback`, the
/// limits in time and the deadlines of handlers, the times in cookies and tokens, and the Date field. Code off the
/// loops can wait on the clock itself, which is a `Clock`.
///
/// Pauses that the server makes go by it too, such as the 50 ms before it accepts again at the limit of connections.
///
/// What keeps real time: the watchdog, which rescues a loop from code that blocks; `Task.sleep`; the drain of
/// an application that stops; and the patience of the test.
///
/// ```swift
/// let clock = TestClock()
/// try await withApplication(site, clock: clock) { client in
///     let request = try await client.start(.get, "/slow")   // its handler sleeps for a minute
///     try await clock.advance(by: .seconds(60))
///     let answer = try await request.response()
/// }
/// ```
public final class TestClock: Clock, Sendable {
    /// A point in time: how far the clock was moved until then.
    public struct Instant: InstantProtocol {
        public var elapsed: Duration
        public init(elapsed: Duration) { self.elapsed = elapsed }

        public func advanced(by duration: Duration) -> Instant { Instant(elapsed: elapsed + duration) }
        public func duration(to other: Instant) -> Duration { other.elapsed - elapsed }
        public static func < (a: Instant, b: Instant) -> Bool { a.elapsed < b.elapsed }
    }

    /// The clock of the test that runs, if it has the trait `.testClock`.
    @TaskLocal public static var current: TestClock?

    let manual: ManualClock

    /// - Parameters:
    ///   - secondsSince1970: what the Date field, cookies and tokens go by at first; by default the first second of
    ///     2026 (UTC), so that a test sees the same times whenever it runs.
    ///   - patience: for how long in real time ``advance(by:)`` waits for the loops to come to rest: 20 s.
    public init(secondsSince1970: Int = 1_767_225_600, patience: Duration = RawClient.patience) {
        manual = ManualClock(secondsSince1970: secondsSince1970, patience: patience)
    }

    public var now: Instant { Instant(elapsed: .nanoseconds(manual.elapsed)) }
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// What the Date field, cookies and tokens go by, in seconds.
    public var secondsSince1970: Int { manual.wallSeconds }

    /// Waits until the clock was moved so far.
    /// - Throws: `CancellationError` when the task is cancelled.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        let (due, overflow) = manual.now.addingReportingOverflow((deadline.elapsed - now.elapsed).nanoseconds)
        try await manual.sleep(until: overflow ? .max : due)
    }

    /// Moves the clock, and returns when everything that has become due is done.
    ///
    /// First the loops do what they have to do. Then the clock goes from one thing that is due to the next, in their
    /// order, and the loops come to rest each time, so that what a timer sets in motion happens at the time of that
    /// timer, and may set timers that are due within the same advance. What clients have sent before was received.
    ///
    /// Waits for code that blocks, which is away from its loop, for a second of real time at most. Does not wait for
    /// what is off the loops altogether: tasks made with `Task {}`, calls in a `BlockingPool`.
    /// - Throws: if a loop does not come to rest within the clock's patience.
    public func advance(by duration: Duration) async throws { try await manual.advance(by: duration) }

    /// Returns when the loops have done all that there is to do now: the same as to advance by nothing.
    public func settle() async throws { try await advance(by: .zero) }
}

extension IOLoop {
    /// Makes a loop that goes by a test's clock.
    /// - Throws: `SystemError` if the system has no descriptors left.
    public convenience init(clock: TestClock) throws(SystemError) { try self.init(index: 0, clock: clock.manual) }
}
