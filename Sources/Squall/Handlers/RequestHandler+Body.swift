import SquallHTTP
import SquallIO

extension RequestHandler {
    // MARK: streamed bodies

    /// The body as it comes, of a route with `streamsBody`.
    public var body: RequestBody { RequestBody(exchange: exchange) }

    /// The form as it comes, part by part, of a route with `streamsBody`: for what is too large to be kept, or should
    /// go elsewhere at once. Other routes have ``bodyArguments()`` and ``files()``.
    public var multipart: MultipartBody { MultipartBody(exchange: exchange) }

    /// Sets how long this request's body may be, in bytes, in place of the route's limit: Tornado's
    /// `set_max_body_size`. For ``prepare()`` of a route with `streamsBody`; elsewhere the body is there already. A
    /// body that is announced as longer gets 413 when `prepare()` has ended, and one in chunks when it has become
    /// longer.
    public func setBodyLimit(_ bytes: Int) {
        guard let exchange else { return }
        exchange.bodyLimit = max(0, bytes)
        exchange.loop.perform { exchange.connection.setBodyLimit(max(0, bytes), for: exchange) }
    }

    /// Sets how long this request's body may take beyond what ``Application/Limits/bodyRate`` gives it, in place of
    /// ``Application/Limits/bodyTimeout``: Tornado's `set_body_timeout`. For ``prepare()`` of a route with
    /// `streamsBody`.
    public func setBodyTimeout(_ timeout: Duration) {
        guard let exchange else { return }
        let nanoseconds = timeout.clampedNanoseconds
        exchange.loop.perform { exchange.connection.setBodyTimeout(nanoseconds, for: exchange) }
    }

    /// Gives the body of a route with `streamsBody` to ``dataReceived(_:)``, if that is overridden.
    func receiveData(_ exchange: Exchange) async throws {
        // Their error comes before any byte is asked for, so a client that waits for `100 Continue` sends none.
        if case .length(let length) = exchange.head.framing, length > exchange.bodyLimit {
            exchange.markLast()
            throw HTTPError.tooLong("the body is too long; send up to \(exchange.bodyLimit) bytes")
        }
        if exchange.isCodingLeft, exchange.takesCodings { throw exchange.codingRefusal }
        exchange.beginReading()
        guard MethodTable.receivesData(type(of: self)) else { return }
        while !isFinished, let chunk = try await exchange.nextBodyChunk() { try await dataReceived(chunk) }
    }
}
