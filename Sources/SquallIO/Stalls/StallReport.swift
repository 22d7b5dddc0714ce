/// What was found out about user code that held its loop for too long.
public struct StallReport: Sendable, Identifiable {
    /// Why the code did not come back.
    public enum Cause: String, Sendable {
        /// It waited in the kernel: for a disk, a pipe, a peer, a child process, the clock.
        case kernelWait = "kernel wait"
        /// It waited for a lock that another thread held.
        case lock
        /// It computed.
        case cpu
        /// It was ready to run and the system gave it no processor: the machine was the cause.
        case notScheduled = "not scheduled"
    }

    /// A line of the stack, innermost first.
    public struct Frame: Sendable, Hashable {
        public var function: String
        public var file: String?
        public var line: Int?
    }

    /// Grows by one for each stall in the process. Later reports of one stall have the same number.
    public let id: Int
    /// When it began, in seconds since 1970.
    public let began: Double
    /// The route, such as `GET /reports/{id}`, or `callback`.
    public let route: String
    /// Which request, where it was one.
    public let requestID: String?
    public var cause: Cause
    /// The system call it waited in, such as `read`.
    public var systemCall: String?
    /// What that call waited on: a path, `pipe:[4711]`, an address, a lock's holder.
    public var resource: String?
    /// How long it has held its thread so far.
    public var duration: Duration
    /// True once it has come back.
    public var hasEnded: Bool
    /// How many other connections and jobs were ready on the loop when it was taken over, and went on elsewhere.
    public var requestsMoved: Int
    /// The longest that they waited for it.
    public var requestsWaited: Duration
    /// Nil when no stack could be taken.
    public var frames: [Frame] = []
    /// Which of `frames` is the application's own line.
    public var guilty: Frame?

    public var file: String? { guilty?.file }
    public var line: Int? { guilty?.line }
}

extension StallReport: CustomStringConvertible {
    /// One sentence: route, time, call, resource, line and what it cost the others.
    public var description: String {
        var text = "\(route) "
        switch cause {
        case .cpu: text += hasEnded ? "computed for " : "has computed for "
        case .notScheduled: text += hasEnded ? "got no processor for " : "has had no processor for "
        default: text += hasEnded ? "blocked " : "has blocked "
        }
        text += "\(Int(duration.milliseconds)) ms"
        if let systemCall, cause != .cpu { text += " in \(systemCall)" }
        if let resource { text += " on \(resource)" }
        if let file, let line { text += ", \(file):\(line)" }
        if requestsMoved > 0 {
            let waited = requestsWaited.milliseconds
            text += requestsMoved == 1 ? "; 1 other was" : "; \(requestsMoved) others were"
            text += " moved and waited \(Int(waited.rounded(.up))) ms"
        }
        return text
    }
}
