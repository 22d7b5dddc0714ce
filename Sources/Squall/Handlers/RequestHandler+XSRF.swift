import HTTPTypes
import SquallHTTP

extension RequestHandler {
    // MARK: cross-site request forgery

    /// The token that a form of this site brings along, as the argument `_xsrf` or in the field `X-XSRFToken`. Each call gives
    /// another text for the same token. Asking for it sets the cookie that it is compared with.
    ///
    /// See ``Application/Settings/checksXSRF``.
    public func xsrfToken() throws -> String {
        if let newXSRFToken { return newXSRFToken.masked }
        let now = wallClockSeconds()
        let token = cookie(xsrfCookieName).flatMap { XSRFToken($0, now: now) } ?? XSRFToken(time: now)
        newXSRFToken = token
        var cookie = SetCookie(xsrfCookieName, token.masked)
        // Scripts of the site may read it, to send it in a field.
        cookie.isHTTPOnly = false
        cookie.maxAge = 30 * 86_400
        try setCookie(cookie)
        return token.masked
    }

    /// The token as a hidden element for a form: Tornado's `xsrf_form_html`.
    public func xsrfFormHTML() throws -> String {
        "<input type=\"hidden\" name=\"\(Self.xsrfArgument)\" value=\"\(Escape.html(try xsrfToken()))\"/>"
    }

    private static var xsrfArgument: String { "_xsrf" }
    private var xsrfCookieName: String {
        application?.settings.xsrfCookieName ?? (request.isSecure ? "__Host-xsrf" : "_xsrf")
    }

    /// Whether the request's method may change something, so that it needs the token.
    var needsXSRFToken: Bool {
        guard let exchange else { return false }
        switch exchange.head.method {
        case .get, .head, .options: return false
        default:
            // Another application checks by its own settings.
            return !(self is ErrorHandler) && (self as? FallbackHandler)?.otherApplication == nil
                && (route?.checksXSRF ?? application?.checksXSRF ?? true)
        }
    }

    /// - Throws: ``HTTPError`` 403 if the request does not bring the token of its cookie.
    func checkXSRF() throws {
        let now = wallClockSeconds()
        let sent = try bodyArgument(Self.xsrfArgument) ?? queryArgument(Self.xsrfArgument)
        guard
            let sent = sent ?? request.header("x-xsrftoken") ?? request.header("x-csrftoken"), !sent.isEmpty
        else { throw HTTPError.missingXSRFToken(request.method.rawValue) }
        guard let token = XSRFToken(sent, now: now) else {
            throw HTTPError.malformedXSRFToken
        }
        guard let cookie = cookie(xsrfCookieName).flatMap({ XSRFToken($0, now: now) }),
            Crypto.areEqual(cookie.bytes, token.bytes)
        else { throw HTTPError.mismatchedXSRFToken(request.method.rawValue) }
    }
}
