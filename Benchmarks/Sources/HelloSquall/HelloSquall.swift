import Foundation
import Squall

/// The server under test: hello world, a handler that blocks and a handler that burns CPU, none of them with any care taken.
@main
struct HelloSquall {
    static func main() async throws {
        let work = Work.calibrated()
        var settings = Application.Settings()
        settings.loops = option("--loops") ?? 1
        let site = try Application(settings: settings) {
            Route("/", Hello.init)
            Route("/block", Block.init)
            Route("/cpu") { Burn(work: work) }
            if let files = text("--static") { StaticFiles("/static", root: files) }
        }
        try await site.run(port: option("--port") ?? 8888)
    }

    static func option(_ name: String) -> Int? { text(name).flatMap { Int($0) } }

    static func text(_ name: String) -> String? {
        let arguments = CommandLine.arguments
        guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count else { return nil }
        return arguments[index + 1]
    }
}

final class Hello: RequestHandler {
    override func get() async throws {
        setHeader("Content-Type", "text/plain")
        write("hello")
    }
}

final class Block: RequestHandler {
    override func get() async throws {
        let milliseconds = try queryArgument("ms", as: Int.self)
        usleep(UInt32(milliseconds) * 1000)
        write("done")
    }
}

final class Burn: RequestHandler {
    let work: Work
    init(work: Work) { self.work = work }

    override func get() async throws {
        let milliseconds = try queryArgument("ms", as: Int.self)
        write(String(work.burn(milliseconds: milliseconds)))
    }
}
