import SquallHTTP
import SquallIO

/// Which proxies are believed, and what they say of a request.
///
/// Each question reads the fields anew, in time that is linear in the head: most requests ask none.
struct ProxyTrust: Sendable {
    private let proxies: [AddressRange]
    private let fields: ForwardedFields
    private let readsProxyHeader: Bool

    /// Nil where no proxy is trusted.
    init?(_ settings: Application.Settings) {
        guard !settings.trustedProxies.isEmpty else { return nil }
        proxies = settings.trustedProxies
        fields = settings.forwardedFields
        readsProxyHeader = settings.proxyProtocol
    }

    func trusts(_ address: SocketAddress) -> Bool { proxies.contains { $0.contains(address) } }

    /// Whether a connection from `peer` begins with a header of the PROXY protocol.
    func awaitsProxyHeader(from peer: SocketAddress) -> Bool { readsProxyHeader && trusts(peer) }

    // MARK: the questions

    /// The client; `peer` where nobody who is trusted says otherwise.
    func client(of head: HTTP1RequestHead, from peer: SocketAddress) -> SocketAddress {
        guard trusts(peer) else { return peer }
        if speaksForwarded(head) { return forwarded(head).flatMap { address($0.node) } ?? peer }
        if fields.contains(.xRealIP) {
            let values = head.values(of: "x-real-ip")
            if !values.isEmpty { return values.count == 1 ? address(ForwardedNode.address(values[0])) ?? peer : peer }
        }
        guard fields.contains(.xForwardedFor) else { return peer }
        let entries = head.values(of: "x-forwarded-for").joined(separator: ",")
        var client: SocketAddress?
        for entry in entries.split(separator: ",", omittingEmptySubsequences: false).reversed() {
            // What stands left of an entry that cannot be read was not written by anybody who is trusted.
            guard let found = address(ForwardedNode.address(entry.trimmingBlanks)) else { return peer }
            client = found
            if !trusts(found) { break }
        }
        return client ?? peer
    }

    /// `http` or `https`. Nil where nobody who is trusted says it.
    func scheme(of head: HTTP1RequestHead, from peer: SocketAddress) -> String? {
        guard trusts(peer) else { return nil }
        if speaksForwarded(head) { return forwarded(head).flatMap { Self.scheme($0.proto) } }
        if fields.contains(.xScheme), let last = last("x-scheme", head) { return Self.scheme(last) }
        guard fields.contains(.xForwardedProto) else { return nil }
        return Self.scheme(last("x-forwarded-proto", head))
    }

    /// The host, and port if there is one. Nil where nobody who is trusted says it.
    func authority(of head: HTTP1RequestHead, from peer: SocketAddress) -> String? {
        guard trusts(peer) else { return nil }
        if speaksForwarded(head) { return forwarded(head).flatMap { Self.host($0.host) } }
        let host = fields.contains(.xForwardedHost) ? Self.host(last("x-forwarded-host", head)) : nil
        guard fields.contains(.xForwardedPort), let text = last("x-forwarded-port", head),
            let port = UInt16(pathArgument: text), port > 0, let name = host ?? head.authority, !name.isEmpty
        else { return host }
        let bare = Self.withoutPort(name)
        let isDefault = port == (scheme(of: head, from: peer) == "https" ? 443 : 80)
        return isDefault ? String(bare) : "\(bare):\(port)"
    }

    // MARK: the fields

    private func speaksForwarded(_ head: HTTP1RequestHead) -> Bool {
        fields.contains(.forwarded) && head.value(of: "forwarded") != nil
    }

    /// What the first trusted proxy on the way says of its client: each proxy vouches for the element that it added
    /// itself. What is malformed ends the way, as what stands left of it, or in earlier lines, may be anybody's; what
    /// was vouched for up to there holds.
    private func forwarded(_ head: HTTP1RequestHead) -> ForwardedElement? {
        var found: ForwardedElement?
        for line in head.values(of: "forwarded").reversed() {
            let (elements, isWhole) = ForwardedElement.nearestFirst(line)
            for element in elements {
                found = element
                guard let client = address(element.node), trusts(client) else { return found }
            }
            if !isWhole { break }
        }
        return found
    }

    private func address(_ text: String?) -> SocketAddress? { address(text.flatMap { ForwardedNode($0) }) }

    private func address(_ node: ForwardedNode?) -> SocketAddress? {
        guard case .address(let address, let port) = node else { return nil }
        return SocketAddress(address, port: port)
    }

    /// The last element of a list.
    private func last(_ name: String, _ head: HTTP1RequestHead) -> String? {
        guard let value = head.values(of: name).last else { return nil }
        return value.utf8.lastIndex(of: UInt8(ascii: ",")).map { value[value.utf8.index(after: $0)...].trimmingBlanks }
            ?? value
    }

    private static func scheme(_ text: String?) -> String? {
        guard let text else { return nil }
        if text.equalsIgnoringCase("https") { return "https" }
        return text.equalsIgnoringCase("http") ? "http" : nil
    }

    private static func host(_ text: String?) -> String? {
        guard let text, !text.isEmpty, HostSyntax.isValid(text) else { return nil }
        return text
    }

    private static func withoutPort(_ authority: String) -> Substring {
        // In an IPv6 address the last colon stands before the bracket.
        guard let colon = authority.utf8.lastIndex(of: UInt8(ascii: ":")),
            authority.utf8[colon...].firstIndex(of: UInt8(ascii: "]")) == nil
        else { return authority[...] }
        return authority[..<colon]
    }
}
