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

    private struct Item {
        let job: UnownedJob
        let context: TaskContext
        /// The context's when the job came: it may be about other code when it ends.
        let subject: any TaskSubject
    }

    /// One of the kinds of threads.
    private struct Crew {
        let name: String
        let mostThreads: Int
        let isLowered: Bool
        var queue = FIFO<Item>()
        var idle: [Parker] = []
        var threads = 0
    }

    private struct State {
        /// By the raw value of ``DispatchProfile/Placement``. `loop`: the route is there as far as was learned, and a
        /// run of it is stalled right now.
        var crews = [
            Crew(name: "squall-unknown", mostThreads: 512, isLowered: true),
            Crew(name: "squall-wait", mostThreads: 512, isLowered: false),
            Crew(name: "squall-compute", mostThreads: max(2, availableProcessors), isLowered: true),
        ]
        var runs: [Run] = []
    }

    private let state = Mutex(State())
    /// Jobs that were submitted and have not ended.
    let inFlight = Atomic<Int>(0)

    var isRunning: Bool { inFlight.load(ordering: .sequentiallyConsistent) > 0 }

    func withRuns(_ body: (inout [Run]) -> Void) {
        guard isRunning else { return }
        state.withLock { body(&$0.runs) }
    }

    func submit(_ job: UnownedJob, for context: TaskContext) {
        inFlight.wrappingAdd(1, ordering: .sequentiallyConsistent)
        let subject = context.subject
        let profile = subject.profile
        profile?.wentAway()
        let crew = Int(profile?.placement.rawValue ?? DispatchProfile.Placement.waiting.rawValue)
        let (parker, newThread) = state.withLock { state -> (Parker?, String?) in
            state.crews[crew].queue.append(Item(job: job, context: context, subject: subject))
            if let parker = state.crews[crew].idle.popLast() { return (parker, nil) }
            guard state.crews[crew].threads < state.crews[crew].mostThreads else { return (nil, nil) }
            state.crews[crew].threads += 1
            return (nil, state.crews[crew].name)
        }
        parker?.unpark()
        if let newThread, !startThread(named: newThread, { self.main(crew) }) {
            // The threads that are there take it when they can.
            state.withLock { $0.crews[crew].threads -= 1 }
        }
        Watchdog.shared.noticeActivity()
    }

    private func main(_ crew: Int) {
        let thread = LoopThread()
        let isLowered = state.withLock { $0.crews[crew].isLowered }
        thread.run {
            if isLowered { squall_thread_set_nice(thread.tid, Watchdog.niceness) }
            thread.isLowered.store(isLowered, ordering: .relaxed)
            while let item = next(thread, crew) {
                run(item, thread)
                // Its priority cannot be raised again, and others wait for a quick answer here.
                if !isLowered, thread.isLowered.load(ordering: .acquiring) {
                    state.withLock { $0.crews[crew].threads -= 1 }
                    return
                }
            }
        }
    }

    private func next(_ thread: LoopThread, _ crew: Int) -> Item? {
        let idleTime: Int64 = 10_000_000_000
        while true {
            let item = state.withLock { state -> Item? in
                if let item = state.crews[crew].queue.popFirst() {
                    state.runs.append(
                        Run(
                            subject: item.subject, thread: thread, began: monotonicNanoseconds(),
                            cpuAtBegin: squall_thread_cpu_time(thread.tid)))
                    return item
                }
                state.crews[crew].idle.append(thread.parker)
                return nil
            }
            if let item { return item }
            if thread.parker.park(nanoseconds: idleTime) { continue }
            let retires = state.withLock { state in
                guard let index = state.crews[crew].idle.firstIndex(where: { $0 === thread.parker }) else {
                    return false
                }
                state.crews[crew].idle.remove(at: index)
                state.crews[crew].threads -= 1
                return true
            }
            if retires { return nil }
            // Somebody has taken it for a job and is about to let it go.
            thread.parker.park()
        }
    }

    private func run(_ item: Item, _ thread: LoopThread) {
        let context = item.context
        thread.role = .pool
        thread.loop = context.loop
        thread.subject = Unmanaged.passUnretained(context)
        item.job.runSynchronously(on: context.asUnownedTaskExecutor())
        thread.role = .idle
        let run = state.withLock { state -> Run? in
            guard let index = state.runs.firstIndex(where: { $0.thread === thread }) else { return nil }
            return state.runs.remove(at: index)
        }
        if let run {
            if run.isFollowed { Watchdog.shared.poolRunEnded(thread) }
            item.subject.profile?.poolRunEnded(duration: monotonicNanoseconds() - run.began)
        }
        thread.subject = nil
        thread.loop = nil
        item.subject.profile?.cameBack()
        inFlight.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    }
}
