import HTTPTypes
import SquallHTTP
import SquallIO
import Synchronization

/// One request and its response, and the task that makes the one out of the other.
///
/// It is that task's executor, so whatever blocks in it is known by this request's route.
final class Exchange: TaskContext, @unchecked Sendable {
    // Of the variables, `body` is written by the loop's owner before the task starts and not after. Those under "the
    // owner's" belong to the owner of the loop throughout; the task reaches them through `IOLoop.borrow` or `post`.

    let head: HTTP1RequestHead
    let connection: HTTP1Connection
    let route: RouteEntry
    /// Where the path's parameters are in `head.bytes`.
    let captures: [Range<Int>]
    let pattern: PathPattern?
    /// Counts the requests of the loop.
    let number: UInt64
    /// The whole body, unless the route streams it.
    var body: [UInt8] = []
    /// The request is refused before any handler of the application's sees it.
    let refusal: HTTPError?
    /// Monotonic nanoseconds.
    let startedAt: Int64

    // MARK: the owner's

    var bodyStream = BodyStream()
    var drainWaiters: [UnsafeContinuation<Void, any Error>] = []
    var deadline: Int64 = .max
    /// `100 Continue` is owed before the body is read.
    var owesContinue = false
    var hasSentHead = false

    // MARK: everybody's

    private let flags = Atomic<UInt8>(0)
    private let task = Mutex<TaskState>(.none)

    private enum TaskState {
        case none
        case running(Task<Void, Never>)
        case cancelled
        case done
    }
    private static let disconnectedFlag: UInt8 = 1
    private static let doneFlag: UInt8 = 2
    private static let lastFlag: UInt8 = 4

    init(
        head: HTTP1RequestHead, connection: HTTP1Connection, route: RouteEntry, pattern: PathPattern?,
        captures: [Range<Int>], number: UInt64, refusal: HTTPError? = nil
    ) {
        self.head = head
        self.connection = connection
        self.route = route
        self.pattern = pattern
        self.captures = captures
        self.number = number
        self.refusal = refusal
        startedAt = connection.loop.now
        super.init(loop: connection.loop, profile: refusal == nil ? route.profile(for: head.method) : nil)
    }

    override var label: String { profile?.name ?? "\(head.method.rawValue) \(route.name)" }
    override var requestID: String? { String(UInt64(loop.index) << 48 | number, radix: 16) }

    /// The peer has gone away.
    var isDisconnected: Bool { flags.load(ordering: .acquiring) & Self.disconnectedFlag != 0 }
    func markDisconnected() { flags.bitwiseOr(Self.disconnectedFlag, ordering: .releasing) }

    /// The connection closes after this response, whatever the request said.
    var isLast: Bool { flags.load(ordering: .acquiring) & Self.lastFlag != 0 }
    func markLast() { flags.bitwiseOr(Self.lastFlag, ordering: .releasing) }

    // MARK: the task

    /// Starts the task here and now: it runs up to its first suspension. Only as user code, in a visit.
    func startImmediately() {
        let started = Task.immediate(executorPreference: self) { await serve(self) }
        if flags.load(ordering: .acquiring) & Self.doneFlag == 0 { keep(started) }
    }

    /// Starts the task on the offload pool.
    func startOffloaded() {
        isPinnedToPool = true
        keep(Task(executorPreference: self) { await serve(self) })
    }

    private func keep(_ started: Task<Void, Never>) {
        let cancels = task.withLock { state in
            switch state {
            case .none:
                state = .running(started)
                return false
            case .cancelled: return true
            case .running, .done: return false
            }
        }
        if cancels { started.cancel() }
    }

    /// The task has come to its end.
    var isDone: Bool { flags.load(ordering: .acquiring) & Self.doneFlag != 0 }
    func markDone() {
        if flags.bitwiseOr(Self.doneFlag, ordering: .releasing).oldValue & Self.doneFlag == 0 {
            task.withLock { $0 = .done }
        }
    }

    /// Cancels the task, which runs the cancellation handlers of user code: only in a visit.
    func cancel() {
        let running = task.withLock { state -> Task<Void, Never>? in
            switch state {
            case .none:
                state = .cancelled
                return nil
            case .running(let task):
                state = .cancelled
                return task
            case .cancelled, .done: return nil
            }
        }
        running?.cancel()
    }

    // MARK: for the task

    /// Hands `bytes` to the connection. `dateAt` is where the date's 29 bytes stand in them.
    func send(_ bytes: [UInt8], dateAt: Int?, end: ResponseEnd?) {
        let ownership = loop.borrow()
        if ownership == .none {
            loop.perform { [self] in connection.send(bytes, dateAt: dateAt, end: end, for: self) }
        } else {
            connection.send(bytes, dateAt: dateAt, end: end, for: self)
            loop.giveBack(ownership)
        }
    }

    /// Waits until the peer has taken all but a little of what was sent.
    func drained() async throws {
        let ownership = loop.borrow()
        if ownership != .none {
            let isFree = connection.exchange === self && connection.unsentBytes <= HTTP1Connection.highWater
            loop.giveBack(ownership)
            if isFree { return }
        }
        try await withUnsafeThrowingContinuation { continuation in
            loop.perform { [self] in connection.addDrainWaiter(continuation, for: self) }
        }
    }

    /// The next piece of a streamed body; nil at its end.
    func nextBodyChunk() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                loop.perform { [self] in connection.readBody(continuation, for: self) }
            }
        } onCancel: {
            loop.perform { [self] in bodyStream.fail(CancellationError()) }
        }
    }
}

/// How a response ends.
enum ResponseEnd {
    /// The connection can take another request.
    case keepAlive
    /// The connection closes when all is sent.
    case close
    /// The response is broken off: the peer must not take it for whole.
    case abort
}

/// A body that is handed to the handler as it comes. Belongs to the owner of the loop.
struct BodyStream {
    private var chunks: [[UInt8]] = []
    private var head = 0
    private var waiter: UnsafeContinuation<[UInt8]?, any Error>?
    private var failure: (any Error)?
    private(set) var isEnded = false
    private(set) var buffered = 0

    mutating func append(_ chunk: [UInt8]) {
        if let waiter {
            self.waiter = nil
            waiter.resume(returning: chunk)
        } else {
            chunks.append(chunk)
            buffered += chunk.count
        }
    }

    mutating func end() {
        isEnded = true
        waiter?.resume(returning: nil)
        waiter = nil
    }

    mutating func fail(_ error: any Error) {
        guard failure == nil else { return }
        failure = error
        waiter?.resume(throwing: error)
        waiter = nil
    }

    /// Gives the next chunk to `continuation`, now or when it comes.
    mutating func read(_ continuation: UnsafeContinuation<[UInt8]?, any Error>) {
        if head < chunks.count {
            let chunk = chunks[head]
            chunks[head] = []
            head += 1
            buffered -= chunk.count
            if head == chunks.count {
                chunks.removeAll(keepingCapacity: true)
                head = 0
            }
            continuation.resume(returning: chunk)
        } else if let failure {
            continuation.resume(throwing: failure)
        } else if isEnded {
            continuation.resume(returning: nil)
        } else if waiter != nil {
            continuation.resume(throwing: ConcurrentReadError())
        } else {
            waiter = continuation
        }
    }
}

/// Two tasks read one request's body at a time.
struct ConcurrentReadError: Error, CustomStringConvertible {
    var description: String { "another task reads this request's body; read it in one place" }
}

/// The peer has closed the connection: nothing more can be read from it or written to it.
public struct StreamClosedError: Error, CustomStringConvertible {
    public init() {}
    public var description: String { "the client has closed the connection" }
}
