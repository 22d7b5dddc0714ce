import HTTPTypes
import SquallHTTP
import SquallIO
import Synchronization

/// One request and its response.
final class Exchange: TaskSubject, @unchecked Sendable {
    // Of the variables, `body`, `isReadable` and those about the intake are written by the loop's owner before the task
    // starts, and after that `body` and `form` by the task alone, before its handler begins. Those under "the owner's"
    // belong to the owner of the loop throughout; the task reaches them through `IOLoop.borrow` or `post`.

    let loop: IOLoop
    let head: HTTP1RequestHead
    let connection: HTTP1Connection
    let route: RouteEntry
    /// The pattern that matched, and where its parameters are in the path.
    let match: RouteMatch<RouteEntry>?
    /// Counts the requests of the loop.
    let number: UInt64
    /// Who takes the body from the connection.
    @exclusivity(unchecked) var intake = Intake.connection
    /// Takes the body's coding off.
    @exclusivity(unchecked) var bodyDecoder: BodyDecoder?
    /// The body has a coding that is not taken off.
    @exclusivity(unchecked) var isCodingLeft = false
    /// A multipart form.
    @exclusivity(unchecked) var form: ReceivedForm?
    /// The whole body, unless the route streams it.
    @exclusivity(unchecked) var body: [UInt8] = []
    /// Its head could be read; otherwise ``head`` is a stand-in.
    @exclusivity(unchecked) var isReadable = true
    /// The request is refused before any handler of the application's sees it.
    let refusal: HTTPError?
    /// Quicker to ask.
    let isRefused: Bool
    /// Monotonic nanoseconds.
    let startedAt: Int64
    /// How the route has behaved; nil for a refusal.
    let profile: DispatchProfile?

    // MARK: the owner's

    /// What runs the handler; nil before that.
    @exclusivity(unchecked) var runner: Runner?

    @exclusivity(unchecked) var bodyStream = BodyStream()
    @exclusivity(unchecked) var drainWaiters: [UnsafeContinuation<Void, any Error>] = []
    @exclusivity(unchecked) var deadline: Int64 = .max
    /// `100 Continue` is owed before the body is read.
    @exclusivity(unchecked) var owesContinue = false
    @exclusivity(unchecked) var hasSentHead = false
    /// In place of the server's, in nanoseconds.
    @exclusivity(unchecked) var bodyTimeout: Int64?

    // MARK: everybody's

    private let state = Atomic<State>(.waiting)
    private let abandoned = Atomic<Abandonment>(.none)
    private let last: Atomic<Bool>
    private let mostBodyBytes = Atomic<Int>(.max)

    enum Intake: UInt8 {
        /// It is whole when the task starts.
        case connection
        /// The task takes it, before the handler begins.
        case framework
        /// The handler: a route with `streamsBody`.
        case handler
    }

    /// The most bytes of the body, also once its coding is taken off.
    var bodyLimit: Int {
        get { mostBodyBytes.load(ordering: .relaxed) }
        set { mostBodyBytes.store(newValue, ordering: .relaxed) }
    }

    private enum State: UInt8, AtomicRepresentable { case waiting, running, cancelled, done }

    /// Why nobody waits for the handler's response any more.
    enum Abandonment: UInt8, AtomicRepresentable {
        case none
        /// The client has closed the connection, or its side of it.
        case left
        /// The deadline passed after the response had begun.
        case timedOut
        /// The deadline passed, and the client gets another response.
        case replaced

        /// What is thrown at whoever waits for the connection.
        var error: any Error { self == .timedOut || self == .replaced ? CancellationError() : StreamClosedError() }
    }

    init(
        head: consuming HTTP1RequestHead, connection: HTTP1Connection, route: RouteEntry,
        match: consuming RouteMatch<RouteEntry>?, number: UInt64, refusal: HTTPError? = nil,
        closes: Bool = false
    ) {
        let method = head.method
        loop = connection.loop
        self.head = head
        self.connection = connection
        profile = refusal == nil ? route.profile(for: method) : nil
        self.route = route
        self.match = match
        self.number = number
        self.refusal = refusal
        isRefused = refusal != nil
        last = Atomic(closes)
        startedAt = connection.loop.now
    }

    var label: String { profile?.name ?? "\(head.method.rawValue) \(route.name)" }
    var id: String { String(UInt64(loop.index) << 48 | number, radix: 16) }

    var requestID: String? { id }

    var abandonment: Abandonment {
        get { abandoned.load(ordering: .acquiring) }
        set { abandoned.store(newValue, ordering: .releasing) }
    }
    var isAbandoned: Bool { abandonment != .none }

    /// The connection closes after this response, whatever the request said.
    var isLast: Bool { last.load(ordering: .acquiring) }
    func markLast() { last.store(true, ordering: .releasing) }

