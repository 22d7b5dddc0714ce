import Squall

/// Computes, and never suspends: nothing but another thread can serve the others meanwhile.
final class Computation: RequestHandler {
    override func get() async throws {
        let ms = try queryArgument("ms", as: Int.self, default: 2_000)
        guard (0...10_000).contains(ms) else { throw HTTPError(400, "the argument 'ms' must be from 0 to 10000") }
        var rounds = 0

        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(ms)
        while clock.now < end {
            rounds &+= 1
        }

        setHeader("Content-Type", "text/plain; charset=UTF-8")
        write("\(rounds) rounds\n")
    }
}
