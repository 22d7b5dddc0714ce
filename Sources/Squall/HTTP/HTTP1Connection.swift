import SquallHTTP
import SquallIO
import Synchronization

/// One connection that speaks HTTP/1.1: bytes to requests, responses to bytes (RFC 9112).
///
/// All of it belongs to the owner of the loop.
final class HTTP1Connection: SocketConnection, @unchecked Sendable {
    let server: LoopServer
    let address: SocketAddress
    @exclusivity(unchecked) private var parser: HTTP1RequestParser
    /// The request whose body comes or whose response is made.
    @exclusivity(unchecked) private(set) var exchange: Exchange?
    @exclusivity(unchecked) private var phase = Phase.idle
    /// When the present phase of reading must be over.
    @exclusivity(unchecked) private var readDeadline: Int64 = .max
    /// When the socket last took bytes, or was given the first that it did not take.
    @exclusivity(unchecked) private var writeProgress: Int64 = 0
    @exclusivity(unchecked) private var requestsInTurn = 0

    private enum Phase: UInt8 {
        /// Between requests, with no byte of the next.
        case idle
        /// A head has begun.
        case head
        /// The body comes, before the handler starts.
        case body
        /// A complete request waits to be started by `advance`.
        case ready
        /// The task runs. In a streaming route the body may still come.
        case running
        /// A response is sent; what is left of the request's body is skipped.
        case skipping
        /// No request is taken any more.
        case ending
    }

    /// With more than this unsent, handlers wait and no further request is taken.
    static let highWater = 65_536
    /// So much of a body that nobody reads is skipped to keep a connection; beyond it the connection closes.
    private static let skipLimit = 262_144
    /// After so many requests in one go other connections have their turn.
    private static let turnLimit = 32

    init(server: LoopServer, fd: Int32, address: SocketAddress) {
        self.server = server
        self.address = address
        parser = server.parser
        super.init(loop: server.loop, fd: fd)
    }

    private var times: Timeouts { server.times }

    /// The socket is registered.
    func begin() {
        // A client that connects has the time of a head to send one.
        readDeadline = loop.now + times.header
        updateDeadline()
    }

    // MARK: bytes to requests

    /// Goes on with what has come, at the loop's next turn.
    private func continueLater() {
        // Once a turn: more would multiply, and with them the requests in a turn.
        guard !continuesLater else { return }
        continuesLater = true
        loop.nextTurn { [self] in
            continuesLater = false
            requestsInTurn = 0
            if phase == .idle { wantsInput = unsentBytes <= Self.highWater }
            return pump()
        }
    }
    private var continuesLater = false

    override func received(_ bytes: Span<UInt8>) -> Int {
        var position = 0
        while phase != .ending {
            var consumed = 0
            let event = parser.next(bytes.extracting(position..<bytes.count), consumed: &consumed)
            let start = position
            position += consumed
            switch event {
            case .needMoreInput:
                needMore()
                return position
            case .head(let head):
                beginRequest(head)
                if phase == .ready { return position }
            case .body(let range):
                receivedBody(bytes, start + range.lowerBound..<start + range.upperBound)
                if !wantsInput { return position }
            case .end:
                endRequest()
                if phase == .ready || phase == .running || phase == .ending { return position }
            case .failure(let error):
                refuse(HTTPError(error.status, error.message))
                return position
            }
        }
        return bytes.count
    }

    private func needMore() {
        if phase == .idle, !parser.isIdle {
            phase = .head
            readDeadline = loop.now + times.header
            updateDeadline()
        } else if phase == .body, let exchange, exchange.owesContinue {
            sendContinue(exchange)
        }
    }

    private func beginRequest(_ head: HTTP1RequestHead) {
        let match = server.core.router.match(head)
        let exchange = Exchange(
            head: head, connection: self, route: match.route, match: match.found, number: server.nextNumber(),
            refusal: match.refusal, closes: head.targetForm == .authority)
        self.exchange = exchange
        // What follows CONNECT is not HTTP.
        if head.targetForm == .authority { closesAfterResponse = true }
        exchange.owesContinue = head.expectsContinue
        if let limit = match.route.bodyLimit { parser.setBodyLimit(limit) }
        switch head.framing {
        case .none:
            // `.end` follows at once, without more input.
            phase = .body
        case .length(let length):
            if !match.route.streamsBody, length <= parser.bodyLimitInForce {
                exchange.body.reserveCapacity(min(length, 65_536))
            }
            phase = .body
            beginBody()
        case .chunked:
            phase = .body
            beginBody()
        }
        // A body that is streamed is the handler's to wait for, and what is refused needs none.
        if match.route.streamsBody || match.refusal != nil, parser.isInBody {
            if case .length(let length) = head.framing, length > parser.bodyLimitInForce { return }
            phase = .ready
            wantsInput = false
        }
    }

