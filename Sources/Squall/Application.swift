@_exported import HTTPTypes
import Logging
import SquallHTTP
@_exported import SquallIO
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A web application: routes and settings.
///
/// ```swift
/// @main struct Site {
///     static func main() async throws {
///         let site = try Application {
///             Route("/") { handler in handler.write("Hello, world") }
///         }
///         try await site.run(port: 8888)
///     }
/// }
/// ```
public final class Application: Sendable {
    public let settings: Settings
    let router: Router
    var checksXSRF: Bool { settings.checksXSRF ?? (settings.cookieSecret != nil) }
    /// Of `settings`, for when another application hands requests to this one.
    let securityLines: SecurityLines
    private let running = Mutex<Server?>(nil)

    /// What serves the application now, if it was started. The last one, if it was started more than once.
    public var server: Server? { running.withLock { $0 } }

    /// - Throws: ``PathPatternError`` if a route's path is not well-formed.
    public init(settings: Settings = Settings(), @RouteBuilder _ routes: () -> [Route]) throws(PathPatternError) {
        self.settings = settings
        securityLines = SecurityLines(settings.securityHeaders)
        router = try Router(routes(), middleware: Development.middleware(settings) + settings.middleware)
    }

    /// The path of a named route, with `arguments` in the places of its parameters: Tornado's `reverse_url`.
    /// - Throws: ``UnknownRouteError`` or ``PathFillingError``.
    public func path(named name: String, _ arguments: [String: String] = [:]) throws -> String {
        try router.path(named: name, arguments)
    }

    /// Serves until the process is told to stop, by SIGTERM or SIGINT, or the task is cancelled.
    ///
    /// Then no more connections are accepted, idle ones are closed, and requests that are under way have
    /// ``Settings/drainTimeout`` to end. A second signal ends the process at once.
    /// - Parameters:
    ///   - port: 0 for one that is free.
    ///   - host: the address to listen on; by default one that only this machine can reach.
    /// - Throws: ``ListenError`` or ``SystemError`` if the address cannot be listened on; ``StaticRootError`` if a folder of
    ///   ``StaticFiles`` is not there; ``InvalidSettingError``.
    public func run(port: Int, host: String = "127.0.0.1") async throws {
        let server = try await start(port: port, host: host)
        let signals = AsyncStream<Int32>.makeStream()
        var watches: [IOLoop.SignalWatch] = []
        do {
            for signal in [SIGTERM, SIGINT] {
                watches.append(
                    try await server.firstLoop.watchSignal(signal) { signals.continuation.yield(signal) })
            }
        } catch {
            for watch in watches { watch.cancel() }
            await server.stop()
            throw error
        }
        settings.logger.notice("listening on http://\(server.address)")
        for await _ in signals.stream { break }
        for watch in watches { watch.cancel() }
        settings.logger.notice("stopping")
        await server.stop()
    }

    /// Begins to serve and returns.
    /// - Throws: as ``run(port:host:)``.
    public func start(port: Int, host: String = "127.0.0.1") async throws -> Server {
        let backlog = settings.backlog
        let listener = try await BlockingPool.shared.run {
            try Listener(host: host, port: port, backlog: backlog)
        }
        return try await start(settings, listener)
    }

    func start(_ settings: Settings, _ listener: Listener?) async throws -> Server {
        let server = try await Server.start(self, settings: settings, listener: listener)
        if settings.isDevelopment {
            settings.logger.warning("isDevelopment is set: error pages tell all that is known; unset it for others")
        }
        if let length = settings.cookieSecret?.shortKeyLength {
            settings.logger.warning(
                "the cookie secret has \(length) bytes and could be guessed; set random text of at least 32 characters")
        }
        running.withLock { $0 = server }
        return server
    }

    func ended(_ server: Server) {
        running.withLock { if $0 === server { $0 = nil } }
    }

    /// What was learned about routes, for inspection.
    public var learnedRoutes: [DispatchProfile] { router.entries.flatMap(\.learned) }
}

/// An application that is served.
public final class Server: Sendable {
    /// Where it listens.
    public let address: SocketAddress
    private let core: ServerCore
    let loops: [IOLoop]
    let servers: [LoopServer]
    /// Nil if connections are handed to it: see ``connect(from:)``.
    private let listener: Listener?
    private let acceptors: [Acceptor]
    let isStopping = Atomic<Bool>(false)

