import Synchronization

/// An event loop: a poller, timers, a queue of jobs that are ready, and an inbox for other threads.
///
/// A loop is state, not a thread. A thread *drives* it, and which thread that is may change: when user code holds a
/// loop for longer than the stall budget, the watchdog takes the loop from under it and gives it to another thread.
/// The code that stalled goes on where it is and nobody else waits for it. See <doc:TheLoop>.
///
/// All methods may be called from any thread unless they say otherwise.
///
/// A loop is a `TaskExecutor`'s place, never a `SerialExecutor`: two jobs of one loop may run at the same time, one of
/// them on a thread that lost the loop. What they share must be `Sendable`, and the compiler sees to it.
///
/// ```swift
/// let loop = try IOLoop()
/// loop.start()
/// let answer = try await loop.spawn {
///     try await IOLoop.sleep(for: .milliseconds(20))
///     return 42
/// }.value
/// await loop.stop()
/// ```
public final class IOLoop: @unchecked Sendable {
    // Stored properties are of two kinds. The atomics, `inbox` and `let`s are for everybody. All the others belong to
    // the owner: the thread that drives the loop while it is outside user code, or the watchdog between taking the loop
    // and handing it on. The ownership word orders the hand-over (see IOLoop+Ownership.swift).

    /// Which loop of its group it is, from 0.
    public let index: Int

    // MARK: for everybody

    /// The visit number shifted left by one, and in bit 0 whether the driver is inside user code.
    let word = Atomic<UInt64>(0)
    /// The driver waits in the poller, or is about to.
    let isSleeping = Atomic<Bool>(false)
    /// What other threads have handed in. Closed while the loop has stopped and nobody drives it.
    private let inbox = AtomicInbox<ReadyItem>()
    /// How many connections the loop has, for balancing.
    package let connectionCount = Atomic<Int>(0)
    /// How much of the loop's user code runs on other threads just now: on those that lost the loop, and in the offload pool.
    let awayCount = Atomic<Int>(0)
    let poller: SystemPoller
    /// What the loop goes by instead of the system's clock. Nil but in tests.
    package let clock: ManualClock?
    private let run = Mutex(Run())

    // MARK: the owner's

