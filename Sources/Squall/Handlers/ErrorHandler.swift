/// Answers whatever method with an error: Tornado's `ErrorHandler`.
///
/// ```swift
/// Route("/wp-admin/{path...}") { ErrorHandler(410) }
/// ```
public final class ErrorHandler: RequestHandler {
    private let error: HTTPError

    /// - Parameter status: from 400 to 599; others become 500.
    public init(_ status: Int, _ message: String? = nil) { error = HTTPError(status, message) }

    public override func prepare() async throws { throw error }
}
