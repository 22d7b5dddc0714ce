import Logging
import Synchronization

/// A min-heap of timers by due time, with removal from the middle.
struct TimerHeap {
    private var heap: [IOLoop.Timeout] = []

    var earliest: Int64 { heap.first?.due ?? .max }
    var isEmpty: Bool { heap.isEmpty }

    mutating func insert(_ timer: IOLoop.Timeout) {
        timer.position = heap.count
        heap.append(timer)
        rise(heap.count - 1)
    }

    mutating func remove(_ timer: IOLoop.Timeout) {
        let index = timer.position
        guard heap.indices.contains(index), heap[index] === timer else { return }
        let last = heap.removeLast()
        timer.position = -1
        guard last !== timer else { return }
        heap[index] = last
        last.position = index
        rise(index)
        sink(last.position)
    }

    mutating func popDue(_ now: Int64) -> IOLoop.Timeout? {
        guard let first = heap.first, first.due <= now else { return nil }
        remove(first)
        return first
    }

    /// Drops all. Sleepers are told.
    mutating func cancelAll() {
        let timers = heap
        heap = []
        for timer in timers {
            timer.position = -1
            if case .resume(let continuation) = timer.action { continuation.resume(throwing: CancellationError()) }
            timer.end()
        }
    }

    /// Ties keep the order in which the timers were made.
    private func precedes(_ a: IOLoop.Timeout, _ b: IOLoop.Timeout) -> Bool {
        a.due != b.due ? a.due < b.due : a.sequence < b.sequence
    }

    private mutating func rise(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard precedes(heap[index], heap[parent]) else { return }
            swap(index, parent)
            index = parent
        }
    }

    private mutating func sink(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if precedes(heap[child], heap[least]) { least = child }
            }
            guard least != index else { return }
            swap(index, least)
            index = least
        }
    }

    private mutating func swap(_ a: Int, _ b: Int) {
        heap.swapAt(a, b)
        heap[a].position = a
        heap[b].position = b
    }
}

extension IOLoop {
    /// A call that is due later, or was. Cancel it from any thread; after it has begun that does nothing.
    public final class Timeout: @unchecked Sendable {
        // `position`, `action` and `isCancelled` belong to the loop's owner.
        let due: Int64
        let sequence: UInt64
        var position = -1
        var action: Action?
        var isCancelled = false
        /// Until the call has begun or somebody has cancelled it: it may be kept for longer than its loop. Not weak: an object that was
        /// ever referred to weakly is slower to retain for the rest of its life, and a loop is retained all the time.
        private let loop: Mutex<IOLoop?>

        enum Action {
            case callback(TaskContext, @Sendable () -> Void)
            case resume(UnsafeContinuation<Void, any Error>)
            /// Framework code, which calls no user code.
            case trusted(@Sendable () -> Void)
        }

        init(due: Int64, loop: IOLoop, action: Action?) {
            self.due = due
            self.loop = Mutex(loop)
            self.action = action
            sequence = Self.nextSequence.wrappingAdd(1, ordering: .relaxed).newValue
        }
        private static let nextSequence = Atomic<UInt64>(0)

        /// Makes sure that the call does not happen, unless it has begun.
        public func cancel() {
            // From here on it is not called, though the loop may come to its time before it hears of this.
            guard let loop = claim() else { return }
            loop.perform { [self] in
                isCancelled = true
                loop.timers.remove(self)
                if case .resume(let continuation) = action { continuation.resume(throwing: CancellationError()) }
                action = nil
            }
        }

        /// Decides between the call and its cancellation: the first to ask gets the loop.
        func claim() -> IOLoop? {
            loop.withLock { loop in
                defer { loop = nil }
                return loop
            }
        }

        /// Lets go of the call and of the loop. Only for the loop's owner.
        func end() {
            action = nil
            loop.withLock { $0 = nil }
        }
    }

    /// Calls `body` on the loop once `delay` has passed: Tornado's `call_later`. With a delay of zero or less it is
    /// called at the next turn, never from within this call.
    /// - Parameter delay: on the monotonic clock; timers are kept to about a millisecond.
    @discardableResult
    public func callLater(_ delay: Duration, _ body: @escaping @Sendable () -> Void) -> Timeout {
        schedule(after: delay, .callback(currentContext, body))
    }

    /// Calls `body` on the loop at `when`: Tornado's `call_at`, on a clock that nobody can set.
    @discardableResult
    public func callAt(_ when: ContinuousClock.Instant, _ body: @escaping @Sendable () -> Void) -> Timeout {
        callLater(ContinuousClock.now.duration(to: when), body)
    }

