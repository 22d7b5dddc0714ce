/// Sends GET and HEAD elsewhere: Tornado's `RedirectHandler`. A ``Route`` makes it by `redirectTo`:
///
/// ```swift
/// Route("/photos/{id}", redirectTo: "/pictures/{id}")
/// Route("/docs/{path...}", redirectTo: "https://docs.example.com/{path...}", permanent: false)
/// ```
///
/// Parameters of the path are put in the places that bear their names, escaped. The query is copied: behind the target's
/// own, if it has one. What a client sends can choose neither host nor scheme; a parameter that would, or that cannot be
/// written so that it is read again, is answered 404.
public final class RedirectHandler: RequestHandler {
    private let target: RedirectTarget
    private let isPermanent: Bool

    /// - Parameters:
    ///   - target: a path, `/new/{id}`, or a URL with scheme and host, `https://example.com/new/{id}`. Parameters stand in the path;
    ///     see ``PathPattern``. A query or a fragment behind it is sent as it is.
    ///   - permanent: 301, the default, or 302.
    /// - Throws: ``PathPatternError`` if the path is not well-formed.
    public convenience init(_ target: String, permanent: Bool = true) throws(PathPatternError) {
        self.init(try RedirectTarget(target), permanent: permanent)
    }

    init(_ target: RedirectTarget, permanent: Bool) {
        self.target = target
        isPermanent = permanent
    }

    public override func get() async throws {
        var values: [String: String] = [:]
        for name in target.path.parameterNames { values[name] = try pathArgument(name) }
        do {
            try redirect(try target.location(values, query: request.query), permanent: isPermanent)
        } catch is PathFillingError {
            throw HTTPError.notFound()
        }
    }
}

extension Route {
    /// A route that sends GET and HEAD elsewhere. See ``RedirectHandler``.
    /// - Parameters:
    ///   - target: a path or a URL, whose parameters are those of `path`. If it is not well-formed, the application throws when
    ///     it is made.
    ///   - permanent: 301, the default, or 302.
    public init(_ path: String, name: String? = nil, redirectTo target: String, permanent: Bool = true) {
        do {
            let target = try RedirectTarget(target)
            self.init(path, name: name) { RedirectHandler(target, permanent: permanent) }
        } catch {
            self.init(path, name: name) { RequestHandler() }
            mistake = error
        }
    }
}

/// Where a redirect leads, in its parts.
struct RedirectTarget: Sendable {
    /// Scheme and host, or nothing.
    let origin: String
    let path: PathPattern
    /// Query and fragment, each with its mark, or nothing.
    let query: String
    let fragment: String

    init(_ text: String) throws(PathPatternError) {
        var rest = text[...]
        var fragment = ""
        if let mark = rest.firstIndex(of: "#") {
            fragment = String(rest[mark...])
            rest = rest[..<mark]
        }
        var query = ""
        if let mark = rest.firstIndex(of: "?") {
            query = String(rest[mark...])
            rest = rest[..<mark]
        }
        var origin = ""
        if let scheme = rest.firstRange(of: "://"), !rest[..<scheme.lowerBound].contains("/") {
            let end = rest[scheme.upperBound...].firstIndex(of: "/") ?? rest.endIndex
            origin = String(rest[..<end])
            rest = rest[end...]
            if rest.isEmpty { rest = "/" }
        }
        self.origin = origin
        self.query = query
        self.fragment = fragment
        path = try PathPattern(String(rest))
    }

    func location(_ values: [String: String], query sent: String?) throws -> String {
        var text = try origin + path.path(filling: values) + query
        if let sent, !sent.isEmpty { text += (query.isEmpty ? "?" : "&") + sent }
        return text + fragment
    }
}
