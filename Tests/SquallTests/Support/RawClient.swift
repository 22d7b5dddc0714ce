import SquallIO
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A client that knows nothing of HTTP but how to cut responses: bytes in, bytes out.
///
/// Its calls block, so they run on threads of their own, and each gives up after ``patience``.
final class RawClient: Sendable {
    /// For how long anything is waited for, unless it comes. Only a test that fails waits so long.
    static let patience = Duration.seconds(20)
    private static let pool = BlockingPool(threads: 128, name: "raw-client")

    private struct State {
        var fd: Int32
        var buffer: [UInt8] = []
    }
    private let state: Mutex<State>
    let localPort: Int

    /// - Parameter receiveBuffer: the size of the kernel's buffer, set before connecting so that it holds for the window.
    static func connect(port: Int, receiveBuffer: Int? = nil, sendBuffer: Int? = nil) async throws -> RawClient {
        try await pool.run {
            let fd = try openSocket(receiveBuffer: receiveBuffer, sendBuffer: sendBuffer)
            guard connectSocket(fd, port: port) == 0 else {
                let error = ClientError("connect to port \(port): \(String(cString: strerror(errno)))")
                closeFile(fd)
                throw error
            }
            return RawClient(fd: fd)
        }
    }

    private init(fd: Int32) {
        state = Mutex(State(fd: fd))
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &length) }
        }
        localPort = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close() }

    private var fd: Int32 { state.withLock { $0.fd } }

    // MARK: writing

    /// Sends text, each scalar as one byte: `"\u{80}"` is the byte 0x80.
    func send(_ text: String) async throws { try await send(raw(text)) }

    /// Sends everything.
    func send(_ bytes: [UInt8]) async throws {
        let fd = self.fd
        try await Self.pool.run {
            var sent = 0
            while sent < bytes.count {
                try wait(fd, POLLOUT, "to send \(bytes.count - sent) bytes more")
                let count = sendSome(fd, bytes[sent...])
                if count < 0 {
                    if errno == EAGAIN || errno == EINTR { continue }
                    throw ClientError("send: \(String(cString: strerror(errno)))", code: errno)
                }
                sent += count
            }
        }
    }

    /// Sends as much as the kernel takes now and returns how much that was.
    func sendWhatFits(_ bytes: [UInt8]) throws -> Int {
        let count = sendSome(fd, bytes[...])
        if count >= 0 { return count }
        if errno == EAGAIN || errno == EINTR { return 0 }
        throw ClientError("send: \(String(cString: strerror(errno)))", code: errno)
    }

    // MARK: reading

    /// The next `count` responses, interim ones included. What comes after them is kept.
    /// - Parameter toHead: they answer HEAD and have no bodies.
    func responses(_ count: Int, toHead: Bool = false) async throws -> [RawResponse] {
        try await Self.pool.run { [self] in
            var responses: [RawResponse] = []
            var cutter = ResponseCutter(toHead: toHead)
            while true {
                let found = state.withLock { state -> [RawResponse] in
                    var found: [RawResponse] = []
                    while responses.count + found.count < count, let response = cutter.next(in: state.buffer) {
                        found.append(response)
                    }
                    cutter.dropRead(from: &state.buffer)
                    return found
                }
                responses += found
                if responses.count == count { return responses }
                guard try fill("for response \(responses.count + 1) of \(count)") else {
                    state.withLock { state in
                        if let last = cutter.atEnd(of: state.buffer), last.isComplete {
                            responses.append(last)
                            state.buffer = []
                        }
                    }
                    if responses.count == count { return responses }
                    let rest = state.withLock { text($0.buffer.prefix(200)) }
                    throw ClientError("the server closed after \(responses.count) of \(count) responses: \(rest)")
                }
            }
        }
    }

    /// The next response.
    func response(toHead: Bool = false) async throws -> RawResponse {
        try await responses(1, toHead: toHead)[0]
    }

    /// All responses up to the end of the connection.
    func responsesToEnd(toHead: Bool = false) async throws -> [RawResponse] {
        let bytes = try await readToEnd()
        var responses: [RawResponse] = []
        var cutter = ResponseCutter(toHead: toHead)
        while let response = cutter.next(in: bytes) { responses.append(response) }
        if let last = cutter.atEnd(of: bytes) { responses.append(last) }
        return responses
    }

    /// All bytes up to the end of the connection. Throws if it was reset.
    func readToEnd() async throws -> [UInt8] {
        try await Self.pool.run { [self] in
            while try fill("for the end of the connection") {}
            return state.withLock { state in
                defer { state.buffer = [] }
                return state.buffer
            }
        }
    }

    /// At least `count` bytes, or what there is when the connection ends.
    func read(atLeast count: Int) async throws -> [UInt8] {
        try await Self.pool.run { [self] in
            while state.withLock({ $0.buffer.count }) < count, try fill("for \(count) bytes") {}
            return state.withLock { state in
                defer { state.buffer = [] }
                return state.buffer
            }
        }
    }

    /// Waits until the connection has ended, in whatever way, and drops what comes.
    func waitForEnd() async throws {
        try await Self.pool.run { [self] in
            do {
                while try fill("for the end of the connection") { state.withLock { $0.buffer = [] } }
            } catch let error as ClientError where error.code == ECONNRESET || error.code == EPIPE {}
        }
    }

    /// False at the end.
    private func fill(_ what: String) throws -> Bool {
        let fd = self.fd
        try wait(fd, POLLIN, what)
        var code: Int32 = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            let result = recv(fd, buffer.baseAddress, buffer.count, 0)
            if result < 0 { code = errno }
            count = max(0, result)
        }
        if code == EINTR { return true }
        if code != 0 { throw ClientError("recv: \(String(cString: strerror(code)))", code: code) }
        if chunk.isEmpty { return false }
        state.withLock { $0.buffer += chunk }
        return true
    }

    // MARK: ending

    /// Sends the end of file and goes on reading.
    func halfClose() { shutdown(fd, Int32(SHUT_WR)) }

    /// Closes with a reset instead of an end of file.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        close()
    }

    func close() {
        state.withLock { state in
            if state.fd >= 0 { closeFile(state.fd) }
            state.fd = -1
        }
    }
}

