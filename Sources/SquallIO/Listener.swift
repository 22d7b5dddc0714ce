import CSquall
import Logging
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A listening socket that all loops of a group accept from.
package final class Listener: Sendable {
    package let fd: Int32
    /// Where it listens, with the port that the system gave if zero was asked for.
    package let address: SocketAddress
    private let isClosed = Atomic<Bool>(false)

    /// Takes over a socket that listens already.
    package init(descriptor: Int32) throws(SystemError) {
        fd = descriptor
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0, let address = SocketAddress(storage: storage, length: length) else {
            throw SystemError("getsockname")
        }
        self.address = address
        _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)
    }

    /// Listens on a TCP port of a host name or address. Resolves names, and so may block.
    package convenience init(host: String, port: Int, backlog: Int) throws {
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE
        #if os(Linux)
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
        hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host.isEmpty ? nil : host, String(port), &hints, &list)
        guard code == 0, let first = list else {
            throw ListenError("the address \(host):\(port) cannot be found: \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(first) }
        var failure = SystemError("bind", code: EADDRNOTAVAIL)
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let info = next?.pointee {
            next = info.ai_next
            #if os(Linux)
            let fd = socket(
                info.ai_family, info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue),
                info.ai_protocol)
            #else
            let fd = socket(info.ai_family, info.ai_socktype, info.ai_protocol)
            #endif
            guard fd >= 0 else {
                failure = SystemError("socket")
                continue
            }
            var on: Int32 = 1
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
            // Inherited by the sockets that are accepted.
            setsockopt(fd, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
            if bind(fd, info.ai_addr, info.ai_addrlen) == 0, listen(fd, Int32(clamping: backlog)) == 0 {
                try self.init(descriptor: fd)
                return
            }
            failure = SystemError("listen on \(host):\(port)")
            closeDescriptor(fd)
        }
        throw failure
    }

    /// Stops listening. Only after all loops have ended their watch.
    package func close() {
        if !isClosed.exchange(true, ordering: .relaxed) { closeDescriptor(fd) }
    }
}

/// An address that cannot be listened on.
public struct ListenError: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// Accepts on one loop, and gives each connection to the loop that has the fewest.
package final class Acceptor: IOHandle, @unchecked Sendable {
    /// Called on the loop that the connection is for, outside user code; calls no user code. It owns the descriptor.
    package typealias Accept = @Sendable (_ fd: Int32, _ address: SocketAddress, _ loop: IOLoop) -> Void

    // All of it belongs to the owner of its loop.

    private let listener: Listener
    private let loops: [IOLoop]
    private let limit: Int
    private let accept: Accept
    private var isListening = false
    private var isEnded = false
    private static let pause: Duration = .milliseconds(50)
    private static let lastWarning = Atomic<Int64>(.min)

    /// - Parameter limit: the most connections of all `loops` together.
    package init(listener: Listener, on loop: IOLoop, among loops: [IOLoop], limit: Int, accept: @escaping Accept) {
        self.listener = listener
        self.loops = loops
        self.limit = limit
        self.accept = accept
        super.init(loop: loop, fd: listener.fd)
    }

    package func start() {
        guard !isListening, !isEnded else { return }
        do {
            try loop.register(self, .listener)
            isListening = true
        } catch {
            squallLogger.error("cannot listen", metadata: ["error": "\(error)"])
        }
    }

    package func end() {
        isEnded = true
        loop.unregister(self)
        isListening = false
    }

    package override func ready(_ events: IOEvents) -> Bool {
        // So many a turn, so that a burst of connections does not hold up the ones that are there.
        for _ in 0..<64 where isListening {
            let connections = loops.reduce(0) { $0 + $1.connectionCount.load(ordering: .relaxed) }
            guard connections < limit else {
                rest("the limit of connections is reached", connections)
                break
            }
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let fd = squall_accept(listener.fd, &storage, &length)
            if fd >= 0 {
                guard let address = SocketAddress(storage: storage, length: length) else {
                    closeDescriptor(fd)
                    continue
                }
                give(fd, address)
                continue
            }
            switch errno {
            case EAGAIN, EWOULDBLOCK:
                return true
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                rest("no descriptors are left; raise the open-file limit", connections)
            default:
                // ECONNABORTED and the network errors of the connection that was about to be accepted.
                continue
            }
        }
        return true
    }

    private func give(_ fd: Int32, _ address: SocketAddress) {
        var best: IOLoop = loop
        var least = loop.connectionCount.load(ordering: .relaxed)
        for other in loops where other !== loop {
            let count = other.connectionCount.load(ordering: .relaxed)
            if count < least {
                best = other
                least = count
            }
        }
        best.connectionCount.wrappingAdd(1, ordering: .relaxed)
        if best === loop {
            accept(fd, address, loop)
        } else {
            best.perform { [accept, best] in accept(fd, address, best) }
        }
    }

    /// Leaves connections in the kernel's queue for a while. Trying again at once would spin.
    private func rest(_ reason: String, _ connections: Int) {
        loop.unregister(self)
        isListening = false
        let last = Self.lastWarning.load(ordering: .relaxed)
        if last == .min || loop.now - last > 10_000_000_000 {
            Self.lastWarning.store(loop.now, ordering: .relaxed)
            squallLogger.warning(
                "accepting pauses: \(reason)", metadata: ["connections": "\(connections)", "limit": "\(limit)"])
        }
        loop.performLater(Self.pause) { [self] in start() }
    }
}

/// The soft limit of open files, raised to the hard one.
package func raiseOpenFileLimit() -> Int {
    var limit = rlimit()
    #if os(Linux)
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
    let resource = RLIMIT_NOFILE
    #endif
    guard getrlimit(resource, &limit) == 0 else { return 1_024 }
    if limit.rlim_cur < limit.rlim_max {
        var raised = limit
        raised.rlim_cur = raised.rlim_max
        if setrlimit(resource, &raised) == 0 { limit = raised }
    }
    return Int(clamping: limit.rlim_cur)
}
