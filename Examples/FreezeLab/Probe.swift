import Squall
import SquallIO

/// What the page asks for ten times a second: how long the answer takes is what it draws, and the answer says which
/// stalls there were since the last one.
final class Probe: RequestHandler {
    private static let started = ContinuousClock.now

    override func get() async throws {
        let (reports, next) = Stalls.reports(since: try queryArgument("since", as: Int.self, default: 0))
        setHeader("Cache-Control", "no-store")
        try write(
            json: Answer(
                now: Self.started.duration(to: .now) / .milliseconds(1), next: next,
                stalls: reports.map(Answer.Stall.init), stats: Answer.Stats(application)))
    }

    struct Answer: Encodable {
        /// Milliseconds since the first probe: if it falls, this is another process.
        var now: Double
        /// What to ask with next time.
        var next: Int
        var stalls: [Stall]
        var stats: Stats
    }
}

extension Probe.Answer {
    struct Stats: Encodable {
        var loops: Int
        var connections: Int
        var guests: Int
        var takeovers: Int
        var learned: [String]

        init(_ application: Application?) {
            let stalls = Stalls.statistics
            loops = application?.server?.loopCount ?? 0
            connections = application?.server?.connectionCount ?? 0
            guests = stalls.guests
            takeovers = stalls.takeovers
            learned = application?.learnedRoutes.map(\.name) ?? []
        }
    }

    struct Stall: Encodable {
        var id: Int
        var began: Double
        var route: String
        var requestID: String?
        var cause: String
        var syscall: String?
        var resource: String?
        var file: String?
        var line: Int?
        var function: String?
        var durationMilliseconds: Double
        var ended: Bool
        var requestsMoved: Int
        var requestsWaitedMilliseconds: Double

        init(_ report: StallReport) {
            id = report.id
            began = report.began
            route = report.route
            requestID = report.requestID
            cause = report.cause.rawValue
            syscall = report.systemCall
            resource = report.resource
            file = report.file?.split(separator: "/").last.map(String.init)
            line = report.line
            function = report.guilty?.function
            durationMilliseconds = report.duration / .milliseconds(1)
            ended = report.hasEnded
            requestsMoved = report.requestsMoved
            requestsWaitedMilliseconds = report.requestsWaited / .milliseconds(1)
        }
    }
}
