/// A fixed amount of work, measured once at start-up on an idle core.
///
/// Every peer burns CPU by this rule. A loop that watches the clock would do less work the more it is disturbed, and so
/// reward a server for starving its slow requests.
struct Work: Sendable {
    let stepsPerMillisecond: Int

    static func calibrated() -> Work {
        let clock = ContinuousClock()
        let steps = 1_000_000
        var best = Duration.seconds(1)
        for _ in 0..<50 {
            let took = clock.measure { _ = run(steps: steps) }
            best = min(best, took)
        }
        return Work(stepsPerMillisecond: max(1, Int(Double(steps) / (best / .milliseconds(1)))))
    }

    func burn(milliseconds: Int) -> UInt64 {
        Work.run(steps: milliseconds * stepsPerMillisecond)
    }

    /// Returns its result, and is kept out of line, so that the loop is not optimised away.
    @inline(never)
    private static func run(steps: Int) -> UInt64 {
        var x: UInt64 = 0x9E37_79B9_7F4A_7C15 &+ UInt64(truncatingIfNeeded: steps)
        for _ in 0..<steps {
            x ^= x << 13
            x ^= x >> 7
            x ^= x << 17
        }
        return x
    }
}
