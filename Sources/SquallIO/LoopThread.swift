import CSquall
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

func setThreadName(_ name: String) {
    name.withCString { squall_thread_set_name($0) }
}

/// A thread that can drive a loop or run its user code.
///
/// All stored properties but `tid`, the atomics, `sample` and `parker` are touched only by the thread itself, except
/// `assignment`, which the one who unparks the thread writes before doing so.
final class LoopThread: @unchecked Sendable {
    enum Role { case idle, driver, guest, pool }

    /// The kernel's id. Written by the thread itself before anyone can hold the object.
    fileprivate(set) var tid: Int32 = 0
    /// Where a signal handler on this thread leaves its stack.
    let sample = squall_sample_create()
    let parker = Parker()

    @exclusivity(unchecked) var role = Role.idle
    /// The loop that it drives, or whose user code it runs as a guest or in the pool.
    @exclusivity(unchecked) var loop: IOLoop?
    /// As a driver: inside user code.
    @exclusivity(unchecked) var inside = false
    /// Whose user code it runs, kept alive by the frame that runs it.
    @exclusivity(unchecked) var subject: Unmanaged<TaskContext>?
    /// As a driver: the number of the visit that it is in, or was in last.
    @exclusivity(unchecked) var visit: UInt64 = 0
    /// The context whose next job is taken, to be run here and now: ``TaskContext/resumeInline(_:returning:)``.
    @exclusivity(unchecked) var capturing: TaskContext?
    @exclusivity(unchecked) var captured: UnownedJob?
    /// The loop to drive next.
    var assignment: IOLoop?
    /// Its priority was lowered.
    let isLowered = Atomic<Bool>(false)
    /// The stall that the watchdog follows on this thread, shifted left by one, and in bit 0 whether the watchdog lowers the
    /// thread's priority for it. 0 from the end of the run on, so that what comes after keeps its priority, and
    /// a sample that is taken late is dropped.
    let followed = Atomic<UInt64>(0)
    /// Its priority was lowered with the run that has ended: it must end too.
    @exclusivity(unchecked) var mustEnd = false

    deinit { squall_sample_destroy(sample) }

    /// The run that the watchdog followed on this thread has ended. Returns whether a sample of it was taken.
    func endRun() -> Bool {
        let hasSample = squall_sample_end(sample)
        if followed.exchange(0, ordering: .acquiringAndReleasing) & 1 == 1 { mustEnd = true }
        return hasSample
    }

    /// The calling thread's, if it is one of Squall's.
    @inline(__always)
    static var current: LoopThread? {
        guard let pointer = squall_thread_context() else { return nil }
        return Unmanaged<LoopThread>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Makes the calling thread `self`'s for as long as `body` runs.
    func run(_ body: () -> Void) {
        tid = squall_thread_id()
        squall_sample_attach(sample)
        squall_thread_set_context(Unmanaged.passUnretained(self).toOpaque())
        body()
        squall_thread_set_context(nil)
        squall_sample_attach(nil)
    }
}

/// The threads that wait for a loop to drive.
final class ThreadCache: Sendable {
    static let shared = ThreadCache()

    /// Returning threads beyond this many end, unless more loops than that are watched.
    private static let most = 8
    /// Spares kept ready for the watchdog, which must not have to wait for one to start: one for each loop.
    let wanted = Atomic<Int>(2)
    private let starting = Atomic<Int>(0)

    private let spares = Mutex<[LoopThread]>([])

    /// Takes a thread that can be handed a loop at once, or nil.
    func take() -> LoopThread? { spares.withLock { $0.popLast() } }

    func giveBack(_ thread: LoopThread) { spares.withLock { $0.append(thread) } }

    /// Starts threads until the wanted number waits, or will soon. Does not wait for them.
    func replenish() {
        let wanted = max(2, wanted.load(ordering: .relaxed))
        while spares.withLock({ $0.count }) + starting.load(ordering: .relaxed) < wanted {
            guard start() else { return }
        }
    }

    private func start() -> Bool {
        starting.wrappingAdd(1, ordering: .relaxed)
        let began = startThread(named: "squall-loop") { [self] in
            let thread = LoopThread()
            thread.run {
                spares.withLock { $0.append(thread) }
                starting.wrappingSubtract(1, ordering: .relaxed)
                repeat { thread.driveNext() } while !thread.mustEnd && keeps(thread)
            }
        }
        if !began { starting.wrappingSubtract(1, ordering: .relaxed) }
        return began
    }

    private func keeps(_ thread: LoopThread) -> Bool {
        let most = max(Self.most, 2 * wanted.load(ordering: .relaxed))
        return spares.withLock { spares in
            guard spares.count < most else { return false }
            spares.append(thread)
            return true
        }
    }
}

extension LoopThread {
    /// Waits for a loop and drives it.
    fileprivate func driveNext() {
        parker.park()
        guard let loop = assignment else { return }
        assignment = nil
        role = .driver
        self.loop = loop
        inside = false
        loop.drive(self)
        role = .idle
        self.loop = nil
    }
}
