import Logging
import Squall
import SquallIO
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// How the client of a test reaches the application.
public enum TestTransport: Sendable {
    /// Over a pair of sockets of which the application's loop has one end. No port is opened; all else is as when it is
    /// served, except that nothing is accepted: the limit of connections does not hold.
    case inProcess
    /// Over TCP, on a port of 127.0.0.1 that is free.
    case overSocket
}

/// What becomes of a test whose application logs errors that it did not expect.
public enum UnexpectedErrors: Sendable {
    /// It fails, by ``UnexpectedLogError`` at its end.
    case fail
    /// Nothing.
    case ignored
}

/// Serves an application while `body` runs, and stops it whatever happens.
///
/// ```swift
/// @Test func `Signing in works`() async throws {
///     try await withApplication(site()) { client in
///         let answer = try await client.post("/login", form: ["name": "ann"])
///         #expect(answer.status == .seeOther)
///         #expect(client.cookies["session"] != nil)
///     }
/// }
/// ```
///
/// The application is served with its own settings, with these exceptions: it has one loop unless
/// `Application.Settings.loops` says otherwise; what it logs by `Application.Settings.logger` is recorded and not
/// written; it drains for ten seconds at most.
/// - Parameters:
///   - application: it may be served by several tests at once, if what its handlers share allows it.
///   - transport: in process unless said otherwise.
///   - clock: what its loops go by. By default that of the trait `.testClock`, if the test has it, else the system's.
///   - unexpectedErrors: whether a line at the level `error` or `critical` that was not expected by
///     ``TestClient/expectLog(_:level:_:)`` fails the test. A handler that throws logs such a line: the test fails even
///     where it does not look at the 500.
///   - patience: for how long, in real time, anything is waited for: 20 s.
/// - Throws: what `body` throws; ``UnexpectedLogError``; `SystemError` if the system has no descriptors left.
public nonisolated(nonsending) func withApplication<Result>(
    _ application: Application, _ transport: TestTransport = .inProcess, clock: TestClock? = TestClock.current,
    unexpectedErrors: UnexpectedErrors = .fail, patience: Duration = RawClient.patience,
    _ body: nonisolated(nonsending) (TestClient) async throws -> Result
) async throws -> Result {
    try await withApplication(
        application, transport, clock: clock, unexpectedErrors: unexpectedErrors, patience: patience,
        log: LogRecorder(), body)
}

/// The same, recording what is logged with a recorder that is there already.
package nonisolated(nonsending) func withApplication<Result>(
    _ application: Application, _ transport: TestTransport, clock: TestClock?, unexpectedErrors: UnexpectedErrors,
    patience: Duration, log: LogRecorder, _ body: nonisolated(nonsending) (TestClient) async throws -> Result
) async throws -> Result {
    var settings = application.settings
    settings.loops = settings.loops ?? 1
    settings.drainTimeout = min(settings.drainTimeout, .seconds(10))
    settings.logger = log.redirect(settings.logger)
    settings.clock = clock?.manual
    let server = try await application.start(listens: transport == .overSocket, settings: settings)
    let host = TestHost(application, server, transport: transport, clock: clock, log: log, patience: patience)
    do {
        let result = try await body(TestClient(host))
        await host.stop()
        if unexpectedErrors == .fail, !log.unexpectedErrors.isEmpty {
            throw UnexpectedLogError(entries: log.unexpectedErrors)
        }
        return result
    } catch {
        await host.stop()
        // The error that ends the test may well come from one of these.
        if unexpectedErrors == .fail, !(error is UnexpectedLogError) {
            for entry in log.unexpectedErrors { note("the application logged \(entry)") }
        }
        throw error
    }
}

private func note(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
}

/// An application that is served for a test.
final class TestHost: Sendable {
    let application: Application
    let server: Server
    let clock: TestClock?
    let log: LogRecorder
    let patience: Duration
    private let transport: TestTransport
    /// All that were made, to be closed.
    private let connections = Mutex<[RawClient]>([])
    private let nextPort = Atomic<Int>(49_152)

    init(
        _ application: Application, _ server: Server, transport: TestTransport, clock: TestClock?, log: LogRecorder,
        patience: Duration
    ) {
        self.application = application
        self.server = server
        self.transport = transport
        self.clock = clock
        self.log = log
        self.patience = patience
    }

    /// Seconds since 1970, as the application sees them.
    var now: Int { clock?.secondsSince1970 ?? time(nil) }

    /// - Parameter bytes: a request to send as soon as the connection is there.
    func connect(
        from address: SocketAddress?, receiveBuffer: Int?, sendBuffer: Int?, sending bytes: [UInt8]
    ) async throws -> RawClient {
        let connection: RawClient
        switch transport {
        case .overSocket:
            connection = try await RawClient.connect(
                port: server.port, receiveBuffer: receiveBuffer, sendBuffer: sendBuffer, patience: patience, log: log,
                sending: bytes)
        case .inProcess:
            let port = UInt16(truncatingIfNeeded: nextPort.add(1, ordering: .relaxed).newValue)
            let address = address ?? .ipv4(0x7f00_0001, port: port)
            let fd: Int32
            do { fd = try server.connect(from: address) } catch {
                throw ClientError("the application cannot be reached: \(error)", code: error.code)
            }
            connection = RawClient(fd: fd, address: address, patience: patience, log: log)
            if !bytes.isEmpty { try await connection.sendFirst(bytes) }
        }
        connections.withLock { $0.append(connection) }
        return connection
    }

    func stop() async {
        let connections = connections.withLock { connections in
            defer { connections = [] }
            return connections
        }
        for connection in connections { connection.close() }
        await server.stop()
    }
}
