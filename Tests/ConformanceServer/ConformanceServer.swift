import HTTPTypes
import Logging
import Squall
import SquallIO
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The server against which outside test suites are run.
@main struct ConformanceServer {
    static func main() async throws {
        var port = 8888
        var folder = fixtures
        var settings = Application.Settings()
        settings.cookieSecret = "It's a secret to everybody"
        settings.checksXSRF = false
        var arguments = CommandLine.arguments.dropFirst()
        func fail(_ message: String) -> Never {
            print(
                "\(message)\nusage: squall-conformance [--port N] [--loops N] [--budget µs] [--static DIR] [--verbose]")
            exit(2)
        }
        func number(_ option: String) -> Int {
            guard let text = arguments.popFirst(), let value = Int(text) else { fail("\(option) takes a number") }
            return value
        }
        while let argument = arguments.popFirst() {
            switch argument {
            case "--port": port = number(argument)
            case "--loops": settings.loops = number(argument)
            case "--budget":
                settings.stalls = StallPolicy()
                settings.stalls?.budget = .microseconds(number(argument))
            case "--static":
                guard let path = arguments.popFirst() else { fail("--static takes a folder") }
                folder = path
            case "--verbose": settings.accessLogger = Logger(label: "access")
            default: fail("unknown option \(argument)")
            }
        }
        let site = try Application(settings: settings) {
            Route("/", Hello.init)
            Route("/echo", Echo.init)
            Route("/p/{a}/{b...}") { handler in
                struct Parts: Encodable {
                    var a: String
                    var b: String
                }
                try handler.write(json: Parts(a: handler.pathArgument("a"), b: handler.pathArgument("b")))
            }
            Route("/status") { handler in
                handler.setStatus(
                    try handler.queryArgument("code", as: Int.self, default: 200),
                    reason: try handler.queryArgument("reason"))
            }
            Route("/stream", Stream.init)
            Route("/upload", options: .init(bodyLimit: 1 << 40, deadline: .zero, streamsBody: true), Upload.init)
            Route("/block", Block.init)
            Route("/cpu", CPU.init)
            Route("/sleep", options: .init(deadline: .seconds(120)), Sleep.init)
            Route("/args", options: .init(bodyLimit: 4 << 30, deadline: .zero), Arguments.init)
            Route("/etag") { handler in
                let value = try handler.queryArgument("value", as: String.self)
                try handler.setETag(value)
                handler.setHeader("Content-Type", "text/plain")
                handler.write("a body with the tag \(value)\n")
            }
            Route("/xsrf", options: .init(checksXSRF: true), Form.init)
            Route("/cookie") { handler in
                try handler.setCookie(
                    try handler.queryArgument("name", as: String.self), try handler.queryArgument("value") ?? "")
            }
            Route("/signed") { handler in
                try handler.write(json: try handler.signedCookie(try handler.queryArgument("name", as: String.self)))
            }
            Route("/signed/set") { handler in
                try handler.setSignedCookie(
                    try handler.queryArgument("name", as: String.self), try handler.queryArgument("value") ?? "")
            }
            Route("/redirect") { handler in try handler.redirect(try handler.queryArgument("to", as: String.self)) }
            StaticFiles("/static", root: folder)
            Route("/cancelled") { handler in
                handler.setHeader("Content-Type", "text/plain")
                handler.write("\(cancelled.load(ordering: .relaxed))")
            }
        }
        try await site.run(port: port)
    }
}

/// The folder that is served unless another is given.
private let fixtures = #filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/Static"

/// How many requests were cancelled because the client left.
let cancelled = Atomic<Int>(0)

/// Counts the disconnects.
class CountingHandler: RequestHandler {
    override func onConnectionClose() { cancelled.wrappingAdd(1, ordering: .relaxed) }
}

final class Hello: CountingHandler {
    override func get() async throws {
        setHeader("Content-Type", "text/plain")
        write("hello")
    }

    override func post() async throws {
        setHeader("Content-Type", "text/plain")
        let body = request.body
        write("got \(body.count):")
        write(body.prefix(40))
    }
}

final class Echo: CountingHandler {
    private struct Answer: Encodable {
        var method: String
        var target: String
        var path: String
        var query: String?
        var version: String
        var headers: [[String]]
        var remoteAddress: String
    }

    override func get() async throws {
        try write(
            json: Answer(
                method: request.method.rawValue, target: request.target, path: request.path, query: request.query,
                version: request.version, headers: request.headerLines.map { [$0.name, $0.value] },
                remoteAddress: request.remoteAddress.host))
    }
}

final class Stream: CountingHandler {
    override func get() async throws {
        let chunks = min(try queryArgument("chunks", as: Int.self, default: 10), 1_000_000)
        let size = min(max(0, try queryArgument("size", as: Int.self, default: 10)), 16 << 20)
        let delay = try milliseconds("delay", default: 0)
        setHeader("Content-Type", "text/plain")
        let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: size)
        for index in 0..<max(0, chunks) {
            if index > 0, delay > .zero { try await IOLoop.sleep(for: delay) }
            write(chunk)
            try await flush()
        }
    }
}

final class Upload: CountingHandler {
    private struct Answer: Encodable {
        var bytes: Int
        var sha256: String
        var chunks: Int
    }

    override func post() async throws {
        var answer = Answer(bytes: 0, sha256: "", chunks: 0)
        let hash = SHA256()
        for try await chunk in body {
            answer.bytes += chunk.count
            answer.chunks += 1
            hash.update(chunk)
        }
        answer.sha256 = hash.hexDigest()
        try write(json: answer)
    }
}

/// Really blocks the thread.
final class Block: CountingHandler {
    override func get() async throws {
        let duration = try milliseconds("ms", default: 100)
        usleep(
            UInt32(
                clamping: Int(duration.components.seconds) * 1_000_000
                    + Int(duration.components.attoseconds / 1_000_000_000_000)))
        setHeader("Content-Type", "text/plain")
        write("blocked")
    }
}

/// Computes.
final class CPU: CountingHandler {
    override func get() async throws {
        let duration = try milliseconds("ms", default: 100)
        let end = ContinuousClock.now + duration
        var value: UInt64 = 1
        while ContinuousClock.now < end {
            for _ in 0..<1_000 { value = value &* 6_364_136_223_846_793_005 &+ 1 }
        }
        setHeader("Content-Type", "text/plain")
        write("computed \(value & 1)")
    }
}

final class Sleep: CountingHandler {
    override func get() async throws {
        try await IOLoop.sleep(for: try milliseconds("ms", default: 100))
        setHeader("Content-Type", "text/plain")
        write("slept")
    }
}

extension RequestHandler {
    /// An argument in milliseconds, up to a minute.
    func milliseconds(_ name: String, default value: Int) throws -> Duration {
        .milliseconds(min(max(0, try queryArgument(name, as: Int.self, default: value)), 60_000))
    }
}
