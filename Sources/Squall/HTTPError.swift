import SquallHTTP

/// A response that is an error: throw it anywhere in a handler.
///
/// ```swift
/// guard let report = try database.report(id) else { throw HTTPError(404, "there is no report \(id)") }
/// ```
public struct HTTPError: Error, Sendable, CustomStringConvertible {
    /// The status to answer; 500 if it is not one from 400 to 599.
    public var status: Int
    /// What the client is told. Nil: the status's own phrase.
    public var message: String?
    /// What is logged and not told. Nil: the message.
    public var logMessage: String?
    /// Fields that the answer carries besides.
    public var headers: [(name: String, value: String)]

    public init(
        _ status: Int, _ message: String? = nil, logMessage: String? = nil, headers: [(String, String)] = []
    ) {
        self.status = (400...599).contains(status) ? status : 500
        self.message = message
        self.logMessage = logMessage
        self.headers = headers.map { (name: $0.0, value: $0.1) }
    }

    public var description: String {
        let text = "\(status) \(reasonPhrase(for: status))"
        guard let detail = logMessage ?? message else { return text }
        return "\(text): \(detail)"
    }

    /// An argument that the request has not: 400.
    public static func missingArgument(_ name: String) -> HTTPError {
        HTTPError(400, "the argument '\(name)' is missing")
    }

    /// An argument that does not fit its type: 400.
    public static func invalidArgument(_ name: String, _ wanted: String) -> HTTPError {
        HTTPError(400, "the argument '\(name)' must be \(wanted)")
    }
}

/// Throw it to end a request early, with what has been written so far and without an error: Tornado's `Finish`.
public struct Finish: Error, Sendable {
    public init() {}
}
