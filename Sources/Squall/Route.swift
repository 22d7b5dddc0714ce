import HTTPTypes
import SquallHTTP
import SquallIO
import Synchronization

/// A path and what answers it.
///
/// ```swift
/// try Application {
///     Route("/", Home.init)
///     Route("/reports/{id}", name: "report") { ReportHandler(database: database) }
///     Route("/hello/{name}") { handler in
///         handler.setHeader("Content-Type", "text/plain")
///         handler.write("Hello, \(try handler.pathArgument("name"))")
///     }
/// }
/// ```
///
/// See ``PathPattern`` for what a path may be.
public struct Route: Sendable {
    /// What may be set for a route, or for all routes of a ``Group``.
    public struct Options: Sendable {
        /// The most bytes of a body. Nil: the group's, or the application's.
        public var bodyLimit: Int?
        /// How long the handler may take. Nil: the group's, or the application's. `.zero`: as long as it likes.
        public var deadline: Duration?
        /// Start the handler as soon as the head is there, and let it read the body: ``RequestHandler/body``.
        public var streamsBody: Bool
        /// Only for requests to this host.
        public var host: HostPattern?
        /// Whether requests that may change something must bring a token: ``Application/Settings/checksXSRF``. Nil: the
        /// group's, or the application's.
        public var checksXSRF: Bool?
        /// In place of all of ``Application/Settings/securityHeaders``. Nil: the group's, or the application's.
        public var securityHeaders: SecurityHeaders?
        /// Which other sites' scripts may use it. Nil: the group's, or the application's.
        public var cors: CORS?
        /// Whether bodies of requests that are compressed are decompressed:
        /// ``Application/Settings/decompressesBodies``. Nil: the group's, or the application's.
        public var decompressesBody: Bool?
        /// Whether responses are compressed: ``Application/Settings/compressesResponses``. Nil: the group's, or the
        /// application's.
        public var compressesResponse: Bool?
        /// What runs around the handler, behind that of the application and of the groups. See ``Middleware``.
        public var middleware: [Middleware]

        public init(
            bodyLimit: Int? = nil, deadline: Duration? = nil, streamsBody: Bool = false, host: HostPattern? = nil,
            checksXSRF: Bool? = nil, securityHeaders: SecurityHeaders? = nil, cors: CORS? = nil,
            decompressesBody: Bool? = nil, compressesResponse: Bool? = nil, middleware: [Middleware] = []
        ) {
            self.securityHeaders = securityHeaders
            self.cors = cors
            self.middleware = middleware
            self.checksXSRF = checksXSRF
            self.decompressesBody = decompressesBody
            self.compressesResponse = compressesResponse
            self.bodyLimit = bodyLimit
            self.deadline = deadline
            self.streamsBody = streamsBody
            self.host = host
        }

        /// These, and where they say nothing, those of `outer`.
        func within(_ outer: Options) -> Options {
            Options(
                bodyLimit: bodyLimit ?? outer.bodyLimit, deadline: deadline ?? outer.deadline,
                streamsBody: streamsBody || outer.streamsBody, host: host ?? outer.host,
                checksXSRF: checksXSRF ?? outer.checksXSRF,
                securityHeaders: securityHeaders ?? outer.securityHeaders, cors: cors ?? outer.cors,
                decompressesBody: decompressesBody ?? outer.decompressesBody,
                compressesResponse: compressesResponse ?? outer.compressesResponse,
                middleware: outer.middleware + middleware)
        }
    }

    /// What a closure route does. It runs on the request's task.
    public typealias Body = @Sendable (RequestHandler) async throws -> Void

    enum Action: Sendable {
        case handler(@Sendable () -> RequestHandler)
        case closure(Body, [HTTPRequest.Method])
    }

    var path: String
    let name: String?
    let action: Action
    var options: Options
    /// The folder whose files it serves.
    var files: StaticFiles?
    /// Gives way to a route of the same path that was declared by hand.
    var isFallback = false
    /// Found when the route was declared, thrown when the application is made.
    var mistake: PathPatternError?

