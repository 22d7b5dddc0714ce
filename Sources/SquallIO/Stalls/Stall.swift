import CSquall
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Something that has held its thread for longer than the budget.
///
/// Its variables belong to the watchdog's thread. `moved` is added to by the thread that drives the loop now.
final class Stall: @unchecked Sendable {
    let id: Int
    /// What the code was about when the stall began: by the time it ends, its context may be about other code.
    let subject: any TaskSubject
    let thread: LoopThread
    /// It held a loop, which was taken from it; otherwise it runs in the pool.
    let isGuest: Bool
    /// Monotonic nanoseconds.
    let began: Int64
    let beganWallClock: Double
    private let cpuAtBegin: Int64
    private let cpuSince: Int64
    private let stateAtBegin: UInt8?

    var cause: StallReport.Cause?
    private var hasWaited = false
    /// At the last look it neither waited in a call nor had used much of a processor.
    private(set) var isUnclear = false
    var systemCall: String?
    var resource: String?
    let moved = Atomic<Int>(0)
    var waited: Int64 = 0
    var endedAt: Int64?
    /// The ages at which it is looked into, and reported, next.
    var nextCheck = Watchdog.firstCheck
    var nextReport: Int64 = .max
    var isCounted = false
    var wasReported = false
    private(set) var frames: [UInt] = []
    private var sampleRequestedAt: Int64 = 0
    private(set) var isSampling = false

    init(
        id: Int, subject: any TaskSubject, thread: LoopThread, isGuest: Bool, began: Int64, cpuAtBegin: Int64,
        stateAtBegin: UInt8?, now: Int64
    ) {
        self.id = id
        self.subject = subject
        self.thread = thread
        self.isGuest = isGuest
        self.began = began
        self.cpuAtBegin = cpuAtBegin
        cpuSince = isGuest ? now : began
        self.stateAtBegin = stateAtBegin
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        beganWallClock = Double(time.tv_sec) + Double(time.tv_nsec) / 1e9 - Double(now - began) / 1e9
    }

    /// What ``LoopThread/followed`` holds of the stall with this number.
    static func mark(_ id: Int) -> UInt64 { UInt64(id) << 1 }

    /// Whether it computes: it has used that share of its time, from when that was first measured, or the budget twice
    /// over without having been seen waiting. Even where it got little of a busy machine, that is its own doing.
    private func computes(share: Double, _ now: Int64) -> Bool {
        let cpu = squall_thread_cpu_time(thread.tid)
        guard cpu >= 0, cpuAtBegin >= 0, now > cpuSince else { return false }
        let used = cpu - cpuAtBegin
        return Double(used) >= share * Double(now - cpuSince) || !hasWaited && used >= 2 * Watchdog.shared.budget
    }

    func findCause(_ now: Int64) {
        let call = ThreadStatus.systemCall(of: thread.tid)
        isUnclear = false
        if let call {
            hasWaited = true
            // Once a sample was taken, a sleeping thread waits in the handler's restart of its call.
            if !frames.isEmpty, cause != nil, cause != .cpu { return }
            cause = call.isLock ? .lock : .kernelWait
            if call.name != "restart_syscall" {
                systemCall = call.name
                resource = call.resource
            }
        } else if cause != .cpu || !thread.isLowered.load(ordering: .relaxed) {
            // Not once its priority was lowered: that it gets no processor then is Squall's doing.
            if computes(share: 0.25, now) {
                // What waited before computes now, somewhere else.
                if cause == .kernelWait || cause == .lock { frames = [] }
                cause = .cpu
                systemCall = nil
                resource = nil
            } else {
                isUnclear = true
                // What has waited in a call is to blame for that, though it waits for a processor now.
                if cause != .kernelWait, cause != .lock { cause = .notScheduled }
            }
        }
    }

    /// Where runs of this kind should go, or nil if it was not their fault.
    func blame(_ now: Int64) -> DispatchProfile.Placement? {
        switch cause {
        case .cpu: return .computing
        case .kernelWait, .lock: return .waiting
        case .notScheduled: return nil
        case nil:
            if stateAtBegin == UInt8(ascii: "S") || stateAtBegin == UInt8(ascii: "D") { return .waiting }
            return computes(share: 0.5, now) ? .computing : nil
        }
    }

    // MARK: its stack

    /// It computes, and was interrupted where the stack cannot be followed, as in a stub between two libraries: the handler, the
    /// return from it, and little more.
    var wantsAnotherStack: Bool { cause == .cpu && frames.count < 5 }

    /// Asks the thread for its stack, unless the signal would cut short what it waits in.
    func requestSample(_ now: Int64) {
        let call = ThreadStatus.systemCall(of: thread.tid)
        if let call, call.forbidsSignals { return }
        var seen = call?.seen ?? squall_call(number: -1, arguments: (0, 0, 0, 0, 0, 0), instruction: 0)
        guard squall_sample_request(thread.sample, thread.tid, &seen) == 0 else { return }
        isSampling = true
        sampleRequestedAt = now
    }

    /// Whether its stack has come, or is waited for no more.
    func hasSample(_ now: Int64) -> Bool {
        if squall_sample_poll(thread.sample) >= 0 {
            // Asked after the sample has come: the run had not ended then. Otherwise its end says whether it counts.
            return thread.followed.load(ordering: .acquiring) >> 1 == UInt64(id)
        }
        return now - sampleRequestedAt > 1_000_000_000
    }

    /// Takes the stack if it has come, and asks no more.
    func collectSample(_ now: Int64) {
        let count = squall_sample_poll(thread.sample)
        if count >= 0 {
            // The first two frames are the handler and the kernel's return from it.
            let pointer = squall_sample_frames(thread.sample)
            frames = (0..<Int(count)).map { UInt(pointer[$0]) }
        }
        squall_sample_cancel(thread.sample)
        isSampling = false
    }
}
