import Synchronization

/// What is said of user code that stalls. Immutable, as it may be asked from any thread and at any time after.
package protocol TaskSubject: AnyObject, Sendable {
    /// The code's name, such as `GET /reports/{id}`.
    var label: String { get }
    /// Which request it is, where it is one.
    var requestID: String? { get }
    /// How this kind of code has behaved. Nil: never sent away from the loop.
    var profile: DispatchProfile? { get }
}

/// What a piece of user code belongs to: a loop, and on it a route's request or just the loop's own callbacks.
///
/// It is the task executor of that code. A task started with it runs on its loop, comes back to it after every
/// `await`, and whatever blocks in it is known by its name. A task executor promises where jobs run, not that they
/// exclude each other; isolation comes from each request being one task.
open class TaskContext: TaskExecutor, TaskSubject, @unchecked Sendable {
    // `loop` never changes; `isPinnedToPool` is written before the first job exists.

    /// The loop that runs this code.
    public final let loop: IOLoop
    /// How this kind of code has behaved, shared by all requests of a route. Nil: never sent away from the loop.
    public final let profile: DispatchProfile?
    /// Run every job on the offload pool, whatever the profile says meanwhile.
    @exclusivity(unchecked) private final var isPinned = false
    // In other modules a stored variable's accesses would be checked.
    package final var isPinnedToPool: Bool {
        get { isPinned }
        set { isPinned = newValue }
    }

    public init(loop: IOLoop, profile: DispatchProfile? = nil) {
        self.loop = loop
        self.profile = profile
    }

    /// The code's name in reports, such as `GET /reports/{id}`.
    open var label: String { profile?.name ?? "callback" }
    /// Which request it is, where it is one.
    open var requestID: String? { nil }

    /// What the context's code is about now. Asked when its task is not running, or by whoever took its loop.
    package final var subject: any TaskSubject { currentSubject ?? self }
    @exclusivity(unchecked) private final var presentSubject: (any TaskSubject)?
    package final var currentSubject: (any TaskSubject)? {
        get { presentSubject }
        set { presentSubject = newValue }
    }

    /// The context of tasks and callbacks that this code starts and that outlive it.
    package final var forSpawned: TaskContext {
        guard let currentSubject else { return self }
        return SpawnedContext(loop: loop, label: currentSubject.label, requestID: currentSubject.requestID)
    }

    public final func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if let thread = LoopThread.current, thread.capturing === self {
            thread.capturing = nil
            thread.captured = job
            return
        }
        if let profile = subject.profile, isPinnedToPool || profile.isOffloaded {
            OffloadPool.shared.submit(job, for: self)
        } else {
            loop.enqueue(job, for: self)
        }
    }
}

/// Of what a request started and did not wait for. It is known by the request's name, and does not count for its route.
private final class SpawnedContext: TaskContext, @unchecked Sendable {
    // Immutable.

    private let ownLabel: String
    private let ownRequestID: String?

    init(loop: IOLoop, label: String, requestID: String?) {
        ownLabel = label
        ownRequestID = requestID
        super.init(loop: loop)
    }

    override var label: String { ownLabel }
    override var requestID: String? { ownRequestID }
}

extension TaskContext {
    /// Makes a task on this context, hands it to `keep`, and runs it here and now, up to its first suspension. Only as user
    /// code, in a visit. (With `Task.immediate` nobody would have the task, to cancel it, before that suspension.)
    package final func startInline(
        _ keep: (Task<Void, Never>) -> Void, _ operation: sending @escaping @isolated(any) () async -> Void
    ) {
        let thread = LoopThread.current
        thread?.capturing = self
        keep(Task(executorPreference: self, operation: operation))
        thread?.capturing = nil
        guard let thread, let job = thread.captured else { return }
        thread.captured = nil
        job.runSynchronously(on: asUnownedTaskExecutor())
    }

    /// Resumes a continuation of a task on this context and runs that task here and now, up to its next suspension. Only
    /// as user code, in a visit.
    package final func resumeInline<T>(_ continuation: UnsafeContinuation<T, Never>, returning value: sending T) {
        guard let thread = LoopThread.current else { return continuation.resume(returning: value) }
        thread.capturing = self
        continuation.resume(returning: value)
        thread.capturing = nil
        // There is none if the task has not come to its suspension yet: a guest that has just said that it waits goes on
        // with the value.
        guard let job = thread.captured else { return }
        thread.captured = nil
        job.runSynchronously(on: asUnownedTaskExecutor())
    }
}

