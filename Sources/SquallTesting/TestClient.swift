import HTTPTypes
import Logging
import Squall
import SquallIO
import Synchronization

/// A client of an application under test: an HTTP library that hides nothing, and waits for nothing for ever.
///
/// Keeps cookies and connections as a browser does. Follows redirects only when told. Each client is one user;
/// ``another()`` makes a second one.
public final class TestClient: Sendable {
    /// How a client does its requests.
    public struct Options: Sendable {
        /// The Host field, and what cookies go by.
        public var host = "localhost"
        /// Fields of every request. Those of a request go before them.
        public var headers: [String: String] = [:]
        /// Whether cookies that responses set are kept and sent.
        public var keepsCookies = true
        /// Whether cookies that are Secure are kept and sent. As in browsers they are for `localhost`, and for other
        /// hosts over TLS only. Nil, the default: go by the host.
        public var sendsSecureCookies: Bool?
        /// Whether redirects within the host are followed, ten at most.
        public var followsRedirects = false
        /// Whether a connection is used for one request after the other. Otherwise each has its own.
        public var reusesConnections = true
        /// In process: who the client is said to be. Nil, the default: 127.0.0.1.
        public var remoteAddress: SocketAddress?

        public init() {}
    }

    private struct State {
        var options = Options()
        var cookies = CookieJar()
        var idle: [RawClient] = []
    }

    let host: TestHost
    private let state = Mutex(State())

    init(_ host: TestHost) { self.host = host }

    public var options: Options {
        get { state.withLock { $0.options } }
        set { state.withLock { $0.options = newValue } }
    }

    /// The cookies that it keeps. May be changed: `client.cookies.remove("session")`.
    public var cookies: CookieJar {
        get { state.withLock { $0.cookies } }
        set { state.withLock { $0.cookies = newValue } }
    }

    /// The application under test.
    public var application: Application { host.application }
    /// What serves it.
    public var server: Server { host.server }
    /// What it logs.
    public var log: LogRecorder { host.log }
    /// The clock that it goes by, if it is the test's.
    public var clock: TestClock? { host.clock }

    /// Another user: a client of the same application with no cookies and with connections of its own.
    public func another() -> TestClient {
        let client = TestClient(host)
        client.options = options
        return client
    }

    // MARK: requests

    /// Sends a request and waits for the whole response.
    ///
    /// Host, cookies, Content-Type and Content-Length are added unless `headers` has them.
    /// - Parameters:
    ///   - target: the path and the query, as they go on the wire: `/reports/7?year=2026`.
    ///   - headers: fields of this request; an empty value leaves a field out.
    /// - Throws: ``ClientError`` if no response comes, with what was sent, received and logged until then.
    public func send(
        _ method: HTTPRequest.Method, _ target: String, headers: [String: String] = [:], body: TestBody = .none
    ) async throws -> TestResponse {
        var (method, target, body) = (method, target, body)
        for _ in 0..<10 {
            let response = try await start(method, target, headers: headers, body: body).response()
            guard options.followsRedirects, let next = redirect(response, from: target) else { return response }
            target = next
            let changes = response.raw.status == 303 ? method != .head : method == .post
            if changes, [301, 302, 303].contains(response.raw.status) { (method, body) = (.get, .none) }
        }
        throw ClientError("more than ten redirects, the last to \(target)")
    }

    public func get(_ target: String, headers: [String: String] = [:]) async throws -> TestResponse {
        try await send(.get, target, headers: headers)
    }

    public func head(_ target: String, headers: [String: String] = [:]) async throws -> TestResponse {
        try await send(.head, target, headers: headers)
    }

    public func options(_ target: String, headers: [String: String] = [:]) async throws -> TestResponse {
        try await send(.options, target, headers: headers)
    }

    public func delete(
        _ target: String, headers: [String: String] = [:], body: TestBody = .none
    ) async throws -> TestResponse {
        try await send(.delete, target, headers: headers, body: body)
    }

    public func post(
        _ target: String, headers: [String: String] = [:], body: TestBody = .bytes([], contentType: nil)
    ) async throws -> TestResponse {
        try await send(.post, target, headers: headers, body: body)
    }

    /// Posts a form.
    public func post(
        _ target: String, headers: [String: String] = [:], form: KeyValuePairs<String, String>
    ) async throws -> TestResponse {
        try await send(.post, target, headers: headers, body: .form(form))
    }

