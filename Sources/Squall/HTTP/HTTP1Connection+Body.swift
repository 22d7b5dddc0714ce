import SquallHTTP
import SquallIO

// Bodies that a task takes from the connection. All of it belongs to the owner of the loop.
extension HTTP1Connection {
    func readBody(_ continuation: UnsafeContinuation<[UInt8]?, any Error>, for exchange: Exchange) {
        guard self.exchange === exchange, !isClosed else {
            return continuation.resume(throwing: StreamClosedError())
        }
        // What is announced as too long fails when it is looked at, without `100 Continue`.
        if exchange.owesContinue, parser.missingBodyBytes.map({ $0 <= parser.bodyLimitInForce }) ?? true {
            sendContinue(exchange)
        }
        exchange.bodyStream.read(continuation)
        beginReadingBody(for: exchange)
    }

    /// Lets the body come, unless enough of it waits to be taken.
    func beginReadingBody(for exchange: Exchange) {
        guard self.exchange === exchange, !isClosed, !wantsInput, phase == .running, parser.isInBody,
            exchange.bodyStream.buffered < Self.unreadLimit
        else { return }
        wantsInput = true
        // The time in which nobody took anything is not the client's.
        beginBody()
        continueLater()
    }

    /// The body is there, and the handler begins.
    func beginHandlerTime(for exchange: Exchange) {
        guard self.exchange === exchange, !isClosed, !exchange.isAbandoned else { return }
        exchange.deadline = exchange.route.deadline(default: times.handler).map { loop.now + $0 } ?? .max
        updateDeadline()
    }

    func setBodyLimit(_ bytes: Int, for exchange: Exchange) {
        guard self.exchange === exchange, parser.isInBody else { return }
        parser.setBodyLimit(bytes)
    }

    func setBodyTimeout(_ nanoseconds: Int64, for exchange: Exchange) {
        guard self.exchange === exchange else { return }
        exchange.bodyTimeout = nanoseconds
        guard readDeadline != .max else { return }
        readDeadline = loop.now + nanoseconds
        updateDeadline()
    }

    /// How long the body may take beyond what its bytes give it.
    var bodyTime: Int64 { exchange?.bodyTimeout ?? times.body }
}
