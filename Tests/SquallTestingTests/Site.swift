import Foundation
import HTTPTypes
import Squall
import SquallHTTP
import SquallIO
import SquallTesting
import Synchronization

/// An application with something of each kind to ask for.
func site(@RouteBuilder _ routes: () -> [Route]) throws -> Application { try site(with: { _ in }, routes: routes) }

func site(
    with configure: (inout Application.Settings) -> Void = { _ in }, @RouteBuilder routes: () -> [Route] = { [] }
) throws -> Application {
    var settings = Application.Settings()
    // In the wave of tests at the start of a run, one may wait longer for a thread than a client may take for a head.
    settings.limits.headerTimeout = RawClient.patience * 3
    configure(&settings)
    return try Application(settings: settings) {
        Route("/") { handler in handler.write("hello") }
        Route("/echo", methods: [.get, .head, .post, .put, .patch, .delete, .options]) { handler in
            handler.setHeader("Content-Type", "text/plain")
            let request = handler.request
            handler.write("\(request.method.rawValue) \(request.target)\n")
            for line in request.headerLines { handler.write("\(line.name): \(line.value)\n") }
            handler.write("\n")
            handler.write(request.body)
        }
        Route("/from") { handler in handler.write("\(handler.request.remoteAddress)") }
        Route("/fails") { _ in throw Trouble() }
        Route("/sleep/{seconds}") { handler in
            try await IOLoop.sleep(for: .seconds(try handler.pathArgument("seconds", as: Int.self)))
            handler.write("slept")
        }
        routes()
    }
}

struct Trouble: Error, CustomStringConvertible {
    var description: String { "the handler's own trouble" }
}

/// What happened, in order.
final class Steps: Sendable {
    private let steps = Mutex<[String]>([])
    var all: [String] { steps.withLock { $0 } }
    func callAsFunction(_ step: String) { steps.withLock { $0.append(step) } }
}

func nap() { usleep(1_000) }
