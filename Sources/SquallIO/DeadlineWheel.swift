/// Deadlines of connections, kept so that activity costs a comparison and an idle connection has no timer of its own.
///
/// A handle has at most one live entry, at or before its deadline. A deadline that moves later leaves the entry where
/// it is; when the entry comes due, the loop moves it on to where the deadline is by then.
struct DeadlineWheel {
    /// The length of a slot in nanoseconds: deadlines are kept to within it.
    static let tick: Int64 = 31_250_000
    private static let slotCount: Int64 = 2_048

    private var slots: [[UInt64]] = Array(repeating: [], count: Int(Self.slotCount))
    /// The next tick to look at. All entries are at or after it, and less than a turn away.
    private var current: Int64 = 0
    private var count = 0
    /// When there is something to look at next, in monotonic nanoseconds; `.max` when empty.
    private(set) var earliest: Int64 = .max

    /// Makes sure that the handle is looked at when `deadline` has passed, or before.
    @inline(__always)
    mutating func schedule(_ handle: IOHandle, deadline: Int64, now: Int64) {
        // The tick that begins after the deadline, held to the wheel's reach.
        let tick = deadline / Self.tick + 1
        guard tick < handle.wheelTick else { return }
        insert(handle, tick: tick, now: now)
    }

    private mutating func insert(_ handle: IOHandle, tick wanted: Int64, now: Int64) {
        if count == 0 { current = max(current, now / Self.tick) }
        let tick = min(max(wanted, current), current + Self.slotCount - 1)
        guard tick < handle.wheelTick else { return }
        slots[Int(tick % Self.slotCount)].append(handle.token)
        handle.wheelTick = tick
        count += 1
        earliest = min(earliest, tick * Self.tick)
    }

    /// Takes out the next entry whose tick has come.
    mutating func next(now: Int64) -> (token: UInt64, tick: Int64)? {
        let last = now / Self.tick
        while count > 0, current <= last {
            let slot = Int(current % Self.slotCount)
            if let token = slots[slot].popLast() {
                count -= 1
                if slots[slot].isEmpty { slots[slot] = [] }
                return (token, current)
            }
            current += 1
        }
        findEarliest()
        return nil
    }

    private mutating func findEarliest() {
        earliest = .max
        guard count > 0 else { return }
        var tick = current
        while slots[Int(tick % Self.slotCount)].isEmpty { tick += 1 }
        earliest = tick * Self.tick
    }
}