    /// Calls framework code later. On the loop, outside user code.
    @discardableResult
    package func performLater(_ delay: Duration, _ body: @escaping @Sendable () -> Void) -> Timeout {
        schedule(after: delay, .trusted(body))
    }

    private func schedule(after delay: Duration, _ action: Timeout.Action) -> Timeout {
        let (due, overflow) = readClock().addingReportingOverflow(max(0, delay.nanoseconds))
        let timeout = Timeout(due: overflow ? .max - 1 : due, loop: self, action: action)
        perform { [self] in
            if !timeout.isCancelled { timers.insert(timeout) }
        }
        return timeout
    }

    /// Waits without holding a thread, on the timers of the loop that the caller belongs to: Tornado's `gen.sleep`.
    /// Off every loop it is `Task.sleep`.
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public static func sleep(for duration: Duration) async throws {
        guard let loop = current else { return try await Task.sleep(for: duration) }
        try await loop.sleep(for: duration)
    }

    private func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        let (due, overflow) = readClock().addingReportingOverflow(max(0, duration.nanoseconds))
        let timeout = Timeout(due: overflow ? .max - 1 : due, loop: self, action: nil)
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
                perform { [self] in
                    // A cancellation may have come before, and found nothing to resume. A guest's sleep begins through the
                    // inbox, and the loop's own code may cancel it meanwhile.
                    if timeout.isCancelled { return continuation.resume(throwing: CancellationError()) }
                    timeout.action = .resume(continuation)
                    timers.insert(timeout)
                }
            }
        } onCancel: {
            timeout.cancel()
        }
    }

    func runTimers() -> Bool {
        while let timer = timers.popDue(now) {
            guard timer.claim() != nil, let action = timer.action else { continue }
            timer.action = nil
            switch action {
            case .callback(let context, let body):
                guard visit(context, body) else { return false }
            case .resume(let continuation):
                continuation.resume()
            case .trusted(let body):
                body()
            }
        }
        return true
    }
}

/// Calls something again and again: Tornado's `PeriodicCallback`.
///
/// Periods that were missed, because a call took longer than a period, are skipped and not made up for. A call that is
/// asynchronous is awaited, so calls never overlap. An error that a call throws is logged and the next one comes all
/// the same.
///
/// ```swift
/// let report = PeriodicCallback(every: .seconds(60)) { try await report() }
/// report.start(on: loop)
/// ```
public final class PeriodicCallback: Sendable {
    private let period: Duration
    private let jitter: Double
    private let body: @Sendable () async throws -> Void
    private let task = Mutex<Task<Void, any Error>?>(nil)

    /// - Parameters:
    ///   - period: from the start of one call to the start of the next; at least a millisecond is used.
    ///   - jitter: up to which fraction of a period each call is moved, at random, earlier or later; 0 to 1.
    ///   - body: runs on the loop.
    public init(
        every period: Duration, jitter: Double = 0, _ body: @escaping @Sendable () async throws -> Void
    ) {
        self.period = max(period, .milliseconds(1))
        self.jitter = min(max(jitter, 0), 1)
        self.body = body
    }

    /// Begins, with the first call a period from now. Does nothing if it runs already.
    public func start(on loop: IOLoop) {
        task.withLock { task in
            guard task == nil else { return }
            task = loop.spawn { [period, jitter, body] in
                // About a century at most, which no sum of it and a time exceeds.
                let period = min(period.nanoseconds, 1 << 61)
                var next = loop.readClock()
                while true {
                    next += period
                    let now = loop.readClock()
                    if next < now {
                        let missed = (now - next + period - 1) / period
                        next += period * missed
                    }
                    var wait = next - now
                    if jitter > 0 { wait += Int64(Double(period) * (Double.random(in: -0.5...0.5) * jitter)) }
                    try await IOLoop.sleep(for: .nanoseconds(max(wait, 0)))
                    do {
                        try await body()
                    } catch {
                        if Task.isCancelled { return }
                        squallLogger.error("a periodic callback failed", metadata: ["error": "\(error)"])
                    }
                }
            }
        }
    }

    /// Ends it. A call that is under way is cancelled.
    public func stop() {
        // Outside the lock: cancelling runs what the call has to say to it.
        let running = task.withLock { task in
            defer { task = nil }
            return task
        }
        running?.cancel()
    }

    /// Whether it was started and not stopped.
    public var isRunning: Bool { task.withLock { $0 != nil } }
}
