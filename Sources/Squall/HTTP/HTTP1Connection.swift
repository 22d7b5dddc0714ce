import SquallHTTP
import SquallIO
import Synchronization

/// One connection that speaks HTTP/1.1: bytes to requests, responses to bytes (RFC 9112).
///
/// All of it belongs to the owner of the loop.
final class HTTP1Connection: SocketConnection, @unchecked Sendable {
    let server: LoopServer
    /// The socket's peer.
    let address: SocketAddress
    /// Who the peer speaks for by the PROXY protocol; itself, if it does not say. Not written any more once a request
    /// has begun.
    @exclusivity(unchecked) var client: SocketAddress
    /// The proxy named nobody in its PROXY header. Who is behind it may be anyone, so that no field is believed. As `client`.
    @exclusivity(unchecked) var isNameless = false
    /// A header of the PROXY protocol must come first.
    @exclusivity(unchecked) var awaitsProxyHeader: Bool
    @exclusivity(unchecked) var parser: HTTP1RequestParser
    /// The request whose body comes or whose response is made.
    @exclusivity(unchecked) var exchange: Exchange?
    @exclusivity(unchecked) var phase = Phase.idle
    /// When the present phase of reading must be over.
    @exclusivity(unchecked) var readDeadline: Int64 = .max
    /// When the socket last took bytes, or was given the first that it did not take.
    @exclusivity(unchecked) var writeProgress: Int64 = 0
    @exclusivity(unchecked) var requestsInTurn = 0

    enum Phase: UInt8 {
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
    var highWater: Int { max(0, server.core.settings.limits.unsentBytes) }
    /// So much of a streamed body is kept for a handler that does not read it.
    static let unreadLimit = 65_536
    /// So much of a body that nobody reads is skipped to keep a connection; beyond it the connection closes.
    private static let skipLimit = 262_144
    /// After so many requests in one go other connections have their turn.
    static let turnLimit = 32

    init(server: LoopServer, fd: Int32, address: SocketAddress) {
        self.server = server
        self.address = address
        client = address
        awaitsProxyHeader = server.core.trust?.awaitsProxyHeader(from: address) ?? false
        parser = server.parser
        super.init(loop: server.loop, fd: fd)
    }

    var times: Timeouts { server.times }
    /// Whose fields are believed here. Nil: nobody's.
    var trust: ProxyTrust? { isNameless ? nil : server.core.trust }

    /// The socket is registered.
    func begin() {
        // A client that connects has the time of a head to send one.
        readDeadline = loop.now + times.header
        updateDeadline()
    }

    // MARK: bytes to requests

    /// Goes on with what has come, at the loop's next turn.
    func continueLater() {
        // Once a turn: more would multiply, and with them the requests in a turn.
        guard !continuesLater else { return }
        continuesLater = true
        loop.nextTurn { [self] in
            continuesLater = false
            requestsInTurn = 0
            if phase == .idle { wantsInput = unsentBytes <= highWater }
            return pump()
        }
    }
    private var continuesLater = false

