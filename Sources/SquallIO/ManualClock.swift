import Synchronization

/// Time that stands still until it is told to move: what the loops of a test go by, instead of the system's clocks.
///
/// Timers, deadlines and the wall clock of its loops follow it. The watchdog and the pools keep the system's time.
package final class ManualClock: Sendable {
    private struct Sleeper {
        var due: Int64
        var continuation: UnsafeContinuation<Void, any Error>
    }

    private struct State {
        /// Those that were started and have not ended.
        var loops: [IOLoop] = []
        /// Who waits off the loops, by number: in the order in which they came.
        var sleepers: [Int: Sleeper] = [:]
        var nextSleeper = 0
        /// The advance that was asked for last.
        var last: Task<Void, any Error>?
    }

    /// As ``monotonicNanoseconds()`` when the clock was made, and moved since.
    private let time: Atomic<Int64>
    private let begin: Int64
    private let wallBegin: Int64
    private let state = Mutex(State())

    /// For how long in real time code is waited for that does not come to rest.
    private let patience: Duration
    /// The same in nanoseconds, of code that is away from its loop because it blocks.
    private static let patienceAway: Int64 = 1_000_000_000

    /// - Parameter secondsSince1970: the wall clock's time to begin with.
    package init(secondsSince1970: Int, patience: Duration) {
        self.patience = patience
        begin = monotonicNanoseconds()
        time = Atomic(begin)
        wallBegin = Int64(secondsSince1970)
    }

    package var now: Int64 { time.load(ordering: .acquiring) }

    /// How much it was moved.
    package var elapsed: Int64 { now - begin }

    /// Seconds since 1970.
    package var wallSeconds: Int { Int(wallBegin + elapsed / 1_000_000_000) }

    func add(_ loop: IOLoop) { state.withLock { $0.loops.append(loop) } }
    func remove(_ loop: IOLoop) { state.withLock { $0.loops.removeAll { $0 === loop } } }

    // MARK: sleeping off the loops

    /// Waits until the clock has moved so far.
    /// - Throws: `CancellationError` when the task is cancelled.
    package func sleep(until due: Int64) async throws {
        let id = state.withLock { state in
            state.nextSleeper += 1
            return state.nextSleeper
        }
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
                let isOver = state.withLock { state in
                    guard due > now else { return true }
                    state.sleepers[id] = Sleeper(due: due, continuation: continuation)
                    return false
                }
                if isOver { continuation.resume() } else if Task.isCancelled { cancel(id) }
            }
        } onCancel: {
            cancel(id)
        }
    }

    private func cancel(_ id: Int) {
        state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
    }

    // MARK: moving

    /// Moves on, from one thing that is due to the next, and returns when the loops have nothing left to do. Calls that
    /// come meanwhile are done one after the other.
    /// - Throws: ``UnrestError`` if a loop does not come to rest within the patience.
    package func advance(by duration: Duration) async throws {
        let task = state.withLock { state in
            let previous = state.last
            let task = Task { [self] in
                _ = await previous?.result
                let (target, overflow) = now.addingReportingOverflow(max(0, duration.nanoseconds))
                try await move(to: overflow ? .max - 1 : target)
            }
            state.last = task
            return task
        }
        try await task.value
    }

    private func move(to target: Int64) async throws {
        let awayUntil = monotonicNanoseconds() + Self.patienceAway
        var next = try await rest(awayUntil)
        while next <= target {
            time.store(max(now, next), ordering: .releasing)
            for sleeper in takeDueSleepers() { sleeper.continuation.resume() }
            next = try await rest(awayUntil)
        }
        time.store(max(now, target), ordering: .releasing)
        _ = try await rest(awayUntil)
    }

    private func takeDueSleepers() -> [Sleeper] {
        state.withLock { [now] state in
            let due = state.sleepers.filter { $0.value.due <= now }
                .sorted { ($0.value.due, $0.key) < ($1.value.due, $1.key) }
            for (id, _) in due { state.sleepers[id] = nil }
            return due.map(\.value)
        }
    }

    /// Waits until all loops are at rest, and returns when something is due next; `.max` if nothing is.
    private func rest(_ awayUntil: Int64) async throws -> Int64 {
        let limit = ContinuousClock.now + patience
        var visitsBefore: [UInt64] = []
        while true {
            var (isAtRest, next) = (true, Int64.max)
            var visits: [UInt64] = []
            let loops = state.withLock { $0.loops }
            for loop in loops {
                let found = await loop.lookForWork()
                if found.isBusy || found.isAway && monotonicNanoseconds() < awayUntil { isAtRest = false }
                next = min(next, found.next)
                visits.append(found.visit)
            }
            // One loop may have given another something to do, which was looked at before.
            if loops.count > 1, visits != visitsBefore { isAtRest = false }
            visitsBefore = visits
            if isAtRest { return state.withLock { $0.sleepers.values.reduce(next) { min($0, $1.due) } } }
            guard ContinuousClock.now < limit else { throw UnrestError(patience: patience) }
            // What is away has threads of its own to come back on.
            try? await Task.sleep(for: .microseconds(200))
        }
    }
}

/// A loop does not come to rest, though its clock stands still.
package struct UnrestError: Error, CustomStringConvertible {
    let patience: Duration
    package var description: String {
        "the loops had something to do for \(patience) while their clock stood still; look for code that goes round without "
            + "waiting, such as a loop round Task.yield() or a timer of zero that sets itself again"
    }
}

extension IOLoop {
    struct Work {
        /// It is not at rest yet.
        var isBusy: Bool
        /// Some of its user code is on other threads.
        var isAway: Bool
        /// When a timer or a deadline is due next.
        var next: Int64
        /// How often it has entered user code.
        var visit: UInt64
    }

    /// Has the loop turn, until it has nothing to do or has turned a few times.
    fileprivate func lookForWork() async -> Work {
        await withUnsafeContinuation { continuation in
            // From the inbox, so that the time is read and the poller asked before.
            post(.trusted { [self] in lookForWork(0, continuation) })
        }
    }

    private func lookForWork(_ turns: Int, _ continuation: UnsafeContinuation<Work, Never>) {
        nextTurn { [self] in
            if isStopping || turns == 64 {
                continuation.resume(
                    returning: Work(isBusy: !isStopping, isAway: false, next: .max, visit: visit))
                return true
            }
            // The wheel keeps deadlines to within its tick only.
            if let overdue = takeOverdue() {
                lookForWork(turns + 1, continuation)
                return overdue.deadlinePassed()
            }
            // Before the inbox: who comes back posts first.
            let isAway = awayCount.load(ordering: .sequentiallyConsistent) > 0
            guard ready.isEmpty, eventHead == eventCount, timers.earliest > now, !hasMail else {
                lookForWork(turns + 1, continuation)
                return true
            }
            let next = min(timers.earliest, earliestDeadline)
            continuation.resume(returning: Work(isBusy: false, isAway: isAway, next: next, visit: visit))
            return true
        }
    }
}
