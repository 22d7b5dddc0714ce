import CSquall

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A system call that failed.
public struct SystemError: Error, CustomStringConvertible, Equatable {
    /// The call's name.
    public let call: String
    /// The error number (`errno`).
    public let code: Int32

    public init(_ call: String, code: Int32 = errno) {
        self.call = call
        self.code = code
    }

    public var description: String { "\(call): \(String(cString: strerror(code)))" }
}

func closeDescriptor(_ fd: Int32) { _ = close(fd) }

/// Nanoseconds on the monotonic clock, the one that the poller's timeouts run on.
@inline(__always)
package func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
}

extension Duration {
    /// Whole nanoseconds, held to what fits.
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, overflowed) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflowed ? (seconds < 0 ? .min : .max) : sum
    }

    /// Milliseconds with a fraction, for people and charts.
    package var milliseconds: Double { Double(nanoseconds) / 1_000_000 }
}

/// How many processors this process may use.
public var availableProcessors: Int {
    max(1, Int(squall_available_processors()))
}

/// Threads wait here until others let them go. Permits that are given while nobody waits are kept, up to a number.
final class Permits: @unchecked Sendable {
    // The pointer never changes; what it points to is for any thread.
    private let permits: OpaquePointer

    init(atMost most: UInt32 = .max) { permits = squall_permits_create(most) }

    deinit { squall_permits_destroy(permits) }

    func give() { squall_permits_give(permits) }

    /// Waits for a permit, for at most `nanoseconds` if given. Returns whether it got one.
    @discardableResult
    func take(nanoseconds: Int64? = nil) -> Bool { squall_permits_take(permits, nanoseconds ?? -1) }
}

/// A thread waits here until another lets it go. A permit given while nobody waits is kept; there is at most one.
final class Parker: Sendable {
    private let permits = Permits(atMost: 1)

    func unpark() { permits.give() }

    /// Waits for a permit, for at most `nanoseconds` if given. Returns whether it got one.
    @discardableResult
    func park(nanoseconds: Int64? = nil) -> Bool { permits.take(nanoseconds: nanoseconds) }
}

/// Starts a detached thread with the process's priority. Returns false if the system has none left to give.
///
/// A thread inherits the priority of the one that starts it, and cannot raise it. So a thread whose priority was lowered
/// has another start it, a little later.
func startThread(named name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
    guard squall_thread_nice(squall_thread_id()) > squall_process_nice() else { return spawnThread(named: name, body) }
    ThreadStarter.shared.start(named: name, body)
    return true
}

/// Starts threads for those whose own priority is low.
final class ThreadStarter: Sendable {
    static let shared = ThreadStarter()

    private let wanted = AtomicInbox<(name: String, body: @Sendable () -> Void)>()
    private let parker = Parker()

    /// Begins to wait for such threads. To be called before the first priority is lowered.
    func begin() {
        _ = startThread(named: "squall-starter") { [self] in
            while true {
                parker.park()
                wanted.takeAll { name, body in
                    // The system may have no thread to give for a while.
                    while !spawnThread(named: name, body) { Parker().park(nanoseconds: 10_000_000) }
                }
            }
        }
    }

    fileprivate func start(named name: String, _ body: @escaping @Sendable () -> Void) {
        wanted.push((name, body))
        parker.unpark()
    }
}

private func spawnThread(named name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
    final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
    let start = Unmanaged.passRetained(Start(name: name, body: body))
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    #if os(Linux)
    var thread = pthread_t()
    let result = pthread_create(
        &thread, &attributes,
        { argument in
            guard let argument else { return nil }
            let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
            setThreadName(start.name)
            start.body()
            return nil
        }, start.toOpaque())
    #else
    var thread: pthread_t?
    let result = pthread_create(
        &thread, &attributes,
        { argument in
            let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
            setThreadName(start.name)
            start.body()
            return nil
        }, start.toOpaque())
    #endif
    if result != 0 { start.release() }
    return result == 0
}

/// Two Unix sockets that are connected with each other and do not wait.
package func socketPair() throws(SystemError) -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    #if os(Linux)
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    #else
    let type = SOCK_STREAM
    #endif
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw SystemError("socketpair") }
    return (ends[0], ends[1])
}
