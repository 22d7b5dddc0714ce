import CSquall

/// What a file descriptor is watched for, and what was seen on it.
///
/// Tornado's `IOLoop.READ`, `WRITE` and `ERROR`.
public struct IOEvents: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Bytes, a connection or an end of file can be read without waiting.
    public static let read = IOEvents(rawValue: 1)
    /// Bytes can be written without waiting.
    public static let write = IOEvents(rawValue: 2)
    /// The descriptor is in error. Always reported, need not be asked for.
    public static let error = IOEvents(rawValue: 4)
    /// The peer has closed its side, or the whole connection is gone. Always reported.
    public static let hangup = IOEvents(rawValue: 8)
}

/// How a descriptor's readiness is told.
enum PollTrigger {
    /// At every wait while it is ready.
    case level
    /// Once for each change.
    case edge
    /// At every wait while it is ready, to one of the loops that watch it.
    case shared
}

/// The operating system's readiness queue.
///
/// A poller is part of a loop's state: only the thread that drives the loop touches it, except for ``wake()``.
/// What `wait` found stays in the poller until the next `wait`, so that a thread that takes the loop over finds it.
protocol Poller {
    init() throws(SystemError)
    func add(_ fd: Int32, for events: IOEvents, trigger: PollTrigger, token: UInt64) throws(SystemError)
    func modify(_ fd: Int32, for events: IOEvents, trigger: PollTrigger, token: UInt64) throws(SystemError)
    func remove(_ fd: Int32)
    /// Waits for at most `milliseconds` (negative: without limit) and returns how many events there are.
    func wait(milliseconds: Int32) -> Int
    func event(_ index: Int) -> (token: UInt64, events: IOEvents)
    /// Ends a `wait` from any thread.
    func wake()
    func close()
}

/// The token under which a poller reports that it was woken.
let wakeToken = UInt64.max

#if os(Linux)
typealias SystemPoller = EpollPoller

/// epoll, and an eventfd to wake it.
///
/// `events` is written by `wait` and read by `event`, both called only by the thread that drives the loop.
struct EpollPoller: Poller {
    private static let capacity = 512
    private let poller: Int32
    private let wakeup: Int32
    private let events: UnsafeMutablePointer<squall_event>

    init() throws(SystemError) {
        poller = squall_poll_create()
        guard poller >= 0 else { throw SystemError("epoll_create1") }
        wakeup = squall_eventfd()
        guard wakeup >= 0 else {
            let error = SystemError("eventfd")
            closeDescriptor(poller)
            throw error
        }
        events = .allocate(capacity: Self.capacity)
        events.initialize(repeating: squall_event(), count: Self.capacity)
        do { try add(wakeup, for: .read, trigger: .edge, token: wakeToken) } catch {
            close()
            throw error
        }
    }

    func close() {
        closeDescriptor(poller)
        closeDescriptor(wakeup)
        events.deallocate()
    }

    private func bits(_ events: IOEvents, _ trigger: PollTrigger) -> UInt32 {
        var bits: UInt32 = 0
        if events.contains(.read) { bits |= UInt32(SQUALL_EPOLLIN) }
        if events.contains(.write) { bits |= UInt32(SQUALL_EPOLLOUT) }
        switch trigger {
        case .level: break
        case .edge: bits |= SQUALL_EPOLLET | UInt32(SQUALL_EPOLLRDHUP)
        case .shared: bits |= UInt32(SQUALL_EPOLLEXCLUSIVE)
        }
        return bits
    }

    func add(_ fd: Int32, for events: IOEvents, trigger: PollTrigger, token: UInt64) throws(SystemError) {
        guard squall_poll_control(poller, Int32(SQUALL_CTL_ADD), fd, bits(events, trigger), token) == 0 else {
            throw SystemError("epoll_ctl")
        }
    }

    func modify(_ fd: Int32, for events: IOEvents, trigger: PollTrigger, token: UInt64) throws(SystemError) {
        guard squall_poll_control(poller, Int32(SQUALL_CTL_MOD), fd, bits(events, trigger), token) == 0 else {
            throw SystemError("epoll_ctl")
        }
    }

    func remove(_ fd: Int32) {
        _ = squall_poll_control(poller, Int32(SQUALL_CTL_DEL), fd, 0, 0)
    }

    func wait(milliseconds: Int32) -> Int {
        let count = squall_poll_wait(poller, events, Int32(Self.capacity), milliseconds)
        return count < 0 ? 0 : Int(count)
    }

    @inline(__always)
    func event(_ index: Int) -> (token: UInt64, events: IOEvents) {
        let event = events[index]
        if event.data == wakeToken {
            squall_eventfd_clear(wakeup)
        }
        var seen: IOEvents = []
        if event.events & UInt32(SQUALL_EPOLLIN) != 0 { seen.insert(.read) }
        if event.events & UInt32(SQUALL_EPOLLOUT) != 0 { seen.insert(.write) }
        if event.events & UInt32(SQUALL_EPOLLERR) != 0 { seen.insert(.error) }
        if event.events & UInt32(SQUALL_EPOLLHUP | SQUALL_EPOLLRDHUP) != 0 { seen.insert(.hangup) }
        return (event.data, seen)
    }

    func wake() { squall_eventfd_signal(wakeup) }
}
#endif
