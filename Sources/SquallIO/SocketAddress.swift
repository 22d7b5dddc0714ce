import CSquall

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where a socket is bound, or who its peer is.
public enum SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// The four bytes of an IPv4 address in network order, and a port.
    case ipv4(UInt32, port: UInt16)
    /// The sixteen bytes of an IPv6 address in network order, and a port.
    case ipv6(high: UInt64, low: UInt64, port: UInt16)
    /// A Unix socket's path; empty for an unnamed one.
    case unix(String)

    init?(storage: sockaddr_storage, length: socklen_t) {
        var storage = storage
        switch Int32(storage.ss_family) {
        case AF_INET where Int(length) >= MemoryLayout<sockaddr_in>.size:
            let address = withUnsafeBytes(of: &storage) { $0.loadUnaligned(as: sockaddr_in.self) }
            self = .ipv4(UInt32(bigEndian: address.sin_addr.s_addr), port: UInt16(bigEndian: address.sin_port))
        case AF_INET6 where Int(length) >= MemoryLayout<sockaddr_in6>.size:
            let address = withUnsafeBytes(of: &storage) { $0.loadUnaligned(as: sockaddr_in6.self) }
            var bytes = address.sin6_addr
            let (high, low) = withUnsafeBytes(of: &bytes) {
                ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            }
            self = .ipv6(
                high: UInt64(bigEndian: high), low: UInt64(bigEndian: low), port: UInt16(bigEndian: address.sin6_port))
        case AF_UNIX:
            let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
            let path = withUnsafeBytes(of: &storage) { bytes in
                String(
                    decoding: bytes[offset..<max(offset, min(Int(length), bytes.count))].prefix { $0 != 0 },
                    as: UTF8.self)
            }
            self = .unix(path)
        default:
            return nil
        }
    }

    /// The address without the port, as text: `127.0.0.1`, `::1`, or the path.
    public var host: String {
        switch self {
        case .ipv4(let address, _):
            return "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
        case .ipv6(let high, let low, _):
            var bytes = in6_addr()
            withUnsafeMutableBytes(of: &bytes) {
                $0.storeBytes(of: high.bigEndian, as: UInt64.self)
                $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
                guard let base = buffer.baseAddress,
                    inet_ntop(AF_INET6, &bytes, base, socklen_t(buffer.count)) != nil
                else { return "::" }
                return String(cString: base)
            }
        case .unix(let path):
            return path
        }
    }

    /// The port; nil for a Unix socket.
    public var port: Int? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, _, let port): return Int(port)
        case .unix: return nil
        }
    }

    public var description: String {
        switch self {
        case .ipv4(_, let port): return "\(host):\(port)"
        case .ipv6(_, _, let port): return "[\(host)]:\(port)"
        case .unix(let path): return path.isEmpty ? "unix" : "unix:\(path)"
        }
    }
}
