// The usual errors, and those of the framework's that reach clients, each declared once.

extension HTTPError {
    // MARK: the usual ones

    /// 400: the request is malformed.
    public static func badRequest(
        _ message: String? = nil, file: StaticString = #filePath, line: UInt = #line
    ) -> HTTPError { HTTPError(400, message, file: file, line: line) }

    /// 401: the client must say who it is.
    /// - Parameter challenge: how, for WWW-Authenticate (RFC 9110 section 11.6.1), such as `Bearer`.
    public static func unauthorized(
        _ message: String? = nil, challenge: String, file: StaticString = #filePath, line: UInt = #line
    ) -> HTTPError { HTTPError(401, message, headers: [("WWW-Authenticate", challenge)], file: file, line: line) }

    /// 403: the client may not do this, whoever it says that it is.
    public static func forbidden(
        _ message: String? = nil, file: StaticString = #filePath, line: UInt = #line
    ) -> HTTPError { HTTPError(403, message, file: file, line: line) }

    /// 404: there is no such thing.
    public static func notFound(
        _ message: String? = nil, file: StaticString = #filePath, line: UInt = #line
    ) -> HTTPError { HTTPError(404, message, file: file, line: line) }

    /// 409: it does not go together with what is there.
    public static func conflict(
        _ message: String? = nil, file: StaticString = #filePath, line: UInt = #line
    ) -> HTTPError { HTTPError(409, message, file: file, line: line) }

    /// 410: it is gone for good.
    public static func gone(
        _ message: String? = nil, file: StaticString = #filePath, line: UInt = #line
    ) -> HTTPError { HTTPError(410, message, file: file, line: line) }

    /// 415: the body is of a type that is not read here.
    public static func unsupportedMediaType(
        _ message: String? = nil, file: StaticString = #filePath, line: UInt = #line
    ) -> HTTPError { HTTPError(415, message, file: file, line: line) }

    /// 422: the request is well-formed, and what it says cannot be.
    public static func unprocessableContent(
        _ message: String? = nil, file: StaticString = #filePath, line: UInt = #line
    ) -> HTTPError { HTTPError(422, message, file: file, line: line) }

    /// 429: too much of it.
    /// - Parameter retryAfter: in seconds.
    public static func tooManyRequests(
        retryAfter: Int? = nil, file: StaticString = #filePath, line: UInt = #line
    ) -> HTTPError {
        HTTPError(429, headers: retryAfter.map { [("Retry-After", "\(max(0, $0))")] } ?? [], file: file, line: line)
    }

    /// 503: not now.
    /// - Parameter retryAfter: in seconds.
    public static func serviceUnavailable(
        _ message: String? = nil, retryAfter: Int? = nil, file: StaticString = #filePath, line: UInt = #line
    ) -> HTTPError {
        HTTPError(
            503, message, headers: retryAfter.map { [("Retry-After", "\(max(0, $0))")] } ?? [], file: file, line: line)
    }

    // MARK: arguments

    /// 400 `missing_argument`: an argument that the request has not. Tornado's `MissingArgumentError`.
    public static func missingArgument(_ name: String) -> HTTPError {
        declared(
            400, "missing_argument", "the argument '\(name.quotable)' is missing",
            "The query or the form has no argument of this name. Send it.")
    }

    /// 400 `invalid_argument`: an argument that does not fit its type.
    /// - Parameter wanted: what it must be, such as `a whole number`.
    public static func invalidArgument(_ name: String, _ wanted: String) -> HTTPError {
        declared(
            400, "invalid_argument", "the argument '\(name.quotable)' must be \(wanted)",
            "The argument is there and cannot be read as what the handler asks for.")
    }

    /// 400 `malformed_path`: a parameter of the path is not UTF-8.
    static var malformedPath: HTTPError {
        declared(400, "malformed_path", "the path is not UTF-8", "Percent-encode the path's text as UTF-8.")
    }

    // MARK: bodies

    /// 400 `malformed_form`: a form that cannot be read, or that has too many parts or arguments.
    static func malformedForm(_ status: Int, _ message: String) -> HTTPError {
        declared(
            status, "malformed_form", message,
            "There may be 1,000 arguments, and as many parts as limits.multipartParts says.")
    }

