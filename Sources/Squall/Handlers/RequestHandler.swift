import HTTPTypes
import Logging
import SquallHTTP
import SquallIO

/// The base of an application's handlers: one object answers one request.
///
/// Override the methods that the resource has. Each object is made for its request and lives on that request's task, so
/// it needs no locks; what it shares with others comes through its initialiser and must be `Sendable`.
///
/// ```swift
/// final class ReportHandler: RequestHandler {
///     let database: Database
///     init(database: Database) { self.database = database }
///
///     override func get() async throws {
///         let id = try pathArgument("id", as: Int.self)
///         let report = try database.report(id)    // may block: the others do not notice
///         try write(json: report)
///     }
/// }
/// ```
///
/// A request goes through these steps: ``prepare()``; ``dataReceived(_:)``, in a route that streams bodies; the
/// method's own function; ``finish()``, unless it was called already; ``onFinish()``. An error thrown on the way goes
/// to ``writeError(_:)``. When the client leaves before the answer is complete the task is cancelled, and when it has
/// come back ``onConnectionClose()`` is called.
open class RequestHandler {
    // Set before anything else is called, by the framework.
    @exclusivity(unchecked) var exchange: Exchange?

    @exclusivity(unchecked) var status = 200
    @exclusivity(unchecked) var reason: String?
    @exclusivity(unchecked) var fields: [(name: String, value: String)] = []
    /// Cookies to set, as the value of their field.
    @exclusivity(unchecked) var newCookies: [(name: String, line: String)] = []
    @exclusivity(unchecked) var newXSRFToken: XSRFToken?
    @exclusivity(unchecked) var contentType: String? = RequestHandler.defaultContentType
    static let defaultContentType = "text/html; charset=UTF-8"
    @exclusivity(unchecked) var nonce: String?
    @exclusivity(unchecked) var chunk: [UInt8] = []
    /// The whole body so far, while it is one piece of text; else empty.
    @exclusivity(unchecked) var text = ""
    @exclusivity(unchecked) var phase = OutputPhase.open
    @exclusivity(unchecked) var sentBytes = 0
    @exclusivity(unchecked) var declaredLength: Int?
    @exclusivity(unchecked) var parsedQuery: [(name: String, value: String)]?
    @exclusivity(unchecked) var parsedForm: ParsedForm?
    /// What few requests need: the others pay for one pointer.
    @exclusivity(unchecked) var extras: RequestExtras?
    /// Puts a coding on the response, once that is decided.
    @exclusivity(unchecked) var compression: ResponseCompression?
    /// Whether a coding may be put on it.
    @exclusivity(unchecked) var isCoded = true

    enum OutputPhase {
        /// Nothing is sent, all can be changed.
        case open
        /// The head is sent.
        case streaming(Framing)
        /// The response is complete.
        case finished
    }
    enum Framing { case chunked, length, untilClose, none }

    public init() {}

    // MARK: the resource's methods

    /// Called before the method's function, whatever the method. To end the request here, call ``finish()`` or throw.
    open func prepare() async throws {}

    /// Gets the body of a route with `streamsBody` as it comes, in pieces of up to 64 KiB, after ``prepare()`` and
    /// before the method's function. The client is held back while it works. Unless overridden, the body is left to
    /// ``body``.
    open func dataReceived(_ chunk: [UInt8]) async throws {}

    /// Answers GET. Unless overridden: 405.
    open func get() async throws { throw methodNotAllowed }
    /// Answers HEAD. Unless overridden it does what ``get()`` does, and the body is not sent.
    open func head() async throws { try await get() }
    /// Answers POST. Unless overridden: 405.
    open func post() async throws { throw methodNotAllowed }
    /// Answers PUT. Unless overridden: 405.
    open func put() async throws { throw methodNotAllowed }
    /// Answers DELETE. Unless overridden: 405.
    open func delete() async throws { throw methodNotAllowed }
    /// Answers PATCH. Unless overridden: 405.
    open func patch() async throws { throw methodNotAllowed }
    /// Answers OPTIONS. Unless overridden: 204 with the methods that the handler has.
    open func options() async throws {
        setStatus(204)
        setHeader("Allow", allowedMethods)
    }

