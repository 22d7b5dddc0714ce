import SquallHTTP

extension RequestHandler {
    // MARK: what the client takes

    /// Whether the client takes a media type such as `application/json`, by its Accept field (RFC 9110 section 12.5.1). True if it
    /// sends none.
    public func accepts(_ mediaType: String) -> Bool {
        accepted.map { $0.quality(ofMediaType: mediaType) > 0 } ?? true
    }

    /// Which of these media types the client likes best, by its Accept field. Of those that it likes the same: the one that it names
    /// more closely, then the one that it names first, then the first of `types`. Nil if it takes none of them. Who answers by it
    /// adds `Vary: Accept`.
    public func preferredType(of types: [String]) -> String? {
        accepted.map { $0.preferred(of: types) } ?? types.first
    }

    private var accepted: AcceptHeader? {
        // A list may come in several lines.
        let lines = request.headerLines.filter { $0.name.equalsIgnoringCase("accept") }.map(\.value)
        return lines.isEmpty ? nil : AcceptHeader(lines.joined(separator: ","))
    }

    // MARK: error pages

    private static let html = "text/html"
    private static let json = "application/json"
    private static let problem = "application/problem+json"

    /// The one place where errors are rendered, unless the application overrides ``writeError(_:)``.
    func writeErrorPage(_ error: HTTPError) async throws {
        let accept = accepted
        var offers = [Self.html, Self.json]
        if accept?.names(mediaType: Self.problem) == true { offers.append(Self.problem) }
        let type = accept.map { $0.preferred(of: offers) } ?? nil
        let phrase = reason ?? reasonPhrase(for: error.status)
        let isDevelopment = application?.settings.isDevelopment == true
        addHeader("Vary", "Accept")
        // Neither a proxy nor a browser's disk is to have what is told there.
        if isDevelopment { setHeader("Cache-Control", "no-store") }
        switch type {
        case Self.problem:
            try write(
                json: Problem(title: phrase, status: error.status, detail: error.message, code: error.code))
            setHeader("Content-Type", Self.problem)
        case Self.json:
            var body = ErrorBody(status: error.status, error: phrase, code: error.code, message: error.message)
            if isDevelopment { body.cause = error.cause.map { "\(Swift.type(of: $0)): \($0)" } ?? error.logMessage }
            try write(json: body)
        case _ where isDevelopment:
            isHiddenFromOthers = true
            clearHeader("Access-Control-Allow-Origin")
            write(await Development.page(for: error, in: self, phrase: phrase))
        default:
            let title = "\(error.status): \(Escape.html(phrase))"
            let detail = error.message.map { "<p>\(Escape.html($0))</p>" } ?? ""
            write("<html><title>\(title)</title><body><h1>\(title)</h1>\(detail)</body></html>\n")
        }
    }

    private struct ErrorBody: Encodable {
        var status: Int
        var error: String
        var code: String?
        var message: String?
        var cause: String?
    }

    /// RFC 9457 section 3.1. Its type is `about:blank`, which need not be said.
    private struct Problem: Encodable {
        var title: String
        var status: Int
        var detail: String?
        var code: String?
    }
}
