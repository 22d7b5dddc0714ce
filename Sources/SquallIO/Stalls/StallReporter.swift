import CSquall
import Logging
import Synchronization

/// The process's stalls: what was seen, and how they are handled.
///
/// Reports go to the logger `squall.stalls` and to a ring that keeps the last ones.
public enum Stalls {
    /// How stalls are handled. May be changed at any time.
    public static var policy: StallPolicy {
        get { Watchdog.shared.policy }
        set { Watchdog.shared.policy = newValue }
    }

    public struct Statistics: Sendable {
        /// How often a loop was taken from code that held it.
        public var takeovers: Int
        /// Runs of user code that are away from their loop now, because it was taken or because they began in the pool.
        public var guests: Int
        /// Stalls of 25 ms and more.
        public var longStalls: Int
    }

    public static var statistics: Statistics {
        let watchdog = Watchdog.shared
        return Statistics(
            takeovers: watchdog.takeovers.load(ordering: .relaxed),
            guests: watchdog.guests.load(ordering: .relaxed) + OffloadPool.shared.inFlight.load(ordering: .relaxed),
            longStalls: watchdog.longStalls.load(ordering: .relaxed))
    }

    /// The reports that came after report number `sequence`, oldest first, and the number to ask with next time.
    ///
    /// The ring keeps the last 256 reports. A stall is reported when it has lasted for ``StallPolicy/reportAfter``, each
    /// time that its length has doubled, and when it has ended; all these have the same ``StallReport/id``.
    public static func reports(since sequence: Int = 0) -> (reports: [StallReport], next: Int) {
        StallReporter.shared.reports(since: sequence)
    }

    /// Where reports are logged. A logger of one's own must not block.
    public static var logger: Logger {
        get { StallReporter.shared.logger }
        set { StallReporter.shared.logger = newValue }
    }

    /// Whether requests of this profile would go beyond the ceiling now.
    package static func isFull(for profile: DispatchProfile) -> Bool { Watchdog.shared.isFull(for: profile) }
}

/// Turns stalls into reports, on a thread of its own: looking up lines and logging take time, which the watchdog does
/// not have.
final class StallReporter: Sendable {
    static let shared = StallReporter()

    /// What the watchdog hands over.
    private struct Pending: Sendable {
        let stall: Stall
        var report: StallReport?
        var frames: [UInt] = []
        var context: TaskContext?
    }

    private struct State {
        var ring: [StallReport] = []
        /// How many reports there have been.
        var sequence = 0
        var logger = Logger(label: "squall.stalls")
    }
    private static let ringSize = 256

    private let state = Mutex(State())
    private let pending = AtomicInbox<Pending>()
    private let parker = Parker()

    var logger: Logger {
        get { state.withLock { $0.logger } }
        set { state.withLock { $0.logger = newValue } }
    }

    func reports(since sequence: Int) -> ([StallReport], Int) {
        state.withLock { state in
            let missed = min(max(0, state.sequence - sequence), state.ring.count)
            return (Array(state.ring.suffix(missed)), state.sequence)
        }
    }

    /// Reports how far a stall has come. Called by the watchdog, under its lock.
    func send(_ stall: Stall, now: Int64) {
        pending.push(Pending(stall: stall, report: Self.report(stall, now), frames: Self.stack(stall)))
        parker.unpark()
    }

    /// Reports that a stall has ended, if it was reported before, and lets go of it and of its context. Called by the
    /// watchdog.
    func end(_ stall: consuming Stall, _ context: consuming TaskContext?) {
        let endedAt = stall.wasReported ? stall.endedAt : nil
        let report = endedAt.map { Self.report(stall, $0) }
        let frames = report == nil ? [] : Self.stack(stall)
        pending.push(Pending(stall: stall, report: report, frames: frames, context: context))
        parker.unpark()
    }

    /// None of what just got no processor: no line is to blame, and on such a machine nothing is left for looking lines up.
    private static func stack(_ stall: Stall) -> [UInt] { stall.cause == .notScheduled ? [] : stall.frames }

