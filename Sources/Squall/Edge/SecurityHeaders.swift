/// Fields that tell browsers what pages and other resources may be used for. They are sent with every response, errors
/// too, where the handler does not set the field itself. Nil: not sent.
///
/// ```swift
/// settings.securityHeaders.contentSecurityPolicy = "default-src 'self'; script-src 'self' {nonce} https://cdn.example"
/// ```
public struct SecurityHeaders: Sendable, Equatable {
    /// `X-Content-Type-Options`: browsers take the Content-Type as it is.
    public var contentTypeOptions: String? = "nosniff"
    /// `Referrer-Policy`: other sites learn the origin only, and over TLS only.
    public var referrerPolicy: String? = "strict-origin-when-cross-origin"
    /// `X-Frame-Options`, with documents: no other site can show them in a frame.
    public var frameOptions: String? = "SAMEORIGIN"
    /// `Content-Security-Policy`, with documents: see ``defaultPolicy``. In the place of `{nonce}` stands the
    /// response's ``RequestHandler/cspNonce``, and nothing where it was not asked for.
    public var contentSecurityPolicy: String? = SecurityHeaders.defaultPolicy
    /// `Strict-Transport-Security`, with answers to requests that came over TLS (``HTTPServerRequest/isSecure``):
    /// browsers come back over TLS only, for a year.
    public var strictTransportSecurity: String? = "max-age=31536000"

    public init() {}

    /// Scripts, frames, fonts and connections from the site itself, and inline scripts with the nonce only; style
    /// sheets from the site and inline styles; images from the site, from anywhere over TLS, and in `data:` URLs; no
    /// plug-ins; no base and no framing by other sites, and no forms that send to them.
    public static let defaultPolicy =
        "default-src 'self'; script-src 'self' {nonce}; style-src 'self' 'unsafe-inline'; img-src 'self' https: data:; "
        + "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"

    /// None of them.
    public static let off: SecurityHeaders = {
        var headers = SecurityHeaders()
        headers.contentTypeOptions = nil
        headers.referrerPolicy = nil
        headers.frameOptions = nil
        headers.contentSecurityPolicy = nil
        headers.strictTransportSecurity = nil
        return headers
    }()
}

/// A setting cannot be used as it is.
public struct InvalidSettingError: Error, CustomStringConvertible {
    public let description: String
}
