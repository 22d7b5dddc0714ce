import HTTPTypes
import Logging
import SquallHTTP
import SquallIO

/// Takes one exchange through its handler. Runs in the exchange's task, wherever that is.
func serve(_ exchange: Exchange) async {
    let handler = makeHandler(exchange)
    handler.exchange = exchange
    handler.setDefaultHeaders()
    do {
        if handler.needsXSRFToken { try handler.checkXSRF() }
        try await handler.prepare()
        if !handler.isFinished {
            try await dispatch(handler, exchange)
            if !handler.isFinished { try handler.finish() }
        }
    } catch {
        await handle(error, handler, exchange)
    }
    handler.chunk = []
    if exchange.abandonment == .left { handler.onConnectionClose() }
    handler.onFinish()
    if exchange.connection.server.core.logsAccess, exchange.abandonment != .replaced { logAccess(exchange, handler) }
}

private func makeHandler(_ exchange: Exchange) -> RequestHandler {
    if let refusal = exchange.refusal {
        return exchange.connection.server.core.settings.errorHandler.map { ApplicationRefusal(refusal, $0()) }
            ?? RefusalHandler(refusal)
    }
    switch exchange.route.action {
    case .handler(let make): return make()
    case .closure: return ClosureHandler()
    }
}

/// A route that is a closure.
private final class ClosureHandler: RequestHandler {}

/// A refusal that the application's own error handler renders.
private final class ApplicationRefusal: RequestHandler {
    private let error: HTTPError
    private let page: RequestHandler

    init(_ error: HTTPError, _ page: RequestHandler) {
        self.error = error
        self.page = page
    }

    override func setDefaultHeaders() {
        page.exchange = exchange
        page.setDefaultHeaders()
    }
    override func prepare() async throws {
        phase = .finished
        page.logException(error)
        await page.sendError(error)
        status = page.status
    }
}

@inline(__always)
private func dispatch(_ handler: RequestHandler, _ exchange: Exchange) async throws {
    let method = exchange.head.method
    if case .closure(let body, let methods) = exchange.route.action {
        if methods.contains(method) { return try await body(handler) }
        if method == .options { return try await handler.options() }
        throw isKnown(method) ? MethodNotAllowed() : HTTPError(501, "the method is not known")
    }
    switch method {
    case .get: try await handler.get()
    case .head: try await handler.head()
    case .post: try await handler.post()
    case .put: try await handler.put()
    case .delete: try await handler.delete()
    case .patch: try await handler.patch()
    case .options: try await handler.options()
    default: throw isKnown(method) ? MethodNotAllowed() : HTTPError(501, "the method is not known")
    }
}

private func isKnown(_ method: HTTPRequest.Method) -> Bool {
    switch method {
    case .get, .head, .post, .put, .delete, .patch, .options, .trace, .connect: true
    default: false
    }
}

private func handle(_ error: any Error, _ handler: RequestHandler, _ exchange: Exchange) async {
    switch error {
    case is Finish:
        do {
            if !handler.isFinished { try handler.finish() }
        } catch {
            await handle(error, handler, exchange)
        }
    case is MethodNotAllowed:
        await handler.sendError(HTTPError(405, headers: [("Allow", handler.allowedMethods)]))
    case let error as HTTPError:
        handler.logException(error)
        await handler.sendError(error)
    case is StreamClosedError, is CancellationError:
        // Nobody is there to be told. If somebody is, the handler was cancelled by its own code.
        if exchange.isAbandoned {
            if !handler.isFinished { handler.abandon() }
        } else {
            handler.logException(error)
            await handler.sendError(HTTPError(500))
        }
    default:
        handler.logException(error)
        await handler.sendError(HTTPError(500))
    }
}

extension RequestHandler {
    var isFinished: Bool {
        if case .finished = phase { return true }
        return false
    }

    /// What is left of the response is dropped, and the connection with it.
    func abandon() {
        phase = .finished
        chunk = []
        exchange?.send([], dateAt: nil, end: .abort)
    }
}

private func logAccess(_ exchange: Exchange, _ handler: RequestHandler) {
    guard let logger = exchange.connection.server.core.settings.accessLogger, logger.logLevel <= .info else { return }
    let microseconds = (exchange.loop.readClock() - exchange.startedAt) / 1_000
    let (method, target) = exchange.isReadable ? (exchange.head.method.rawValue, exchange.head.target) : ("-", "-")
    logger.info(
        "\(method) \(target) \(handler.status)",
        metadata: [
            "method": "\(method)",
            "target": "\(target)",
            "route": "\(exchange.route.name)",
            "status": "\(handler.status)",
            "remote": "\(exchange.connection.address)",
            "request_id": "\(exchange.id)",
            "duration_ms": "\(Double(microseconds) / 1_000)",
        ])
}
