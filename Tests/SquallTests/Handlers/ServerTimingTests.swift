import HTTPTypes
import Squall
import Testing

@Suite struct ServerTimingTests {
    @Test func `durations are told in the field Server-Timing`() async throws {
        struct Oops: Error {}
        try await withServer(routes: {
            Route("/") { handler in
                handler.serverTiming("db", .microseconds(1_050), description: #"SELECT "x" \ é"#)
                handler.serverTiming("cache miss,x;y=\u{e9}\r\n")
                handler.serverTiming("", .seconds(-1))
                handler.serverTiming("long", .seconds(Int64.max))
            }
            Route("/timed") { handler in
                let value = await handler.timed("a") { 7 }
                try? await handler.timed("b", description: "fails") { throw Oops() }
                handler.write("\(value)")
            }
            Route("/error") { handler in
                handler.serverTiming("db", .milliseconds(2))
                throw HTTPError(409)
            }
            Route("/stream") { handler in
                handler.serverTiming("early")
                handler.write("x")
                try await handler.flush()
                handler.serverTiming("late")
            }
            Route("/none") { _ in }
        }) { server in
            let response = try await server.get("/")
            #expect(
                response["server-timing"]?.hasPrefix(
                    #"db;dur=1.050;desc="SELECT \"x\" \\ ?", cache_miss_x_y____, _;dur=0.000, long;dur="#) == true,
                "\(response["server-timing"] ?? "")")
            let timed = try await server.get("/timed")
            #expect(timed.text == "7")
            #expect(
                timed["server-timing"]?.wholeMatch(of: /a;dur=\d+\.\d{3}, b;dur=\d+\.\d{3};desc="fails"/) != nil)
            #expect(try await server.get("/error")["server-timing"] == "db;dur=2.000")
            #expect(try await server.get("/stream")["server-timing"] == "early")
            #expect(try await server.get("/none")["server-timing"] == nil)
        }
    }
}