    private func beginBody() {
        readDeadline = loop.now + times.body
        updateDeadline()
    }

    private func sendContinue(_ exchange: Exchange) {
        exchange.owesContinue = false
        write(Self.continueLine)
    }
    private static let continueLine = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    private func receivedBody(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        exchange?.owesContinue = false
        // A minimum rate: every byte that comes gives its share of time.
        if readDeadline != .max {
            readDeadline = min(
                readDeadline + Int64(range.count) * times.perBodyByte,
                loop.now + times.body)
        }
        switch phase {
        case .body:
            bytes.extracting(range).withUnsafeBufferPointer { exchange?.body.append(contentsOf: $0) }
        case .running:
            guard let exchange else { return }
            let chunk = bytes.extracting(range).withUnsafeBufferPointer { Array($0) }
            exchange.bodyStream.append(chunk)
            if exchange.bodyStream.buffered >= Self.highWater {
                wantsInput = false
                readDeadline = .max
            }
        case .skipping:
            skipped += range.count
            if skipped > Self.skipLimit { finishConnection() }
        default:
            break
        }
    }
    @exclusivity(unchecked) private var skipped = 0

    private func endRequest() {
        switch phase {
        case .body:
            phase = .ready
            wantsInput = false
        case .running:
            // The end of a streamed body: the next request waits until the response is there.
            exchange?.bodyStream.end()
            wantsInput = false
            readDeadline = .max
            updateDeadline()
        case .skipping:
            becomeIdle()
        default:
            break
        }
    }

    /// Answers what cannot be served, through the application's own error page, and closes.
    private func refuse(_ error: HTTPError) {
        switch phase {
        case .running:
            exchange?.markLast()
            exchange?.bodyStream.fail(error)
            wantsInput = false
            closesAfterResponse = true
            readDeadline = .max
            updateDeadline()
        case .skipping:
            finishConnection()
        case .ending:
            break
        default:
            let head = exchange?.head ?? HTTP1RequestHead.unreadable
            exchange = Exchange(
                head: head, connection: self, route: exchange?.route ?? server.core.router.refusals, match: nil,
                number: server.nextNumber(), refusal: error, closes: true)
            closesAfterResponse = true
            phase = .ready
            wantsInput = false
        }
    }
    @exclusivity(unchecked) private var closesAfterResponse = false

    // MARK: running

    override func advance() -> Bool {
        guard phase == .ready, let exchange else { return true }
        return start(exchange, attempts: Self.ceilingAttempts)
    }

    private func start(_ exchange: Exchange, attempts: Int) -> Bool {
        phase = .running
        requestsInTurn += 1
        wantsInput = exchange.route.streamsBody && parser.isInBody && !closesAfterResponse
        if !wantsInput {
            readDeadline = .max
            exchange.bodyStream.end()
        } else {
            // The rest of the body is read after the visit that begins now, or, if that loses the loop, by this.
            continueLater()
        }
        exchange.deadline = exchange.route.deadline(default: times.handler).map { loop.now + $0 } ?? .max
        updateDeadline()
        // The pump that called may lose its loop to the handler: what it still has to look at, a body that came with its
        // head or the peer's end, is looked at by whoever drives the loop next.
        if hasMoreToRead { continueLater() }
        guard let profile = exchange.profile, profile.isOffloaded else {
            return run(exchange)
        }
        if Stalls.isFull(for: profile) {
            if attempts > 0 {
                // Runs that have just answered may not have left their threads yet.
                loop.performLater(Self.ceilingWait) { [self] in
                    loop.nextTurn { [self] in
                        self.exchange !== exchange || isClosed || start(exchange, attempts: attempts - 1)
                    }
                }
                return true
            }
            let refused = Exchange(
                head: exchange.head, connection: self, route: exchange.route, match: nil,
                number: exchange.number,
                refusal: HTTPError(
                    503, "this route has as many calls waiting as the server allows; try again later",
                    headers: [("Retry-After", "1")]), closes: exchange.owesContinue)
            refused.owesContinue = exchange.owesContinue
            self.exchange = refused
            return run(refused)
        }
        let runner = Runner(server: server)
        runner.take(exchange)
        runner.startOffloaded(exchange)
        return true
    }

