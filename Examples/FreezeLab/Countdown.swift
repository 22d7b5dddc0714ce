import Squall
import SquallIO

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the three countdowns have in common: where they begin.
class Countdown: RequestHandler {
    var from = 5

    override func prepare() async throws {
        from = try queryArgument("from", as: Int.self, default: from)
        guard (1...20).contains(from) else { throw HTTPError(400, "the argument 'from' must be from 1 to 20") }
        setHeader("Content-Type", "text/plain; charset=UTF-8")
    }
}

/// The countdown done wrong: it keeps its thread while it waits. Elsewhere this stops the whole server.
final class BlockingCountdown: Countdown {
    override func get() async throws {
        for i in (1...from).reversed() {
            write("\(i)…\n")
            try await flush()
            sleep(1)
        }
        write("Lift-off\n")
    }
}

/// Suspended, it is nobody's burden: the thread does something else meanwhile.
final class AsyncCountdown: Countdown {
    override func get() async throws {
        for i in (1...from).reversed() {
            write("\(i)…\n")
            try await flush()
            try await Task.sleep(for: .seconds(1))
        }
        write("Lift-off\n")
    }
}

/// What must block and is known to, blocks a thread that is there for it.
final class ExecutorCountdown: Countdown {
    override func get() async throws {
        for i in (1...from).reversed() {
            write("\(i)…\n")
            try await flush()
            _ = try await blocking { sleep(1) }
        }
        write("Lift-off\n")
    }
}