    /// Ends what still waits for the connection. The exchange has lost it.
    func release() {
        if bodyStream.isWaitedFor { bodyStream.fail(StreamClosedError()) }
        guard !drainWaiters.isEmpty else { return }
        let waiters = drainWaiters
        drainWaiters = []
        for waiter in waiters { waiter.resume(throwing: StreamClosedError()) }
    }

    // MARK: the task

    /// The handler begins. False if the request is cancelled already.
    func begin() -> Bool {
        state.compareExchange(expected: .waiting, desired: .running, ordering: .acquiringAndReleasing).exchanged
    }

    /// The handler has come to its end. False if its task was cancelled, or is being cancelled at this moment.
    func end() -> Bool {
        state.exchange(.done, ordering: .acquiringAndReleasing) == .running
    }

    /// The handler has come to its end, or never began.
    var isDone: Bool {
        let state = self.state.load(ordering: .acquiring)
        return state == .done || state == .waiting
    }

    /// Cancels the task, which runs the cancellation handlers of user code: only in a visit.
    func cancel() {
        if state.compareExchange(expected: .waiting, desired: .cancelled, ordering: .acquiringAndReleasing).exchanged {
            return
        }
        guard state.compareExchange(expected: .running, desired: .cancelled, ordering: .acquiringAndReleasing).exchanged
        else { return }
        runner?.cancelTask()
    }

    // MARK: for the task

    /// Sends a response that is in one piece. `build` appends it and returns where the date goes, if it is still to be put in. It
    /// is given the server where that may be used.
    @inline(__always)
    func respond(
        end: ResponseEnd, _ build: (inout [UInt8], LoopServer?) throws(HTTPFieldError) -> Int?
    ) throws(HTTPFieldError) {
        let ownership = loop.borrow()
        if ownership == .none {
            var wire: [UInt8] = []
            let dateAt = try build(&wire, nil)
            loop.perform { [wire, self] in connection.send(wire, dateAt: dateAt, end: end, for: self) }
        } else {
            defer { loop.giveBack(ownership) }
            try connection.respond(end: end, for: self, build)
        }
    }

    /// Sends a response whose body is parts of files.
    func respond(
        end: ResponseEnd, with files: FileParts, _ build: (inout [UInt8]) throws(HTTPFieldError) -> Int
    ) throws(HTTPFieldError) {
        var wire: [UInt8] = []
        let dateAt = try build(&wire)
        let ownership = loop.borrow()
        if ownership == .none {
            loop.perform { [wire, self] in connection.send(wire, dateAt: dateAt, files, end: end, for: self) }
        } else {
            connection.send(wire, dateAt: dateAt, files, end: end, for: self)
            loop.giveBack(ownership)
        }
    }

    /// Hands `bytes` to the connection. `dateAt` is where the date's 29 bytes stand in them.
    func send(_ bytes: consuming [UInt8], dateAt: Int?, end: ResponseEnd?) {
        let ownership = loop.borrow()
        if ownership == .none {
            let bytes = bytes
            loop.perform { [self] in connection.send(bytes, dateAt: dateAt, end: end, for: self) }
        } else {
            connection.send(bytes, dateAt: dateAt, end: end, for: self)
            loop.giveBack(ownership)
        }
    }

    /// Waits until the peer has taken all but a little of what was sent.
    nonisolated(nonsending) func drained() async throws {
        let ownership = loop.borrow()
        if ownership != .none {
            let isFree = connection.exchange === self && connection.unsentBytes <= connection.highWater
            loop.giveBack(ownership)
            if isFree { return }
        }
        try await withUnsafeThrowingContinuation { continuation in
            loop.perform { [self] in connection.addDrainWaiter(continuation, for: self) }
        }
    }

    /// The next piece of a streamed body, without its coding if that is taken off; nil at its end.
    func nextBodyChunk() async throws -> [UInt8]? {
        if let bodyDecoder { return try await bodyDecoder.next(self) }
        return try await nextRawChunk()
    }

    /// The next piece of a streamed body as it came; nil at its end.
    func nextRawChunk() async throws -> [UInt8]? {
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

    var isWaitedFor: Bool { waiter != nil }

    mutating func append(_ chunk: [UInt8]) {
        if let waiter {
            self.waiter = nil
            waiter.resume(returning: chunk)
        } else if chunks.count > head, chunks[chunks.count - 1].count + chunk.count <= 65_536 {
            // Tiny chunks of the wire's must not become as many arrays.
            chunks[chunks.count - 1].append(contentsOf: chunk)
            buffered += chunk.count
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
        // What came whole can be read whatever comes after.
        guard failure == nil, !isEnded else { return }
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
