import HTTPTypes
import Squall
import SquallHTTP

private func proxies() throws -> Application.Settings {
    // snippet: trusted-proxies
    var settings = Application.Settings()
    settings.trustedProxies = try ["10.0.0.0/8", "::1", "unix"].map(AddressRange.init)
    // end
    return settings
}

private func fields(_ settings: inout Application.Settings) {
    // snippet: forwarded-fields
    settings.forwardedFields = [.forwarded]
    // end
}

private func proxyProtocol(_ settings: inout Application.Settings) {
    // snippet: proxy-protocol
    settings.proxyProtocol = true
    // end
}

// snippet: client
final class WhoAmI: RequestHandler {
    override func get() async throws {
        write("\(request.remoteAddress.host) asks for \(request.fullURL), by way of \(request.peerAddress.host)\n")
        if !request.isSecure { write("Anybody on the way can read this.\n") }
    }
}
// end

private func headers(_ settings: inout Application.Settings) {
    // snippet: security-headers
    settings.securityHeaders.contentSecurityPolicy =
        "default-src 'self'; script-src 'self' {nonce} https://cdn.example; object-src 'none'; base-uri 'self'"
    settings.securityHeaders.strictTransportSecurity = nil
    // end
}

private func frame() {
    final class Widget: RequestHandler {}
    // snippet: route-security-headers
    var embeddable = SecurityHeaders()
    embeddable.frameOptions = nil
    embeddable.contentSecurityPolicy = "default-src 'self'; frame-ancestors https://partner.example"
    let route = Route("/widget", options: .init(securityHeaders: embeddable), Widget.init)
    // end
    print(route)
}

// snippet: nonce
final class Chart: RequestHandler {
    override func get() async throws {
        write("<script nonce=\"\(cspNonce)\">draw([1, 2, 3])</script>")
    }
}
// end

private func cors() throws -> [Route] {
    final class Items: RequestHandler {}
    // snippet: cors
    let cors = try CORS(
        origins: ["https://app.example", "http://localhost:3000"], methods: [.put, .delete],
        headers: ["Content-Type"], credentials: true)
    let group = Group("/api", options: .init(checksXSRF: false, cors: cors)) {
        Route("/items", Items.init)
    }
    // end
    return RouteBuilder.buildExpression(group)
}
