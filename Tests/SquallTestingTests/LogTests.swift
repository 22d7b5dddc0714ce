import HTTPTypes
import Logging
import Squall
import SquallIO
import SquallTesting
import Testing

@Suite struct LogTests {
    @Test func `an error that is expected is none`() async throws {
        try await withApplication(try site()) { client in
            let answer = try await client.expectLog("own trouble", level: .error) { try await client.get("/fails") }
            #expect(answer.status == .internalServerError)
            try await client.expectLog(matching: /handler's \w+ trouble/) { _ = try await client.get("/fails") }
        }
    }

    @Test func `an error that nobody expects fails the test`() async throws {
        let error = await #expect(throws: UnexpectedLogError.self) {
            try await withApplication(try site()) { client in
                let answer = try await client.get("/fails")
                #expect(answer.status == .internalServerError)
            }
        }
        #expect(error?.entries.count == 1)
        #expect(error?.description.contains("own trouble") == true)
        try await withApplication(try site(), unexpectedErrors: .ignored) { client in
            _ = try await client.get("/fails")
        }
    }

    @Test func `a line that does not come is missed`() async throws {
        try await withApplication(try site(), unexpectedErrors: .ignored, patience: .milliseconds(50)) { client in
            let error = await #expect(throws: MissingLogError.self) {
                try await client.expectLog("something else") { _ = try await client.get("/fails") }
            }
            #expect(error?.description.contains("'something else'") == true)
            #expect(error?.description.contains("own trouble") == true)
            await #expect(throws: MissingLogError.self) {
                try await client.expectLog("own trouble", level: .info) { _ = try await client.get("/fails") }
            }
            // What was logged before counts for nothing.
            await #expect(throws: MissingLogError.self) { try await client.expectLog("own trouble") {} }
        }
    }

    @Test func `what is logged later is waited for`() async throws {
        let gate = Gate()
        let application = try site {
            Route("/later") { handler in
                let logger = handler.logger
                handler.spawn {
                    try await gate.wait()
                    logger.warning("late")
                }
            }
        }
        try await withApplication(application) { client in
            try await client.expectLog("late", level: .warning) {
                _ = try await client.get("/later")
                gate.open()
            }
        }
    }

    @Test func `lines are recorded with their metadata, from any logger`() async throws {
        let access = LogRecorder()
        try await withApplication(try site(with: { $0.accessLogger = access.logger() })) { client in
            _ = try await client.get("/")
            try await waitUntil("it is logged") { !access.entries.isEmpty }
        }
        let entry = try #require(access.entries.first)
        #expect(entry.message == "GET / 200" && entry.metadata["route"] != nil)
        #expect("\(entry)".hasPrefix("info: GET / 200 "))
        #expect(access.messages(at: .info) == ["GET / 200"])
        let quiet = access.logger(level: .error)
        quiet.info("no")
        #expect(access.entries.count == 1)
    }
}