    override func received(_ bytes: Span<UInt8>) -> Int {
        var position = awaitsProxyHeader ? readProxyHeader(bytes) : 0
        if awaitsProxyHeader { return position }
        while phase != .ending {
            var consumed = 0
            let event = parser.next(bytes.extracting(position..<bytes.count), consumed: &consumed)
            let start = position
            position += consumed
            switch consume event {
            case .needMoreInput:
                needMore()
                return position
            case .head(let head):
                beginRequest(head)
                if phase == .ready { return position }
            case .body(let range):
                receivedBody(bytes, start + range.lowerBound..<start + range.upperBound)
                // The end, which has no bytes of its own, comes with the last piece.
                if !wantsInput, parser.isInBody { return position }
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

    private func beginRequest(_ head: consuming HTTP1RequestHead) {
        let match = server.core.router.match(head, on: self)
        let exchange = Exchange(
            head: head, connection: self, route: match.route, match: match.found, number: server.nextNumber(),
            refusal: match.refusal)
        self.exchange = exchange
        if exchange.head.targetForm == .authority {
            // What follows CONNECT is not HTTP.
            closesAfterResponse = true
            exchange.markLast()
        }
        exchange.owesContinue = exchange.head.expectsContinue
        if let limit = exchange.route.bodyLimit { parser.setBodyLimit(limit) }
        let framing = exchange.head.framing
        if framing != .none, !exchange.isRefused {
            exchange.settleIntake(limit: parser.bodyLimitInForce)
        }
        switch framing {
        case .none:
            // `.end` follows at once, without more input.
            phase = .body
        case .length(let length):
            if exchange.intake == .connection, length <= parser.bodyLimitInForce {
                exchange.body.reserveCapacity(min(length, 65_536))
            }
            phase = .body
            beginBody()
        case .chunked:
            phase = .body
            beginBody()
        }
        // A body that is taken by the task is the task's to wait for, and what is refused needs none.
        if exchange.intake != .connection || exchange.isRefused, parser.isInBody {
            // A streaming handler may still say that it takes more.
            if exchange.intake != .handler, case .length(let length) = framing, length > parser.bodyLimitInForce {
                return
            }
            phase = .ready
            wantsInput = false
        }
    }

    func beginBody() {
        readDeadline = loop.now + bodyTime
        updateDeadline()
    }

    func sendContinue(_ exchange: Exchange) {
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
                loop.now + bodyTime)
        }
        switch phase {
        case .body:
            bytes.extracting(range).withUnsafeBufferPointer { exchange?.body.append(contentsOf: $0) }
        case .running:
            guard let exchange else { return }
            let chunk = bytes.extracting(range).withUnsafeBufferPointer { Array($0) }
            exchange.bodyStream.append(chunk)
            if exchange.bodyStream.buffered >= Self.unreadLimit {
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
    @exclusivity(unchecked) var skipped = 0

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
            let head = exchange?.head
            let refused = Exchange(
                head: head ?? .unreadable, connection: self, route: exchange?.route ?? server.core.router.refusals,
                match: nil, number: server.nextNumber(), refusal: error, closes: true)
            refused.isReadable = head != nil
            exchange = refused
            closesAfterResponse = true
            phase = .ready
            wantsInput = false
        }
    }
    @exclusivity(unchecked) var closesAfterResponse = false

    // MARK: running

    override func advance() -> Bool {
        guard phase == .ready, let exchange else { return true }
        return start(exchange, attempts: Self.ceilingAttempts)
    }

    private func start(_ exchange: Exchange, attempts: Int) -> Bool {
        phase = .running
        requestsInTurn += 1
        // A body that the task takes is read when it asks for it.
        wantsInput = false
        readDeadline = .max
        if exchange.intake == .connection || !parser.isInBody { exchange.bodyStream.end() }
        // While the framework takes the body, the limits of bodies hold.
        exchange.deadline =
            exchange.intake == .framework
            ? .max : exchange.route.deadline(default: times.handler).map { loop.now + $0 } ?? .max
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
                refusal: .routeFull, closes: exchange.owesContinue)
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

    // MARK: what was written is taken

    override func drained() {
        writeProgress = loop.now
        if let exchange { resumeDrainWaiters(of: exchange) }
        if phase == .idle {
            // The time in which it took a long answer does not count.
            readDeadline = max(readDeadline, loop.now + times.idle)
            if !wantsInput {
                wantsInput = true
                continueLater()
            }
        }
        updateDeadline()
    }

    override func wroteSome() {
        writeProgress = loop.now
        if unsentBytes <= highWater, let exchange { resumeDrainWaiters(of: exchange) }
        updateDeadline()
    }

    // MARK: ends

    /// The client may have closed one side only, so what the handler still says is sent, and what it had sent before is
    /// served. But most clients that send an end of file are gone, and nobody should work for them.
    override func sensedEnd() {
        guard phase == .running || phase == .ready, let exchange else { return }
        // A body that is still to be read may be there to its end; what its handler reads tells.
        if parser.isInBody, !isBroken, parser.missingBodyBytes.map({ $0 <= unconsumedBytes }) ?? true { return }
        abandon(exchange, as: .left)
    }

    override func receivedEnd() -> Bool {
        switch phase {
        case .running, .ready:
            if let exchange { abandon(exchange, as: .left) }
        case .ending:
            if isLingering { closeNow() }
        case .idle, .head, .body, .skipping:
            if unsentBytes > 0 { finishConnection() } else { closeNow() }
        }
        return true
    }

    /// Tells the exchange's task that nobody waits for it any more.
    private func abandon(_ exchange: Exchange, as end: Exchange.Abandonment) {
        guard !exchange.isAbandoned else { return }
        exchange.abandonment = end
        let error = end.error
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
            abandon(exchange, as: .left)
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

    func updateDeadline() {
        guard !isLingering, !isClosed else { return }
        var deadline = readDeadline
        if let exchange { deadline = min(deadline, exchange.deadline) }
        if unsentBytes > 0 { deadline = min(deadline, writeProgress + times.write) }
        loop.setDeadline(deadline, for: self)
    }

    override func deadlinePassed() -> Bool {
        if isLingering { return super.deadlinePassed() }
        let now = loop.now
        if isWaitingForDisk { writeProgress = now }
        if unsentBytes > 0, now >= writeProgress + times.write {
            closeNow()
        } else if let exchange, now >= exchange.deadline {
            exchange.deadline = .max
            timeOut(exchange)
        } else if now >= readDeadline {
            readDeadline = .max
            switch phase {
            case .idle where unsentBytes > 0:
                // It is not idle while it takes a long answer.
                readDeadline = now + times.idle
            case .idle: finishConnection()
            case .head where parser.isIdle: closeNow()
            case .head: refuse(HTTPError.tooSlow("the request's header did not come in time"))
            case .body: refuse(HTTPError.tooSlow("the request's body came too slowly"))
            case .running:
                refuse(HTTPError.tooSlow("the request's body came too slowly"))
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
        abandon(exchange, as: hasSentHead ? .timedOut : .replaced)
        guard !hasSentHead else { return closeNow() }
        // Also where its client had closed its side before.
        exchange.abandonment = .replaced
        closesAfterResponse = true
        let refused = Exchange(
            head: exchange.head, connection: self, route: exchange.route, match: nil,
            number: exchange.number, refusal: .deadlinePassed,
            closes: true)
        self.exchange = refused
        wantsInput = false
        phase = .ready
        loop.nextTurn { [self] in isClosed || advance() }
    }
}