    /// Called when the response has been handed to the connection. Nothing can be written any more.
    open func onFinish() {}

    /// Called when the client left before the response was complete, once the method's function has come back from
    /// the cancellation. Nothing can be written any more.
    open func onConnectionClose() {}

    /// Sets fields that every response of this handler has, errors too. Called before ``prepare()`` and when the response is
    /// cleared for an error.
    open func setDefaultHeaders() {}

    /// Writes the page for an error. The status and the error's own fields are set already.
    ///
    /// This one writes a short HTML page; JSON for a client that likes it better by its Accept field; a problem of RFC 9457 for one
    /// that names `application/problem+json`; and in development a page that tells what is known:
    /// ``Application/Settings/isDevelopment``. It is called for errors that ``prepare()``, the method's function and
    /// middleware throw; if it throws itself, the client gets a bare status.
    open func writeError(_ error: HTTPError) async throws {
        try await writeErrorPage(error)
    }

    /// Logs an error that ended a request. Errors that are meant for the client, ``HTTPError`` and those of a ``ResponseError``
    /// below 500, are logged at `info`, all others at `error`.
    open func logException(_ error: any Error) {
        let logger = self.logger
        switch error {
        case let error as HTTPError where error.status < 500 || error.logMessage == nil: logger.info("\(error)")
        case let error as any ResponseError where error.status < 500: logger.info("\(error)")
        default: logger.error("\(error)")
        }
    }

    // MARK: the request

    /// The request. Only while the handler handles one.
    public var request: HTTPServerRequest {
        guard let exchange else {
            // A handler outside a request: only its own initialiser can see it.
            return HTTPServerRequest(exchange: nil)
        }
        return HTTPServerRequest(exchange: exchange)
    }

    /// The application that the handler belongs to. Nil in the handler's initialiser.
    public var application: Application? { mount?.application ?? exchange?.connection.server.core.application }

    var route: RouteEntry? { mount?.route ?? exchange?.route }

    /// A logger whose lines carry the request's id and route.
    public var logger: Logger {
        let settings = mount?.application.settings ?? exchange?.connection.server.core.settings
        var logger = settings?.logger ?? Logger(label: "squall.application")
        if let exchange {
            logger[metadataKey: "request_id"] = "\(exchange.id)"
            logger[metadataKey: "route"] = "\(exchange.label)"
        }
        return logger
    }

    /// The client has closed the connection.
    public var isDisconnected: Bool { exchange?.abandonment == .left }

    /// Starts a task that goes on when the request has ended. It runs on the request's loop; `Task {}` would leave it.
    @discardableResult
    public func spawn<Success: Sendable>(
        _ operation: sending @escaping @isolated(any) () async throws -> Success
    ) -> Task<Success, any Error> {
        guard let loop = exchange?.loop else { return Task(operation: operation) }
        return loop.spawn(operation: operation)
    }

    /// The path of a named route: ``Application/path(named:_:)``.
    public func path(named name: String, _ arguments: [String: String] = [:]) throws -> String {
        guard let application else { throw UnknownRouteError(name: name, known: []) }
        return try application.path(named: name, arguments)
    }

    /// The methods that the handler has, for the Allow field.
    var allowedMethods: String {
        guard let route else { return "" }
        switch route.action {
        case .closure(_, let methods):
            return (methods + (methods.contains(.options) ? [] : [.options])).map(\.rawValue).joined(separator: ", ")
        case .handler: return MethodTable.allowed(by: type(of: self))
        }
    }

    /// What the base class's methods throw.
    var methodNotAllowed: MethodNotAllowedError { MethodNotAllowedError(allowed: allowedMethods) }
}

/// Answers what no handler of the application's is asked about.
final class RefusalHandler: RequestHandler {
    override func logException(_ error: any Error) {
        logger.debug("\(error)")
    }
}
