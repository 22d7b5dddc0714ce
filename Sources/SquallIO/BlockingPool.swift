import Synchronization

/// Threads for code that is known to block: Tornado's `run_in_executor`.
///
/// ```swift
/// let hash = try await blocking { bcrypt(password) }
///
/// let reports = BlockingPool(threads: 5)
/// let rows = try await reports.run { try database.report(2026) }
/// ```
public final class BlockingPool: Sendable {
    /// The pool that ``blocking(in:_:)`` uses where it is given none: 32 threads.
    public static let shared = BlockingPool(threads: 32, name: "squall-blocking")

    /// What ``run(_:)`` throws when the queue is full.
    public struct Full: Error, CustomStringConvertible {
        public let waiting: Int
        public var description: String {
            "\(waiting) calls wait for this BlockingPool already; give it more threads, or take fewer requests"
        }
    }

    public struct Statistics: Sendable {
        /// Calls that run now.
        public var running: Int
        /// Calls that wait for a thread.
        public var queued: Int
        /// Calls that have ended.
        public var completed: Int
        /// How long the calls that have begun waited for a thread, all together.
        public var totalWait: Duration
        /// The longest that one of them waited.
        public var longestWait: Duration
    }

    /// Does the call, unless it was cancelled, and returns what tells the caller: the pool's books are put in order first.
    private typealias Body = @Sendable (_ cancelled: Bool) -> @Sendable () -> Void

    private struct Item {
        let queuedAt: Int64
        let body: Body
    }

    private struct State {
        /// The calls that wait, by number, and the order of their numbers: also of some that were cancelled.
        var waiting: [Int: Item] = [:]
        var order = FIFO<Int>()
        var idle: [Parker] = []
        var threads = 0
        /// Threads that were started or woken for a call and have not taken it yet.
        var coming = 0
        var nextID = 0
        var running = 0
        var completed = 0
        var totalWait: Int64 = 0
        var longestWait: Int64 = 0

        mutating func append(_ id: Int, _ item: Item) {
            waiting[id] = item
            order.append(id)
        }

        mutating func remove(_ id: Int) -> Item? {
            guard let item = waiting.removeValue(forKey: id) else { return nil }
            // Where many are cancelled and none is taken, their numbers must not pile up.
            if order.count > 2 * waiting.count + 64 {
                var left = FIFO<Int>()
                while let id = order.popFirst() { if waiting[id] != nil { left.append(id) } }
                order = left
            }
            return item
        }

        mutating func popFirst() -> Item? {
            while let id = order.popFirst() {
                if let item = waiting.removeValue(forKey: id) { return item }
            }
            return nil
        }
    }

    private let limit: Int
    private let queueLimit: Int
    private let name: String
    private let state = Mutex(State())

    /// - Parameters:
    ///   - threads: the most that run at a time; they are started when needed and end after ten idle seconds.
    ///   - queueLimit: the most calls that wait; further ones throw ``Full``.
    ///   - name: the threads' name, for `top` and debuggers.
    public init(threads: Int, queueLimit: Int = 10_000, name: String = "blocking-pool") {
        limit = max(1, threads)
        self.queueLimit = max(0, queueLimit)
        self.name = name
    }

    public var statistics: Statistics {
        state.withLock { state in
            Statistics(
                running: state.running, queued: state.waiting.count, completed: state.completed,
                totalWait: .nanoseconds(state.totalWait), longestWait: .nanoseconds(state.longestWait))
        }
    }

    /// Runs `body` on one of the pool's threads and returns what it returns.
    /// - Throws: what `body` throws; ``Full`` if too many wait; `CancellationError` if the task is cancelled while the call
    ///   waits for a thread. A call that has begun is not interrupted.
    @discardableResult
    public func run<Success: Sendable>(_ body: @escaping @Sendable () throws -> Success) async throws -> Success {
        try Task.checkCancellation()
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                enqueue(id) { cancelled in
                    let result = cancelled ? .failure(CancellationError()) : Result { try body() }
                    return { continuation.resume(with: result) }
                } refused: { waiting in
                    continuation.resume(throwing: Full(waiting: waiting))
                }
                if Task.isCancelled { cancel(id) }
            }
        } onCancel: {
            cancel(id)
        }
    }

    /// Runs `body` on one of the pool's threads, some time. Returns false if too many wait. If there is no thread to be had,
    /// `body` is called here and told so.
    package func submit(_ body: @escaping @Sendable (_ hasNoThread: Bool) -> Void) -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        var isTaken = true
        enqueue(id) { cancelled in
            body(cancelled)
            return {}
        } refused: { _ in
            isTaken = false
        }
        return isTaken
    }

    private func cancel(_ id: Int) {
        let item = state.withLock { $0.remove(id) }
        item?.body(true)()
    }

    private func enqueue(
        _ id: Int, _ body: @escaping Body, refused: (Int) -> Void
    ) {
        enum Outcome {
            case refused(Int)
            case wake(Parker)
            case start, queued
        }
        let outcome = state.withLock { state -> Outcome in
            if state.threads >= limit, state.idle.isEmpty, state.waiting.count - state.coming >= queueLimit {
                return .refused(state.waiting.count - state.coming)
            }
            state.append(id, Item(queuedAt: monotonicNanoseconds(), body: body))
            if let parker = state.idle.popLast() {
                state.coming += 1
                return .wake(parker)
            }
            guard state.threads < limit else { return .queued }
            state.threads += 1
            state.coming += 1
            return .start
        }
        switch outcome {
        case .refused(let waiting): refused(waiting)
        case .wake(let parker): parker.unpark()
        case .queued: break
        case .start:
            guard startThread(named: name, { self.main() }) else {
                let isAlone = state.withLock { state in
                    state.threads -= 1
                    state.coming -= 1
                    return state.threads == 0
                }
                // Nobody else will come for it.
                if isAlone, let item = state.withLock({ $0.remove(id) }) { item.body(true)() }
                return
            }
        }
    }

    private func main() {
        let parker = Parker()
        var isComing = true
        while true {
            let item = state.withLock { state -> Item? in
                if isComing { state.coming -= 1 }
                guard let item = state.popFirst() else {
                    state.idle.append(parker)
                    return nil
                }
                let wait = monotonicNanoseconds() - item.queuedAt
                state.totalWait += wait
                state.longestWait = max(state.longestWait, wait)
                state.running += 1
                return item
            }
            isComing = item == nil
            if let item {
                let tell = item.body(false)
                state.withLock { state in
                    state.running -= 1
                    state.completed += 1
                }
                tell()
                continue
            }
            if parker.park(nanoseconds: 10_000_000_000) { continue }
            let retires = state.withLock { state in
                guard let index = state.idle.firstIndex(where: { $0 === parker }) else { return false }
                state.idle.remove(at: index)
                state.threads -= 1
                return true
            }
            if retires { return }
            // Somebody has taken it for a call and is about to let it go.
            parker.park()
        }
    }
}

/// Runs code that blocks on a thread of `pool` and waits for it without holding the loop.
///
/// Squall rescues the loop from calls that block unannounced; this says so in the program, and costs not even the
/// budget that the rescue takes.
/// - Throws: as ``BlockingPool/run(_:)``.
@discardableResult
public func blocking<Success: Sendable>(
    in pool: BlockingPool = .shared, _ body: @escaping @Sendable () throws -> Success
) async throws -> Success {
    try await pool.run(body)
}
