import Foundation
import Logging
import SquallHTTP
import SquallIO

// The code of the pages about SquallIO and SquallHTTP. It is compiled, and compared with the pages.

private func spawning() async throws {
    // snippet: loop
    let loop = try IOLoop()
    loop.start()
    let answer = try await loop.spawn {
        try await IOLoop.sleep(for: .milliseconds(20))
        return 42
    }.value
    await loop.stop()
    // end
    print(answer)
}

private func takingOver(_ loop: IOLoop) {
    // snippet: take-over
    loop.addCallback { sleep(5) }
    loop.addCallback { print("a few milliseconds later, on another thread") }
    // end
}

private func timers(_ loop: IOLoop, _ refresh: @escaping @Sendable () async throws -> Void) {
    // snippet: timers
    let timeout = loop.callLater(.seconds(1)) { print("a second later") }
    timeout.cancel()

    let refreshing = PeriodicCallback(every: .seconds(60), jitter: 0.1) { try await refresh() }
    refreshing.start(on: loop)
    // end
}

private func watches(_ loop: IOLoop, _ pipe: Int32) async throws {
    // snippet: watches
    let watch = try await loop.watch(pipe, for: .read) { events in
        if events.contains(.hangup) { print("the other end is closed") }
    }
    watch.cancel()

    let hangup = try await loop.watchSignal(SIGHUP) { print("read the configuration again") }
    hangup.cancel()
    // end
}

private func policy() {
    // snippet: stall-policy
    var policy = StallPolicy()
    policy.reportAfter = .milliseconds(50)
    policy.ceiling = 128
    Stalls.policy = policy
    // end
}

private func reports() async throws {
    // snippet: stall-reports
    var next = 0
    while !Task.isCancelled {
        let (reports, after) = Stalls.reports(since: next)
        for report in reports where report.hasEnded {
            print(report.route, report.duration, report.file ?? "?", report.line ?? 0)
        }
        next = after
        try await IOLoop.sleep(for: .seconds(1))
    }
    // end
}

private enum Wire {
    static func reading() {
        // snippet: request-parser
        /// `input` holds what was received and not consumed.
        func read(_ input: inout [UInt8], with parser: inout HTTP1RequestParser) throws(HTTP1ParseError) {
            while true {
                var consumed = 0
                let event = parser.next(input.span, consumed: &consumed)
                switch event {
                case .head(let head): print(head.method, head.path, head.value(of: "host") ?? "")
                case .body(let range): print(input[range].count, "bytes of the body")
                case .end(let trailers): print("the end, with", trailers.count, "trailers")
                case .needMoreInput: break
                case .failure(let error): throw error
                }
                input.removeFirst(consumed)
                if case .needMoreInput = event { return }
            }
        }
        // end
    }

    static func encode() throws {
        // snippet: encoder
        var response: [UInt8] = []
        HTTP1Encoder.appendStatusLine(200, reason: nil, to: &response)
        try HTTP1Encoder.appendField("Content-Type", "text/plain", to: &response)
        HTTP1Encoder.appendContentLength(2, to: &response)
        response += Array("\r\nok".utf8)
        // end
    }
}
