import Synchronization

/// Waits until `condition` holds, asking again and again: for what nobody tells about.
/// - Parameters:
///   - what: what is waited for, for the error's text: "the job is done".
///   - patience: for how long, in real time.
/// - Throws: ``WaitError`` if it does not come to hold; what `condition` throws.
public nonisolated(nonsending) func waitUntil(
    _ what: String, patience: Duration = RawClient.patience,
    _ condition: nonisolated(nonsending) () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + patience
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw WaitError(what: what, patience: patience) }
        await Task.yield()
        try await Task.sleep(for: .milliseconds(1))
    }
}

/// Something was waited for in vain.
public struct WaitError: Error, CustomStringConvertible {
    let what: String
    let patience: Duration

    public init(what: String, patience: Duration = RawClient.patience) {
        self.what = what
        self.patience = patience
    }

    public var description: String { "waited \(patience) in vain until \(what)" }
}

/// A gate at which handlers wait until the test lets them through, so that a test knows what is under way.
public final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var next = 0
        var waiting: [Int: UnsafeContinuation<Void, any Error>] = [:]
    }
    private let state = Mutex(State())

    public init() {}

    public var isOpen: Bool { state.withLock { $0.isOpen } }
    /// How many wait.
    public var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Lets through who waits and who comes.
    public func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns when the gate is open.
    /// - Throws: `CancellationError` when the task is cancelled before.
    public func wait() async throws {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
                let isOpen = state.withLock { state in
                    if !state.isOpen { state.waiting[id] = continuation }
                    return state.isOpen
                }
                if isOpen { continuation.resume() } else if Task.isCancelled { cancel(id) }
            }
        } onCancel: {
            cancel(id)
        }
    }

    /// Returns when so many wait.
    public func waitForArrival(of count: Int = 1) async throws {
        try await waitUntil("\(count) wait at the gate") { waitingCount >= count }
    }

    private func cancel(_ id: Int) {
        state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(throwing: CancellationError())
    }
}
