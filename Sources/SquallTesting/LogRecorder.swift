import Logging
import Synchronization

/// Keeps what is logged.
///
/// ``withApplication(_:_:clock:unexpectedErrors:patience:_:)`` records what the application logs; see
/// ``TestClient/log``. For other loggers, such as the application's access logger, make one:
/// `settings.accessLogger = recorder.logger()`.
public final class LogRecorder: Sendable {
    /// A line of the log.
    public struct Entry: Sendable, CustomStringConvertible {
        public var level: Logger.Level
        public var message: String
        public var metadata: [String: String]

        public var description: String {
            let details = metadata.sorted { $0.key < $1.key }.map { " \($0)=\($1)" }.joined()
            return "\(level): \(message)\(details)"
        }
    }

    private struct State {
        var entries: [Entry] = []
        /// Which of them were expected.
        var expected: Set<Int> = []
    }
    private let state = Mutex(State())

    public init() {}

    /// All, in the order in which they came.
    public var entries: [Entry] { state.withLock { $0.entries } }

    /// A logger that is recorded here.
    public func logger(level: Logger.Level = .trace) -> Logger {
        var logger = Logger(label: "test") { _ in Handler(recorder: self) }
        logger.logLevel = level
        return logger
    }

    /// The same logger, recorded here and written nowhere else.
    func redirect(_ logger: Logger) -> Logger {
        var logger = logger
        logger.handler = Handler(recorder: self)
        return logger
    }

    /// The messages of one level.
    public func messages(at level: Logger.Level) -> [String] {
        entries.filter { $0.level == level }.map(\.message)
    }

    // MARK: what is expected

    /// Expects that a line with this text is logged while `body` runs, or soon after: Tornado's `ExpectLog`.
    ///
    /// Lines that match are no unexpected errors.
    /// - Parameters:
    ///   - text: what the message has in it.
    ///   - level: of which level the line is. Nil: of any.
    ///   - patience: for how long the line is waited for after `body` has ended.
    /// - Throws: ``MissingLogError`` if there is none, with what was logged instead.
    public nonisolated(nonsending) func expect<Result>(
        _ text: String, level: Logger.Level? = nil, patience: Duration = RawClient.patience,
        _ body: nonisolated(nonsending) () async throws -> Result
    ) async throws -> Result {
        try await expect("'\(text)'", level, patience, { $0.message.contains(text) }, body)
    }

    /// The same with a regular expression, which is looked for anywhere in the message.
    public nonisolated(nonsending) func expect<Result>(
        matching pattern: some RegexComponent, level: Logger.Level? = nil, patience: Duration = RawClient.patience,
        _ body: nonisolated(nonsending) () async throws -> Result
    ) async throws -> Result {
        try await expect(
            "what matches the pattern", level, patience, { $0.message.firstMatch(of: pattern) != nil }, body)
    }

    private nonisolated(nonsending) func expect<Result>(
        _ what: String, _ level: Logger.Level?, _ patience: Duration, _ matches: (Entry) -> Bool,
        _ body: nonisolated(nonsending) () async throws -> Result
    ) async throws -> Result {
        let first = entries.count
        let result = try await body()
        let end = ContinuousClock.now + patience
        while true {
            let found = entries.enumerated().dropFirst(first).filter {
                (level == nil || $0.element.level == level) && matches($0.element)
            }
            if !found.isEmpty {
                state.withLock { $0.expected.formUnion(found.map(\.offset)) }
                return result
            }
            guard ContinuousClock.now < end else {
                let levels = level.map { " at level \($0)" } ?? ""
                throw MissingLogError(
                    description: "waited \(patience) in vain for \(what) to be logged\(levels); logged: \(summary)")
            }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    /// Errors, and worse, that nobody has expected.
    public var unexpectedErrors: [Entry] {
        state.withLock { state in
            state.entries.enumerated().filter { $0.element.level >= .error && !state.expected.contains($0.offset) }
                .map(\.element)
        }
    }

    /// The last lines, for the message of an error.
    var summary: String {
        let entries = self.entries
        if entries.isEmpty { return "nothing" }
        return "\(entries.count) lines" + entries.suffix(20).map { "\n  \($0)" }.joined()
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = self.metadata.merging(event.metadata ?? [:]) { $1 }
            let entry = Entry(level: event.level, message: "\(event.message)", metadata: all.mapValues { "\($0)" })
            recorder.state.withLock { $0.entries.append(entry) }
        }
    }
}

/// Nothing was logged that was expected.
public struct MissingLogError: Error, CustomStringConvertible {
    public let description: String
}

/// The application has logged errors that the test did not expect.
public struct UnexpectedLogError: Error, CustomStringConvertible {
    public let entries: [LogRecorder.Entry]

    public var description: String {
        "the application logged \(entries.count) errors; expect them with client.expectLog, or pass "
            + "unexpectedErrors: .ignored" + entries.map { "\n  \($0)" }.joined()
    }
}
