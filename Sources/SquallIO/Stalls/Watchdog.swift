import CSquall
import Logging
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// How stalls are handled, for the whole process.
public struct StallPolicy: Sendable {
    /// How long user code may hold a loop before the loop is taken from it: 1 ms, and up to twice that, as the watchdog
    /// looks once in this time. docs/decisions/stall-budget.md has the measurements.
    public var budget: Duration = .milliseconds(1)
    /// From when on a stall is reported, with its stack. 100 ms; 50 ms suits development.
    public var reportAfter: Duration = .milliseconds(100)
    /// How many runs of user code may be away from their loops at once. From then on new requests for the routes that
    /// hold the threads are answered 503.
    public var ceiling = 64
    /// Nothing is learned about routes for this long after the first loop has started, because caches, lazy globals and
    /// connection pools are filled then. Stalls are rescued all the same.
    public var warmUp: Duration = .seconds(1)

    public init() {}
}

/// The thread that sees loops standing still.
///
/// It is a plain thread that uses no task, no dispatch queue and no lock that a thread holds which runs user code: such a
/// thread may have a low priority. Those tell it what they have to tell through an inbox.
///
/// While a loop is inside user code it looks every millisecond. The same visit at two looks means that the budget is
/// spent: it takes the loop and gives it to a waiting thread. It goes on watching the code that stalled, finds out what it
/// does, lowers its priority if it computes, and has it reported.
final class Watchdog: Sendable {
    static let shared = Watchdog()

    /// The policy's, in nanoseconds.
    private let budgetNanoseconds = Atomic<Int64>(1_000_000)
    var budget: Int64 { budgetNanoseconds.load(ordering: .relaxed) }
    /// A look that comes this late says that the machine is overloaded: a stall that it finds is nobody's fault.
    private static let lateness: Int64 = 3_000_000
    /// When a stall is looked into for the first time, and how often until it is seen what it does.
    static let firstCheck: Int64 = 5_000_000
    /// From when on what computes gets a low priority.
    private static let lowered: Int64 = 10_000_000
    /// Stalls of this length are counted.
    private static let counted: Int64 = 25_000_000
    /// The priority of what computes for longer.
    static let niceness = min(squall_process_nice() + 15, 19)
    private static let quietLooks = 16

    private struct Watched {
        let loop: IOLoop
        var driver: LoopThread
        var seen: UInt64 = 0
        var seenAt: Int64 = 0
    }

    private struct State {
        var isRunning = false
        var began: Int64 = 0
        var watched: [Watched] = []
        /// Stalls that last: of guests, and of runs in the pool.
        var stalls: [Stall] = []
        var lastLook: Int64 = 0
        var quiet = 0
        var nextID = 1
        var chaos = false
        var random = SystemRandomNumberGenerator()
    }

    /// A run that was followed has ended.
    private struct Ended {
        let thread: LoopThread
        let at: Int64
        let hasSample: Bool
        /// Of a guest: kept until here, as the watchdog may have been about to ask whose code it was.
        let context: TaskContext?
    }

    private let state = Mutex(State())
    private let ended = AtomicInbox<Ended>()
    private let parker = Parker()
    private let isParked = Atomic<Bool>(false)
    let takeovers = Atomic<Int>(0)
    let guests = Atomic<Int>(0)
    let longStalls = Atomic<Int>(0)
    // The policy, as one may ask for it from any thread.
    private let ceiling = Atomic<Int>(StallPolicy().ceiling)
    private let reportAfter = Atomic<Int64>(StallPolicy().reportAfter.nanoseconds)
    private let warmUp = Atomic<Int64>(StallPolicy().warmUp.nanoseconds)

