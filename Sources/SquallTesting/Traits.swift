#if canImport(Testing)
import Squall
import Testing

// Swift's own testing library is needed for these only; all else works with XCTest as well.

/// Serves an application for the time of each test, whose client is ``TestClient/current``.
public struct ApplicationTrait: TestTrait, SuiteTrait, TestScoping {
    let make: @Sendable () throws -> Application
    let transport: TestTransport
    let unexpectedErrors: UnexpectedErrors

    /// Each test of a suite has its own.
    public var isRecursive: Bool { true }

    public func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? { testCase == nil ? nil : self }

    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await withApplication(try make(), transport, unexpectedErrors: unexpectedErrors) { client in
            try await TestClient.$ofTest.withValue(client) { try await function() }
        }
    }
}

/// Gives each test a clock that stands still: ``TestClock/current``.
public struct TestClockTrait: TestTrait, SuiteTrait, TestScoping {
    let secondsSince1970: Int?

    /// Each test of a suite has its own.
    public var isRecursive: Bool { true }

    public func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? { testCase == nil ? nil : self }

    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let clock = secondsSince1970.map { TestClock(secondsSince1970: $0) } ?? TestClock()
        try await TestClock.$current.withValue(clock) { try await function() }
    }
}

extension Trait where Self == ApplicationTrait {
    /// Serves an application for the time of each test: `@Test(.application(try site()))`. The test finds its client as
    /// ``TestClient/current``. The parameters are those of ``withApplication(_:_:clock:unexpectedErrors:patience:_:)``.
    public static func application(
        _ make: @autoclosure @escaping @Sendable () throws -> Application, _ transport: TestTransport = .inProcess,
        unexpectedErrors: UnexpectedErrors = .fail
    ) -> Self {
        ApplicationTrait(make: make, transport: transport, unexpectedErrors: unexpectedErrors)
    }
}

extension Trait where Self == TestClockTrait {
    /// A clock that the test moves: ``TestClock/current``. Applications that are served within go by it: have this
    /// trait before `.application`.
    public static var testClock: Self { TestClockTrait(secondsSince1970: nil) }

    /// The same, beginning at a time of the test's.
    public static func testClock(secondsSince1970: Int) -> Self {
        TestClockTrait(secondsSince1970: secondsSince1970)
    }
}
#endif

extension TestClient {
    @TaskLocal static var ofTest: TestClient?

    /// The client of the test that runs, which has the trait `.application`.
    /// - Throws: ``ClientError`` if it has not.
    public static var current: TestClient {
        get throws {
            guard let ofTest else {
                throw ClientError(
                    "this test has no application; give it the trait .application(…), or use withApplication")
            }
            return ofTest
        }
    }
}
