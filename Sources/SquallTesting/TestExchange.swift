import HTTPTypes
import Squall
import SquallIO
import Synchronization

/// A request that is under way: its body may still be written, its response is read when and as fast as the test likes.
///
/// Made by ``TestClient/start(_:_:headers:body:)`` and ``TestClient/stream(_:_:headers:body:)``. One task at a time
/// writes, and one reads.
public final class TestExchange: Sendable {
    /// The connection, for what goes beyond this: bytes that were not read, and bytes that are none of HTTP's.
    public let connection: RawClient
    private let client: TestClient
    private let path: String
    private let isInChunks: Bool
    private let state: Mutex<State>

    private struct State {
        var reader: ResponseReader
        var head: RawResponse?
        /// The request's body is whole.
        var isWritten: Bool
        var isEnded = false
        /// What was under way when the client left.
        var left: RequestUnderWay?
    }

    init(
        _ connection: RawClient, client: TestClient, path: String, isHead: Bool, isInChunks: Bool, isWritten: Bool
    ) {
        self.connection = connection
        self.client = client
        self.path = path
        self.isInChunks = isInChunks
        state = Mutex(State(reader: ResponseReader(toHead: isHead), isWritten: isWritten))
    }

    // MARK: the request

    /// Sends a piece of the body. Waits while the server does not read.
    ///
    /// For a request that was started with a body of ``TestBody/none`` and `Transfer-Encoding: chunked` each piece is a
    /// chunk; with a Content-Length pieces are sent as they are.
    public func write(_ bytes: [UInt8]) async throws {
        guard isInChunks else { return try await connection.send(bytes) }
        guard !bytes.isEmpty else { return }
        try await connection.send(Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [13, 10])
    }

    /// Sends a piece of the body, as UTF-8.
    public func write(_ text: String) async throws { try await write(Array(text.utf8)) }

    /// The body is whole.
    public func finish() async throws {
        let isWritten = state.withLock { state in
            defer { state.isWritten = true }
            return state.isWritten
        }
        if !isWritten, isInChunks { try await connection.send("0\r\n\r\n") }
    }

    // MARK: the response

    /// The head of the response: its body is empty. Interim responses (1xx) are skipped, except 101.
    /// - Throws: ``ClientError`` if it does not come, with what was sent, received and logged until then.
    @discardableResult
    public func head() async throws -> TestResponse {
        if let head = state.withLock({ $0.head }) { return TestResponse(raw: head) }
        while true {
            switch try await next("for the head of the response") {
            case .head(let head):
                client.keepCookies(of: head, path: path)
                if head.status >= 200 || head.status == 101 || head.status == 0 {
                    guard head.status != 0 else { throw connection.error("what came is no response:\n\(head)") }
                    state.withLock { $0.head = head }
                    return TestResponse(raw: head)
                }
            case .end(let isComplete):
                // The end of an interim response; another follows.
                guard isComplete else { throw connection.error("the server closed before a response came") }
                state.withLock { $0.reader.restart() }
            default: throw connection.error("what came is no response")
            }
        }
    }

    /// The next piece of the response's body, as it comes; nil at its end. Nothing is read until it is asked for: a
    /// test that does not ask is a slow reader, and the server feels it.
    /// - Throws: ``ClientError`` if the body is broken off, or nothing comes for too long.
    public func read() async throws -> [UInt8]? {
        try await head()
        if state.withLock({ $0.isEnded }) { return nil }
        switch try await next("for the rest of the response") {
        case .body(let bytes): return bytes
        case .end(let isComplete):
            guard isComplete else { throw connection.error("the response was broken off") }
            end()
            return nil
        default: throw connection.error("the body of the response is malformed")
        }
    }

    /// The pieces of the response's body, as they come.
    public var body: Body { Body(exchange: self) }

    /// The pieces of a response's body. It can be gone through once.
    public struct Body: AsyncSequence, AsyncIteratorProtocol, Sendable {
        let exchange: TestExchange
        public func next() async throws -> [UInt8]? { try await exchange.read() }
        public func makeAsyncIterator() -> Body { self }
    }

    /// Ends the request's body and waits for the whole response.
    /// - Throws: ``ClientError`` if it does not come, with what was sent, received and logged until then.
    public func response() async throws -> TestResponse {
        // The server may have answered before it had all, and closed.
        do { try await finish() } catch let error as ClientError where isGone(error.code) {}
        var response = try await head().raw
        while let piece = try await read() { response.body += piece }
        response.chunks = state.withLock { $0.reader.chunks }
        return TestResponse(raw: response)
    }

    private func next(_ what: String) async throws -> ResponseReader.Event {
        let reader = state.withLock { $0.reader }
        let (event, after) = try await connection.event(reader, what)
        state.withLock { $0.reader = after }
        return event
    }

    /// The connection may be used again, if both sides have said all and want to go on.
    private func end() {
        let (head, isWritten) = state.withLock { state in
            state.isEnded = true
            return (state.head, state.isWritten)
        }
        guard let head, isWritten, head.version == "HTTP/1.1", head.status != 101 else { return }
        let options = head["connection"]?.lowercased() ?? ""
        let endsItself =
            head["content-length"] != nil || head["transfer-encoding"] != nil || [204, 304].contains(head.status)
        if endsItself, !options.contains("close") { client.giveBack(connection) }
    }

    // MARK: leaving

    /// Sends the end of file, and goes on reading.
    public func halfClose() { connection.halfClose() }

    /// Closes the connection, in the midst of whatever it is. The server cancels the handler's task; see
    /// ``handlerEnded()``.
    public func disconnect() async {
        await rememberHandler()
        connection.close()
    }

    /// As ``disconnect()``, with a reset.
    public func reset() async {
        await rememberHandler()
        connection.reset()
    }

    private func rememberHandler() async {
        guard state.withLock({ $0.left == nil }) else { return }
        let left = await client.host.server.requestUnderWay(from: connection.localAddress)
        state.withLock { $0.left = left }
    }

    /// Waits until the handler of the request has ended: after ``disconnect()``, until it has come back from its
    /// cancellation and was told by `onConnectionClose()`. Returns at once if no handler was under way.
    /// - Throws: ``WaitError`` if it does not end.
    public func handlerEnded() async throws {
        await rememberHandler()
        guard let left = state.withLock({ $0.left }) else { return }
        try await waitUntil("the handler has ended", patience: client.host.patience) { left.hasEnded }
    }
}
