import Foundation
import HTTPTypes
import Logging
import Squall
import SquallIO

// The code of the pages about Squall. It is compiled, and compared with the pages.

private struct Report: Codable, Sendable {
    var id: Int
    var year: Int
    var title: String
}

private final class Database: Sendable {
    let path: String
    init(path: String) throws { self.path = path }
    func report(_ id: Int, year: Int) throws -> Report? { nil }
    func save(_ report: Report) throws {}
    func rows() throws -> [String] { [] }
}

private func bcrypt(_ password: String) -> String { password }

private enum Reports {
    // snippet: report-handler
    final class ReportHandler: RequestHandler {
        let database: Database
        init(database: Database) { self.database = database }

        override func get() async throws {
            let id = try pathArgument("id", as: Int.self)
            let year = try queryArgument("year", as: Int.self, default: 2026)
            guard let report = try database.report(id, year: year) else {
                throw HTTPError(404, "there is no report \(id) for \(year)")
            }
            try write(json: report)
        }

        override func put() async throws {
            try database.save(try json(Report.self))
            setStatus(204)
        }
    }
    // end

    final class Statistics: RequestHandler {}

    static func routes() throws {
        // snippet: routes
        let database = try Database(path: "site.sqlite")
        let site = try Application {
            Route("/reports/{id}", name: "report") { ReportHandler(database: database) }
            Group("/admin", options: .init(deadline: .seconds(300))) {
                Route("/statistics", Statistics.init)
            }
        }
        let path = try site.path(named: "report", ["id": "7"])  // "/reports/7"
        // end
        print(path)
    }
}

private func initialisers() throws {
    // snippet: initialisers
    final class Home: RequestHandler {}

    final class Page: RequestHandler {
        let title: String
        init(title: String) { self.title = title }
    }

    let site = try Application {
        Route("/", Home.init)
        Route("/about") { Page(title: "About") }
    }
    // end
    print(site)
}

private func settings() async throws {
    // snippet: settings
    var settings = Application.Settings()
    settings.accessLogger = Logger(label: "access")
    settings.limits.bodyBytes = 64_000
    settings.limits.handlerDeadline = .seconds(10)
    settings.drainTimeout = .seconds(5)
    let site = try Application(settings: settings) {
        Route("/") { handler in handler.write("Hello") }
        Route("/upload", methods: [.put], options: .init(bodyLimit: 1 << 30, deadline: .zero, streamsBody: true)) {
            handler in
            var count = 0
            for try await piece in handler.body { count += piece.count }
            try handler.write(json: ["bytes": count])
        }
    }
    // end
    _ = site
}

private func starting(_ site: Application) async throws {
    // snippet: start-and-stop
    let server = try await site.start(port: 0)
    print("listening on port \(server.port)")
    await server.stop()
    // end
}

private enum Streaming {
    // snippet: streaming
    final class Countdown: RequestHandler {
        override func get() async throws {
            setHeader("Content-Type", "text/plain; charset=UTF-8")
            for second in stride(from: 10, through: 1, by: -1) {
                write("\(second)\n")
                try await flush()
                try await IOLoop.sleep(for: .seconds(1))
            }
            write("lift-off\n")
        }

        override func onConnectionClose() { logger.info("nobody waits for the lift-off") }
    }
    // end
}

private enum Pages {
    // snippet: base-handler
    class Page: RequestHandler {
        override func setDefaultHeaders() {
            setHeader("Cache-Control", "no-store")
        }

        override func prepare() async throws {
            guard request.header("authorization") != nil else {
                throw HTTPError(401, headers: [("WWW-Authenticate", "Bearer")])
            }
        }

        override func writeError(_ error: HTTPError) async throws {
            try write(json: ["status": "\(error.status)", "message": error.message ?? "no luck"])
        }
    }
    // end

    static func errorHandler() {
        // snippet: error-handler
        var settings = Application.Settings()
        settings.errorHandler = { Page() }
        // end
    }
}

private enum Blocking {
    // snippet: blocking
    final class SignUp: RequestHandler {
        override func post() async throws {
            let password = try argument("password")
            let hash = try await blocking { bcrypt(password) }
            write("\(hash.utf8.count) bytes\n")
        }
    }
    // end

    // snippet: blocking-pool
    static let reports = BlockingPool(threads: 5, queueLimit: 100, name: "reports")

    static func rows(of database: Database) async throws -> [String] {
        try await blocking(in: reports) { try database.rows() }
    }
    // end

    // snippet: spawning
    final class Order: RequestHandler {
        override func post() async throws {
            let mail = try bodyArgument("mail") ?? ""
            spawn {
                try await IOLoop.sleep(for: .seconds(1))
                print("confirm to \(mail)")
            }
            setStatus(202)
        }
    }
    // end
}

private func learned(_ site: Application) {
    // snippet: learned
    for route in site.learnedRoutes {
        print("\(route.name): \(route.placement), after \(route.stallCount) stalls")
    }
    // end
}