    private init(
        core: ServerCore, loops: [IOLoop], servers: [LoopServer], listener: Listener?, acceptors: [Acceptor]
    ) {
        self.core = core
        self.loops = loops
        self.servers = servers
        self.listener = listener
        self.acceptors = acceptors
        address = listener?.address ?? .unix("")
    }

    static func start(
        _ application: Application, settings: Application.Settings, listener: Listener?
    ) async throws -> Server {
        IOLoop.ignoreBrokenPipes()
        if let stalls = settings.stalls { Stalls.policy = stalls }
        let files = raiseOpenFileLimit()
        // Some for the application's own files, and for the loops.
        let limit = settings.limits.connections ?? max(16, files - max(64, min(512, files / 20)))
        let core: ServerCore
        var loops: [IOLoop] = []
        do {
            let files = application.router.entries.compactMap(\.files)
            if !files.isEmpty { try await OpenFile.pool.run { for folder in files { try folder.open() } } }
            core = try ServerCore(application: application, settings: settings, connectionLimit: limit)
            for index in 0..<max(1, settings.loops ?? availableProcessors) {
                loops.append(try IOLoop(index: index, clock: settings.clock))
            }
        } catch {
            listener?.close()
            throw error
        }
        let servers = loops.map { LoopServer(core: core, loop: $0) }
        let acceptors = loops.compactMap { loop in
            listener.map {
                Acceptor(listener: $0, on: loop, among: loops, limit: limit) { fd, address, loop in
                    servers[loop.index].adopt(fd, address)
                }
            }
        }
        for loop in loops { loop.start() }
        for (loop, acceptor) in zip(loops, acceptors) { await loop.do { acceptor.start() } }
        return Server(core: core, loops: loops, servers: servers, listener: listener, acceptors: acceptors)
    }

    private static let unwindingTime: Duration = .seconds(1)

    var firstLoop: IOLoop { loops[0] }

    /// The port that it listens on; 0 for a Unix socket.
    public var port: Int { address.port ?? 0 }

    /// How many connections there are.
    public var connectionCount: Int { loops.reduce(0) { $0 + $1.connectionCount.load(ordering: .relaxed) } }

    /// How many loops.
    public var loopCount: Int { loops.count }

    /// Stops accepting, closes idle connections, lets requests that are under way end, for
    /// ``Application/Settings/drainTimeout`` at most, and ends the loops. What is cut off then is cancelled, and has a
    /// second to put things in order. A second call does nothing.
    public func stop() async {
        guard !isStopping.exchange(true, ordering: .relaxed) else { return }
        core.isDraining.store(true, ordering: .relaxed)
        core.application.ended(self)
        for (loop, acceptor) in zip(loops, acceptors) { await loop.do { acceptor.end() } }
        listener?.close()
        for server in servers {
            await server.loop.do { for connection in server.connections { connection.drain() } }
        }
        let deadline = ContinuousClock.now + core.settings.drainTimeout
        while connectionCount > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(5))
        }
        let cut = Mutex<[Exchange]>([])
        for server in servers {
            await server.loop.do {
                for connection in server.connections {
                    if let exchange = connection.exchange, exchange.runner != nil {
                        cut.withLock { $0.append(exchange) }
                    }
                    connection.closeNow()
                }
            }
        }
        // Their tasks are cancelled. While there are loops to run on, those that heed it can put things in order.
        let end = ContinuousClock.now + Self.unwindingTime
        while cut.withLock({ !$0.allSatisfy(\.isDone) }), ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(5))
        }
        for server in servers { await server.loop.do { server.end() } }
        for loop in loops { await loop.stop() }
    }
}

extension IOLoop {
    /// Runs framework code on the loop, outside user code, and returns when it has run.
    func `do`(_ body: @escaping @Sendable () -> Void) async {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            perform {
                body()
                continuation.resume()
            }
        }
    }
}

/// Seconds since 1970, by the clock of the loop whose code calls.
func wallClockSeconds() -> Int { IOLoop.current?.clock?.wallSeconds ?? time(nil) }
