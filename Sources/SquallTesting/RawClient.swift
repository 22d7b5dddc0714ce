import SquallIO
import Synchronization

/// A client that knows nothing of HTTP but how to cut responses: bytes in, bytes out.
///
/// With it a test sends what no HTTP library would send, and sees what came as it came.
///
/// Its calls block, so they run on threads of their own. Each gives up after its patience, and says what was sent,
/// received and logged so far.
public final class RawClient: Sendable {
    /// For how long anything is waited for, unless it comes: 20 s. Only a test that fails waits so long.
    public static let patience = Duration.seconds(20)
    private static let pool = BlockingPool(threads: 256, name: "test-client")

    private struct State {
        let fd: Int32
        /// How many calls use the descriptor now. It stays open for them: its number could be another's already.
        var users = 0
        var isClosed = false
        var buffer: [UInt8] = []
        var isAtEnd = false
        var sent = Transcript()
        var received = Transcript()
    }
    private let state: Mutex<State>
    private let patience: Duration
    private let log: LogRecorder?
    /// Where the server sees it come from.
    public let localAddress: SocketAddress
    /// The port that it has on this machine.
    public var localPort: Int { localAddress.port ?? 0 }

    /// Connects to a port of this machine.
    /// - Parameters:
    ///   - receiveBuffer: the size of the kernel's buffer in bytes, set before connecting so that it holds for the
    ///     window.
    ///   - sendBuffer: the same for what is sent.
    /// - Throws: ``ClientError`` if nobody listens there.
    public static func connect(
        port: Int, receiveBuffer: Int? = nil, sendBuffer: Int? = nil
    ) async throws -> RawClient {
        try await connect(
            port: port, receiveBuffer: receiveBuffer, sendBuffer: sendBuffer, patience: patience, log: nil)
    }

    /// Connects and sends `bytes` in one go, as ``sendFirst(_:)``. A task that went on in between would have to be given
    /// a thread for that: on a busy machine that may take longer than the server waits for a request.
    static func connect(
        port: Int, receiveBuffer: Int? = nil, sendBuffer: Int? = nil, patience: Duration, log: LogRecorder?,
        sending bytes: [UInt8] = []
    ) async throws -> RawClient {
        try await offThread { isCancelled in
            let fd = try openSocket(receiveBuffer: receiveBuffer, sendBuffer: sendBuffer)
            guard connectSocket(fd, port: port) == 0 else {
                let error = ClientError("connect to port \(port): \(errorText())")
                closeFile(fd)
                throw error
            }
            let port = UInt16(truncatingIfNeeded: SquallTesting.localPort(of: fd))
            let client = RawClient(fd: fd, address: .ipv4(0x7f00_0001, port: port), patience: patience, log: log)
            try client.using { try client.sendFirst(bytes, Call(fd: $0, isCancelled: isCancelled)) }
            return client
        }
    }

    /// Takes over a socket that is connected.
    init(fd: Int32, address: SocketAddress, patience: Duration, log: LogRecorder?) {
        state = Mutex(State(fd: fd))
        localAddress = address
        self.patience = patience
        self.log = log
    }

    deinit { close() }

    // MARK: writing

    /// Sends text, each scalar as one byte: `"\u{80}"` is the byte 0x80.
    /// - Throws: ``ClientError`` if a scalar has no room in a byte, or as ``send(_:)-([UInt8])``.
    public func send(_ text: String) async throws {
        try await send(
            text.unicodeScalars.map { scalar in
                guard let byte = UInt8(exactly: scalar.value) else {
                    throw ClientError("a byte has no room for '\(scalar)'; send Array(text.utf8) for UTF-8")
                }
                return byte
            })
    }

    /// Sends everything. Waits while the peer does not read.
    /// - Throws: ``ClientError`` if the connection is gone, or the peer takes nothing for too long.
    public func send(_ bytes: [UInt8]) async throws {
        try await run { client, call in try client.send(bytes, call) }
    }

    /// Sends a request. That the server is gone is no error yet: it may have answered before it had all, and closed.
    func sendFirst(_ bytes: [UInt8]) async throws {
        try await run { client, call in try client.sendFirst(bytes, call) }
    }

    private func sendFirst(_ bytes: [UInt8], _ call: Call) throws {
        do { try send(bytes, call) } catch let error as ClientError where isGone(error.code) {}
    }

    private func send(_ bytes: [UInt8], _ call: Call) throws {
        var sent = 0
        while sent < bytes.count {
            try wait(.write, call) { "to send \(bytes.count - sent) bytes more" }
            sent += try sendNoted(call.fd, bytes[sent...])
        }
    }

