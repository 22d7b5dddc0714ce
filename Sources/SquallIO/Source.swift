/// Something that has a file descriptor on a loop.
///
/// Its methods are called by the thread that drives the loop, outside user code. Those that return a `Bool` may call
/// user code through ``IOLoop/visit(_:_:)``, and return false at once when that does.
open class IOHandle: @unchecked Sendable {
    // All stored properties of handles belong to the owner of their loop.

    package unowned(unsafe) final let loop: IOLoop
    @exclusivity(unchecked) package final var fd: Int32
    /// Slot and generation, by which the poller and the wheel know it.
    @exclusivity(unchecked) fileprivate(set) final var token: UInt64 = .max
    /// The tick of its entry in the deadline wheel, or `.max`.
    @exclusivity(unchecked) final var wheelTick: Int64 = .max
    /// Monotonic nanoseconds; `.max` for none.
    @exclusivity(unchecked) fileprivate(set) package final var deadline: Int64 = .max

    public init(loop: IOLoop, fd: Int32) {
        self.loop = loop
        self.fd = fd
    }

    /// The descriptor is ready.
    open func ready(_ events: IOEvents) -> Bool { true }
    /// ``deadline`` has passed; it is `.max` now.
    open func deadlinePassed() -> Bool { true }
    /// The loop has ended; the descriptor is to be closed.
    open func loopStopped() {}
}

/// A slot of the loop's table of descriptors.
struct Source {
    var handle: IOHandle?
    /// Tells a descriptor's events from those of one that had the same number before.
    var generation: UInt32 = 0
}

extension IOLoop {
    package enum Watch {
        /// Reads and writes told once for each change.
        case connection
        /// Connections to accept, told to one of the loops that listen.
        case listener
        /// Told at every turn while ready.
        case level(IOEvents)
    }

    /// Begins to watch the handle's descriptor. The loop keeps the handle until ``unregister(_:)``.
    package func register(_ handle: IOHandle, _ watch: Watch) throws(SystemError) {
        let slot = Int(handle.fd)
        guard slot >= 0 else { throw SystemError("register", code: 9) }
        while sources.count <= slot { sources.append(Source()) }
        let generation = sources[slot].generation &+ 1
        let token = UInt64(generation) << 32 | UInt64(slot)
        switch watch {
        case .connection: try poller.add(handle.fd, for: [.read, .write], trigger: .edge, token: token)
        case .listener: try poller.add(handle.fd, for: .read, trigger: .shared, token: token)
        case .level(let events): try poller.add(handle.fd, for: events, trigger: .level, token: token)
        }
        sources[slot].generation = generation
        sources[slot].handle = handle
        handle.token = token
        handle.wheelTick = .max
    }

    func reregister(_ handle: IOHandle, for events: IOEvents) throws(SystemError) {
        let slot = Int(handle.fd)
        guard sources.indices.contains(slot), sources[slot].handle === handle else { return }
        try poller.modify(handle.fd, for: events, trigger: .level, token: handle.token)
    }

    /// Has nothing told about the descriptor, not even errors, until ``resume(_:for:)``.
    func pause(_ handle: IOHandle) {
        let slot = Int(handle.fd)
        guard sources.indices.contains(slot), sources[slot].handle === handle else { return }
        poller.remove(handle.fd)
    }

    func resume(_ handle: IOHandle, for events: IOEvents) throws(SystemError) {
        let slot = Int(handle.fd)
        guard sources.indices.contains(slot), sources[slot].handle === handle else { return }
        try poller.add(handle.fd, for: events, trigger: .level, token: handle.token)
    }

    /// Stops watching, and drops events that were already taken from the poller. The descriptor stays open.
    package func unregister(_ handle: IOHandle) {
        let slot = Int(handle.fd)
        guard sources.indices.contains(slot), sources[slot].handle === handle else { return }
        poller.remove(handle.fd)
        sources[slot].handle = nil
        sources[slot].generation &+= 1
        handle.deadline = .max
    }

    /// ``unregister(_:)`` and close the descriptor.
    package func close(_ handle: IOHandle) {
        unregister(handle)
        closeDescriptor(handle.fd)
        handle.fd = -1
    }

    @inline(__always)
    func deliver(_ events: IOEvents, _ token: UInt64) -> Bool {
        guard let handle = handle(token) else { return true }
        return handle.ready(events)
    }

    @inline(__always)
    private func handle(_ token: UInt64) -> IOHandle? {
        let slot = Int(token & 0xffff_ffff)
        guard slot < sources.count, sources[slot].generation == UInt32(token >> 32) else { return nil }
        return sources[slot].handle
    }

    /// Every handle of the loop. Only for the owner.
    package var handles: [IOHandle] { sources.compactMap(\.handle) }

    /// Sets when ``IOHandle/deadlinePassed()`` is called, to within the wheel's tick. Costs a comparison if it moves later.
    @inline(__always)
    package func setDeadline(_ deadline: Int64, for handle: IOHandle) {
        handle.deadline = deadline
        if deadline != .max { wheel.schedule(handle, deadline: deadline, now: now) }
    }

    /// The earliest deadline of all handles; `.max` if there is none. Looks at each: only for loops of a ``ManualClock``.
    var earliestDeadline: Int64 { sources.reduce(.max) { min($0, $1.handle?.deadline ?? .max) } }

    /// A handle whose deadline has passed, which is forgotten. As ``earliestDeadline``, and exact to the nanosecond.
    func takeOverdue() -> IOHandle? {
        let overdue = sources.lazy.compactMap(\.handle).filter { [now] in $0.deadline <= now }
        guard let first = overdue.min(by: { $0.deadline < $1.deadline }) else { return nil }
        first.deadline = .max
        return first
    }

    func runDeadlines() -> Bool {
        while let (token, tick) = wheel.next(now: now) {
            guard let handle = handle(token), handle.wheelTick == tick else { continue }
            handle.wheelTick = .max
            if handle.deadline > now {
                if handle.deadline != .max { wheel.schedule(handle, deadline: handle.deadline, now: now) }
            } else {
                handle.deadline = .max
                guard handle.deadlinePassed() else { return false }
            }
        }
        return true
    }
}
