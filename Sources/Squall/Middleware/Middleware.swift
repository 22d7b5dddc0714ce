/// What runs around a handler: before it, after it, or instead of it.
///
/// ```swift
/// let timed = Middleware { handler, next in
///     let start = ContinuousClock.now
///     try await next()
///     handler.logger.info("took \(ContinuousClock.now - start)")
/// }
/// ```
///
/// An application has middleware for all its requests (``Application/Settings/middleware``), groups and routes for theirs
/// (``Route/Options/middleware``). They run in this order: the application's, the outer group's, the inner group's, the
/// route's; and within each list in its order. The innermost `next` is the check against cross-site request
/// forgery, ``RequestHandler/prepare()`` and the method's function. When all have come back the response is finished, unless it
/// was already, so fields may be set after `next`, too, as long as nothing is sent.
///
/// - To answer instead of the handler, write and return without calling `next`, or throw an error.
/// - Errors of the handler come out of `next`. What is thrown on is rendered as ever; ``HTTPError/init(answering:)``
///   tells what that will be. Rendering drops what was written and the fields that were set, but for those that were
///   there when the innermost `next` was called: those are on errors, too. `Finish` does not come out.
/// - When the client leaves, or the deadline passes, the task is cancelled, and that comes out of `next` as of any other call.
///
/// The application's middleware also runs around what no handler answers: an unknown path, a body that is too large or too
/// slow, a handler that has taken too long, for which it has run before. `next` throws that refusal. It does not run for a
/// request whose head could not be read.
public struct Middleware: Sendable {
    /// Goes on to the next one, and in the end to the handler. A second call throws ``MiddlewareError``. It does nothing if the
    /// response is finished.
    public typealias Next = () async throws -> Void
    /// What it does. It runs in the request's task.
    public typealias Body = @Sendable (RequestHandler, Next) async throws -> Void

    let body: Body

    public init(_ body: @escaping Body) { self.body = body }
}

/// Middleware was written wrongly.
public struct MiddlewareError: Error, CustomStringConvertible {
    public let description: String

    static let secondCall = MiddlewareError(
        description: "middleware called next() a second time; a request goes through its handler once, so call it once")
}

/// Takes a request through `middleware` from `index` on, and then through `core`.
func run(
    _ middleware: [Middleware], from index: Int, around handler: RequestHandler, _ core: Middleware.Next
) async throws {
    guard !handler.isFinished else { return }
    guard middleware.indices.contains(index) else {
        if !handler.fields.isEmpty { handler.keptFields = handler.fields }
        do {
            try await core()
        } catch is Finish {}
        return
    }
    var isCalled = false
    try await middleware[index].body(handler) {
        guard !isCalled else { throw MiddlewareError.secondCall }
        isCalled = true
        try await run(middleware, from: index + 1, around: handler, core)
    }
}
