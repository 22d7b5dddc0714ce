import CSquall

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What a connection sends after its bytes: parts of files and bytes, in order. Belongs to the owner of the loop.
final class FileOutput {
    private enum Segment {
        case bytes([UInt8])
        case file(FileRegion)
    }
    private var behind = FIFO<Segment>()
    /// Part of a file that is sent now.
    var region: FileRegion?
    /// A thread reads the next part into memory; nothing is sent meanwhile.
    var isWarming = false
    /// Of this turn of the loop's; others have theirs.
    var continuesLater = false
    private(set) var unsentBytes = 0

    func append(_ bytes: [UInt8]) {
        behind.append(.bytes(bytes))
        unsentBytes += bytes.count
    }

    func append(_ region: FileRegion) {
        behind.append(.file(region))
        unsentBytes += region.range.count
    }

    func sent(_ count: Int) { unsentBytes -= count }

    /// Makes the next part the one that is sent. Returns bytes if it is bytes, and nil otherwise.
    func next() -> [UInt8]? {
        switch behind.popFirst() {
        case .bytes(let bytes):
            unsentBytes -= bytes.count
            return bytes
        case .file(let next): region = next
        case nil: break
        }
        return nil
    }
}

extension IOLoop {
    /// Has writing to a connection that is gone fail in place of ending the process, unless the program has its own way with
    /// that signal. `sendfile` cannot be told so by call.
    package static func ignoreBrokenPipes() {
        var action = sigaction()
        guard sigaction(SIGPIPE, nil, &action) == 0, action.__sigaction_handler.sa_handler == nil else { return }
        signal(SIGPIPE, SIG_IGN)
    }
}

extension SocketConnection {
    /// Nothing is sent because the disk is waited for, and not the peer.
    package final var isWaitingForDisk: Bool { files?.isWarming ?? false }

    /// So much is sent in a turn of the loop's, and looked up or read into memory at a time.
    private static let share = 1 << 20
    private static let window = 256 << 10

    /// Sends a part of a file behind what was written, without its bytes passing through this process. Where they are not in
    /// memory a thread reads them from the disk first, never the loop's.
    package final func write(_ region: FileRegion) {
        guard !isClosed, !isLingering, !region.range.isEmpty else { return }
        let isFirst = unsentBytes == 0
        let files = self.files ?? FileOutput()
        self.files = files
        files.append(region)
        if isFirst { flush() }
    }

    /// Sends of the files what the socket takes. Returns false if it has to wait; true if there are bytes to send now, or no
    /// files any more.
    final func sendFile() -> Bool {
        guard let files, !files.isWarming, !files.continuesLater else { return false }
        var share = Self.share
        while true {
            guard var region = files.region else {
                if let bytes = files.next() {
                    output = bytes
                    outputHead = 0
                    return true
                }
                if files.region != nil { continue }
                self.files = nil
                return true
            }
            guard share > 0 else {
                continueLater(files)
                return false
            }
            let start = region.range.lowerBound
            let count = min(region.range.count, Self.window, share)
            if start + count > region.warmEnd {
                guard region.file.isCached(start..<start + count) else {
                    warm(region, files)
                    return false
                }
                region.warmEnd = start + count
            }
            let sent = squall_send_file(fd, region.file.fd, off_t(start), count)
            if sent > 0 {
                share -= sent
                files.sent(sent)
                region.range = start + sent..<region.range.upperBound
                files.region = region.range.isEmpty ? nil : region
                continue
            }
            let code = errno
            // By the time that the peer takes more, the system may have dropped what was in memory.
            if sent < 0, code == EAGAIN { region.warmEnd = 0 }
            files.region = region
            if sent < 0, code == EINTR { continue }
            if sent < 0, code == EAGAIN { return false }
            // The peer is gone, the disk fails, or the file is shorter now: its announced length cannot be kept.
            closeNow()
            return false
        }
    }

    private final func continueLater(_ files: FileOutput) {
        files.continuesLater = true
        loop.nextTurn { [self] in
            files.continuesLater = false
            if !isClosed { flush() }
            return true
        }
    }

    private final func warm(_ region: FileRegion, _ files: FileOutput) {
        files.isWarming = true
        let range = region.range.lowerBound..<min(region.range.upperBound, region.range.lowerBound + Self.share)
        let (file, loop) = (region.file, self.loop)
        let isTaken = OpenFile.pool.submit { [self] hasNoThread in
            if !hasNoThread { file.warm(range) }
            loop.perform { [self] in hasNoThread ? closeNow() : isWarm(range.upperBound) }
        }
        // So many wait for the disk that it is hopeless.
        if !isTaken { loop.perform { [self] in closeNow() } }
    }

    private final func isWarm(_ end: Int) {
        guard !isClosed, let files else { return }
        files.isWarming = false
        files.region?.warmEnd = end
        // That time was the disk's, not the peer's.
        wroteSome()
        flush()
    }
}
