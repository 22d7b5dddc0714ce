import CSquall
import Synchronization

/// The threads that run routes which were learned to stall.
///
/// Runs that wait get a thread each, as many as the ceiling lets in. Runs that compute share as many threads of low
/// priority as there are processors, so that the loops keep the processors. Runs of which it is not known yet whether they
/// wait or compute get a thread of low priority each.
final class OffloadPool: Sendable {
    static let shared = OffloadPool()

    struct Run {
        let subject: any TaskSubject
        let thread: LoopThread
        let began: Int64
        let cpuAtBegin: Int64
        var isFollowed = false
    }

    /// By the raw value of ``DispatchProfile/crew``. `loop`: nothing is learned, and a run of the route is stalled now.
    private let crews = [
        Crew(name: "squall-unknown", mostThreads: 512, isLowered: true),
        Crew(name: "squall-wait", mostThreads: 512, isLowered: false),
        Crew(name: "squall-compute", mostThreads: max(2, availableProcessors), isLowered: true),
    ]
    /// Jobs that were submitted and have not ended.
    let inFlight = Atomic<Int>(0)

    var isRunning: Bool { inFlight.load(ordering: .sequentiallyConsistent) > 0 }

    /// For the watchdog: the runs of each crew that is not at changing them just now.
    func withRuns(_ body: (inout [Run]) -> Void) {
        guard isRunning else { return }
        for crew in crews { crew.withRuns(body) }
    }

    func submit(_ job: UnownedJob, for context: TaskContext) {
        inFlight.wrappingAdd(1, ordering: .sequentiallyConsistent)
        context.loop.awayCount.wrappingAdd(1, ordering: .sequentiallyConsistent)
        let subject = context.subject
        subject.profile?.wentAway()
        crews[Int((subject.profile?.crew ?? .waiting).rawValue)].submit(
            Crew.Item(job: job, context: context, subject: subject))
        Watchdog.shared.noticeActivity()
    }
}

/// Threads of one kind, and what waits for them.
///
/// Whoever submits takes no lock: the threads hold one while their priority is low.
private final class Crew: Sendable {
    struct Item {
        let job: UnownedJob
        let context: TaskContext
        /// The context's when the job came: it may be about other code when it ends.
        let subject: any TaskSubject
    }

    private struct State {
        var queue = FIFO<Item>()
        var runs: [OffloadPool.Run] = []
    }

    private let name: String
    private let mostThreads: Int
    private let isLowered: Bool
    private let incoming = AtomicInbox<Item>()
    /// The threads' own. The watchdog only tries it.
    private let state = Mutex(State())
    private let threads = Atomic<Int>(0)
    /// Threads that wait for a permit which nobody has given yet.
    private let idle = Atomic<Int>(0)
    private let permits = Permits()

    init(name: String, mostThreads: Int, isLowered: Bool) {
        self.name = name
        self.mostThreads = mostThreads
        self.isLowered = isLowered
    }

    func submit(_ item: Item) {
        incoming.push(item)
        summon()
    }

    func withRuns(_ body: (inout [OffloadPool.Run]) -> Void) {
        let isStranded = state.withLockIfAvailable { state in
            body(&state.runs)
            return threads.load(ordering: .relaxed) == 0 && !(incoming.isEmpty && state.queue.isEmpty)
        }
        // No thread could be started when its time was.
        if isStranded == true { summon() }
    }

    /// Finds a thread for what was submitted: an idle one or a new one. If there is none, one that is busy takes it when
    /// it can.
    private func summon() {
        if claimIdle() { return permits.give() }
        var count = threads.load(ordering: .sequentiallyConsistent)
        while count < mostThreads {
            let (exchanged, original) = threads.weakCompareExchange(
                expected: count, desired: count + 1, ordering: .sequentiallyConsistent)
            count = original
            guard exchanged else { continue }
            if !startThread(named: name, { self.main() }) { threads.wrappingSubtract(1, ordering: .relaxed) }
            return
        }
    }

    private func claimIdle() -> Bool {
        var count = idle.load(ordering: .sequentiallyConsistent)
        while count > 0 {
            let (exchanged, original) = idle.weakCompareExchange(
                expected: count, desired: count - 1, ordering: .sequentiallyConsistent)
            if exchanged { return true }
            count = original
        }
        return false
    }

    private func main() {
        let thread = LoopThread()
        thread.run {
            if isLowered {
                squall_thread_set_nice(thread.tid, Watchdog.niceness)
                thread.isLowered.store(true, ordering: .relaxed)
            }
            while let item = next(thread) {
                run(item, thread)
                // Its priority cannot be raised again, and others wait for a quick answer here.
                if !isLowered, thread.mustEnd { break }
            }
        }
        threads.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        // Who came meanwhile may have counted on this thread.
        if hasWork { summon() }
    }

    private var hasWork: Bool { !incoming.isEmpty || state.withLock { !$0.queue.isEmpty } }

    /// Waits for something to run. Nil if there was nothing for ten seconds.
    private func next(_ thread: LoopThread) -> Item? {
        let idleTime: Int64 = 10_000_000_000
        while true {
            // Outside the lock: they are system calls, at which the thread may be made to wait.
            let now = monotonicNanoseconds()
            let cpu = squall_thread_cpu_time(thread.tid)
            let item = state.withLock { state -> Item? in
                incoming.takeAll { state.queue.append($0) }
                guard let item = state.queue.popFirst() else { return nil }
                state.runs.append(
                    OffloadPool.Run(subject: item.subject, thread: thread, began: now, cpuAtBegin: cpu))
                return item
            }
            if let item { return item }
            idle.wrappingAdd(1, ordering: .sequentiallyConsistent)
            // Whoever came before that has not seen it idle. Another thread may have taken what came into the queue.
            if hasWork, claimIdle() { continue }
            if permits.take(nanoseconds: idleTime) { continue }
            if claimIdle() { return nil }
            // Somebody has claimed it and is about to give it a permit.
            permits.take()
        }
    }

    private func run(_ item: Item, _ thread: LoopThread) {
        let context = item.context
        thread.role = .pool
        thread.loop = context.loop
        thread.subject = Unmanaged.passUnretained(context)
        item.job.runSynchronously(on: context.asUnownedTaskExecutor())
        thread.role = .idle
        thread.subject = nil
        thread.loop = nil
        let now = monotonicNanoseconds()
        let run = state.withLock { state -> OffloadPool.Run? in
            guard let index = state.runs.firstIndex(where: { $0.thread === thread }) else { return nil }
            return state.runs.remove(at: index)
        }
        if let run {
            if run.isFollowed { Watchdog.shared.runEnded(thread, nil) }
            item.subject.profile?.poolRunEnded(duration: now - run.began)
        }
        item.subject.profile?.cameBack()
        context.loop.awayCount.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        OffloadPool.shared.inFlight.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    }
}
