import HTTPTypes
import Logging
import Squall
import SquallIO
import SquallTesting
import Testing

// The code of the pages about SquallTesting. It is compiled, compared with the pages, and run.

private struct Report: Codable, Equatable {
    var id: Int
    var title: String
}

private func makeSite() throws -> Application {
    var settings = Application.Settings()
    settings.cookieSecret = "It's a secret to everybody"
    return try Application(settings: settings) {
        Route("/") { handler in handler.write("hello") }
        Route("/login", methods: [.get, .post]) { handler in
            if handler.request.method == .get { return handler.write(try handler.xsrfToken()) }
            try handler.setSignedCookie("session", try handler.bodyArgument("name") ?? "")
            try handler.redirect("/", status: 303)
        }
        Route("/reports/{id}") { handler in
            try handler.write(json: Report(id: try handler.pathArgument("id", as: Int.self), title: "Tides"))
        }
        Route("/import", methods: [.post], options: .init(streamsBody: true, checksXSRF: false)) { handler in
            var size = 0
            for try await piece in handler.body { size += piece.count }
            handler.write("\(size) bytes")
        }
        Route("/events") { handler in
            for number in 1... {
                handler.write("event \(number)\n")
                try await handler.flush()
                try await IOLoop.sleep(for: .seconds(1))
            }
        }
        Route("/slow") { handler in
            try await IOLoop.sleep(for: .seconds(20))
            handler.write("done")
        }
        Route("/broken") { _ in throw Broken() }
    }
}

private struct Broken: Error, CustomStringConvertible {
    var description: String { "the disk is full" }
}

@Suite struct TestingSnippets {
    // snippet: testing
    @Test func `Signing in works`() async throws {
        try await withApplication(try makeSite()) { client in
            let page = try await client.get("/login")
            let answer = try await client.post("/login", form: ["name": "ann", "_xsrf": page.text])
            #expect(answer.status == .seeOther)
            #expect(answer["Location"] == "/")
            #expect(client.cookies["session"] != nil)
        }
    }
    // end

    @Test func `requests`() async throws {
        let site = try makeSite()
        // snippet: testing-requests
        try await withApplication(site, .overSocket) { client in
            client.options.headers["Accept"] = "application/json"
            client.options.followsRedirects = true
            let report = try await client.get("/reports/7").json(Report.self)
            #expect(report.title == "Tides")

            let stranger = client.another()
            #expect(try await stranger.post("/login", form: ["name": "eve"]).status == .forbidden)
        }
        // end
    }

    @Test func `streams`() async throws {
        let site = try makeSite()
        // snippet: testing-streams
        try await withApplication(site) { client in
            let upload = try await client.start(.post, "/import", headers: ["Transfer-Encoding": "chunked"])
            try await upload.write("id,title\n")
            try await upload.write("7,Tides\n")
            #expect(try await upload.response().text == "17 bytes")

            let events = try await client.stream(.get, "/events")
            for try await piece in events.body {
                #expect(piece == Array("event 1\n".utf8))
                break
            }
            await events.disconnect()
            try await events.handlerEnded()
        }
        // end
    }

    @Test func `raw bytes`() async throws {
        let site = try makeSite()
        // snippet: testing-raw
        try await withApplication(site) { client in
            let raw = try await client.raw()
            try await raw.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            #expect(try await raw.responsesToEnd().map(\.status) == [200, 400])
        }
        // end
    }

    @Test func `a clock`() async throws {
        let site = try makeSite()
        // snippet: testing-clock
        let clock = TestClock()
        try await withApplication(site, clock: clock) { client in
            let request = try await client.start(.get, "/slow")  // sleeps for 20 s
            try await clock.advance(by: .seconds(20))
            #expect(try await request.response().text == "done")

            let raw = try await client.raw()
            try await raw.send("GET / HT")
            try await clock.advance(by: .seconds(10))
            #expect(try await raw.response().status == 408)
        }
        // end
    }

    @Test func `logs`() async throws {
        let site = try makeSite()
        // snippet: testing-logs
        try await withApplication(site) { client in
            let answer = try await client.expectLog("disk is full", level: .error) {
                try await client.get("/broken")
            }
            #expect(answer.status == .internalServerError)
        }
        // end
    }

    // snippet: testing-traits
    @Suite(.testClock, .application(try makeSite()))
    struct Pages {
        @Test func `The first page greets`() async throws {
            let client = try TestClient.current
            #expect(try await client.get("/").text == "hello")
        }

        @Test func `A slow page takes its time`() async throws {
            let request = try await TestClient.current.start(.get, "/slow")
            try await TestClock.current?.advance(by: .seconds(20))
            #expect(try await request.response().status == .ok)
        }
    }
    // end

    @Test func `waiting`() async throws {
        // snippet: testing-gate
        let gate = Gate()
        let site = try Application {
            Route("/") { handler in
                try await gate.wait()
                handler.write("through")
            }
        }
        try await withApplication(site) { client in
            let request = try await client.start(.get, "/")
            try await gate.waitForArrival()
            #expect(client.server.connectionCount == 1)  // here the handler is known to wait
            gate.open()
            #expect(try await request.response().text == "through")
        }
        // end
    }
}
