import HTTPTypes
import Logging
import SquallHTTP
import SquallIO

// What is called for every request is `nonisolated(nonsending)`: each call of another asynchronous function has the task look up its
// executor, under a lock, at its begin and at its end. The handler's own methods are not, as then overriding them would depend on
// the settings of the application's module. What catches their errors must not be either, or call a function that is not before it
// does anything else: Swift 6.3 may leave out the hop back to the loop where such a function throws.

/// Takes one exchange through its handler. Runs in the exchange's task, wherever that is.
nonisolated(nonsending) func serve(_ exchange: Exchange) async {
    // Only this task has the handler, and it waits for what it calls.
    nonisolated(unsafe) let handler: RequestHandler
    if exchange.isRefused, let refusal = exchange.refusal {
        handler = exchange.connection.server.core.settings.errorHandler?() ?? RefusalHandler()
        handler.exchange = exchange
        handler.setDefaultHeaders()
        // Of what cannot be read nothing is known that middleware could look at.
        let middleware = exchange.isReadable ? exchange.connection.server.core.router.refusals.middleware : []
        await answer(handler, exchange, middleware) { throw refusal }
    } else if let preflight = preflight(exchange) {
        handler = preflight
        handler.exchange = exchange
        await answer(handler, exchange, []) { try await handler.prepare() }
    } else {
        var failure: (any Error)?
        if exchange.intake == .framework {
            failure = await exchange.receiveBody()
            // Nobody is there to be told, and no handler has begun.
            if failure != nil, exchange.isAbandoned { return exchange.send([], dateAt: nil, end: .abort) }
        }
        let route = exchange.route
        handler = makeHandler(route)
        handler.exchange = exchange
        handler.setDefaultHeaders()
        if route.middleware.isEmpty {
            do {
                if let failure { throw failure }
                try await runHandler(handler, exchange, route)
                try await conclude(handler)
            } catch {
                await handle(error, handler, exchange)
            }
        } else {
            await answer(handler, exchange, route.middleware) {
                if let failure { throw failure }
                try await runHandler(handler, exchange, route)
            }
        }
    }
    handler.chunk = []
    exchange.form?.close()
    if exchange.abandonment == .left { handler.onConnectionClose() }
    handler.onFinish()
    if exchange.connection.server.core.logsAccess, exchange.abandonment != .replaced { logAccess(exchange, handler) }
}

/// Answers a preflight (CORS) before anything of the application's runs, which could not know its sender. Nil if it is none.
private func preflight(_ exchange: Exchange) -> RequestHandler? {
    // The method's first letter, for the sake of all other requests.
    guard exchange.head.bytes.first == UInt8(ascii: "O"), CORS.isPreflight(exchange.head) else { return nil }
    var mount: Mount?
    var route = exchange.route
    // Whether a route leads to another application, only its handler knows.
    while case .handler(let make) = route.action, let application = (make() as? FallbackHandler)?.otherApplication {
        let found = application.router.match(exchange.head, on: exchange.connection)
        let depth = (mount?.depth ?? 0) + 1
        guard found.refusal == nil, depth <= Mount.deepest else { return nil }
        route = found.route
        mount = Mount(application: application, route: route, match: found.found, depth: depth)
    }
    guard let cors = mount == nil ? exchange.cors : mount?.cors, !cors.isOff else { return nil }
    let handler = PreflightHandler(cors)
    if let mount { handler.mount = mount }
    return handler
}

@inline(__always)
func makeHandler(_ route: RouteEntry) -> RequestHandler {
    switch route.action {
    case .handler(let make): make()
    case .closure: ClosureHandler()
    }
}

/// A route that is a closure.
private final class ClosureHandler: RequestHandler {}

/// Takes the request through middleware and `core`, and ends the response.
func answer(
    _ handler: RequestHandler, _ exchange: Exchange, _ middleware: [Middleware], _ core: Middleware.Next
) async {
    do {
        try await run(middleware, from: 0, around: handler, core)
        try await conclude(handler)
    } catch {
        await handle(error, handler, exchange)
    }
}

/// Ends the response, if the handler has not.
@inline(__always)
private nonisolated(nonsending) func conclude(_ handler: RequestHandler) async throws {
    // Only the calling task has it, and waits.
    nonisolated(unsafe) let handler = handler
    guard !handler.isFinished else { return }
    if handler.bodyLength > RequestHandler.mostCompressedInline { try await handler.compressElsewhere() }
    try handler.finish()
}

/// What the innermost `next` is.
@inline(__always)
nonisolated(nonsending) func runHandler(
    _ handler: RequestHandler, _ exchange: Exchange, _ route: RouteEntry
) async throws {
    // Only the calling task has it, and waits.
    nonisolated(unsafe) let handler = handler
    if handler.needsXSRFToken { try handler.checkXSRF() }
    try await handler.prepare()
    if !handler.isFinished, exchange.intake == .handler { try await handler.receiveData(exchange) }
    if !handler.isFinished { try await dispatch(handler, exchange, route) }
}

@inline(__always)
private nonisolated(nonsending) func dispatch(
    _ handler: RequestHandler, _ exchange: Exchange, _ route: RouteEntry
) async throws {
    // Only the calling task has it, and waits.
    nonisolated(unsafe) let handler = handler
    let method = exchange.head.method
    if case .closure(let body, let methods) = route.action {
        if methods.contains(method) { return try await body(handler) }
        if method == .options { return try await handler.options() }
        throw isKnown(method) ? handler.methodNotAllowed : HTTPError.unknownMethod
    }
    switch method {
    case .get: try await handler.get()
    case .head: try await handler.head()
    case .post: try await handler.post()
    case .put: try await handler.put()
    case .delete: try await handler.delete()
    case .patch: try await handler.patch()
    case .options: try await handler.options()
    default: throw isKnown(method) ? handler.methodNotAllowed : HTTPError.unknownMethod
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
    case is MethodNotAllowedError:
        await handler.sendError(HTTPError(answering: error))
    case is StreamClosedError, is CancellationError:
        // Nobody is there to be told. If somebody is, the handler was cancelled by its own code.
        if exchange.isAbandoned {
            if !handler.isFinished { handler.abandon() }
        } else {
            handler.logException(error)
            await handler.sendError(HTTPError(answering: error))
        }
    default:
        handler.logException(error)
        await handler.sendError(HTTPError(answering: error))
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
            "remote": "\(exchange.client.logged)",
            "request_id": "\(exchange.id)",
            "duration_ms": "\(Double(microseconds) / 1_000)",
        ])
}