    private func run(_ exchange: Exchange) -> Bool {
        let runner = server.takeRunner()
        runner.take(exchange)
        return loop.visit(runner) { runner.start(exchange) }
    }
    private static let ceilingWait: Duration = .milliseconds(20)
    private static let ceilingAttempts = 5

    // MARK: responses to bytes

    /// Sends a part of the response. Does nothing if the exchange is over.
    func send(_ bytes: consuming [UInt8], dateAt: Int?, end: ResponseEnd?, for exchange: Exchange) {
        guard self.exchange === exchange, !isClosed else { return }
        if !bytes.isEmpty {
            exchange.hasSentHead = true
            if let dateAt { server.putDate(into: &bytes, at: dateAt) }
            put(bytes)
            if isClosed { return }
        }
        if let end { finish(end) }
    }

    /// Builds a response in the loop's own buffer and sends it from there.
    @inline(__always)
    func respond(
        end: ResponseEnd, for exchange: Exchange, _ build: (inout [UInt8]) throws(HTTPFieldError) -> Int
    ) throws(HTTPFieldError) {
        guard self.exchange === exchange, !isClosed else { return }
        server.scratch.removeAll(keepingCapacity: server.scratch.capacity <= 65_536)
        let dateAt = try build(&server.scratch)
        server.putDate(into: &server.scratch, at: dateAt)
        exchange.hasSentHead = true
        put(server.scratch)
        if !isClosed { finish(end) }
    }

    private func finish(_ end: ResponseEnd) {
        switch end {
        case .abort:
            // Without the last chunk, or the announced length, the peer knows that it is not whole.
            exchange?.release()
            self.exchange = nil
            closeNow()
        case .close: finishConnection()
        case .keepAlive: finishExchange()
        }
    }

    private func put(_ bytes: [UInt8]) {
        let wasEmpty = unsentBytes == 0
        write(bytes)
        if !isClosed, unsentBytes > 0 {
            if wasEmpty { writeProgress = loop.now }
            updateDeadline()
        }
    }

    private func finishExchange() {
        // A client that waits for `100 Continue` may send its body or not: the next bytes cannot be told apart.
        let isUnclear = exchange?.owesContinue == true && parser.isInBody
        exchange?.release()
        exchange = nil
        if closesAfterResponse || isUnclear || isAtEnd || server.core.isDraining.load(ordering: .relaxed) {
            return finishConnection()
        }
        if parser.isInBody {
            // The handler did not read all of the body.
            phase = .skipping
            skipped = 0
            wantsInput = true
            beginBody()
            continueLater()
            return
        }
        becomeIdle()
    }

    private func becomeIdle() {
        phase = .idle
        readDeadline = loop.now + times.idle
        updateDeadline()
        wantsInput = unsentBytes <= Self.highWater && requestsInTurn < Self.turnLimit
        // What came behind the request is looked at by the pump that runs, or, if that one lost its loop or the response
        // came later, at the next turn.
        if hasMoreToRead || !wantsInput { continueLater() }
    }

    /// Closes when all is sent, and takes no further request.
    private func finishConnection() {
        exchange?.release()
        exchange = nil
        phase = .ending
        readDeadline = .max
        wantsInput = false
        closeWhenSent()
        if !isClosed, !isLingering { updateDeadline() }
    }

    override func drained() {
        writeProgress = loop.now
        if let exchange { resumeDrainWaiters(of: exchange) }
        if phase == .idle, !wantsInput {
            wantsInput = true
            continueLater()
        }
        updateDeadline()
    }

    override func wroteSome() {
        writeProgress = loop.now
        if unsentBytes <= Self.highWater, let exchange { resumeDrainWaiters(of: exchange) }
        updateDeadline()
    }

    func addDrainWaiter(_ continuation: UnsafeContinuation<Void, any Error>, for exchange: Exchange) {
        guard self.exchange === exchange, !isClosed, !exchange.isDisconnected else {
            return continuation.resume(throwing: StreamClosedError())
        }
        if unsentBytes <= Self.highWater { return continuation.resume() }
        exchange.drainWaiters.append(continuation)
    }

    private func resumeDrainWaiters(of exchange: Exchange) {
        let waiters = exchange.drainWaiters
        guard !waiters.isEmpty else { return }
        exchange.drainWaiters = []
        for waiter in waiters { waiter.resume() }
    }