    /// A route to a handler of one's own. `handler` is called for each request, in that request's task.
    public init(
        _ path: String, name: String? = nil, options: Options = Options(),
        _ handler: @escaping @Sendable () -> RequestHandler
    ) {
        self.path = path
        self.name = name
        self.options = options
        action = .handler(handler)
    }

    /// A route to a closure, for GET and HEAD unless `methods` says otherwise.
    public init(
        _ path: String, name: String? = nil, methods: [HTTPRequest.Method] = [.get], options: Options = Options(),
        _ body: @escaping Body
    ) {
        self.path = path
        self.name = name
        self.options = options
        action = .closure(body, methods.contains(.get) && !methods.contains(.head) ? methods + [.head] : methods)
    }
}

/// Routes under a common prefix, with common options.
///
/// ```swift
/// Group("/admin", options: .init(deadline: .seconds(300))) {
///     Route("/statistics", Statistics.init)
/// }
/// ```
public struct Group: Sendable {
    let routes: [Route]

    /// - Parameter prefix: begins with a slash and does not end with one.
    public init(_ prefix: String = "", options: Route.Options = .init(), @RouteBuilder _ routes: () -> [Route]) {
        self.routes = routes().map { route in
            var route = route
            route.path = prefix + route.path
            route.options = route.options.within(options)
            return route
        }
    }
}

/// Puts routes and groups together.
@resultBuilder
public enum RouteBuilder {
    public static func buildExpression(_ route: Route) -> [Route] { [route] }
    public static func buildExpression(_ group: Group) -> [Route] { group.routes }
    public static func buildExpression(_ routes: [Route]) -> [Route] { routes }
    public static func buildExpression(_ files: StaticFiles) -> [Route] { files.routes }
    public static func buildBlock(_ parts: [Route]...) -> [Route] { parts.flatMap { $0 } }
    public static func buildOptional(_ part: [Route]?) -> [Route] { part ?? [] }
    public static func buildEither(first: [Route]) -> [Route] { first }
    public static func buildEither(second: [Route]) -> [Route] { second }
    public static func buildArray(_ parts: [[Route]]) -> [Route] { parts.flatMap { $0 } }
}

/// A route as the server uses it.
final class RouteEntry: Sendable {
    let name: String
    let action: Route.Action
    let host: HostPattern?
    let bodyLimit: Int?
    let streamsBody: Bool
    let checksXSRF: Bool?
    let files: StaticFiles?
    let securityLines: SecurityLines?
    let cors: CORS?
    /// The application's and the groups', too.
    let middleware: [Middleware]
    let decompressesBody: Bool?
    let compressesResponse: Bool?
    private let deadline: Int64?
    private let profiles: [DispatchProfile]

    init(name: String, action: Route.Action, options: Route.Options, files: StaticFiles? = nil) {
        self.name = name
        self.action = action
        host = options.host
        bodyLimit = options.bodyLimit
        streamsBody = options.streamsBody
        checksXSRF = options.checksXSRF
        self.files = files
        securityLines = options.securityHeaders.map(SecurityLines.init)
        cors = options.cors
        middleware = options.middleware
        decompressesBody = options.decompressesBody
        compressesResponse = options.compressesResponse
        deadline = options.deadline?.clampedNanoseconds
        profiles = Self.methods.map { DispatchProfile(name: "\($0) \(name)") } + [DispatchProfile(name: "* \(name)")]
    }

    private static let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]

    /// How requests of this method to this route have behaved.
    func profile(for method: HTTPRequest.Method) -> DispatchProfile {
        switch method {
        case .get: profiles[0]
        case .head: profiles[1]
        case .post: profiles[2]
        case .put: profiles[3]
        case .delete: profiles[4]
        case .patch: profiles[5]
        case .options: profiles[6]
        default: profiles[7]
        }
    }

    var learned: [DispatchProfile] { profiles.filter { $0.placement != .loop } }

    /// In nanoseconds; nil for none.
    func deadline(default: Int64) -> Int64? {
        let nanoseconds = deadline ?? `default`
        return nanoseconds > 0 ? nanoseconds : nil
    }
}

