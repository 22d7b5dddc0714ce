import CSquall
import Logging

extension IOLoop {
    /// A file descriptor that is watched. Keep it; the watch ends with ``cancel()``, not with the object.
    public final class DescriptorWatch: Sendable {
        fileprivate let handle: WatchHandle
        fileprivate init(_ handle: WatchHandle) { self.handle = handle }

        /// Watches for other events from now on: Tornado's `update_handler`.
        public func update(_ events: IOEvents) {
            handle.owner.perform { [handle] in handle.update(events) }
        }

        /// Ends the watch: Tornado's `remove_handler`. The descriptor stays open. A call that has begun is not undone.
        public func cancel() {
            handle.owner.perform { [handle] in
                handle.isCancelled = true
                handle.owner.unregister(handle)
            }
        }
    }

    /// Calls `body` on the loop at every turn in which the descriptor is ready: Tornado's `add_handler`. It is never called
    /// beside itself: while a call holds a thread that lost the loop, the descriptor is not watched.
    ///
    /// The descriptor must be one that the system can wait for: a socket, a pipe, a terminal, not a regular file. It must
    /// stay open until the watch is cancelled, and can be watched once a loop.
    /// - Throws: ``SystemError``: `EEXIST` if it is watched already, `EPERM` if it cannot be waited for.
    ///   `CancellationError` if the loop has stopped.
    public func watch(
        _ descriptor: Int32, for events: IOEvents, _ body: @escaping @Sendable (IOEvents) -> Void
    ) async throws -> DescriptorWatch {
        let handle = WatchHandle(owner: self, fd: descriptor, events: events, context: currentContext, body: body)
        try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
            perform { [self] in
                guard !isStopping else { return continuation.resume(throwing: CancellationError()) }
                continuation.resume(with: Result { try register(handle, .level(events)) })
            }
        }
        return DescriptorWatch(handle)
    }

    /// Calls `body` on the loop when the signal arrives, instead of what the process would do at it.
    ///
    /// Several arrivals may be told as one. A signal can be watched once in a process.
    /// - Throws: ``SystemError``: `EBUSY` if it is watched already, `EINVAL` if it cannot be caught. `CancellationError`
    ///   if the loop has stopped.
    public func watchSignal(_ signal: Int32, _ body: @escaping @Sendable () -> Void) async throws -> SignalWatch {
        let fd = squall_eventfd()
        guard fd >= 0 else { throw SystemError("eventfd") }
        let code = squall_signal_watch(signal, fd)
        guard code == 0 else {
            closeDescriptor(fd)
            throw SystemError("sigaction", code: code)
        }
        do {
            let watch = try await watch(fd, for: .read) { _ in
                squall_eventfd_clear(fd)
                body()
            }
            return SignalWatch(signal: signal, fd: fd, watch: watch)
        } catch {
            squall_signal_unwatch(signal)
            closeDescriptor(fd)
            throw error
        }
    }

    /// A signal that is watched. The watch ends with ``cancel()``, not with the object.
    public final class SignalWatch: Sendable {
        private let signal: Int32
        private let fd: Int32
        private let watch: DescriptorWatch

        fileprivate init(signal: Int32, fd: Int32, watch: DescriptorWatch) {
            self.signal = signal
            self.fd = fd
            self.watch = watch
        }

        /// Restores what the process did at the signal before. Call it once.
        public func cancel() {
            squall_signal_unwatch(signal)
            watch.cancel()
            watch.handle.owner.perform { [fd] in closeDescriptor(fd) }
        }
    }
}

private final class WatchHandle: IOHandle, @unchecked Sendable {
    // The variables belong to the loop's owner.

    let owner: IOLoop
    private let context: TaskContext
    private let body: @Sendable (IOEvents) -> Void
    private var events: IOEvents
    var isCancelled = false
    /// A call is under way. Whoever finds it so drives the loop that the call has lost.
    private var isCalling = false
    private var isPaused = false

    init(
        owner: IOLoop, fd: Int32, events: IOEvents, context: TaskContext,
        body: @escaping @Sendable (IOEvents) -> Void
    ) {
        self.owner = owner
        self.context = context
        self.body = body
        self.events = events
        super.init(loop: owner, fd: fd)
    }

    override func ready(_ events: IOEvents) -> Bool {
        guard !isCancelled else { return true }
        guard !isCalling else {
            // Still ready, and would be told at every turn until the call has done something about it.
            isPaused = true
            owner.pause(self)
            return true
        }
        isCalling = true
        if loop.visit(context, { body(events) }) {
            isCalling = false
            return true
        }
        owner.post(.trusted { [self] in called() })
        return false
    }

    /// The call that had lost the loop has ended.
    private func called() {
        isCalling = false
        guard isPaused, !isCancelled else { return }
        isPaused = false
        watch { () throws(SystemError) in try owner.resume(self, for: events) }
    }

    func update(_ events: IOEvents) {
        self.events = events
        if !isPaused { watch { () throws(SystemError) in try owner.reregister(self, for: events) } }
    }

    private func watch(_ body: () throws(SystemError) -> Void) {
        do { try body() } catch {
            squallLogger.error("a descriptor could not be watched", metadata: ["error": "\(error)"])
        }
    }
}