    /// Posts JSON.
    public func post(
        _ target: String, headers: [String: String] = [:], json: some Encodable
    ) async throws -> TestResponse {
        try await send(.post, target, headers: headers, body: try .json(json))
    }

    /// Posts a form with files.
    public func post(
        _ target: String, headers: [String: String] = [:], multipart parts: [TestBody.Part]
    ) async throws -> TestResponse {
        try await send(.post, target, headers: headers, body: .multipart(parts))
    }

    public func put(
        _ target: String, headers: [String: String] = [:], body: TestBody = .bytes([], contentType: nil)
    ) async throws -> TestResponse {
        try await send(.put, target, headers: headers, body: body)
    }

    /// Puts JSON.
    public func put(
        _ target: String, headers: [String: String] = [:], json: some Encodable
    ) async throws -> TestResponse {
        try await send(.put, target, headers: headers, body: try .json(json))
    }

    public func patch(
        _ target: String, headers: [String: String] = [:], body: TestBody = .bytes([], contentType: nil)
    ) async throws -> TestResponse {
        try await send(.patch, target, headers: headers, body: body)
    }

    /// Patches with JSON.
    public func patch(
        _ target: String, headers: [String: String] = [:], json: some Encodable
    ) async throws -> TestResponse {
        try await send(.patch, target, headers: headers, body: try .json(json))
    }

    // MARK: requests in their parts

    /// Begins a request and returns as soon as it is sent, without waiting for anything of the response. With a body of
    /// ``TestBody/none`` and `Transfer-Encoding: chunked` or a Content-Length among the `headers`, the body follows by
    /// ``TestExchange/write(_:)-([UInt8])``.
    public func start(
        _ method: HTTPRequest.Method, _ target: String, headers: [String: String] = [:], body: TestBody = .none
    ) async throws -> TestExchange {
        let path = String(target.prefix { $0 != "?" })
        let fields = self.fields(headers, body, path)
        func value(_ name: String) -> String? { fields.first { $0.name.lowercased() == name }?.value }
        var text = "\(method.rawValue) \(target) HTTP/1.1\r\n"
        for field in fields {
            guard !field.value.utf8.contains(where: { $0 == 10 || $0 == 13 }) else {
                throw ClientError("the field \(field.name) has a line break; send such requests with client.raw()")
            }
            text += "\(field.name): \(field.value)\r\n"
        }
        let isInChunks = value("transfer-encoding")?.lowercased() == "chunked"
        let follows = !body.isSent && (isInChunks || value("content-length").map { $0 != "0" } ?? false)
        let content = isInChunks && body.isSent ? Self.inChunks(body.bytes) : body.bytes
        let bytes = Array("\(text)\r\n".utf8) + content
        let connection: RawClient
        if let idle = idleConnection() {
            connection = idle
            try await connection.sendFirst(bytes)
        } else {
            connection = try await connect(sending: bytes)
        }
        return TestExchange(
            connection, client: self, path: path, isHead: method == .head, isInChunks: isInChunks,
            isWritten: !follows)
    }

    /// Sends a request and returns when the head of the response is there: its body is read piece by piece.
    ///
    /// ```swift
    /// let events = try await client.stream(.get, "/events")
    /// for try await piece in events.body { … }
    /// ```
    public func stream(
        _ method: HTTPRequest.Method, _ target: String, headers: [String: String] = [:], body: TestBody = .none
    ) async throws -> TestExchange {
        let exchange = try await start(method, target, headers: headers, body: body)
        try await exchange.head()
        return exchange
    }

    /// A connection of its own, for bytes as they are: requests that no library would send, several at once, halves of
    /// them. It is closed with the test.
    /// - Parameters:
    ///   - receiveBuffer: over a socket, the size of the kernel's buffer in bytes, for slow readers.
    ///   - sendBuffer: the same for what is sent.
    public func raw(receiveBuffer: Int? = nil, sendBuffer: Int? = nil) async throws -> RawClient {
        try await connect(receiveBuffer: receiveBuffer, sendBuffer: sendBuffer)
    }

    // MARK: logs

    /// Expects that a line with this text is logged while `body` runs, or soon after. See
    /// ``LogRecorder/expect(_:level:patience:_:)``.
    public nonisolated(nonsending) func expectLog<Result>(
        _ text: String, level: Logger.Level? = nil, _ body: nonisolated(nonsending) () async throws -> Result
    ) async throws -> Result {
        try await log.expect(text, level: level, patience: host.patience, body)
    }

