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

/// A thread waits here until another lets it go. A permit given while nobody waits is kept; there is at most one.
///
/// The mutex and condition are the system's own, at addresses that do not move; `permit` is guarded by the mutex.
final class Parker: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var permit = false

    init() {
        pthread_mutex_init(mutex, nil)
        #if os(Linux)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
        #else
        pthread_cond_init(condition, nil)
        #endif
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func unpark() {
        pthread_mutex_lock(mutex)
        permit = true
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Waits for a permit, for at most `nanoseconds` if given. Returns whether it got one.
    @discardableResult
    func park(nanoseconds: Int64? = nil) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if let nanoseconds {
            #if os(Linux)
            let deadline = monotonicNanoseconds() + nanoseconds
            var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
            while !permit {
                if pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT { break }
            }
            #else
            var time = timespec(
                tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
            if !permit { pthread_cond_timedwait_relative_np(condition, mutex, &time) }
            #endif
        } else {
            while !permit { pthread_cond_wait(condition, mutex) }
        }
        defer { permit = false }
        return permit
    }
}

/// Starts a detached thread. Returns false if the system has none left to give.
func startThread(named name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
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
