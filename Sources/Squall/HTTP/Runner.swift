import SquallIO
import Synchronization

/// A task that takes exchanges through their handlers, one after the other.
///
/// To make a task for each request costs a quarter of all that a small request costs in user space. So a task whose request
/// ended as it should waits for the next one; nothing of a request stays in it. One that was cancelled ends, because that
/// cannot be taken back.
///
/// It is its task's executor, so whatever blocks in the task is known by the route of its request.
final class Runner: TaskContext, @unchecked Sendable {
    // The variables belong to the loop's owner, who changes them only while the task is between requests. So whoever takes
    // the loop from under a request can read which one it is.

    private let server: LoopServer
    @exclusivity(unchecked) private var continuation: UnsafeContinuation<Exchange?, Never>?
    private let task = Mutex<TaskState>(.none)

    private enum TaskState {
        case none
        case running(Task<Void, Never>)
        case cancelled
    }

    init(server: LoopServer) {
        self.server = server
        super.init(loop: server.loop)
    }

    override var label: String { "between requests" }

    /// Binds the exchange, before it is started. Only while idle.
    func take(_ exchange: Exchange) {
        currentSubject = exchange
        exchange.runner = self
    }

    /// Runs the handler here and now, up to its first suspension. Only as user code, in a visit.
    func start(_ exchange: Exchange) {
        if let continuation {
            self.continuation = nil
            resumeInline(continuation, returning: exchange)
        } else {
            startInline({ keep($0) }) { await self.run(exchange) }
        }
    }

    /// Runs the handler on the offload pool. Only for a runner that is new.
    func startOffloaded(_ exchange: Exchange) {
        isPinnedToPool = true
        keep(Task(executorPreference: self) { await self.run(exchange) })
    }

    private func keep(_ started: Task<Void, Never>) {
        let isCancelled = task.withLock { state in
            if case .cancelled = state { return true }
            state = .running(started)
            return false
        }
        if isCancelled { started.cancel() }
    }

    func cancelTask() {
        let running = task.withLock { state -> Task<Void, Never>? in
            defer { state = .cancelled }
            if case .running(let task) = state { return task }
            return nil
        }
        running?.cancel()
    }

    /// Lets a waiting task end.
    func retire() {
        let continuation = self.continuation
        self.continuation = nil
        continuation?.resume(returning: nil)
    }

    private nonisolated(nonsending) func run(_ first: Exchange) async {
        var next: Exchange? = first
        while let current = next {
            // A request whose client has closed its side before the handler began is answered all the same, if the handler
            // does not heed the cancellation: the client may be there to read.
            if !current.begin() { withUnsafeCurrentTask { $0?.cancel() } }
            await serve(current)
            let isReusable = current.end() && !isPinnedToPool
            next = nil
            guard isReusable else { break }
            next = await wait()
        }
        // The exchange holds its runner.
        loop.perform { [self] in currentSubject = nil }
    }

    /// Nil on a thread that does not drive the loop: the next request should not run there.
    private nonisolated(nonsending) func wait() async -> Exchange? {
        await withUnsafeContinuation { continuation in
            let ownership = loop.borrow()
            if ownership == .none {
                continuation.resume(returning: nil)
            } else {
                park(continuation)
                loop.giveBack(ownership)
            }
        }
    }

    private func park(_ continuation: UnsafeContinuation<Exchange?, Never>) {
        currentSubject = nil
        self.continuation = continuation
        server.park(self)
    }
}
