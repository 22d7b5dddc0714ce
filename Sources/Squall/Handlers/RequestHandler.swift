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
/// A request goes through these steps: ``prepare()``; the method's own function; ``finish()``, unless it was called
/// already; ``onFinish()``. An error thrown on the way goes to ``writeError(_:)``. When the client leaves before the
/// answer is complete the task is cancelled, and when it has come back ``onConnectionClose()`` is called.
open class RequestHandler {
    // Set before anything else is called, by the framework.
    @exclusivity(unchecked) var exchange: Exchange?

    @exclusivity(unchecked) var status = 200
    @exclusivity(unchecked) var reason: String?
    @exclusivity(unchecked) var fields: [(name: String, value: String)] = []
    /// Cookies to set, as the value of their field.
    @exclusivity(unchecked) var newCookies: [(name: String, line: String)] = []
    @exclusivity(unchecked) var newXSRFToken: XSRFToken?
    @exclusivity(unchecked) var contentType: String? = "text/html; charset=UTF-8"
    @exclusivity(unchecked) var chunk: [UInt8] = []
    /// The whole body so far, while it is one piece of text; else empty.
    @exclusivity(unchecked) var text = ""
    @exclusivity(unchecked) var phase = OutputPhase.open
    @exclusivity(unchecked) var sentBytes = 0
    @exclusivity(unchecked) var declaredLength: Int?
    @exclusivity(unchecked) var parsedQuery: [(name: String, value: String)]?
    @exclusivity(unchecked) var parsedForm: ParsedForm?

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

    /// Answers GET. Unless overridden: 405.
    open func get() async throws { throw MethodNotAllowed() }
    /// Answers HEAD. Unless overridden it does what ``get()`` does, and the body is not sent.
    open func head() async throws { try await get() }
    /// Answers POST. Unless overridden: 405.
    open func post() async throws { throw MethodNotAllowed() }
    /// Answers PUT. Unless overridden: 405.
    open func put() async throws { throw MethodNotAllowed() }
    /// Answers DELETE. Unless overridden: 405.
    open func delete() async throws { throw MethodNotAllowed() }
    /// Answers PATCH. Unless overridden: 405.
    open func patch() async throws { throw MethodNotAllowed() }
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
    /// This one writes JSON for a client that prefers it to HTML, and a short HTML page otherwise. It is called for
    /// errors that ``prepare()`` and the method's function throw; if it throws itself, the client gets a bare status.
    open func writeError(_ error: HTTPError) async throws {
        let phrase = reason ?? reasonPhrase(for: error.status)
        if prefersJSON {
            try write(json: ErrorBody(status: error.status, error: phrase, message: error.message))
        } else {
            let title = "\(error.status): \(Escape.html(phrase))"
            let detail = error.message.map { "<p>\(Escape.html($0))</p>" } ?? ""
            write("<html><title>\(title)</title><body><h1>\(title)</h1>\(detail)</body></html>\n")
        }
    }

    /// Logs an error that ended a request. Errors that are meant for the client, ``HTTPError``, are logged at `info`,
    /// all others at `error`.
    open func logException(_ error: any Error) {
        let logger = self.logger
        if let error = error as? HTTPError, error.status < 500 || error.logMessage == nil {
            logger.info("\(error)")
        } else {
            logger.error("\(error)")
        }
    }

    private struct ErrorBody: Encodable {
        var status: Int
        var error: String
        var message: String?
    }

    private var prefersJSON: Bool {
        guard let accept = request.header("accept") else { return false }
        guard let json = accept.firstRange(of: "application/json") else { return false }
        guard let html = accept.firstRange(of: "text/html") else { return true }
        return json.lowerBound < html.lowerBound
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
    public var application: Application? { exchange?.connection.server.core.application }

    /// A logger whose lines carry the request's id and route.
    public var logger: Logger {
        var logger = exchange?.connection.server.core.settings.logger ?? Logger(label: "squall.application")
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
        guard let exchange else { return "" }
        switch exchange.route.action {
        case .closure(_, let methods):
            return (methods + (methods.contains(.options) ? [] : [.options])).map(\.rawValue).joined(separator: ", ")
        case .handler: return MethodTable.allowed(by: type(of: self))
        }
    }
}

/// What the base class's methods throw.
struct MethodNotAllowed: Error {}

/// Answers what no handler of the application's is asked about.
final class RefusalHandler: RequestHandler {
    private let error: HTTPError
    init(_ error: HTTPError) { self.error = error }
    override func prepare() async throws { throw error }
    override func logException(_ error: any Error) {
        logger.debug("\(error)")
    }
}