struct ClientError: Error, CustomStringConvertible {
    let description: String
    let code: Int32

    init(_ description: String, code: Int32 = 0) {
        self.description = description
        self.code = code
    }
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

/// A socket that has not connected yet.
func openSocket(receiveBuffer: Int? = nil, sendBuffer: Int? = nil) throws -> Int32 {
    #if os(Linux)
    let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    #else
    let fd = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    guard fd >= 0 else { throw ClientError("socket: \(String(cString: strerror(errno)))") }
    func set(_ level: Int32, _ option: Int32, _ value: Int) {
        var value = Int32(value)
        setsockopt(fd, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
    if let receiveBuffer { set(SOL_SOCKET, SO_RCVBUF, receiveBuffer) }
    if let sendBuffer { set(SOL_SOCKET, SO_SNDBUF, sendBuffer) }
    set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    return fd
}

func connectSocket(_ fd: Int32, port: Int) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}

func closeFile(_ fd: Int32) { close(fd) }

private func sendSome(_ fd: Int32, _ bytes: ArraySlice<UInt8>) -> Int {
    bytes.withUnsafeBytes { send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) }
}

private func wait(_ fd: Int32, _ events: Int32, _ what: String) throws {
    var entry = pollfd(fd: fd, events: Int16(events), revents: 0)
    let milliseconds = Int32(RawClient.patience.components.seconds * 1_000)
    while true {
        let count = poll(&entry, 1, milliseconds)
        if count > 0 { return }
        if count < 0, errno == EINTR { continue }
        throw ClientError("waited \(RawClient.patience) in vain \(what)")
    }
}
