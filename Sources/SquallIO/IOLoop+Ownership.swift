import CSquall
import Synchronization

// The ownership word, `visit << 1 | inside`.
//
// The driver *enters* user code by storing the next visit number with the inside bit (release), and *leaves* by
// compare-exchange back to outside. If that exchange fails the loop has been taken: the thread is a guest from then on
// and touches nothing of the loop. The watchdog takes the loop by compare-exchange from `v, inside` to `v + 1, outside`.
// The two exchanges cannot both succeed, and visit numbers only grow, so neither can mistake one visit for another.
// Each successful exchange acquires what the other side released, so whoever owns the loop sees all that was done to it.

extension IOLoop {
    /// Whether and how the calling thread got hold of the loop.
    package enum Ownership {
        /// It did not: the thread is a guest, in the pool, or has nothing to do with this loop.
        case none
        /// It drives the loop and is outside user code.
        case outside
        /// It drives the loop and has left user code, to which ``giveBack(_:)`` returns it.
        case inside
    }

    /// Calls user code. On false the loop was taken meanwhile, and the caller returns at once, touching nothing of it:
    /// all that the loop still has to do is in its queues already.
    @inline(__always)
    package func visit(_ context: TaskContext, _ body: () -> Void) -> Bool {
        guard let thread = driver else { return false }
        enter(thread, Unmanaged.passUnretained(context))
        body()
        if thread.role == .driver, leave(thread) {
            thread.inside = false
            thread.subject = nil
            return true
        }
        thread.role = .guest
        thread.inside = false
        thread.subject = nil
        awayCount.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        // The watchdog, which may be about to ask whose code it was, keeps the context until it has heard of its end.
        Watchdog.shared.runEnded(thread, context)
        return false
    }

    @inline(__always)
    private func enter(_ thread: LoopThread, _ context: Unmanaged<TaskContext>) {
        visit &+= 1
        subject = context
        thread.subject = context
        thread.visit = visit
        thread.inside = true
        word.store(visit << 1 | 1, ordering: .releasing)
    }

    @inline(__always)
    private func leave(_ thread: LoopThread) -> Bool {
        word.compareExchange(
            expected: thread.visit << 1 | 1, desired: thread.visit << 1, ordering: .acquiringAndReleasing
        ).exchanged
    }

    /// The one door from user code to the loop's state. Unless it returns `.none` the caller may use the loop until it
    /// calls ``giveBack(_:)``, and must call no user code in between.
    @inline(__always)
    package func borrow() -> Ownership {
        guard let context = squall_thread_context() else { return .none }
        // The calling thread keeps its own object alive.
        return Unmanaged<LoopThread>.fromOpaque(context)._withUnsafeGuaranteedRef { thread in
            guard thread.loop === self, thread.role == .driver else { return .none }
            guard thread.inside else { return .outside }
            if leave(thread) {
                thread.inside = false
                return .inside
            }
            thread.role = .guest
            return .none
        }
    }

    @inline(__always)
    package func giveBack(_ ownership: Ownership) {
        guard ownership == .inside, let thread = driver, let context = thread.subject else { return }
        enter(thread, context)
    }

    /// Takes the loop from under the visit that `word` shows. Only the watchdog calls it; on true the loop is its own
    /// until it hands it to a thread.
    func take(_ seen: UInt64) -> Bool {
        let next = (seen >> 1 &+ 1) << 1
        guard word.compareExchange(expected: seen, desired: next, ordering: .acquiringAndReleasing).exchanged else {
            return false
        }
        visit = seen >> 1 &+ 1
        return true
    }
}
