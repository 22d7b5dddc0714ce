#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

// The system calls of clients. Those that take a buffer are given an array's own storage, or an address that lives for
// the call.

/// A TCP socket that has not connected yet.
package func openSocket(receiveBuffer: Int? = nil, sendBuffer: Int? = nil) throws -> Int32 {
    #if os(Linux)
    let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    #else
    let fd = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    guard fd >= 0 else { throw ClientError("socket: \(errorText())") }
    func set(_ level: Int32, _ option: Int32, _ value: Int) {
        var value = Int32(clamping: value)
        setsockopt(fd, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
    if let receiveBuffer { set(SOL_SOCKET, SO_RCVBUF, receiveBuffer) }
    if let sendBuffer { set(SOL_SOCKET, SO_SNDBUF, sendBuffer) }
    set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    return fd
}

/// Connects to a port of this machine. Zero if it worked.
package func connectSocket(_ fd: Int32, port: Int) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}

/// The port that the system gave the socket; 0 if it has none.
func localPort(of fd: Int32) -> Int {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &length) }
    }
    return Int32(address.sin_family) == AF_INET ? Int(UInt16(bigEndian: address.sin_port)) : 0
}

package func closeFile(_ fd: Int32) { close(fd) }

/// Has the next close be a reset.
func lingerNoTime(_ fd: Int32) {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
}

/// Ends both directions, and what waits for them.
func endBoth(_ fd: Int32) { shutdown(fd, Int32(SHUT_RDWR)) }

func endWriting(_ fd: Int32) { shutdown(fd, Int32(SHUT_WR)) }

/// Sends what the kernel takes now. Zero if that is nothing.
func sendSome(_ fd: Int32, _ bytes: ArraySlice<UInt8>) throws -> Int {
    let count = bytes.withUnsafeBytes {
        send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
    }
    if count >= 0 { return count }
    if errno == EAGAIN || errno == EINTR { return 0 }
    throw ClientError("send: \(errorText())", code: errno)
}

/// Receives what is there. Nil if the call was interrupted or nothing is there; empty at the end.
func receiveSome(_ fd: Int32) throws -> [UInt8]? {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
        let result = recv(fd, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
        if result < 0 { code = errno }
        count = max(0, result)
    }
    if code == EINTR || code == EAGAIN { return nil }
    if code != 0 { throw ClientError("recv: \(errorText(code))", code: code) }
    return bytes
}

enum SocketWait { case read, write }

/// Waits until something can be read or written, for at most `milliseconds`. False if nothing could.
func wait(_ fd: Int32, _ what: SocketWait, milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: fd, events: Int16(what == .read ? POLLIN : POLLOUT), revents: 0)
    return poll(&entry, 1, milliseconds) > 0
}

func errorText(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }

/// Whether the error says that the connection is gone.
func isGone(_ code: Int32) -> Bool { code == ECONNRESET || code == EPIPE }