    /// 415 `not_json`: the body says that it is no JSON.
    static var notJSON: HTTPError {
        declared(
            415, "not_json", "the body must be application/json",
            "The handler reads JSON. Send Content-Type: application/json, or a type that ends in +json.")
    }

    /// 400 `invalid_body`: JSON that is malformed or does not fit.
    static func invalidBody(_ message: String) -> HTTPError {
        declared(400, "invalid_body", message, "The body does not fit the type that the handler reads.")
    }

    // MARK: cross-site request forgery

    /// 403 `xsrf_missing`: no token came with the request.
    static func missingXSRFToken(_ method: String) -> HTTPError {
        declared(
            403, "xsrf_missing", "'_xsrf' argument missing from \(method)",
            "Put xsrfFormHTML() into the form, or send xsrfToken() in X-XSRFToken. A route for programs that send no "
                + "cookies can do without: Route.Options(checksXSRF: false).")
    }

    /// 403 `xsrf_malformed`: what came is no token.
    static var malformedXSRFToken: HTTPError {
        declared(
            403, "xsrf_malformed", "'_xsrf' argument has invalid format",
            "Send the token as xsrfToken() gave it.")
    }

    /// 403 `xsrf_mismatch`: the token is not that of the cookie.
    static func mismatchedXSRFToken(_ method: String) -> HTTPError {
        declared(
            403, "xsrf_mismatch", "XSRF cookie does not match \(method) argument",
            "The cookie _xsrf is missing, or another page's token was sent. Ask for the page again.")
    }

    // MARK: the server

    /// 501 `unknown_method`: no method of this name is known.
    static var unknownMethod: HTTPError {
        declared(501, "unknown_method", "the method is not known", "Methods are compared with regard to case.")
    }

    /// 503 `deadline`: the handler has had its time.
    static var deadlinePassed: HTTPError {
        declared(
            503, "deadline", "the request took longer than the server allows",
            "The handler's task was cancelled: limits.handlerDeadline, or Route.Options(deadline:).")
    }

    /// 503 `route_full`: so many calls of the route hold threads that it takes no more.
    static var routeFull: HTTPError {
        declared(
            503, "route_full", "this route has as many calls waiting as the server allows; try again later",
            "Calls of the route block, and StallPolicy.ceiling of them are away from their loops.",
            headers: [("Retry-After", "1")])
    }

    /// 415 `encoded_body`: a body with a Content-Encoding that is not taken off, so that it would be read as garbage.
    static func encodedBody(accepted: String?) -> HTTPError {
        declared(
            415, "encoded_body",
            accepted.map { "the body's Content-Encoding is not one of \($0)" }
                ?? "the body has a Content-Encoding; send it as it is",
            "What is accepted says Accept-Encoding. Routes take compressed bodies with Route.Options(decompressesBody: true).",
            headers: [("Accept-Encoding", accepted ?? "identity")])
    }

    /// 413 `too_long`: a body, or a part of it, beyond its limit.
    static func tooLong(_ message: String) -> HTTPError {
        declared(
            413, "too_long", message,
            "Limits are in Application.Limits; Route.Options(bodyLimit:) sets that of a route's bodies.")
    }

    /// 408 `too_slow`: a head or a body that did not come in its time.
    static func tooSlow(_ message: String) -> HTTPError {
        declared(408, "too_slow", message, "The times are in Application.Limits: headerTimeout, bodyTimeout, bodyRate.")
    }

    /// 412 `precondition_failed`: the resource is not in the version that the request demands.
    static var preconditionFailed: HTTPError {
        declared(
            412, "precondition_failed", "the resource is not in the version that the request demands",
            "Get it again, and make the change to what it is now (RFC 9110 section 13).")
    }

    /// 416 `range_not_satisfiable`: none of the ranges is in the body.
    static func rangeNotSatisfiable(_ length: Int) -> HTTPError {
        declared(
            416, "range_not_satisfiable", "the body has \(length) bytes, and none of the ranges is in it",
            "The length is in Content-Range (RFC 9110 section 14.4).", headers: [("Content-Range", "bytes */\(length)")]
        )
    }

    private static func declared(
        _ status: Int, _ code: String, _ message: String, _ documentation: String, headers: [(String, String)] = []
    ) -> HTTPError {
        var error = HTTPError(status, message, code: code, headers: headers)
        error.documentation = documentation
        return error
    }
}
