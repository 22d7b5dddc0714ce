import Foundation
import SquallHTTP

extension RequestHandler {
    // MARK: protection in the browser

    /// What inline scripts of this page must carry, as in `<script nonce="…">`: 16 random bytes in Base64. The first
    /// call makes it and puts it into the Content-Security-Policy, in the place of `{nonce}`: see
    /// ``SecurityHeaders/contentSecurityPolicy``. Ask for it before the head is sent. A page with a nonce must not be
    /// cached.
    ///
    /// A handler that sets the field itself writes `'nonce-…'` into it.
    public var cspNonce: String {
        if let nonce { return nonce }
        let made = Data(Crypto.randomBytes(16)).base64EncodedString()
        nonce = made
        return made
    }

    /// Appends the fields that protect the response's reader, and those that open it to other sites.
    @inline(__always)
    func appendProtection(_ exchange: Exchange, isDocument: Bool, to wire: inout [UInt8]) throws(HTTPFieldError) {
        if let mount = extras?.mount {
            return try appendProtection(of: mount, exchange, isDocument: isDocument, to: &wire)
        }
        let core = exchange.connection.server.core
        try (exchange.route.securityLines ?? core.securityLines).append(
            besides: fields, isDocument: isDocument, isSecure: exchange.isSecure, nonce: nonce, to: &wire)
        if let cors = exchange.cors, !isHiddenFromOthers {
            try cors.append(for: exchange.head, besides: fields, to: &wire)
        }
    }

    /// The other application's, in place of those of the one that is served.
    private func appendProtection(
        of mount: Mount, _ exchange: Exchange, isDocument: Bool, to wire: inout [UInt8]
    ) throws(HTTPFieldError) {
        try mount.securityLines.append(
            besides: fields, isDocument: isDocument, isSecure: exchange.isSecure, nonce: nonce, to: &wire)
        if let cors = mount.cors, !isHiddenFromOthers {
            try cors.append(for: exchange.head, besides: fields, to: &wire)
        }
    }
}

extension Exchange {
    /// Which other sites' scripts may use the route.
    @inline(__always)
    var cors: CORS? { connection.server.core.hasCORS ? route.cors ?? connection.server.core.settings.cors : nil }
}
