import SquallHTTP
import SquallIO

extension HTTPServerRequest {
    // MARK: the client

    /// The client: the connection's peer, unless that is one of ``Application/Settings/trustedProxies`` and names
    /// another by the PROXY protocol or by ``Application/Settings/forwardedFields``. The port is 0 where the proxy does
    /// not tell.
    ///
    /// What is malformed or hidden names nobody: then it is the proxy. If all that are named are trusted, it is the
    /// first of them.
    public var remoteAddress: SocketAddress { exchange?.client ?? .unix("") }

    /// The connection's peer: the client, or the nearest proxy.
    public var peerAddress: SocketAddress { exchange?.connection.address ?? .unix("") }

    /// `http` or `https`: how the client asked, as far as a trusted proxy tells.
    public var scheme: String { exchange?.scheme ?? "http" }

    /// Whether the client asked over TLS, as far as a trusted proxy tells.
    public var isSecure: Bool { exchange?.isSecure ?? false }

    /// The host, and port if given, that the client asked for (RFC 9112 section 3.2.2), or that a trusted proxy says it
    /// asked for. Nil in HTTP/1.0 where none was given.
    public var authority: String? { exchange?.authority }

    /// The whole URL that the client asked for: Tornado's `full_url()`. Where the request names no host, it is
    /// 127.0.0.1.
    public var fullURL: String {
        let host = authority.flatMap { $0.isEmpty ? nil : $0 } ?? "127.0.0.1"
        let path = path
        return "\(scheme)://\(host)\(path == "*" ? "" : path)\(query.map { "?\($0)" } ?? "")"
    }
}

extension Exchange {
    private var trust: ProxyTrust? { connection.trust }

    var client: SocketAddress {
        guard let trust else { return connection.address }
        return trust.client(of: head, from: connection.client)
    }

    var scheme: String { trust?.scheme(of: head, from: connection.client) ?? "http" }

    @inline(__always)
    var isSecure: Bool {
        // The connection itself is never over TLS.
        guard let trust else { return false }
        return trust.scheme(of: head, from: connection.client) == "https"
    }

    var authority: String? { trust?.authority(of: head, from: connection.client) ?? head.authority }
}

extension SocketAddress {
    /// As text for a log. A proxy may not tell its client's port.
    var logged: String { port == 0 ? host : description }
}