    private static func report(_ stall: Stall, _ now: Int64) -> StallReport {
        StallReport(
            id: stall.id, began: stall.beganWallClock, route: stall.subject.label, requestID: stall.subject.requestID,
            cause: stall.cause ?? .notScheduled, systemCall: stall.systemCall, resource: stall.resource,
            duration: .nanoseconds(now - stall.began), hasEnded: stall.endedAt != nil,
            requestsMoved: stall.moved.load(ordering: .relaxed), requestsWaited: .nanoseconds(stall.waited))
    }

    func start() {
        _ = startThread(named: "squall-reporter") { self.main() }
    }

    private func main() {
        Symbolizer.prepare()
        let symbolizer = Symbolizer()
        /// When a call site was logged last, so that it is logged once a minute.
        var logged: [String: (at: Int64, stall: Int, suppressed: Int)] = [:]
        var hasLookedUp = false
        while true {
            if !parker.park(nanoseconds: hasLookedUp ? 500_000_000 : nil), hasLookedUp {
                // What that took of memory is free now; the system can have it.
                squall_release_memory()
                hasLookedUp = false
                continue
            }
            var reports: [(report: StallReport, frames: [UInt])] = []
            pending.takeAll { if let report = $0.report { reports.append((report, $0.frames)) } }
            let frames = symbolizer.frames(of: reports.map(\.frames))
            for (var report, frames) in zip(reports.map(\.report), frames) {
                report.frames = frames
                if !report.frames.isEmpty { hasLookedUp = true }
                report.guilty = Symbolizer.guilty(in: report.frames)
                let logger = state.withLock { state in
                    state.ring.append(report)
                    if state.ring.count > Self.ringSize { state.ring.removeFirst() }
                    state.sequence += 1
                    return state.logger
                }
                let site = report.guilty.map { "\($0.file ?? $0.function):\($0.line ?? 0)" } ?? report.route
                let now = monotonicNanoseconds()
                if let last = logged[site], last.stall != report.id, now - last.at < 60_000_000_000 {
                    logged[site]?.suppressed += 1
                    continue
                }
                let isFirst = logged[site]?.stall != report.id
                let suppressed = logged[site]?.suppressed ?? 0
                if logged.count > 1_024 { logged.removeAll() }
                logged[site] = (logged[site]?.stall == report.id ? logged[site]?.at ?? now : now, report.id, 0)
                Self.log(report, suppressed: suppressed, showsStack: isFirst, to: logger)
            }
        }
    }

    private static func log(_ report: StallReport, suppressed: Int, showsStack: Bool, to logger: Logger) {
        var metadata: Logger.Metadata = [
            "route": "\(report.route)",
            "cause": "\(report.cause.rawValue)",
            "duration_ms": "\(Int(report.duration.milliseconds))",
            "ended": "\(report.hasEnded)",
            "requests_moved": "\(report.requestsMoved)",
            "requests_waited_ms": "\(Int(report.requestsWaited.milliseconds.rounded(.up)))",
        ]
        if let requestID = report.requestID { metadata["request_id"] = "\(requestID)" }
        if let file = report.file { metadata["file"] = "\(file)" }
        if let line = report.line { metadata["line"] = "\(line)" }
        if let function = report.guilty?.function { metadata["function"] = "\(function)" }
        if let systemCall = report.systemCall { metadata["syscall"] = "\(systemCall)" }
        if let resource = report.resource { metadata["resource"] = "\(resource)" }
        if suppressed > 0 { metadata["suppressed"] = "\(suppressed)" }
        let frames = Symbolizer.applicationFrames(of: report)
        if showsStack, !frames.isEmpty {
            metadata["stack"] = .array(
                frames.prefix(24).map { frame in
                    .string(frame.file.map { "\(frame.function) at \($0):\(frame.line ?? 0)" } ?? frame.function)
                })
        }
        logger.warning("\(report)", metadata: metadata)
    }
}