    // MARK: streamed bodies

    func readBody(_ continuation: UnsafeContinuation<[UInt8]?, any Error>, for exchange: Exchange) {
        guard self.exchange === exchange, !isClosed else {
            return continuation.resume(throwing: StreamClosedError())
        }
        if exchange.owesContinue { sendContinue(exchange) }
        exchange.bodyStream.read(continuation)
        if !wantsInput, phase == .running, parser.isInBody, exchange.bodyStream.buffered < Self.highWater {
            wantsInput = true
            // The time in which the handler read nothing is not the client's.
            beginBody()
            continueLater()
        }
    }

    // MARK: ends

    override func receivedEnd() -> Bool {
        switch phase {
        case .running, .ready:
            // It may have closed one side only, so what the handler still says is sent. But most clients that send an end
            // of file are gone, and nobody should work for them.
            guard let exchange else { return true }
            abandon(exchange, StreamClosedError())
        case .ending:
            if isLingering { closeNow() }
        case .idle, .head, .body, .skipping:
            if unsentBytes > 0 { finishConnection() } else { closeNow() }
        }
        return true
    }

    /// Tells the exchange's task that nobody waits for it any more.
    private func abandon(_ exchange: Exchange, _ error: any Error) {
        guard !exchange.isDisconnected else { return }
        exchange.markDisconnected()
        exchange.bodyStream.fail(error)
        let waiters = exchange.drainWaiters
        exchange.drainWaiters = []
        for waiter in waiters { waiter.resume(throwing: error) }
        loop.nextTurn { [loop] in
            loop.visit(exchange.runner ?? TaskContext(loop: loop)) { exchange.cancel() }
        }
    }

    override func closed() {
        loop.connectionCount.wrappingSubtract(1, ordering: .relaxed)
        if let exchange {
            self.exchange = nil
            abandon(exchange, StreamClosedError())
        }
    }

    /// No more requests: closes now if idle, otherwise after the response.
    func drain() {
        switch phase {
        case .idle where unsentBytes == 0:
            closeNow()
        case .idle, .head:
            finishConnection()
        default:
            closesAfterResponse = true
        }
    }

    // MARK: deadlines

    private func updateDeadline() {
        guard !isLingering, !isClosed else { return }
        var deadline = readDeadline
        if let exchange { deadline = min(deadline, exchange.deadline) }
        if unsentBytes > 0 { deadline = min(deadline, writeProgress + times.write) }
        loop.setDeadline(deadline, for: self)
    }

    override func deadlinePassed() -> Bool {
        if isLingering { return super.deadlinePassed() }
        let now = loop.now
        if unsentBytes > 0, now >= writeProgress + times.write {
            closeNow()
        } else if let exchange, now >= exchange.deadline {
            exchange.deadline = .max
            timeOut(exchange)
        } else if now >= readDeadline {
            readDeadline = .max
            switch phase {
            case .idle: finishConnection()
            case .head where parser.isIdle: closeNow()
            case .head: refuse(HTTPError(408, "the request's header did not come in time"))
            case .body: refuse(HTTPError(408, "the request's body came too slowly"))
            case .running:
                refuse(HTTPError(408, "the request's body came too slowly"))
            default: closeNow()
            }
            if phase == .ready { return advance() }
        }
        if !isClosed { updateDeadline() }
        return true
    }

    /// The handler has had its time. Its task is cancelled, and the client gets an answer if it has none yet.
    private func timeOut(_ exchange: Exchange) {
        let hasSentHead = exchange.hasSentHead
        abandon(exchange, HTTPError(503))
        guard !hasSentHead else { return closeNow() }
        closesAfterResponse = true
        let refused = Exchange(
            head: exchange.head, connection: self, route: exchange.route, match: nil,
            number: exchange.number, refusal: HTTPError(503, "the request took longer than the server allows"),
            closes: true)
        self.exchange = refused
        wantsInput = false
        phase = .ready
        loop.nextTurn { [self] in isClosed || advance() }
    }
}

extension HTTP1RequestHead {
    /// What stands for the head of a request that could not be read.
    static let unreadable: HTTP1RequestHead = {
        var parser = HTTP1RequestParser()
        var consumed = 0
        let bytes = Array("GET / HTTP/1.1\r\nHost:\r\n\r\n".utf8)
        guard case .head(let head) = parser.next(bytes.span, consumed: &consumed) else {
            preconditionFailure("the parser refuses a plain request")
        }
        return head
    }()
}
