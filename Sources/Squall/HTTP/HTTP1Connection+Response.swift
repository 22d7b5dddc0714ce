import SquallHTTP
import SquallIO
import Synchronization

// Responses to bytes.
extension HTTP1Connection {
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
        end: ResponseEnd, for exchange: Exchange,
        _ build: (inout [UInt8], LoopServer?) throws(HTTPFieldError) -> Int?
    ) throws(HTTPFieldError) {
        guard self.exchange === exchange, !isClosed else { return }
        server.scratch.removeAll(keepingCapacity: server.scratch.capacity <= 65_536)
        if let dateAt = try build(&server.scratch, server) { server.putDate(into: &server.scratch, at: dateAt) }
        exchange.hasSentHead = true
        put(server.scratch)
        if !isClosed { finish(end) }
    }

    /// Sends a response whose body is parts of files. Its exchange is over before they are sent.
    func send(_ head: consuming [UInt8], dateAt: Int, _ files: FileParts, end: ResponseEnd, for exchange: Exchange) {
        guard self.exchange === exchange, !isClosed else { return }
        exchange.hasSentHead = true
        server.putDate(into: &head, at: dateAt)
        let wasEmpty = unsentBytes == 0
        write(head, isFollowed: true)
        for part in files.parts {
            write(part.head, isFollowed: true)
            write(FileRegion(files.file, part.range))
        }
        write(files.tail)
        if isClosed { return }
        noteUnsent(wasEmpty)
        finish(end)
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
        if !isClosed { noteUnsent(wasEmpty) }
    }

    /// Begins to watch that the client takes what it is sent.
    private func noteUnsent(_ wasEmpty: Bool) {
        guard unsentBytes > 0 else { return }
        if wasEmpty { writeProgress = loop.now }
        updateDeadline()
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

    func becomeIdle() {
        phase = .idle
        readDeadline = loop.now + times.idle
        updateDeadline()
        wantsInput = unsentBytes <= highWater && requestsInTurn < Self.turnLimit
        // What came behind the request is looked at by the pump that runs, or, if that one lost its loop or the response
        // came later, at the next turn.
        if hasMoreToRead || !wantsInput { continueLater() }
    }

    /// Closes when all is sent, and takes no further request.
    func finishConnection() {
        exchange?.release()
        exchange = nil
        phase = .ending
        readDeadline = .max
        wantsInput = false
        closeWhenSent()
        if !isClosed, !isLingering { updateDeadline() }
    }

    func addDrainWaiter(_ continuation: UnsafeContinuation<Void, any Error>, for exchange: Exchange) {
        guard self.exchange === exchange, !isClosed, !exchange.isAbandoned else {
            return continuation.resume(throwing: exchange.abandonment.error)
        }
        if unsentBytes <= highWater { return continuation.resume() }
        exchange.drainWaiters.append(continuation)
    }

    func resumeDrainWaiters(of exchange: Exchange) {
        let waiters = exchange.drainWaiters
        guard !waiters.isEmpty else { return }
        exchange.drainWaiters = []
        for waiter in waiters { waiter.resume() }
    }
}