    var policy: StallPolicy {
        get {
            var policy = StallPolicy()
            policy.budget = .nanoseconds(budget)
            policy.reportAfter = .nanoseconds(reportAfter.load(ordering: .relaxed))
            policy.ceiling = ceiling.load(ordering: .relaxed)
            policy.warmUp = .nanoseconds(warmUp.load(ordering: .relaxed))
            return policy
        }
        set {
            budgetNanoseconds.store(min(max(newValue.budget.nanoseconds, 100_000), 1_000_000_000), ordering: .relaxed)
            reportAfter.store(newValue.reportAfter.nanoseconds, ordering: .relaxed)
            ceiling.store(max(1, newValue.ceiling), ordering: .relaxed)
            warmUp.store(newValue.warmUp.nanoseconds, ordering: .relaxed)
        }
    }

    // MARK: called by loops

    func start() {
        let first = state.withLock { state in
            defer { state.isRunning = true }
            if !state.isRunning {
                state.began = monotonicNanoseconds()
                state.chaos = environment("SQUALL_CHAOS") == "takeover"
            }
            return !state.isRunning
        }
        guard first else { return }
        squall_sampler_install()
        ThreadStarter.shared.begin()
        StallReporter.shared.start()
        _ = startThread(named: "squall-watchdog") { self.main() }
    }

    /// Begins to watch a loop that `loop.driver` is about to drive.
    func add(_ loop: IOLoop) {
        guard let driver = loop.driver else { return }
        state.withLock { state in
            state.watched.append(Watched(loop: loop, driver: driver))
            ThreadCache.shared.wanted.store(state.watched.count, ordering: .relaxed)
        }
        noticeActivity()
    }

    func remove(_ loop: IOLoop) {
        state.withLock { state in
            state.watched.removeAll { $0.loop === loop }
            ThreadCache.shared.wanted.store(state.watched.count, ordering: .relaxed)
        }
    }

    /// A loop has woken, or something has begun to run in the pool. Cheap unless the watchdog sleeps.
    @inline(__always)
    func noticeActivity() {
        // Only the watchdog says that it is awake: whoever wakes it may be stopped before it has done so.
        if isParked.load(ordering: .sequentiallyConsistent) { parker.unpark() }
    }

    /// Whether a new run of this route would go beyond what may be away from the loops.
    func isFull(for profile: DispatchProfile) -> Bool {
        profile.holdsThreads
            && guests.load(ordering: .relaxed) + OffloadPool.shared.inFlight.load(ordering: .relaxed)
                >= ceiling.load(ordering: .relaxed)
    }

    /// The calling thread has come to the end of a run that is followed: as a guest, whose context it gives, or in the
    /// pool.
    func runEnded(_ thread: LoopThread, _ context: TaskContext?) {
        let hasSample = thread.endRun()
        ended.push(Ended(thread: thread, at: monotonicNanoseconds(), hasSample: hasSample, context: context))
        noticeActivity()
    }

    private func isLearning(_ state: borrowing State, _ now: Int64) -> Bool {
        !state.chaos && now - state.began >= warmUp.load(ordering: .relaxed)
    }

    // MARK: the thread

    private func main() {
        while true {
            let wait = look()
            if let wait, wait <= budget {
                parker.park(nanoseconds: wait)
                continue
            }
            // A loop that wakes after this store sees it; one that woke before is seen awake by this look.
            isParked.store(true, ordering: .sequentiallyConsistent)
            if !isAnyoneActive(without: wait != nil) { parker.park(nanoseconds: wait) }
            isParked.store(false, ordering: .sequentiallyConsistent)
            if wait == nil {
                state.withLock { state in
                    state.quiet = 0
                    state.lastLook = monotonicNanoseconds()
                }
            }
        }
    }

    /// Whether a loop is awake or, unless they are waited for with a limit anyway, something is stalled.
    private func isAnyoneActive(without stalls: Bool) -> Bool {
        if !ended.isEmpty { return true }
        if !stalls, OffloadPool.shared.isRunning { return true }
        return state.withLock { state in
            !stalls && !state.stalls.isEmpty
                || state.watched.contains { !$0.loop.isSleeping.load(ordering: .sequentiallyConsistent) }
        }
    }

