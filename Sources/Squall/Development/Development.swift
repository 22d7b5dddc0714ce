import SquallHTTP
import SquallIO

/// What is done in development only: ``Application/Settings/isDevelopment``.
enum Development {
    /// Runs before the application's own.
    static func middleware(_ settings: Application.Settings) -> [Middleware] {
        guard settings.isDevelopment else { return [] }
        ThrowTrace.begin()
        return [
            Middleware { handler, next in
                // The time since the request began is told of every response.
                handler.timings = handler.timings ?? []
                try await next()
            }
        ]
    }

    /// The page for an error: all that is known of it, escaped.
    static func page(for error: HTTPError, in handler: RequestHandler, phrase: String) async -> [UInt8] {
        var page = HTMLPage(title: "\(error.status): \(phrase)")
        if let message = error.message { page.add("p", message) }
        if let logMessage = error.logMessage { page.add("p", "Logged: \(logMessage)") }
        if let cause = error.cause {
            page.add("h2", String(reflecting: type(of: cause)))
            page.add("pre", bounded("\(cause)"))
        }
        if let documentation = error.documentation { page.add("p", documentation) }
        let stack = await stack(of: error)
        var line = stack.first { SourceExcerpt.isApplication($0.file) && $0.line != nil }.flatMap { frame in
            frame.file.map { (file: $0, line: frame.line ?? 0) }
        }
        if line == nil, let source = error.source { line = ("\(source.file)", Int(clamping: source.line)) }
        if let line {
            page.add("h2", "\(line.file):\(line.line)")
            page.add(await SourceExcerpt.read(line.file, line: line.line))
        }
        if !stack.isEmpty {
            page.add("h2", "Stack")
            page.add("pre", stack.map(\.text).joined(separator: "\n"))
        }
        addRequest(handler, to: &page)
        addRoutes(handler, error, to: &page)
        return page.bytes
    }

    /// Where the error was thrown, innermost first. Empty where that is not known.
    private static func stack(of error: HTTPError) async -> [ThrowTrace.Frame] {
        let addresses = error.stack
        guard !addresses.isEmpty else { return [] }
        let frames = try? await ThrowTrace.frames(addresses)
        return frames ?? []
    }

    // MARK: the request

    private static func addRequest(_ handler: RequestHandler, to page: inout HTMLPage) {
        let request = handler.request
        page.add("h2", "Request")
        var rows = [
            ("Method", request.method.rawValue), ("Target", bounded(hidingSecrets(request.target))),
            ("Route", handler.route?.name ?? ""),
            ("Handler", String(reflecting: type(of: handler))), ("From", "\(request.remoteAddress)"),
        ]
        if handler.exchange?.isReadable == false { rows = [("From", "\(request.remoteAddress)")] }
        page.addTable(rows)
        guard handler.exchange?.isReadable != false else { return }
        page.add("h3", "Fields")
        page.addTable(
            request.headerLines.map { ($0.name, isSecret($0.name) ? "(hidden)" : bounded(hidingSecrets($0.value))) })
        for (title, pairs) in [("Query", try? handler.queryArguments()), ("Form", try? handler.bodyArguments())] {
            guard let pairs, !pairs.isEmpty else { continue }
            page.add("h3", title)
            page.addTable(pairs.map { (bounded($0.name), isSecret($0.name) ? "(hidden)" : bounded($0.value)) })
        }
    }

    private static func isSecret(_ name: String) -> Bool {
        let name = name.lowercased()
        return ["authorization", "cookie", "password", "secret", "token", "xsrf", "csrf", "key"].contains {
            name.contains($0)
        }
    }

    /// A target, or a field that may be a URL, as Referer: values in its query whose names look like secrets' are left out.
    private static func hidingSecrets(_ url: String) -> String {
        guard let query = url.utf8.firstIndex(of: UInt8(ascii: "?")) else { return url }
        let start = url.utf8.index(after: query)
        // By bytes, as arguments are parsed: what combines with a sign does not take it away.
        let pairs = url.utf8[start...].split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false).map {
            pair in
            guard let sign = pair.firstIndex(of: UInt8(ascii: "=")) else {
                return String(decoding: pair, as: UTF8.self)
            }
            let name = String(decoding: pair[..<sign], as: UTF8.self)
            let decoded = PercentCoding.percentDecodedString(name, plusIsSpace: true) ?? name
            return isSecret(decoded) ? name + "=(hidden)" : String(decoding: pair, as: UTF8.self)
        }
        return url[..<start] + pairs.joined(separator: "&")
    }

    private static func bounded(_ text: String) -> String {
        text.utf8.count <= 4_096 ? text : String(text.prefix(4_096)) + " …"
    }

    // MARK: routes

    private static let mostRoutes = 500

    private static func addRoutes(_ handler: RequestHandler, _ error: HTTPError, to page: inout HTMLPage) {
        guard let application = handler.application, handler.exchange?.isReadable != false else { return }
        let entries = application.router.entries
        if error.status == 404 {
            let path = handler.request.path
            let near = NearMiss.find(path, among: entries.prefix(mostRoutes))
            if !near.isEmpty {
                page.add("h2", "Close to \(bounded(path))")
                page.addTable(near.map { ($0.route.name, $0.reason) })
            }
        }
        page.add("h2", "Routes")
        page.addTable(
            entries.prefix(mostRoutes).map { entry in
                let host = entry.host.map { " on \($0.source)" } ?? ""
                return switch entry.action {
                case .handler: (entry.name, "handler\(host)")
                case .closure(_, let methods):
                    (entry.name, methods.map(\.rawValue).joined(separator: ", ") + host)
                }
            })
    }
}