    /// Sends as much as the kernel takes now and returns how much that was.
    public func sendWhatFits(_ bytes: [UInt8]) throws -> Int {
        try using { try sendNoted($0, bytes[...]) }
    }

    private func sendNoted(_ fd: Int32, _ bytes: ArraySlice<UInt8>) throws -> Int {
        let count = try sendSome(fd, bytes)
        state.withLock { $0.sent.add(bytes.prefix(count)) }
        return count
    }

    // MARK: reading

    /// The next `count` responses, interim ones included. What comes after them is kept.
    /// - Parameter toHead: they answer HEAD and have no bodies.
    /// - Throws: ``ClientError`` if they do not come, or the connection ends before.
    public func responses(_ count: Int, toHead: Bool = false) async throws -> [RawResponse] {
        try await run { client, call in
            var responses: [RawResponse] = []
            var reader = ResponseReader(toHead: toHead)
            defer { client.state.withLock { reader.drop(&$0.buffer) } }
            while responses.count < count {
                let response = try client.response(&reader, call) {
                    "for response \(responses.count + 1) of \(count)"
                }
                guard let response, response.isComplete else {
                    throw client.error("the server closed after \(responses.count) of \(count) responses")
                }
                responses.append(response)
            }
            return responses
        }
    }

    /// The next response.
    public func response(toHead: Bool = false) async throws -> RawResponse {
        guard let response = try await responses(1, toHead: toHead).first else { throw error("no response came") }
        return response
    }

    /// All responses up to the end of the connection, which the server must bring about. The last one may not be
    /// complete.
    public func responsesToEnd(toHead: Bool = false) async throws -> [RawResponse] {
        try await run { client, call in
            var responses: [RawResponse] = []
            var reader = ResponseReader(toHead: toHead)
            while let response = try client.response(&reader, call, { "for the end of the connection" }) {
                responses.append(response)
                if response.status == 0 { break }
            }
            while try client.fill(call, { "for the end of the connection" }) {}
            client.state.withLock { $0.buffer = [] }
            return responses
        }
    }

    /// Nil at the end of the connection.
    private func response(
        _ reader: inout ResponseReader, _ call: Call, _ what: () -> String
    ) throws -> RawResponse? {
        defer { reader.restart() }
        var response: RawResponse?
        while true {
            switch try event(&reader, call, what) {
            case .head(let head): response = head
            case .body(let bytes): response?.body += bytes
            case .malformed:
                response?.status = 0
                return response
            case .end(let isComplete):
                response?.isComplete = isComplete
                response?.chunks = reader.chunks
                return response
            case .needsMore: break
            }
        }
    }

    /// What comes next of a response, and the reader after it.
    func event(_ before: ResponseReader, _ what: String) async throws -> (ResponseReader.Event, ResponseReader) {
        try await run { client, call in
            var reader = before
            let event = try client.event(&reader, call) { what }
            if case .end = event { client.state.withLock { reader.drop(&$0.buffer) } }
            return (event, reader)
        }
    }

    private func event(
        _ reader: inout ResponseReader, _ call: Call, _ what: () -> String
    ) throws -> ResponseReader.Event {
        while true {
            let event = state.withLock { reader.next(&$0.buffer, atEnd: $0.isAtEnd) }
            guard case .needsMore = event else { return event }
            _ = try fill(call, what)
        }
    }

    /// All bytes up to the end of the connection.
    /// - Throws: ``ClientError`` if it was reset.
    public func readToEnd() async throws -> [UInt8] {
        try await run { client, call in
            while try client.fill(call, { "for the end of the connection" }) {}
            return client.takeBuffer()
        }
    }

    /// At least `count` bytes, or what there is when the connection ends.
    public func read(atLeast count: Int) async throws -> [UInt8] {
        try await run { client, call in
            while client.state.withLock({ $0.buffer.count }) < count,
                try client.fill(call, { "for \(count) bytes" })
            {}
            return client.takeBuffer()
        }
    }

    private func takeBuffer() -> [UInt8] {
        state.withLock { state in
            defer { state.buffer = [] }
            return state.buffer
        }
    }

    /// Waits until the connection has ended, in whatever way, and drops what comes.
    public func waitForEnd() async throws {
        try await run { client, call in
            do {
                while try client.fill(call, { "for the end of the connection" }) {
                    client.state.withLock { $0.buffer = [] }
                }
            } catch let error as ClientError where isGone(error.code) {}
        }
    }

    /// Whether the connection can take a request: nothing has come on it, not even its end.
    var isQuiet: Bool {
        state.withLock { state in
            !state.isClosed && state.buffer.isEmpty && !state.isAtEnd
                && !SquallTesting.wait(state.fd, .read, milliseconds: 0)
        }
    }