    /// Looks once at everything. Returns how long to wait until the next look, or nil if there is nothing to watch.
    private func look() -> Int64? {
        let now = monotonicNanoseconds()
        var needsThreads = false
        var over: [(stall: Stall, context: TaskContext?)] = []
        let wait = state.withLock { state -> Int64? in
            let isLate = now - state.lastLook > budget + Self.lateness
            state.lastLook = now
            var isActive = false
            ended.takeAll { end in
                if let stall = finish(end, &state) { over.append((stall, end.context)) }
            }
            for index in state.watched.indices {
                let loop = state.watched[index].loop
                let word = loop.word.load(ordering: .relaxed)
                if word != state.watched[index].seen {
                    state.watched[index].seen = word
                    state.watched[index].seenAt = now
                    isActive = true
                    if !state.chaos { continue }
                }
                guard word & 1 == 1 else {
                    if !loop.isSleeping.load(ordering: .relaxed) { isActive = true }
                    continue
                }
                isActive = true
                if state.chaos
                    ? Bool.random(using: &state.random) : now - state.watched[index].seenAt >= budget * 9 / 10
                {
                    takeOver(index, word, now, isLate, &state)
                    needsThreads = true
                }
            }
            followPool(&state, now)
            for stall in state.stalls { follow(stall, now, state) }
            state.quiet = isActive ? 0 : state.quiet + 1
            if state.chaos, isActive { return 20_000 }
            if state.quiet < Self.quietLooks || state.stalls.contains(where: \.isSampling) { return budget }
            return state.stalls.isEmpty && !OffloadPool.shared.isRunning ? nil : 5 * budget
        }
        if needsThreads { ThreadCache.shared.replenish() }
        // The last references to what user code made are not for this thread to drop.
        while let (stall, context) = over.popLast() { StallReporter.shared.end(stall, context) }
        return wait
    }

    private func takeOver(_ index: Int, _ word: UInt64, _ now: Int64, _ isLate: Bool, _ state: inout State) {
        let loop = state.watched[index].loop
        let guest = state.watched[index].driver
        // Beyond this there are too many threads to help anybody.
        guard guests.load(ordering: .relaxed) < 2 * ceiling.load(ordering: .relaxed) + 64,
            let spare = ThreadCache.shared.take()
        else { return }
        // A late look blames nobody; what lasts is judged by what it does then.
        let letter = state.chaos || isLate ? UInt8(ascii: "R") : ThreadStatus.state(of: guest.tid)
        let cpu = squall_thread_cpu_time(guest.tid)
        // Before the loop is taken, so that the guest finds it at its end, however soon that comes.
        guest.followed.store(Stall.mark(state.nextID), ordering: .relaxed)
        loop.awayCount.wrappingAdd(1, ordering: .sequentiallyConsistent)
        guard loop.take(word), let context = loop.subject?.takeUnretainedValue() else {
            guest.followed.store(0, ordering: .relaxed)
            loop.awayCount.wrappingSubtract(1, ordering: .sequentiallyConsistent)
            ThreadCache.shared.giveBack(spare)
            return
        }
        let stall = Stall(
            id: state.nextID, subject: context.subject, thread: guest, isGuest: true,
            began: state.watched[index].seenAt,
            cpuAtBegin: cpu, stateAtBegin: letter, now: now)
        state.nextID += 1
        loop.takeInbox()
        stall.moved.store(loop.ready.count + loop.eventCount - loop.eventHead, ordering: .relaxed)
        stall.waited = now - state.watched[index].seenAt
        stall.subject.profile?.guestBegan()
        guests.wrappingAdd(1, ordering: .relaxed)
        takeovers.wrappingAdd(1, ordering: .relaxed)
        state.stalls.append(stall)
        state.watched[index].driver = spare
        state.watched[index].seen = loop.word.load(ordering: .relaxed)
        loop.driver = spare
        loop.rescue = stall
        spare.assignment = loop
        spare.parker.unpark()
    }

