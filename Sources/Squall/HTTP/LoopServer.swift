import SquallHTTP
import SquallIO
import Synchronization

/// An application's server on one loop. All but the `let`s belongs to the owner of the loop.
final class LoopServer: @unchecked Sendable {
    let core: ServerCore
    let loop: IOLoop
    let parser: HTTP1RequestParser
    let times: Timeouts
    /// Where responses are built.
    @exclusivity(unchecked) var scratch: [UInt8] = []
    @exclusivity(unchecked) private var requests: UInt64 = 0
    @exclusivity(unchecked) private(set) var dateSecond = 0
    @exclusivity(unchecked) private(set) var dateBytes: [UInt8] = []
    @exclusivity(unchecked) var commonHeads = CommonHeads()
    // The core's.
    let trustsProxies: Bool
    let hasCORS: Bool
    let securityLines: SecurityLines

    init(core: ServerCore, loop: IOLoop) {
        self.core = core
        self.loop = loop
        times = Timeouts(core.settings.limits)
        parser = HTTP1RequestParser(limits: core.settings.limits.parser)
        securityLines = core.securityLines
        trustsProxies = core.trust != nil
        hasCORS = core.hasCORS
    }

    /// Tasks that wait for a request.
    @exclusivity(unchecked) private var runners: [Runner] = []
    @exclusivity(unchecked) private var isEnding = false
    private static let mostRunners = 64

    /// A task for a request.
    func takeRunner() -> Runner { runners.popLast() ?? Runner(server: self) }

    func park(_ runner: Runner) {
        if isEnding || runners.count >= Self.mostRunners { runner.retire() } else { runners.append(runner) }
    }

    /// Lets the waiting tasks end, and those that come.
    func end() {
        isEnding = true
        for runner in runners { runner.retire() }
        runners = []
    }

    func nextNumber() -> UInt64 {
        requests &+= 1
        return requests
    }

    /// Writes the value of the Date field, formatted once a second, over what stands at `position`.
    func putDate(into bytes: inout [UInt8], at position: Int) {
        refreshDate()
        for index in 0..<min(dateBytes.count, bytes.count - position) { bytes[position + index] = dateBytes[index] }
    }

    @inline(__always)
    func refreshDate() {
        // The wall clock is read once a turn of the loop at most: `now` moves with the turns.
        let now = loop.now
        if now >= nextDate {
            let seconds = wallClockSeconds()
            if seconds != dateSecond || dateBytes.isEmpty {
                dateSecond = seconds
                dateBytes = HTTPDate.bytes(secondsSince1970: seconds)
            }
            nextDate = now + 100_000_000
        }
    }
    @exclusivity(unchecked) private var nextDate: Int64 = .min

    var connections: [HTTP1Connection] { loop.handles.compactMap { $0 as? HTTP1Connection } }

    /// Takes a socket that was accepted.
    func adopt(_ fd: Int32, _ address: SocketAddress) {
        let connection = HTTP1Connection(server: self, fd: fd, address: address)
        do {
            try loop.register(connection, .connection)
            connection.begin()
        } catch {
            connection.closeNow()
        }
    }
}

/// What the loops of a running application share.
final class ServerCore: Sendable {
    let application: Application
    let settings: Application.Settings
    let router: Router
    /// No new requests are taken on connections that are there.
    let isDraining = Atomic<Bool>(false)
    let connectionLimit: Int
    let logsAccess: Bool
    let securityLines: SecurityLines
    /// Some route has to do with other sites' scripts.
    let hasCORS: Bool
    /// Nil where no proxy is trusted.
    let trust: ProxyTrust?

    /// - Throws: ``InvalidSettingError`` if a security header cannot be sent, or the cookie secret has no key to sign with.
    init(
        application: Application, settings: Application.Settings, connectionLimit: Int
    ) throws(InvalidSettingError) {
        self.application = application
        self.settings = settings
        router = application.router
        self.connectionLimit = connectionLimit
        logsAccess = settings.accessLogger != nil
        securityLines = SecurityLines(settings.securityHeaders)
        trust = ProxyTrust(settings)
        hasCORS = settings.cors != nil || router.entries.contains { $0.cors != nil }
        for lines in [securityLines] + router.entries.compactMap(\.securityLines) {
            if let failure = lines.failure { throw failure }
        }
        if let failure = settings.cookieSecret?.failure { throw failure }
    }
}
