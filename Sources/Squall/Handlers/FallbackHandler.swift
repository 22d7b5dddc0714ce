/// Hands the request on, whatever its method: to a function, or to another application, whose routes answer as if it stood
/// alone. Tornado's `FallbackHandler`.
///
/// ```swift
/// let old = try Application { Route("/forum/{path...}", Forum.init) }
/// let site = try Application {
///     Route("/", Home.init)
///     Route("/{path...}") { FallbackHandler(old) }
/// }
/// ```
///
/// The other application finds its own route for the whole path, and has its own middleware, error pages, cookie secret, check
/// against forgery, security headers, CORS, compression of responses and logger. What happens before a handler runs, or does not happen in it, stays with the application that is
/// served: limits of time and size, `streamsBody`, decompression of bodies and the access log, and they are those of the route
/// that leads here. Fields that this application's middleware sets before `next` are on the response; what it sets later comes
/// too late.
public final class FallbackHandler: RequestHandler {
    /// Nil if it hands requests to a function, which is this application's.
    let otherApplication: Application?
    private let function: Route.Body?

    /// Hands requests to another application.
    public init(_ application: Application) {
        otherApplication = application
        function = nil
    }

    /// Hands requests to a function. The check against forgery is this application's, as for any handler.
    public init(_ function: @escaping Route.Body) {
        otherApplication = nil
        self.function = function
    }

    public override func prepare() async throws {
        if let otherApplication { return try await hand(to: otherApplication) }
        try await function?(self)
        if !isFinished { try finish() }
    }

    private func hand(to application: Application) async throws {
        guard let exchange else { return }
        let depth = (mount?.depth ?? 0) + 1
        guard depth <= Mount.deepest else {
            throw HTTPError(
                500, logMessage: "applications hand the request to each other \(depth) times; one leads back to another"
            )
        }
        let found = application.router.match(exchange.head, on: exchange.connection)
        let handler =
            found.refusal == nil ? makeHandler(found.route) : application.settings.errorHandler?() ?? RefusalHandler()
        let mount = Mount(application: application, route: found.route, match: found.found, depth: depth)
        if let failure = mount.securityLines.failure { throw failure }
        handler.exchange = exchange
        handler.mount = mount
        handler.newCookies = newCookies
        handler.timings = timings
        handler.setDefaultHeaders()
        handler.appendKept(keptFields)
        await answer(handler, exchange, found.route.middleware) {
            if let refusal = found.refusal { throw refusal }
            try await runHandler(handler, exchange, found.route)
        }
        // What the other one has sent is this one's response.
        phase = .finished
        status = handler.status
        chunk = []
        text = ""
        if exchange.abandonment == .left { handler.onConnectionClose() }
        handler.onFinish()
    }
}

/// What a handler belongs to whose request was handed from one application to another.
final class Mount {
    let application: Application
    let route: RouteEntry
    let match: RouteMatch<RouteEntry>?
    /// How many applications have handed it on.
    let depth: Int
    static let deepest = 8

    var securityLines: SecurityLines { route.securityLines ?? application.securityLines }
    var cors: CORS? { route.cors ?? application.settings.cors }

    init(application: Application, route: RouteEntry, match: RouteMatch<RouteEntry>?, depth: Int) {
        self.application = application
        self.route = route
        self.match = match
        self.depth = depth
    }
}