/// What a route's runs have taught about where to run it: on the loop, or on threads of its own.
///
/// A route that stalled goes to the offload pool from its next run on, and short runs bring it back. Nothing is
/// decided for good: each relapse doubles the number of short runs that it takes to come back.
public final class DispatchProfile: Sendable {
    /// Where the runs go.
    public enum Placement: UInt8, Sendable {
        /// On the loop: nothing hops.
        case loop = 0
        /// On a pool thread, because runs were seen waiting in the kernel or for a lock.
        case waiting = 1
        /// On one of the few threads of low priority, because runs were seen using the processor.
        case computing = 2
    }

    /// The route's name, such as `GET /reports/{id}`.
    public let name: String

    private let placed: Atomic<UInt8>
    /// Runs of this route that are stalled right now on threads that gave up their loop.
    private let guests = Atomic<Int>(0)
    /// Runs that are away from the loop now: guests, running and queued in the pool.
    private let away = Atomic<Int>(0)
    private let shortRuns = Atomic<Int>(0)
    private let shortRunsNeeded = Atomic<Int>(16)
    /// How often the route was sent away.
    private let departures = Atomic<Int>(0)
    private let stalls = Atomic<Int>(0)
    private let lastStall = Atomic<Int64>(.min)

    public init(name: String) {
        self.name = name
        placed = Atomic(Placement.loop.rawValue)
    }

    /// Where the next run goes, as far as was learned.
    public var placement: Placement { Placement(rawValue: placed.load(ordering: .relaxed)) ?? .loop }

    /// How many runs have stalled so far.
    public var stallCount: Int { stalls.load(ordering: .relaxed) }

    /// True while the next run is better not started on the loop: it was learned, or a run is stalled right now.
    @inline(__always)
    package var isOffloaded: Bool {
        placed.load(ordering: .relaxed) != 0 || guests.load(ordering: .relaxed) > 0
    }

    /// Which crew of the pool takes a run. `loop` stands for the one for routes of which nothing is known but that a run of
    /// theirs is stalled right now.
    var crew: Placement {
        let placement = placement
        // A request that began in the pool stays there, also when its route was found to be quick since.
        return placement == .loop && guests.load(ordering: .relaxed) == 0 ? .waiting : placement
    }

    /// True if this route has runs away from the loop, so that it is among those that fill the ceiling.
    package var holdsThreads: Bool { away.load(ordering: .relaxed) > 0 }

    func wentAway() { away.wrappingAdd(1, ordering: .relaxed) }
    func cameBack() { away.wrappingSubtract(1, ordering: .relaxed) }

    func guestBegan() {
        guests.wrappingAdd(1, ordering: .relaxed)
        wentAway()
    }

    /// A stalled run has ended. `blame` is where its like should run, or nil if the machine was the cause.
    func guestEnded(blame: Placement?, duration: Int64, now: Int64, learning: Bool) {
        if let blame {
            stalls.wrappingAdd(1, ordering: .relaxed)
            let previous = lastStall.exchange(now, ordering: .relaxed)
            let repeated = previous != .min && now - previous < 10_000_000_000
            // One long stall, or a second one within ten seconds.
            if learning, duration >= 5_000_000 || repeated { learn(blame) }
        }
        guests.wrappingSubtract(1, ordering: .relaxed)
        cameBack()
    }

    func learn(_ placement: Placement) {
        let before = placed.exchange(placement.rawValue, ordering: .relaxed)
        shortRuns.store(0, ordering: .relaxed)
        if before == Placement.loop.rawValue {
            // The first time it takes 16 short runs to come back; then 32, and so on.
            let earlier = departures.wrappingAdd(1, ordering: .relaxed).oldValue
            shortRunsNeeded.store(16 << min(earlier, 8), ordering: .relaxed)
        }
    }

    /// A run in the pool has ended after `duration` nanoseconds.
    func poolRunEnded(duration: Int64) {
        guard placement != .loop else { return }
        if duration >= Watchdog.shared.budget {
            shortRuns.store(0, ordering: .relaxed)
        } else if shortRuns.wrappingAdd(1, ordering: .relaxed).newValue
            >= shortRunsNeeded.load(ordering: .relaxed)
        {
            shortRuns.store(0, ordering: .relaxed)
            placed.store(Placement.loop.rawValue, ordering: .relaxed)
        }
    }
}
