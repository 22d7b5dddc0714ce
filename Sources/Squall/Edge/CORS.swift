import HTTPTypes
import SquallHTTP

/// Which other sites' scripts may use a route: cross-origin resource sharing (Fetch standard, section 3.2).
///
/// ```swift
/// Group("/api", options: .init(cors: try CORS(origins: ["https://app.example"], credentials: true))) { … }
/// ```
///
/// Browsers ask first, by OPTIONS, whether they may send what a form could not. That is answered with 204 before middleware
/// and the handler are asked, and before the check against cross-site request forgery. The fields are on every response of the
/// route, errors too. A handler that sets `Access-Control-Allow-Origin` itself wins.
///
/// This opens doors: without it no other site's script can read anything. It refuses no request.
public struct CORS: Sendable {
    /// Nil: all.
    private let origins: Set<String>?
    private let allowsCredentials: Bool
    let isOff: Bool
    /// With every response that an allowed origin gets, besides its name.
    private let exposed: String?
    private let methods: String
    private let headers: String
    private let maxAge: Int

    /// - Parameters:
    ///   - origins: such as `https://app.example` or `http://localhost:3000`: scheme, host, and port if it is not the
    ///     scheme's own. They are compared as a whole. `*` is all. `null`, the origin of sandboxed frames and local
    ///     files, which anybody can have, only if it is listed.
    ///   - methods: besides GET, HEAD and POST, which need no permission.
    ///   - headers: fields that requests may have, besides those that need no permission. `*` is all but
    ///     `Authorization`.
    ///   - exposedHeaders: fields of responses that scripts may read, besides those that need no permission.
    ///   - credentials: whether browsers may send cookies along, and show the answer.
    ///   - maxAge: for how many seconds browsers may keep the permission: 600.
    /// - Throws: ``InvalidSettingError`` if an origin or a name is malformed, or if `*` is to be used with credentials:
    ///   that would open everybody's data to everybody.
    public init(
        origins: [String], methods: [HTTPRequest.Method] = [], headers: [String] = [], exposedHeaders: [String] = [],
        credentials: Bool = false, maxAge: Int = 600
    ) throws(InvalidSettingError) {
        if credentials, (origins + headers + exposedHeaders).contains("*") {
            throw InvalidSettingError(description: "CORS with credentials cannot have '*'; list what is allowed")
        }
        for name in headers + exposedHeaders where name != "*" && !SetCookie.isName(name) {
            throw InvalidSettingError(
                description: "CORS has '\(name)', which is no name of a field; write one such as X-Total")
        }
        var known: Set<String> = []
        for text in origins where text != "*" {
            guard let origin = Self.normalized(text) else {
                throw InvalidSettingError(
                    description: "CORS has '\(text)', which is no origin; write one such as https://app.example")
            }
            known.insert(origin)
        }
        self.origins = origins.contains("*") ? nil : known
        allowsCredentials = credentials
        isOff = origins.isEmpty
        exposed = exposedHeaders.isEmpty ? nil : exposedHeaders.joined(separator: ", ")
        let simple: [HTTPRequest.Method] = [.get, .head, .post]
        self.methods = (simple + methods.filter { !simple.contains($0) }).map(\.rawValue).joined(separator: ", ")
        self.headers = headers.joined(separator: ", ")
        self.maxAge = max(0, maxAge)
    }

    private init() {
        origins = []
        allowsCredentials = false
        isOff = true
        exposed = nil
        methods = ""
        headers = ""
        maxAge = 0
    }

    /// No other site's: for a route whose group or application has something else.
    public static let off = CORS()

    // MARK: requests

    /// Whether a browser asks for permission. The handler is not asked then, unless this is ``off``.
    static func isPreflight(_ head: HTTP1RequestHead) -> Bool {
        head.method == .options && head.value(of: "origin") != nil
            && head.value(of: "access-control-request-method") != nil
    }

    /// What the permission says, besides whom it is for. Nothing where it is refused.
    func permission(for head: HTTP1RequestHead) -> [(name: String, value: String)] {
        guard allowed(head) != nil else { return [] }
        var fields = [(name: "Access-Control-Allow-Methods", value: methods)]
        if !headers.isEmpty { fields.append(("Access-Control-Allow-Headers", headers)) }
        fields.append(("Access-Control-Max-Age", String(maxAge)))
        return fields
    }

    // MARK: responses

    /// Appends what every response has.
    func append(
        for head: HTTP1RequestHead, besides fields: [(name: String, value: String)], to wire: inout [UInt8]
    ) throws(HTTPFieldError) {
        guard !isOff else { return }
        // Without it a cache would give one site's permission to another, or none at all.
        if origins != nil { try HTTP1Encoder.appendField("Vary", "Origin", to: &wire) }
        guard !fields.contains(where: { $0.name.equalsIgnoringCase(Self.allowOrigin) }), let origin = allowed(head)
        else { return }
        try HTTP1Encoder.appendField(Self.allowOrigin, origin, to: &wire)
        if allowsCredentials { try HTTP1Encoder.appendField("Access-Control-Allow-Credentials", "true", to: &wire) }
        if let exposed { try HTTP1Encoder.appendField("Access-Control-Expose-Headers", exposed, to: &wire) }
    }

    private static let allowOrigin = "Access-Control-Allow-Origin"

    /// The value of `Access-Control-Allow-Origin`. Nil if the request comes from nowhere that is allowed.
    private func allowed(_ head: HTTP1RequestHead) -> String? {
        guard let origins else { return "*" }
        let values = head.values(of: "origin")
        guard values.count == 1, let normalized = Self.normalized(values[0]), origins.contains(normalized) else {
            return nil
        }
        return values[0]
    }

    /// An origin (RFC 6454 section 6.2) in lower case and without the scheme's own port. Nil if it is none.
    static func normalized(_ text: String) -> String? {
        if text == "null" { return text }
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        let text = text.lowercased()
        guard let separator = text.firstRange(of: "://") else { return nil }
        let scheme = text[..<separator.lowerBound]
        let host = text[separator.upperBound...]
        guard let first = scheme.utf8.first, (97...122).contains(first), SetCookie.isName(String(scheme)),
            !host.hasSuffix(":"), !host.contains("*"), HostSyntax.isValid(String(host))
        else { return nil }
        for (own, port) in [("http", ":80"), ("https", ":443")] where scheme == own && host.hasSuffix(port) {
            return String(text.dropLast(port.count))
        }
        return text
    }
}

/// Gives a browser the permission that it asks for.
final class PreflightHandler: RequestHandler {
    private let cors: CORS
    init(_ cors: CORS) { self.cors = cors }

    override func prepare() async throws {
        setStatus(204)
        if let exchange { for field in cors.permission(for: exchange.head) { setHeader(field.name, field.value) } }
        try finish()
    }
}
