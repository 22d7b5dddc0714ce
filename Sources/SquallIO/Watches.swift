import CSquall
import Logging

extension IOLoop {
    /// A file descriptor that is watched. Keep it; the watch ends with ``cancel()``, not with the object.
    public final class DescriptorWatch: Sendable {
        fileprivate let handle: WatchHandle
        fileprivate init(_ handle: WatchHandle) { self.handle = handle }

        /// Watches for other events from now on: Tornado's `update_handler`.
        public func update(_ events: IOEvents) {
            handle.owner.perform { [handle] in
                do { try handle.owner.reregister(handle, for: events) } catch {
                    squallLogger.error("a descriptor could not be watched", metadata: ["error": "\(error)"])
                }
            }
        }

        /// Ends the watch: Tornado's `remove_handler`. The descriptor stays open. A call that has begun is not undone.
        public func cancel() {
            handle.owner.perform { [handle] in
                handle.isCancelled = true
                handle.owner.unregister(handle)
            }
        }
    }

    /// Calls `body` on the loop at every turn in which the descriptor is ready: Tornado's `add_handler`.
    ///
    /// The descriptor must be one that the system can wait for: a socket, a pipe, a terminal, not a regular file. It must
    /// stay open until the watch is cancelled, and can be watched once a loop.
    /// - Throws: ``SystemError``: `EEXIST` if it is watched already, `EPERM` if it cannot be waited for.
    public func watch(
        _ descriptor: Int32, for events: IOEvents, _ body: @escaping @Sendable (IOEvents) -> Void
    ) async throws -> DescriptorWatch {
        let handle = WatchHandle(owner: self, fd: descriptor, context: currentContext, body: body)
        try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
            perform { [self] in
                continuation.resume(with: Result { try register(handle, .level(events)) })
            }
        }
        return DescriptorWatch(handle)
    }

    /// Calls `body` on the loop when the signal arrives, instead of what the process would do at it.
    ///
    /// Several arrivals may be told as one. A signal can be watched once in a process.
    /// - Throws: ``SystemError``: `EBUSY` if it is watched already, `EINVAL` if it cannot be caught.
    public func watchSignal(_ signal: Int32, _ body: @escaping @Sendable () -> Void) async throws -> SignalWatch {
        let fd = squall_eventfd()
        guard fd >= 0 else { throw SystemError("eventfd") }
        let code = squall_signal_watch(signal, fd)
        guard code == 0 else {
            closeDescriptor(fd)
            throw SystemError("sigaction", code: code)
        }
        let watch = try await watch(fd, for: .read) { _ in
            squall_eventfd_clear(fd)
            body()
        }
        return SignalWatch(signal: signal, fd: fd, watch: watch)
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
    let owner: IOLoop
    private let context: TaskContext
    private let body: @Sendable (IOEvents) -> Void
    var isCancelled = false

    init(owner: IOLoop, fd: Int32, context: TaskContext, body: @escaping @Sendable (IOEvents) -> Void) {
        self.owner = owner
        self.context = context
        self.body = body
        super.init(loop: owner, fd: fd)
    }

    override func ready(_ events: IOEvents) -> Bool {
        isCancelled || loop.visit(context) { body(events) }
    }
}