    /// The same with a regular expression.
    public nonisolated(nonsending) func expectLog<Result>(
        matching pattern: some RegexComponent, level: Logger.Level? = nil,
        _ body: nonisolated(nonsending) () async throws -> Result
    ) async throws -> Result {
        try await log.expect(matching: pattern, level: level, patience: host.patience, body)
    }

    // MARK: connections

    /// Closes the connections that are kept for the next request.
    public func closeIdleConnections() {
        let idle = state.withLock { state in
            defer { state.idle = [] }
            return state.idle
        }
        for connection in idle { connection.close() }
    }

    private func idleConnection() -> RawClient? {
        while let connection = state.withLock({ $0.idle.popLast() }) {
            if connection.isQuiet { return connection }
            connection.close()
        }
        return nil
    }

    func giveBack(_ connection: RawClient) {
        let isKept = state.withLock { state in
            if state.options.reusesConnections { state.idle.append(connection) }
            return state.options.reusesConnections
        }
        if !isKept { connection.close() }
    }

    private func connect(
        receiveBuffer: Int? = nil, sendBuffer: Int? = nil, sending bytes: [UInt8] = []
    ) async throws -> RawClient {
        try await host.connect(
            from: options.remoteAddress, receiveBuffer: receiveBuffer, sendBuffer: sendBuffer, sending: bytes)
    }

    // MARK: fields

    private func fields(_ headers: [String: String], _ body: TestBody, _ path: String) -> [(
        name: String, value: String
    )] {
        let options = self.options
        var fields = headers.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
        func add(_ name: String, _ value: String?) {
            guard let value, !fields.contains(where: { $0.name.lowercased() == name.lowercased() }) else { return }
            fields.append((name, value))
        }
        for (name, value) in options.headers.sorted(by: { $0.key < $1.key }) { add(name, value) }
        if options.keepsCookies {
            let now = host.now
            add(
                "Cookie",
                state.withLock {
                    $0.cookies.field(host: cookieHost(options), path: path, isSecure: isSecure(options), now: now)
                })
        }
        if body.isSent {
            add("Content-Type", body.contentType)
            if !fields.contains(where: { $0.name.lowercased() == "transfer-encoding" }) {
                add("Content-Length", "\(body.bytes.count)")
            }
        }
        add("Host", options.host)
        fields.removeAll { $0.value.isEmpty && $0.name.lowercased() != "host" }
        return fields
    }

    func keepCookies(of response: RawResponse, path: String) {
        let options = self.options
        guard options.keepsCookies else { return }
        let now = host.now
        for field in response.headers where field.name.lowercased() == "set-cookie" {
            state.withLock {
                $0.cookies.store(
                    field.value, host: cookieHost(options), path: path, isSecure: isSecure(options), now: now)
            }
        }
    }

    /// Without the port, which cookies do not go by.
    private func cookieHost(_ options: Options) -> String {
        String(options.host.lowercased().prefix { $0 != ":" })
    }

    private func isSecure(_ options: Options) -> Bool {
        let host = cookieHost(options)
        return options.sendsSecureCookies ?? (host == "localhost" || host.hasSuffix(".localhost"))
    }

    private static func inChunks(_ bytes: [UInt8]) -> [UInt8] {
        bytes.isEmpty
            ? Array("0\r\n\r\n".utf8)
            : Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n0\r\n\r\n".utf8)
    }

    /// Where the response leads within this host. Nil if it does not.
    private func redirect(_ response: TestResponse, from target: String) -> String? {
        guard [301, 302, 303, 307, 308].contains(response.raw.status), let location = response["location"] else {
            return nil
        }
        let place = location.prefix { $0 != "#" }
        for scheme in ["http://", "https://"] where place.lowercased().hasPrefix(scheme) {
            let rest = place.dropFirst(scheme.count)
            let host = rest.prefix { $0 != "/" && $0 != "?" }
            guard host.lowercased() == options.host.lowercased() else { return nil }
            let path = rest.dropFirst(host.count)
            return path.hasPrefix("/") ? String(path) : "/" + path
        }
        if place.hasPrefix("//") { return nil }
        if place.hasPrefix("/") { return String(place) }
        let path = target.prefix { $0 != "?" }
        if place.hasPrefix("?") { return String(path) + String(place) }
        return String(path.prefix(through: path.lastIndex(of: "/") ?? path.startIndex)) + String(place)
    }
}
