import HTTPTypes
import Squall
import SquallIO
import SquallTesting
import Synchronization
import Testing

/// A handler is on its loop again wherever it has been meanwhile, also when it came back by an error.
@Suite struct IsolationTests {
    private struct Failure: Error {}

    @MainActor private static func pass() async {}
    @MainActor private static func fail() async throws { throw Failure() }

    /// What was called away from a loop.
    private final class Strays: Sendable {
        private let names = Mutex<[String]>([])
        var all: [String] { names.withLock { $0 } }
        func look(_ name: String) {
            if IOLoop.current == nil { names.withLock { $0.append(name) } }
        }
    }

    private final class Wanderer: RequestHandler {
        let strays: Strays
        init(_ strays: Strays) { self.strays = strays }

        override func prepare() async throws {
            await IsolationTests.pass()
            if try queryArgument("at") == "prepare" { try await IsolationTests.fail() }
        }
        override func get() async throws {
            strays.look("get")
            await IsolationTests.pass()
            if try queryArgument("at") == "get" { try await IsolationTests.fail() }
            write("done")
        }
        override func writeError(_ error: HTTPError) async throws {
            strays.look("writeError")
            await IsolationTests.pass()
            write("failed")
        }
        override func logException(_ error: any Error) { strays.look("logException") }
        override func onFinish() { strays.look("onFinish") }
    }

    @Test(arguments: ["", "?at=prepare", "?at=get"], ["/plain", "/wrapped"])
    func `what comes after an await runs on the loop`(query: String, path: String) async throws {
        let strays = Strays()
        let pass = Middleware { handler, next in
            strays.look("before")
            try await next()
            strays.look("after")
        }
        let site = try Application {
            Route("/plain") { Wanderer(strays) }
            Route("/wrapped", options: .init(middleware: [pass])) { Wanderer(strays) }
        }
        try await withApplication(site) { client in
            for _ in 0..<3 {
                let response = try await client.get(path + query)
                #expect(response.text == (query.isEmpty ? "done" : "failed"))
            }
        }
        #expect(strays.all == [])
    }
}
