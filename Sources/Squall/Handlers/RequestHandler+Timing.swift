import SquallIO

extension RequestHandler {
    // MARK: server timing

    /// Tells the client where the time went, in the field `Server-Timing` (W3C Server Timing), which browsers show beside the
    /// request. Whoever can see the response can see it. Errors have it, too. What is added after the head is sent is lost.
    /// - Parameters:
    ///   - name: such as `db`. What is no letter, digit, `-`, `.` or `_` becomes `_`. May be given several times.
    ///   - duration: how long it took. Nil: that it happened.
    ///   - description: for people. What is not ASCII becomes `?`.
    public func serverTiming(_ name: String, _ duration: Duration? = nil, description: String? = nil) {
        var entry = name.isEmpty ? "_" : ""
        for scalar in name.unicodeScalars {
            let isKept =
                scalar.isASCII && (scalar.properties.isAlphabetic || "-._0123456789".unicodeScalars.contains(scalar))
            entry.unicodeScalars.append(isKept ? scalar : "_")
        }
        if let duration { entry += ";dur=\(Self.milliseconds(duration))" }
        if let description {
            entry += ";desc=\""
            for scalar in description.unicodeScalars {
                if scalar == "\"" || scalar == "\\" { entry += "\\" }
                entry.unicodeScalars.append((0x20...0x7e).contains(scalar.value) ? scalar : "?")
            }
            entry += "\""
        }
        timings = (timings ?? []) + [entry]
    }

    /// Measures how long `body` takes, also when it throws, and tells it: ``serverTiming(_:_:description:)``.
    /// - Returns: what `body` returns.
    public func timed<Result>(
        _ name: String, description: String? = nil, _ body: () async throws -> Result
    ) async rethrows -> Result {
        let start = ContinuousClock.now
        defer { serverTiming(name, ContinuousClock.now - start, description: description) }
        return try await body()
    }

    /// The field's value; in development with the time since the request began.
    func serverTimingField(_ timings: [String]) -> String {
        guard let exchange, application?.settings.isDevelopment == true else { return timings.joined(separator: ", ") }
        let total = Duration.nanoseconds(monotonicNanoseconds() - exchange.startedAt)
        return (timings + ["total;dur=\(Self.milliseconds(total))"]).joined(separator: ", ")
    }

    /// With three digits behind the point.
    private static func milliseconds(_ duration: Duration) -> String {
        let microseconds = max(0, duration.clampedNanoseconds / 1_000)
        let rest = String(microseconds % 1_000)
        return "\(microseconds / 1_000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
    }
}
