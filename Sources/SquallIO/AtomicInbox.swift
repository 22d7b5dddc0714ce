import Synchronization

/// Where any thread leaves things for an owner, who takes all of them at once, in the order in which they came.
///
/// Without a lock: a thread that runs user code may have a low priority, and be stopped for long in the middle of this.
/// Holding a lock then, it would stop everybody who needs it, be it the watchdog.
final class AtomicInbox<Element>: @unchecked Sendable {
    // A node belongs to its maker until it is pushed, and from `takeAll`'s exchange on to the owner.

    private final class Node {
        let element: Element
        /// The node that came before, as in `head`.
        var next: UInt = Ends.empty

        init(_ element: consuming Element) { self.element = element }
    }

    /// What a link holds that is no node's address.
    private enum Ends {
        static var empty: UInt { 0 }
        static var closed: UInt { 1 }
    }

    /// The node that came last.
    private let head = Atomic<UInt>(0)

    deinit { takeAll { _ in } }

    /// Adds an element. Returns whether the inbox was closed, which it is no more.
    @discardableResult
    func push(_ element: consuming Element) -> Bool {
        let node = Node(element)
        let address = UInt(bitPattern: Unmanaged.passRetained(node).toOpaque())
        var seen = head.load(ordering: .relaxed)
        while true {
            node.next = seen
            let (exchanged, original) = head.weakCompareExchange(
                expected: seen, desired: address, ordering: .sequentiallyConsistent)
            if exchanged { return seen == Ends.closed }
            seen = original
        }
    }

    var isEmpty: Bool { head.load(ordering: .sequentiallyConsistent) <= Ends.closed }

    /// Only for the owner: closes the inbox if it is empty. Whoever adds to it next is told so.
    func close() -> Bool {
        head.compareExchange(
            expected: Ends.empty, desired: Ends.closed, ordering: .sequentiallyConsistent
        ).exchanged
    }

    /// Only for the owner: takes what has come, oldest first.
    func takeAll(_ body: (Element) -> Void) {
        guard !isEmpty else { return }
        var newest = head.exchange(Ends.empty, ordering: .acquiringAndReleasing)
        var oldest = Ends.empty
        while let node = Self.node(newest) {
            let next = node.next
            node.next = oldest
            oldest = newest
            newest = next
        }
        while let node = Self.node(oldest) {
            let next = node.next
            body(node.element)
            Unmanaged.passUnretained(node).release()
            oldest = next
        }
    }

    private static func node(_ address: UInt) -> Node? {
        guard address > Ends.closed, let pointer = UnsafeRawPointer(bitPattern: address) else { return nil }
        return Unmanaged<Node>.fromOpaque(pointer).takeUnretainedValue()
    }
}
