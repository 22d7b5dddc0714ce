extension Middleware {
    /// Lets only those through whom `isAuthenticated` knows: Tornado's `@authenticated`. Others are sent to the page at `loginURL`
    /// if they ask by GET or HEAD, with the path and query that they asked for as its argument `next`; other methods get 403.
    ///
    /// ```swift
    /// Group("/admin", options: .init(middleware: [.authenticated(loginURL: "/login") { try await user(of: $0) != nil }])) {
    ///     …
    /// }
    /// ```
    ///
    /// `next` comes back to the login page as text from outside: follow it by ``RequestHandler/safeRedirect(to:fallback:)``.
    /// - Parameter loginURL: a path or a URL; may have a query.
    public static func authenticated(
        loginURL: String, _ isAuthenticated: @escaping @Sendable (RequestHandler) async throws -> Bool
    ) -> Middleware {
        Middleware { handler, next in
            if try await isAuthenticated(handler) { return try await next() }
            let request = handler.request
            guard request.method == .get || request.method == .head else {
                throw HTTPError.forbidden("you must log in to do this")
            }
            let asked = request.path + (request.query.map { "?" + $0 } ?? "")
            let mark = loginURL.contains("?") ? "&" : "?"
            try handler.redirect("\(loginURL)\(mark)next=\(Escape.url(handler.isOwnPath(asked) ? asked : "/"))")
        }
    }

    /// Sends GET and HEAD of a path without a slash at its end to the path with one, by 301; other methods get 404. Tornado's
    /// `@addslash`. The query is kept.
    ///
    /// A slash at the end of a ``PathPattern`` counts, so the route is declared for both:
    ///
    /// ```swift
    /// for path in ["/reports", "/reports/"] {
    ///     Route(path, options: .init(middleware: [.addSlash]), Reports.init)
    /// }
    /// ```
    public static let addSlash = Middleware { handler, next in
        let path = handler.request.path
        if path.hasSuffix("/") { return try await next() }
        try handler.move(to: path + "/")
    }

    /// Sends GET and HEAD of a path with slashes at its end to the path without, by 301; other methods get 404. Tornado's
    /// `@removeslash`. The query is kept. The path `/` is left as it is. See ``addSlash`` for how the route is declared.
    public static let removeSlash = Middleware { handler, next in
        let path = handler.request.path
        guard path.hasSuffix("/"), let last = path.lastIndex(where: { $0 != "/" }) else { return try await next() }
        try handler.move(to: String(path[...last]))
    }
}

extension RequestHandler {
    /// Another spelling of the path that was asked for. It must not become a host's name: `//evil.example/`.
    fileprivate func move(to path: String) throws {
        guard request.method == .get || request.method == .head, isOwnPath(path) else { throw HTTPError.notFound() }
        try redirect(path + (request.query.map { "?" + $0 } ?? ""), permanent: true)
    }
}