    @exclusivity(unchecked) var visit: UInt64 = 0
    /// Whose user code runs. Kept alive by the frame of the driver that entered it.
    @exclusivity(unchecked) var subject: Unmanaged<TaskContext>?
    /// The thread that drives the loop.
    @exclusivity(unchecked) var driver: LoopThread?
    @exclusivity(unchecked) var ready = FIFO<ReadyItem>()
    @exclusivity(unchecked) var eventCount = 0
    @exclusivity(unchecked) var eventHead = 0
    @exclusivity(unchecked) var sources: [Source] = []
    @exclusivity(unchecked) var timers = TimerHeap()
    @exclusivity(unchecked) var wheel = DeadlineWheel()
    /// Monotonic nanoseconds, read once a turn.
    package var now: Int64 { turnTime }
    @exclusivity(unchecked) var turnTime: Int64
    @exclusivity(unchecked) var isStopping = false
    /// The stall from which the loop was taken last, until its new driver has polled once.
    @exclusivity(unchecked) var rescue: Stall?
    /// Bytes are read into this and consumed before any user code runs.
    let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 64)

    /// All that it watched is closed.
    @exclusivity(unchecked) private var hasEnded = false

    private struct Run {
        enum State { case created, running, stopping, stopped }
        var state = State.created
        /// Who waits for the end.
        var waiting: [UnsafeContinuation<Void, Never>] = []
    }

    /// Makes a loop. It does nothing until ``start()``.
    /// - Throws: ``SystemError`` if the system has no descriptors left.
    public convenience init() throws(SystemError) { try self.init(index: 0) }

    package init(index: Int, clock: ManualClock? = nil) throws(SystemError) {
        self.index = index
        self.clock = clock
        turnTime = clock?.now ?? monotonicNanoseconds()
        poller = try SystemPoller()
    }

    deinit {
        poller.close()
        readBuffer.deallocate()
    }

    /// The loop that the calling code belongs to: the one that drives it, or the one whose code it is while it runs as
    /// a guest or in the offload pool. Nil on other threads.
    public static var current: IOLoop? { LoopThread.current?.loop }

    // MARK: start and stop

    /// Starts driving the loop on a thread of its own. A second call does nothing.
    public func start() {
        let first = run.withLock { run in
            guard run.state == .created else { return false }
            run.state = .running
            return true
        }
        guard first else { return }
        clock?.add(self)
        Watchdog.shared.start()
        ThreadCache.shared.replenish()
        hand()
    }

    /// Ends the loop: closes what it watches, makes its sleepers throw `CancellationError`, and returns when that is done.
    ///
    /// What is in flight is for the caller to drain first. Callbacks and timers that are left, or come later, are dropped.
    /// Tasks are not: jobs that come later, from a thread that still runs this loop's code say, are run on a thread that is
    /// borrowed for them, so that no `await` hangs. A second call returns when the first one has ended the loop.
    public func stop() async {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            let before = run.withLock { run in
                let before = run.state
                if before != .stopped {
                    run.state = .stopping
                    run.waiting.append(continuation)
                }
                return before
            }
            switch before {
            case .created:
                // Nobody has driven it yet, so it is the caller's.
                isStopping = true
                hand()
            case .running: post(.trusted { [self] in isStopping = true })
            case .stopping: break
            case .stopped: continuation.resume()
            }
        }
    }

    /// Closes what is left, once.
    private func finishStop() {
        guard !hasEnded else { return }
        hasEnded = true
        clock?.remove(self)
        Watchdog.shared.remove(self)
        for source in sources { source.handle?.loopStopped() }
        sources = []
        let waiting = run.withLock { run in
            run.state = .stopped
            defer { run.waiting = [] }
            return run.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Gives the loop up if there is nothing to do. From then on the next one who posts finds a thread for it.
    private func becomeDormant() -> Bool {
        timers.cancelAll()
        guard ready.isEmpty else { return false }
        let thread = driver
        // Before the inbox is closed: from then on the loop is the next one's.
        driver = nil
        guard !inbox.close() else { return true }
        driver = thread
        return false
    }

    /// Has a waiting thread drive the loop.
    private func hand() {
        while true {
            guard let thread = ThreadCache.shared.take() else {
                // The system may have no thread to give for a while.
                ThreadCache.shared.replenish()
                Parker().park(nanoseconds: 100_000)
                continue
            }
            driver = thread
            if !isStopping { Watchdog.shared.add(self) }
            thread.assignment = self
            thread.parker.unpark()
            return
        }
    }

    // MARK: driving

    /// Turns until the loop is stopped, or is taken from this thread.
    func drive(_ thread: LoopThread) {
        while true {
            // What is queued now; what these items queue comes after the next poll, so that no job starves a socket.
            var batch = ready.count
            while batch > 0, let item = ready.popFirst() {
                batch -= 1
                guard perform(item, thread) else { return }
            }
            while eventHead < eventCount {
                let (token, events) = poller.event(eventHead)
                eventHead += 1
                guard deliver(events, token) else { return }
            }
            if !isStopping, timers.earliest <= now, !runTimers() { return }
            if wheel.earliest <= now, !runDeadlines() { return }
            takeInbox()
            if isStopping {
                finishStop()
                turnTime = readClock()
                if ready.isEmpty, becomeDormant() { return }
                continue
            }
            wait()
        }
    }

    @inline(__always)
    private func wait() {
        var milliseconds: Int32 = 0
        if ready.isEmpty {
            let earliest = min(timers.earliest, wheel.earliest)
            if earliest == .max || clock != nil && earliest > now {
                milliseconds = -1
            } else if earliest > now {
                milliseconds = Int32(clamping: (earliest &- now &+ 999_999) / 1_000_000)
            }
        }
        if milliseconds != 0 {
            // Whoever posts after this store sees it and wakes the poller; whoever posted before is seen here.
            isSleeping.store(true, ordering: .sequentiallyConsistent)
            if !inbox.isEmpty { milliseconds = 0 }
        }
        eventHead = 0
        eventCount = poller.wait(milliseconds: milliseconds)
        isSleeping.store(false, ordering: .sequentiallyConsistent)
        Watchdog.shared.noticeActivity()
        turnTime = readClock()
        if let rescue {
            rescue.moved.wrappingAdd(eventCount, ordering: .relaxed)
            self.rescue = nil
        }
    }

    private func perform(_ item: ReadyItem, _ thread: LoopThread) -> Bool {
        switch item {
        case .job(let job, let context):
            return visit(context) { job.runSynchronously(on: context.asUnownedTaskExecutor()) }
        case .callback(let context, let body):
            return isStopping || visit(context, body)
        case .trusted(let body):
            body()
            return true
        case .step(let body):
            return body()
        }
    }

    /// The time that timers and deadlines go by, in nanoseconds.
    @inline(__always)
    package func readClock() -> Int64 { clock?.now ?? monotonicNanoseconds() }

    /// Whether something was handed in and not taken.
    var hasMail: Bool { !inbox.isEmpty }

    /// Only for the owner: what was handed in becomes ready.
    func takeInbox() { inbox.takeAll { ready.append($0) } }

    // MARK: handing work to the loop

    /// Puts an item in the loop's inbox, from any thread, and wakes the loop if it waits.
    func post(_ item: ReadyItem) {
        if inbox.push(item) { return hand() }
        if isSleeping.load(ordering: .sequentiallyConsistent) { poller.wake() }
    }

    /// Puts an item into the ready queue if the calling thread may, and into the inbox otherwise.
    @inline(__always)
    func submit(_ item: ReadyItem) {
        let ownership = borrow()
        if ownership == .none {
            post(item)
        } else {
            ready.append(item)
            giveBack(ownership)
        }
    }

    func enqueue(_ job: UnownedJob, for context: TaskContext) { submit(.job(job, context)) }

    /// Runs `body` on the loop, at the next turn: Tornado's `add_callback`. Callbacks run in the order in which one
    /// thread adds them. After the loop has stopped they are dropped.
    public func addCallback(_ body: @escaping @Sendable () -> Void) {
        submit(.callback(currentContext, body))
    }

    /// Runs framework code that never calls user code: at once if the calling thread may touch the loop, else soon.
    package func perform(_ body: @escaping @Sendable () -> Void) {
        let ownership = borrow()
        if ownership == .none {
            post(.trusted(body))
        } else {
            body()
            giveBack(ownership)
        }
    }

    /// Runs `body` as user code of `context` at the next turn.
    package func addCallback(for context: TaskContext, _ body: @escaping @Sendable () -> Void) {
        submit(.callback(context, body))
    }

    /// Calls framework code at the next turn that may call user code and returns false when a visit does. Only for the
    /// owner.
    package func nextTurn(_ step: @escaping () -> Bool) { ready.append(.step(step)) }

    /// The context of the code that calls, if it is this loop's.
    package var currentContext: TaskContext {
        if let thread = LoopThread.current, thread.loop === self, let subject = thread.subject {
            return subject.takeUnretainedValue().forSpawned
        }
        return TaskContext(loop: self)
    }

    /// Starts a task that runs on this loop and comes back to it after every `await`: Tornado's `spawn_callback`.
    ///
    /// Unlike `Task {}`, which leaves the loop for Swift's own thread pool. The task is not a child of the caller: cancel
    /// it through the returned handle.
    @discardableResult
    public func spawn<Success: Sendable>(
        name: String? = nil, operation: sending @escaping @isolated(any) () async throws -> Success
    ) -> Task<Success, any Error> {
        Task(name: name, executorPreference: currentContext, operation: operation)
    }
}

/// Something the loop does at its next turn.
enum ReadyItem: @unchecked Sendable {
    // A `step` is not sendable: it is made and called by the loop's owner, and never put into an inbox.

    /// A Swift concurrency job of this context's.
    case job(UnownedJob, TaskContext)
    /// User code.
    case callback(TaskContext, @Sendable () -> Void)
    /// Framework code, which calls no user code.
    case trusted(@Sendable () -> Void)
    /// Framework code that may call user code. False when a visit lost the loop.
    case step(() -> Bool)
}
