// The first program of the README and of Getting Started, as a main.swift. Its parts are joined by an empty line.

// snippet: program
import Foundation
import Squall

// end

private func program() async throws {
    // snippet: program
    final class Home: RequestHandler {
        override func get() async throws {
            write("<h1>Hello, world</h1>")
        }
    }

    let site = try Application {
        Route("/", Home.init)
        Route("/hello/{name}") { handler in
            try handler.write(json: ["hello": handler.pathArgument("name")])
        }
        Route("/slow") { handler in
            sleep(5)  // nobody else waits
            handler.write("done")
        }
    }
    try await site.run(port: 8888)
    // end
}
