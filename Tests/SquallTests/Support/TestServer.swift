import HTTPTypes
import Squall
import SquallIO
@_exported import SquallTesting

/// An application that is served for the time of one test, and asked with bytes.
final class TestServer: Sendable {
    /// For requests that are made for the test.
    let user: TestClient
    var application: Application { user.application }
    var server: Server { user.server }
    /// What the application logged: errors of handlers.
    var log: LogRecorder { user.log }

    fileprivate init(_ user: TestClient) { self.user = user }

    var port: Int { server.port }

    /// A client, which is closed with the test.
    func client(receiveBuffer: Int? = nil, sendBuffer: Int? = nil) async throws -> RawClient {
        try await user.raw(receiveBuffer: receiveBuffer, sendBuffer: sendBuffer)
    }

    /// Sends bytes on a connection of their own and returns the first response.
    func ask(_ text: String, toHead: Bool = false) async throws -> RawResponse {
        let client = try await client()
        defer { client.close() }
        try await client.send(text)
        return try await client.response(toHead: toHead)
    }

    /// The answer to GET.
    func get(_ target: String, _ fields: String = "") async throws -> RawResponse {
        try await ask("GET \(target) HTTP/1.1\r\nHost: h\r\n\(fields)\r\n")
    }

    /// The answer to POST.
    func post(_ target: String, _ body: String, _ fields: String = "") async throws -> RawResponse {
        let head = "POST \(target) HTTP/1.1\r\nHost: h\r\nContent-Length: \(body.unicodeScalars.count)\r\n\(fields)\r\n"
        return try await ask(head + body)
    }

    /// Sends bytes on a connection of their own and returns all responses up to its end, which the server must bring about.
    func converse(_ text: String) async throws -> [RawResponse] {
        let client = try await client()
        defer { client.close() }
        try await client.send(text)
        return try await client.responsesToEnd()
    }
}

/// So many servers at a time: many at once would wait for each other, and their small timeouts would pass.
private let turnstile = Turnstile(6)

/// Serves `routes` while `body` runs, and stops whatever happens.
/// - Parameter clock: what the server goes by; by default the system's. Such a server is in process, where what a client
///   sends is there at once.
func withServer<Result: Sendable>(
    _ configure: (inout Application.Settings) -> Void = { _ in }, clock: TestClock? = nil,
    @RouteBuilder routes: () -> [Route], _ body: (TestServer) async throws -> Result
) async throws -> Result {
    await turnstile.enter()
    defer { turnstile.leave() }
    var settings = Application.Settings()
    // In the wave of tests at the start of a run, one may wait longer for a thread than a client may take for a head.
    if clock == nil { settings.limits.headerTimeout = RawClient.patience * 3 }
    configure(&settings)
    let application = try Application(settings: settings, routes)
    return try await withApplication(
        application, clock == nil ? .overSocket : .inProcess, clock: clock, unexpectedErrors: .ignored
    ) { client in
        try await body(TestServer(client))
    }
}

/// A server with a route that echoes what the tests of requests look at.
func withEchoServer<Result: Sendable>(
    _ configure: (inout Application.Settings) -> Void = { _ in }, clock: TestClock? = nil,
    _ body: (TestServer) async throws -> Result
) async throws -> Result {
    try await withServer(
        configure, clock: clock,
        routes: {
            Route("/", methods: [.get, .post, .options]) { handler in
                handler.setHeader("Content-Type", "text/plain")
                handler.write(handler.request.body)
            }
            Route("/echo", methods: [.get, .post]) { handler in
                handler.setHeader("Content-Type", "text/plain")
                let request = handler.request
                handler.write("\(request.method.rawValue) \(request.target) \(request.path) \(request.query ?? "-") ")
                handler.write("\(request.version) \(request.authority ?? "-")\n")
                for line in request.headerLines { handler.write("\(line.name)=\(line.value)\n") }
                handler.write(request.body)
            }
        }, body)
}

/// A request with one line for its fields, each ended by CRLF.
func request(_ line: String, _ fields: String = "Host: h\r\n", _ body: String = "") -> String {
    "\(line)\r\n\(fields)\r\n\(body)"
}

/// One byte for each scalar.
func raw(_ text: String) -> [UInt8] {
    text.unicodeScalars.map { scalar in
        precondition(scalar.value < 256, "a byte has no room for \(scalar)")
        return UInt8(scalar.value)
    }
}

/// One scalar for each byte: the reverse of ``raw(_:)``.
func text(_ bytes: some Sequence<UInt8>) -> String {
    var scalars = String.UnicodeScalarView()
    for byte in bytes { scalars.append(Unicode.Scalar(byte)) }
    return String(scalars)
}