    /// False at the end.
    private func fill(_ call: Call, _ what: () -> String) throws -> Bool {
        if state.withLock({ $0.isAtEnd }) { return false }
        try wait(.read, call, what)
        guard let bytes = try receiveSome(call.fd) else { return true }
        return state.withLock { state in
            if bytes.isEmpty { state.isAtEnd = true }
            state.received.add(bytes[...])
            state.buffer += bytes
            return !bytes.isEmpty
        }
    }

    // MARK: ending

    /// Sends the end of file and goes on reading.
    public func halfClose() { state.withLock { if !$0.isClosed { endWriting($0.fd) } } }

    /// Closes with a reset instead of an end of file. In process there is no such thing, and it is closed.
    public func reset() {
        state.withLock { if !$0.isClosed { lingerNoTime($0.fd) } }
        close()
    }

    /// Ends the connection, and what waits for it. A second call does nothing.
    public func close() {
        state.withLock { state in
            guard !state.isClosed else { return }
            state.isClosed = true
            if state.users == 0 { closeFile(state.fd) } else { endBoth(state.fd) }
        }
    }

    /// Runs `body` with the descriptor, which stays open meanwhile.
    private func using<Success>(_ body: (Int32) throws -> Success) throws -> Success {
        let fd = state.withLock { state -> Int32? in
            guard !state.isClosed else { return nil }
            state.users += 1
            return state.fd
        }
        guard let fd else { throw error("the test has closed this connection; make another") }
        defer {
            state.withLock { state in
                state.users -= 1
                if state.isClosed, state.users == 0 { closeFile(state.fd) }
            }
        }
        do { return try body(fd) } catch let failure as ClientError where failure.code != 0 {
            throw error(failure.description, code: failure.code)
        }
    }

    // MARK: waiting

    /// What a call that may block needs.
    private struct Call {
        let fd: Int32
        /// The task that waits for it is cancelled.
        let isCancelled: () -> Bool
    }

    /// Runs `body` where it may block.
    private func run<Success: Sendable>(
        _ body: @escaping @Sendable (RawClient, Call) throws -> Success
    ) async throws -> Success {
        try await Self.offThread { isCancelled in
            try self.using { try body(self, Call(fd: $0, isCancelled: isCancelled)) }
        }
    }

    private static func offThread<Success: Sendable>(
        _ body: @escaping @Sendable (_ isCancelled: @escaping () -> Bool) throws -> Success
    ) async throws -> Success {
        let flag = CancellationFlag()
        return try await withTaskCancellationHandler {
            try await pool.run { try body { flag.isSet } }
        } onCancel: {
            flag.set()
        }
    }

    private func wait(_ event: SocketWait, _ call: Call, _ what: () -> String) throws {
        let end = ContinuousClock.now + patience
        while !SquallTesting.wait(call.fd, event, milliseconds: 50) {
            if call.isCancelled() { throw CancellationError() }
            if ContinuousClock.now >= end { throw error("waited \(patience) in vain \(what())") }
        }
    }

    /// An error that says what has happened on the connection so far.
    func error(_ text: String, code: Int32 = 0) -> ClientError {
        let (sent, received) = state.withLock { ($0.sent, $0.received) }
        var lines = [text, "sent: \(sent)", "received: \(received)"]
        if let log { lines.append("logged: \(log.summary)") }
        return ClientError(lines.joined(separator: "\n"), code: code)
    }
}

/// What a client could not do, and what had been sent, received and logged by then.
public struct ClientError: Error, CustomStringConvertible {
    public let description: String
    /// The system's error number, where there is one; else 0.
    public let code: Int32

    init(_ description: String, code: Int32 = 0) {
        self.description = description
        self.code = code
    }
}

private final class CancellationFlag: Sendable {
    private let flag = Atomic<Bool>(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}

/// How much went one way, and the end of it.
private struct Transcript: CustomStringConvertible {
    private static let most = 1_024
    private var count = 0
    private var last: [UInt8] = []

    mutating func add(_ bytes: ArraySlice<UInt8>) {
        count += bytes.count
        // The sequence's `suffix` goes through all of them.
        let tail: ArraySlice<UInt8> = bytes.suffix(Self.most)
        last += tail
        if last.count > 4 * Self.most { last.removeFirst(last.count - Self.most) }
    }

    var description: String {
        if count == 0 { return "nothing" }
        let shown = last.suffix(Self.most)
        let text = String(decoding: shown, as: UTF8.self)
        return shown.count < count ? "\(count) bytes, at last:\n\(text)" : "\(count) bytes:\n\(text)"
    }
}