/// Finds the route of a request. Built once.
final class Router: Sendable {
    struct Match {
        var route: RouteEntry
        /// Pattern and captures, whose ranges are in the path.
        var found: RouteMatch<RouteEntry>?
        var refusal: HTTPError?
    }

    private let tree: RouteTree<RouteEntry>
    private let hasHosts: Bool
    private let named: [String: PathPattern]
    let entries: [RouteEntry]
    /// By name.
    let files: [String: StaticFiles]
    /// Stands for the route of what has none.
    let refusals: RouteEntry
    private let asterisk: RouteEntry

    init(_ routes: [Route], middleware: [Middleware] = []) throws(PathPatternError) {
        let common = Route.Options(middleware: middleware)
        var built: [(pattern: PathPattern, value: RouteEntry)] = []
        var named: [String: PathPattern] = [:]
        var files: [String: StaticFiles] = [:]
        let declared = Set(routes.filter { !$0.isFallback }.map(\.path))
        for route in routes where !route.isFallback || !declared.contains(route.path) {
            if let folder = route.files, files[folder.name] == nil { files[folder.name] = folder }
            let pattern = try PathPattern(route.path)
            if let mistake = route.mistake { throw mistake }
            let options = route.options.within(common)
            let entry = RouteEntry(name: route.path, action: route.action, options: options, files: route.files)
            built.append((pattern, entry))
            if let name = route.name, named[name] == nil { named[name] = pattern }
        }
        tree = RouteTree(routes: built)
        entries = built.map(\.value)
        hasHosts = entries.contains { $0.host != nil }
        self.named = named
        self.files = files
        refusals = RouteEntry(name: "(no route)", action: .closure({ _ in }, []), options: common)
        asterisk = RouteEntry(
            name: "*", action: .closure({ $0.setStatus(204) }, [.options]), options: common)
    }

    func match(_ head: borrowing HTTP1RequestHead, on connection: HTTP1Connection) -> Match {
        switch head.targetForm {
        case .asterisk: return Match(route: asterisk)
        case .authority: return refuse(501, "this server is no proxy")
        case .origin, .absolute: break
        }
        if head.pathRange.isEmpty { return match(Self.root.span, head, connection) }
        return match(head.bytes.span.extracting(head.pathRange), head, connection)
    }
    private static let root = [UInt8(ascii: "/")]

    @inline(__always)
    private func match(
        _ path: Span<UInt8>, _ head: borrowing HTTP1RequestHead, _ connection: HTTP1Connection
    ) -> Match {
        let found: RouteMatch<RouteEntry>?
        if hasHosts {
            let forwarded = connection.trust?.authority(of: head, from: connection.client)
            let host = forwarded ?? head.authority ?? ""
            found = tree.match(path) { $0.host.map { $0.match(host) != nil } ?? true }
        } else {
            found = tree.match(path)
        }
        guard let found else { return refuse(404, nil) }
        return Match(route: found.value, found: found)
    }

    private func refuse(_ status: Int, _ message: String?) -> Match {
        Match(route: refusals, refusal: HTTPError(status, message))
    }

    func path(named name: String, _ arguments: [String: String]) throws -> String {
        guard let pattern = named[name] else { throw UnknownRouteError(name: name, known: named.keys.sorted()) }
        return try pattern.path(filling: arguments)
    }
}

/// No route has this name.
public struct UnknownRouteError: Error, CustomStringConvertible {
    public let name: String
    public let known: [String]
    public var description: String {
        "no route is named '\(name)'; those that have names are \(known.joined(separator: ", "))"
    }
}
