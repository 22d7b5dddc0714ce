import Foundation
import Logging
import SquallIO
import Synchronization
import Testing
import ThreadSanitizerSupport

/// All tests of this target, one at a time.
///
/// The watchdog, its statistics, the policy and the pool of stalled routes are the process's: what one test blocks on
/// purpose would be counted, and its policy felt, in the others.
@Suite(.serialized) struct OneAtATime {}

/// Whether the watchdog takes loops over at random moments. It learns nothing then.
let isChaotic = ProcessInfo.processInfo.environment["SQUALL_CHAOS"] == "takeover"

/// Whether a thread that waits can be asked for its stack.
let isSampling = !squall_is_thread_sanitized()

/// Whether the watchdog has taken more loops since this was made than were to be expected.
///
/// Two callbacks of a loop run in their order, but beside each other if the first was slow: in chaos mode, and whenever the
/// system leaves a thread without a processor for a while. What they tell may come in either order then.
struct Calm {
    private let takeovers: Int

    init(expecting expected: Int = 0) { takeovers = Stalls.statistics.takeovers + expected }

    var isDisturbed: Bool { Stalls.statistics.takeovers > takeovers }
}

/// Runs `body` with a loop that is started before it and stopped after it.
func withLoop<R>(_ body: (IOLoop) async throws -> R) async throws -> R {
    LogCapture.install()
    let loop = try IOLoop()
    loop.start()
    do {
        let result = try await body(loop)
        await loop.stop()
        return result
    } catch {
        await loop.stop()
        throw error
    }
}

/// Opens once, and lets through who waits: a thread that blocks on purpose, or a task.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var tasks: [UnsafeContinuation<Void, Never>] = []
        var threads: [DispatchSemaphore] = []
    }
    private let state = Mutex(State())

    var isOpen: Bool { state.withLock { $0.isOpen } }

    func open() {
        let (tasks, threads) = state.withLock { state in
            defer {
                state.isOpen = true
                state.tasks = []
                state.threads = []
            }
            return (state.tasks, state.threads)
        }
        for task in tasks { task.resume() }
        for thread in threads { thread.signal() }
    }

    /// Suspends the task until the gate is open.
    func wait() async {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.tasks.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    /// Blocks the thread until the gate is open: what no user code should do to a loop.
    func block() {
        let semaphore = state.withLock { state -> DispatchSemaphore? in
            guard !state.isOpen else { return nil }
            let semaphore = DispatchSemaphore(value: 0)
            state.threads.append(semaphore)
            return semaphore
        }
        semaphore?.wait()
    }
}

/// What happened, in order, told by several threads.
final class Log<Entry: Sendable>: Sendable {
    private let state = Mutex<(entries: [Entry], waiting: [(Int, UnsafeContinuation<Void, Never>)])>(([], []))

    var entries: [Entry] { state.withLock { $0.entries } }

    func add(_ entry: Entry) {
        let due = state.withLock { state in
            state.entries.append(entry)
            let count = state.entries.count
            let due = state.waiting.filter { $0.0 <= count }
            state.waiting.removeAll { $0.0 <= count }
            return due
        }
        for (_, continuation) in due { continuation.resume() }
    }

    /// Suspends until there are `count` entries, and returns all there are.
    @discardableResult
    func wait(for count: Int) async -> [Entry] {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            let isThere = state.withLock { state in
                if state.entries.count < count { state.waiting.append((count, continuation)) }
                return state.entries.count >= count
            }
            if isThere { continuation.resume() }
        }
        return entries
    }
}

/// Waits for something that nobody tells about, giving the processor away meanwhile.
func waitUntil(
    patience: Duration = .seconds(60), sourceLocation: SourceLocation = #_sourceLocation, _ condition: () -> Bool
) async throws {
    let deadline = ContinuousClock.now + patience
    while !condition() {
        // A test that waits in vain says where, and does not hang.
        try #require(ContinuousClock.now < deadline, "waited \(patience) in vain", sourceLocation: sourceLocation)
        try await Task.sleep(for: .milliseconds(1))
    }
}

/// Watches a pipe on `loop`, writes to it, and waits until the loop has told of it.
func readThroughWatch(on loop: IOLoop) async throws {
    let ends = try Pipe()
    let readable = Gate()
    let watch = try await loop.watch(ends.reads, for: .read) { _ in
        ends.readAll()
        readable.open()
    }
    ends.write("x")
    await readable.wait()
    watch.cancel()
}

/// Blocks user code of `loop` until another thread drives it.
func blockUntilTakenOver(_ loop: IOLoop) {
    let isTaken = Gate()
    loop.addCallback { isTaken.open() }
    isTaken.block()
}

func monotonicTime() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// A pipe whose ends do not wait. Closed with the object.
final class Pipe: Sendable {
    let reads: Int32
    let writes: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError("pipe") }
        (reads, writes) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    }

    deinit {
        close(reads)
        close(writes)
    }

    func write(_ text: String) {
        let bytes = Array(text.utf8)
        precondition(Foundation.write(writes, bytes, bytes.count) == bytes.count)
    }

    /// What can be read without waiting, up to `limit` bytes.
    @discardableResult
    func readAll(limit: Int = 65_536) -> String {
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = Foundation.read(reads, &bytes, limit)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}

/// SplitMix64: the same numbers at every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

/// Whether the thread that made it is still in the midst of adding something.
final class Adding: @unchecked Sendable {
    // `thread` never changes.
    private let thread = pthread_self()
    private let isOver = Atomic<Bool>(false)

    func end() { isOver.store(true, ordering: .releasing) }
    var isByThisThread: Bool { !isOver.load(ordering: .acquiring) && pthread_equal(pthread_self(), thread) != 0 }
}

/// A variable that threads share.
final class Box<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) { state = Mutex(value) }

    var value: Value {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }

    @discardableResult
    func update<R: Sendable>(_ body: @Sendable (inout Value) -> R) -> R { state.withLock { body(&$0) } }
}

/// Keeps what is logged.
struct LogCapture: LogHandler {
    struct Record: Sendable {
        var label: String
        var level: Logger.Level
        var message: String
        var metadata: Logger.Metadata
    }

    /// What the library's own logger was told, since ``install()``.
    static let library = Log<Record>()
    private static let isInstalled: Void = LoggingSystem.bootstrap { LogCapture(label: $0, log: library) }
    /// Before the library logs anything for the first time.
    static func install() { isInstalled }

    let label: String
    let log: Log<Record>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        log.add(
            Record(label: label, level: event.level, message: "\(event.message)", metadata: event.metadata ?? [:]))
    }
}
