import HTTPTypes
import Squall
import SquallIO
import SquallTesting
import Testing

@Suite struct TraitTests {
    @Test(.application(try site())) func `a test has an application`() async throws {
        #expect(try await TestClient.current.get("/").text == "hello")
        #expect(try TestClient.current.clock == nil)
    }

    @Test(.testClock, .application(try site(), .overSocket)) func `and a clock, over a socket too`() async throws {
        let clock = try #require(TestClock.current)
        let client = try TestClient.current
        #expect(client.clock === clock)
        #expect(client.server.port != 0)
        let request = try await client.start(.get, "/sleep/10")
        try await clock.advance(by: .seconds(10))
        #expect(try await request.response().text == "slept")
    }

    @Test(.testClock(secondsSince1970: 0), .application(try site())) func `a clock may begin at a time of the test's`()
        async throws
    {
        #expect(try await TestClient.current.get("/")["date"] == "Thu, 01 Jan 1970 00:00:00 GMT")
    }

    @Test func `without the trait there is none, and the error says what to do`() async throws {
        let error = #expect(throws: ClientError.self) { try TestClient.current }
        #expect(error?.description.contains(".application") == true)
        #expect(TestClock.current == nil)
    }

    @Suite(.testClock, .application(try site())) struct Suites {
        @Test(arguments: [1, 2]) func `each test of a suite has its own`(_ number: Int) async throws {
            let client = try TestClient.current
            #expect(client.cookies.all.isEmpty)
            client.cookies.set(.init(name: "a", value: "\(number)", domain: "localhost"))
            #expect(TestClock.current?.now.elapsed == .zero)
            try await TestClock.current?.advance(by: .seconds(number))
        }
    }
}
