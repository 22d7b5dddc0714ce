import SquallIO
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

// For SquallTesting.

extension Application {
    /// Begins to serve for a test, with other settings than its own.
    /// - Parameter listens: on a port that is free. Otherwise connections come through ``Server/connect(from:)`` only.
    package func start(listens: Bool, settings: Settings) async throws -> Server {
        guard listens else { return try await start(settings, nil) }
        let listener = try await BlockingPool.shared.run { [backlog = settings.backlog] in
            try Listener(host: "127.0.0.1", port: 0, backlog: backlog)
        }
        return try await start(settings, listener)
    }
}

extension Server {
    /// Makes a pair of sockets, serves one and returns the other, which is the caller's.
    /// - Parameter address: who the client is said to be.
    /// - Throws: `ECONNREFUSED` if the server stops or has stopped.
    package func connect(from address: SocketAddress) throws(SystemError) -> Int32 {
        let least = servers.min {
            $0.loop.connectionCount.load(ordering: .relaxed) < $1.loop.connectionCount.load(ordering: .relaxed)
        }
        guard let server = least, !isStopping.load(ordering: .relaxed) else {
            throw SystemError("connect", code: ECONNREFUSED)
        }
        let (ours, theirs) = try socketPair()
        server.loop.connectionCount.wrappingAdd(1, ordering: .relaxed)
        server.loop.perform { server.adopt(ours, address) }
        return theirs
    }

    /// The request that is under way on the connection from there. Nil if there is none.
    package func requestUnderWay(from address: SocketAddress) async -> RequestUnderWay? {
        for server in servers {
            // What had come is read before the second of these.
            await server.loop.do {}
            let found = Mutex<Exchange?>(nil)
            await server.loop.do {
                let connection = server.connections.first { $0.address == address }
                if let exchange = connection?.exchange { found.withLock { $0 = exchange } }
            }
            if let exchange = found.withLock({ $0 }) { return RequestUnderWay(exchange: exchange) }
        }
        return nil
    }
}

/// A request, of which one may ask whether its handler has ended.
package struct RequestUnderWay: Sendable {
    fileprivate let exchange: Exchange
    /// The handler has come to its end, or never began.
    package var hasEnded: Bool { exchange.isDone }
}
