import SquallHTTP
import SquallIO

/// A response that is an error: throw it anywhere in a handler.
///
/// ```swift
/// guard let report = try database.report(id) else { throw HTTPError(404, "there is no report \(id)") }
/// ```
///
/// Errors of one's own say what they answer by ``ResponseError``.
public struct HTTPError: ResponseError, CustomStringConvertible {
    /// The status to answer; 500 if it is not one from 400 to 599.
    public var status: Int
    /// What the client is told. Nil: the status's own phrase.
    public var message: String?
    /// What is logged and not told. Nil: the message.
    public var logMessage: String?
    /// Names the error for programs, such as `missing_argument`: told in JSON. Nil: the status says enough.
    public var code: String?
    /// What the error means and how it is avoided, for whoever writes the client. Shown in development only.
    public var documentation: String?
    /// Fields that the answer carries besides.
    public var headers: [(name: String, value: String)]
    /// The error that was thrown, where it is another one. Told to nobody but in development.
    public var cause: (any Error)?
    /// Where it was made, for the page in development.
    let source: SourceLine?
    /// Return addresses at the throw; in development only.
    var stack: [UInt] = []

    /// `file` and `line` are for the page in development, and are left as they are.
    public init(
        _ status: Int, _ message: String? = nil, logMessage: String? = nil, code: String? = nil,
        headers: [(String, String)] = [], file: StaticString = #filePath, line: UInt = #line
    ) {
        self.status = (400...599).contains(status) ? status : 500
        self.message = message
        self.logMessage = logMessage
        self.code = code
        self.headers = headers.map { (name: $0.0, value: $0.1) }
        source = SourceLine(file: file, line: line)
    }

    /// What the client is answered when `thrown` comes out of a handler: an ``HTTPError`` as it is, a ``ResponseError`` as it says,
    /// and any other as a 500 that tells nothing of it.
    public init(answering thrown: any Error) {
        if let error = thrown as? HTTPError {
            self = error
            stack = ThrowTrace.addresses(of: thrown)
            return
        }
        let response = thrown as? any ResponseError
        let status = response?.status ?? 500
        self.status = (400...599).contains(status) ? status : 500
        message = response?.message
        code = response?.code
        documentation = response?.documentation
        headers = response?.headers ?? []
        cause = thrown
        source = nil
        stack = ThrowTrace.addresses(of: thrown)
    }

    public var description: String {
        let text = "\(status) \(reasonPhrase(for: status))"
        guard let detail = logMessage ?? message else { return text }
        return "\(text): \(detail)"
    }
}

/// A line of the program's source.
struct SourceLine: Sendable {
    let file: StaticString
    let line: UInt
}

/// Throw it to end a request early, with what has been written so far and without an error: Tornado's `Finish`.
public struct Finish: Error, Sendable {
    public init() {}
}
