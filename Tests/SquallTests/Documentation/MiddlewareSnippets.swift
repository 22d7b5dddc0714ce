import Foundation
import Logging
import Squall

// The code of the pages about middleware, errors and input. It is compiled, and compared with the pages.

private struct User: Sendable {
    var name: String
}

private func user(of handler: RequestHandler) async throws -> User? { nil }

private final class Home: RequestHandler {}
private final class Reports: RequestHandler {}
private final class Forum: RequestHandler {}

private func middleware() throws {
    // snippet: middleware
    let timed = Middleware { handler, next in
        let start = ContinuousClock.now
        handler.setHeader("X-Frame-Options", "DENY")
        defer { handler.logger.info("\(handler.request.path) took \(ContinuousClock.now - start)") }
        try await next()
    }

    var settings = Application.Settings()
    settings.middleware = [timed]
    let site = try Application(settings: settings) {
        Route("/", Home.init)
        Group(
            "/admin", options: .init(middleware: [.authenticated(loginURL: "/login") { try await user(of: $0) != nil }])
        ) {
            Route("/reports", Reports.init)
        }
    }
    // end
    _ = site
}

private func slashes() throws -> Application {
    try Application {
        // snippet: slashes
        for path in ["/reports", "/reports/"] {
            Route(path, options: .init(middleware: [.addSlash]), Reports.init)
        }
        // end
    }
}

private func ready() throws {
    // snippet: ready-handlers
    let forum = try Application { Route("/forum/{path...}", Forum.init) }
    let site = try Application {
        Route("/", Home.init)
        Route("/photos/{id}", redirectTo: "/pictures/{id}")
        Route("/docs/{path...}", redirectTo: "https://docs.example.com/{path...}", permanent: false)
        Route("/wp-admin/{path...}") { ErrorHandler(410) }
        Route("/forum/{path...}") { FallbackHandler(forum) }
    }
    // end
    _ = site
}

private enum Errors {
    // snippet: own-errors
    enum ShopError: ResponseError {
        case soldOut(String)
        case closed

        var status: Int {
            switch self {
            case .soldOut: 409
            case .closed: 503
            }
        }
        var message: String? {
            switch self {
            case .soldOut(let article): "\(article) is sold out"
            case .closed: "the shop is closed"
            }
        }
        var code: String? {
            switch self {
            case .soldOut: "sold_out"
            case .closed: "closed"
            }
        }
    }
    // end

    static func translating() {
        // snippet: translating
        let translating = Middleware { handler, next in
            do {
                try await next()
            } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
                throw HTTPError.notFound("there is no such file")
            }
        }
        // end
        _ = translating
    }

    static func development() {
        // snippet: development
        var settings = Application.Settings()
        settings.isDevelopment = CommandLine.arguments.contains("--development")
        // end
    }
}

private enum Input {
    // snippet: typed-form
    enum Interest: String, Codable, CaseIterable, PathArgument { case music, film }

    struct SignUp: Decodable {
        var name: String
        var born: Date?
        var interests: [Interest]
        var newsletter: Bool
    }

    final class SignUpHandler: RequestHandler {
        override func post() async throws {
            let signUp = try form(as: SignUp.self)
            write("Welcome, \(Escape.html(signUp.name))")
        }

        override func get() async throws {
            let page = try queryArgument("page", as: Int.self, default: 1)
            let interest = try queryArgument("interest", as: Interest?.self)
            let tags = try queryArguments("tag", as: Int.self)
            try write(json: ["page": "\(page)", "interest": interest?.rawValue ?? "any", "tags": "\(tags)"])
        }
    }
    // end

    static func rows() async throws -> [Int] { [] }

    // snippet: server-timing
    final class Slow: RequestHandler {
        override func get() async throws {
            let rows = try await timed("db", description: "all rows") { try await Input.rows() }
            write("\(rows.count) rows")
        }
    }
    // end
}