    /// Makes stalls of runs in the pool that last, so that they are named too.
    private func followPool(_ state: inout State, _ now: Int64) {
        var nextID = state.nextID
        var begun: [Stall] = []
        OffloadPool.shared.withRuns { runs in
            for index in runs.indices where !runs[index].isFollowed && now - runs[index].began >= Self.firstCheck {
                runs[index].isFollowed = true
                let stall = Stall(
                    id: nextID, subject: runs[index].subject, thread: runs[index].thread, isGuest: false,
                    began: runs[index].began, cpuAtBegin: runs[index].cpuAtBegin, stateAtBegin: nil, now: now)
                stall.thread.followed.store(Stall.mark(nextID), ordering: .relaxed)
                begun.append(stall)
                nextID += 1
            }
        }
        state.stalls += begun
        state.nextID = nextID
    }

    private func finish(_ end: Ended, _ state: inout State) -> Stall? {
        guard let index = state.stalls.firstIndex(where: { $0.thread === end.thread }) else { return nil }
        let stall = state.stalls.remove(at: index)
        stall.endedAt = end.at
        if stall.isSampling {
            // It ended before its stack was looked at. It was long enough to be reported all the same.
            if end.hasSample { stall.collectSample(end.at) }
            squall_sample_cancel(stall.thread.sample)
            stall.wasReported = true
        }
        if stall.isGuest {
            guests.wrappingSubtract(1, ordering: .relaxed)
            stall.subject.profile?.guestEnded(
                blame: stall.blame(end.at), duration: end.at - stall.began, now: end.at,
                learning: isLearning(state, end.at))
        }
        return stall
    }

    /// Looks into one stall, when it is time.
    private func follow(_ stall: Stall, _ now: Int64, _ state: borrowing State) {
        let age = now - stall.began
        if stall.isSampling, stall.hasSample(now) {
            stall.collectSample(now)
            stall.wasReported = true
            StallReporter.shared.send(stall, now: now)
        }
        guard age >= stall.nextCheck else { return }
        // A signal that is on its way has woken the thread already.
        if !stall.isSampling { stall.findCause(now) }
        // Not only at the first look: on a busy machine it may take several to see what the code does.
        if let placement = stall.blame(now), isLearning(state, now) { stall.subject.profile?.learn(placement) }
        if age >= Self.lowered, stall.cause == .cpu { lower(stall) }
        if age >= Self.counted, !stall.isCounted {
            stall.isCounted = true
            longStalls.wrappingAdd(1, ordering: .relaxed)
            stall.nextReport = max(Self.counted, reportAfter.load(ordering: .relaxed))
        }
        if age >= stall.nextReport {
            stall.nextReport = 2 * age
            if !stall.wasReported || stall.wantsAnotherStack, !stall.isSampling { stall.requestSample(now) }
            if !stall.isSampling {
                stall.wasReported = true
                StallReporter.shared.send(stall, now: now)
            }
        }
        let isUnclear = age < Self.lowered || stall.isUnclear
        stall.nextCheck = min(
            isUnclear ? age + Self.firstCheck : .max, stall.isCounted ? stall.nextReport : Self.counted)
    }

    /// Lowers the priority of the thread for as long as it lives, which is until this run has ended.
    private func lower(_ stall: Stall) {
        let thread = stall.thread
        guard !thread.isLowered.load(ordering: .relaxed) else { return }
        let mark = Stall.mark(stall.id)
        // From here on the thread ends with its run. If the run has ended already nothing must happen to the thread.
        guard
            thread.followed.compareExchange(
                expected: mark, desired: mark | 1, ordering: .acquiringAndReleasing
            ).exchanged
        else { return }
        if squall_thread_set_nice(thread.tid, Self.niceness) == 0 { thread.isLowered.store(true, ordering: .relaxed) }
    }
}

func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
}
