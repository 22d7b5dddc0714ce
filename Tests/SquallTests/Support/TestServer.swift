import HTTPTypes
import Squall
import SquallIO
import Synchronization

/// An application that is served for the time of one test.
final class TestServer: Sendable {
    let application: Application
    let server: Server
    /// What the application logged: errors of handlers.
    let log: LogRecorder
    private let clients = Mutex<[RawClient]>([])

    fileprivate init(_ application: Application, _ server: Server, _ log: LogRecorder) {
        self.application = application
        self.server = server
        self.log = log
    }

    var port: Int { server.port }

    /// A client, which is closed with the test.
    func client(receiveBuffer: Int? = nil, sendBuffer: Int? = nil) async throws -> RawClient {
        let client = try await RawClient.connect(port: port, receiveBuffer: receiveBuffer, sendBuffer: sendBuffer)
        clients.withLock { $0.append(client) }
        return client
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

    fileprivate func closeClients() {
        let clients = clients.withLock { clients in
            defer { clients = [] }
            return clients
        }
        for client in clients { client.close() }
    }
}

/// So many servers at a time: many at once would wait for each other, and their small timeouts would pass.
private let turnstile = Turnstile(6)

/// Serves `routes` while `body` runs, and stops whatever happens.
func withServer<Result: Sendable>(
    _ configure: (inout Application.Settings) -> Void = { _ in }, @RouteBuilder routes: () -> [Route],
    _ body: (TestServer) async throws -> Result
) async throws -> Result {
    await turnstile.enter()
    defer { turnstile.leave() }
    let log = LogRecorder()
    var settings = Application.Settings()
    settings.loops = 1
    settings.drainTimeout = .seconds(10)
    settings.logger = log.logger()
    configure(&settings)
    let application = try Application(settings: settings, routes)
    let server = TestServer(application, try await application.start(port: 0), log)
    do {
        let result = try await body(server)
        server.closeClients()
        await server.server.stop()
        return result
    } catch {
        server.closeClients()
        await server.server.stop()
        throw error
    }
}

/// A server with a route that echoes what the tests of requests look at.
func withEchoServer<Result: Sendable>(
    _ configure: (inout Application.Settings) -> Void = { _ in }, _ body: (TestServer) async throws -> Result
) async throws -> Result {
    try await withServer(
        configure,
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
