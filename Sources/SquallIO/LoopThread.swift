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
/// All stored properties but `tid`, `sample` and `parker` are touched only by the thread itself, except `assignment`,
/// which the one who unparks the thread writes before doing so.
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
    /// Set by the watchdog before it returns the thread: its priority was lowered, and it must end with its guest.
    let isLowered = Atomic<Bool>(false)

    deinit { squall_sample_destroy(sample) }

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

    /// Spares kept ready for the watchdog, which must not have to wait for one to start.
    private static let ready = 2
    /// Returning threads beyond this many end.
    private static let most = 8

    private let spares = Mutex<[LoopThread]>([])

    /// Takes a thread that can be handed a loop at once, or nil.
    func take() -> LoopThread? { spares.withLock { $0.popLast() } }

    func giveBack(_ thread: LoopThread) { spares.withLock { $0.append(thread) } }

    /// Starts threads until the usual number waits. Not on a path that must be quick.
    @discardableResult
    func replenish() -> Bool {
        while spares.withLock({ $0.count }) < Self.ready {
            guard start() else { return false }
        }
        return true
    }

    /// Starts one thread, and returns once it waits in the cache.
    private func start() -> Bool {
        let started = Parker()
        let began = startThread(named: "squall-loop") { [self] in
            let thread = LoopThread()
            thread.run {
                spares.withLock { $0.append(thread) }
                started.unpark()
                while true {
                    thread.parker.park()
                    guard let loop = thread.assignment else { continue }
                    thread.assignment = nil
                    thread.role = .driver
                    thread.loop = loop
                    thread.inside = false
                    loop.drive(thread)
                    thread.role = .idle
                    thread.loop = nil
                    if thread.isLowered.load(ordering: .acquiring) { return }
                    let kept = spares.withLock { spares in
                        guard spares.count < Self.most else { return false }
                        spares.append(thread)
                        return true
                    }
                    if !kept { return }
                }
            }
        }
        if began { started.park() }
        return began
    }
}
