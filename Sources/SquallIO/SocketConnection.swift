import CSquall

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A connected socket on a loop: reads into the loop's buffer, keeps what was not consumed, writes what it can at once.
///
/// A subclass gives it a protocol. An idle connection holds no buffer. All of it belongs to the owner of the loop.
open class SocketConnection: IOHandle, @unchecked Sendable {
    /// Bytes that were read and not consumed.
    @exclusivity(unchecked) private final var input: [UInt8] = []
    @exclusivity(unchecked) private final var inputHead = 0
    /// Bytes that the socket has not taken yet.
    @exclusivity(unchecked) final var output: [UInt8] = []
    @exclusivity(unchecked) final var outputHead = 0
    /// What is sent after ``output``; nil unless a file was written.
    @exclusivity(unchecked) final var files: FileOutput?

    /// Whether ``received(_:)`` is to be called. While false nothing is read, so that the peer is held back.
    package final var wantsInput: Bool {
        get { _wantsInput }
        set { _wantsInput = newValue }
    }
    @exclusivity(unchecked) private final var _wantsInput = true
    /// The socket may have bytes, as far as its events told.
    @exclusivity(unchecked) private final var mayRead = true
    @exclusivity(unchecked) private final var sawHangup = false
    /// The connection is broken, in both directions.
    package final var isBroken: Bool { sawError }
    @exclusivity(unchecked) private final var sawError = false
    /// The peer has closed its side.
    package final var isAtEnd: Bool { _isAtEnd }
    @exclusivity(unchecked) private final var _isAtEnd = false
    package final var isClosed: Bool { _isClosed }
    @exclusivity(unchecked) private final var _isClosed = false
    /// Writing is over: what the peer still sends is read and dropped until it closes too.
    package final var isLingering: Bool { _isLingering }
    @exclusivity(unchecked) private final var _isLingering = false
    /// The peer's end was read, so that nothing unread is left behind it.
    @exclusivity(unchecked) private final var hasReadEnd = false
    @exclusivity(unchecked) private final var closesWhenDrained = false

    /// How many bytes wait to be sent.
    package final var unsentBytes: Int { output.count - outputHead + (files?.unsentBytes ?? 0) }
    /// How many bytes have come and were not consumed. A system call.
    package final var unconsumedBytes: Int { input.count - inputHead + Int(squall_unread(fd)) }
    /// Something was read and not consumed, or can be read.
    package final var hasMoreToRead: Bool { inputHead < input.count || mayRead }

    // MARK: for subclasses

    /// Bytes have come. Returns how many are done with; the rest is given again together with what comes next, or as soon
    /// as ``wantsInput`` is true again. Calls no user code: that is for ``advance()``, which is called next.
    open func received(_ bytes: Span<UInt8>) -> Int { bytes.count }
    /// Does what ``received(_:)`` found to do. May call user code.
    open func advance() -> Bool { true }
    /// The peer sends no more. May call user code.
    open func receivedEnd() -> Bool { true }
    /// The peer has closed its side or is gone, while ``wantsInput`` is false: what it sent before is not read yet. Told
    /// again whenever there is reason to look. Calls no user code.
    open func sensedEnd() {}
    /// The socket has taken all that was written. Calls no user code.
    open func drained() {}
    /// The socket has taken a part of what waited. Calls no user code.
    open func wroteSome() {}
    /// The connection is gone: an error, or ``closeNow()``. Calls no user code.
    open func closed() {}

    // MARK: reading

    public final override func ready(_ events: IOEvents) -> Bool {
        if events.contains(.write), outputHead < output.count || files != nil {
            flush()
            if _isClosed { return true }
        }
        if !events.isDisjoint(with: [.read, .hangup, .error]) {
            mayRead = true
            if !events.isDisjoint(with: [.hangup, .error]) { sawHangup = true }
            if events.contains(.error) { sawError = true }
        }
        return pump()
    }

    /// Reads and consumes until there is nothing left, or until the subclass wants no more.
    package final func pump() -> Bool {
        var reads = 0
        while !_isClosed {
            if _wantsInput, inputHead < input.count {
                let before = inputHead
                consumeInput()
                guard advance() else { return false }
                if _isClosed { return true }
                // Something was done with it, or it is waited for: look again before reading more.
                if inputHead != before || !_wantsInput { continue }
            }
            guard mayRead, !_isAtEnd else { return true }
            if !_wantsInput {
                // Nothing is read, but that the peer has left must be seen: it cancels what is under way.
                if sawHangup { sensedEnd() }
                return true
            }
            // A peer that sends as fast as it can has its share, like the others.
            guard reads < Self.readsInTurn else {
                loop.nextTurn { self.pump() }
                return true
            }
            reads += 1
            guard read() else { return false }
        }
        return true
    }

    private static let readsInTurn = 16

    private final func consumeInput() {
        let consumed = input.withUnsafeBufferPointer { bytes in
            received(UnsafeBufferPointer(rebasing: bytes[inputHead...]).span)
        }
        inputHead += consumed
        if inputHead >= input.count {
            // The storage goes too: an idle connection has no buffer.
            input = []
            inputHead = 0
        } else if inputHead >= 16_384 {
            input.removeFirst(inputHead)
            inputHead = 0
        }
    }

    private final func read() -> Bool {
        let buffer = loop.readBuffer
        guard let base = buffer.baseAddress else { return true }
        let count = squall_receive(fd, base, buffer.count)
        if count > 0 {
            // Less than was asked for: the socket is empty, and its next bytes will be told.
            if count < buffer.count, !sawHangup { mayRead = false }
            if _isLingering {
                // A client on a slow line may have much on its way.
                loop.setDeadline(min(loop.now + Self.lingerTime, lingerEnd), for: self)
                return true
            }
            let bytes = UnsafeBufferPointer(rebasing: buffer.bindMemory(to: UInt8.self)[..<count])
            if inputHead < input.count {
                input.append(contentsOf: bytes)
                consumeInput()
            } else {
                let consumed = received(bytes.span)
                // Kept before any user code runs: the buffer belongs to whoever drives the loop then.
                if consumed < count { input.append(contentsOf: bytes[consumed...]) }
            }
            return advance()
        }
        if count == 0 {
            _isAtEnd = true
            hasReadEnd = true
            mayRead = false
            if _isLingering {
                closeNow()
                return true
            }
            return receivedEnd()
        }
        switch errno {
        case EAGAIN, EWOULDBLOCK: mayRead = false
        case EINTR: break
        default:
            _isAtEnd = true
            let proceeds = receivedEnd()
            if proceeds { closeNow() }
            return proceeds
        }
        return true
    }

    // MARK: writing

    /// Writes `bytes`, or keeps what the socket does not take now.
    /// - Parameter isFollowed: more is written at once.
    package final func write(_ bytes: [UInt8], isFollowed: Bool = false) {
        guard !_isClosed, !_isLingering, !bytes.isEmpty else { return }
        if let files {
            files.append(bytes)
            return
        }
        if outputHead < output.count {
            output.append(contentsOf: bytes)
            return
        }
        let sent = bytes.withUnsafeBytes { send($0, isFollowed: isFollowed) }
        if sent < 0 { return closeNow() }
        if sent < bytes.count { output.append(contentsOf: bytes[sent...]) }
    }

    /// Returns how many bytes were taken, or a negative number if the connection is broken.
    private final func send(_ bytes: UnsafeRawBufferPointer, isFollowed: Bool = false) -> Int {
        guard let base = bytes.baseAddress else { return 0 }
        while true {
            let sent = isFollowed ? squall_send_more(fd, base, bytes.count) : squall_send(fd, base, bytes.count)
            if sent >= 0 { return sent }
            switch errno {
            case EINTR: continue
            case EAGAIN, EWOULDBLOCK: return 0
            default: return -1
            }
        }
    }

    final func flush() {
        let waiting = unsentBytes
        guard waiting > 0 else { return }
        while true {
            if outputHead < output.count {
                let isFollowed = files.map { $0.unsentBytes > 0 } ?? false
                let sent = output.withUnsafeBytes {
                    send(UnsafeRawBufferPointer(rebasing: $0[outputHead...]), isFollowed: isFollowed)
                }
                if sent < 0 { return closeNow() }
                outputHead += sent
                if outputHead < output.count { break }
                output = []
                outputHead = 0
            }
            guard files != nil else { break }
            guard sendFile() else { break }
        }
        if _isClosed { return }
        let unsent = unsentBytes
        if unsent == 0 {
            if closesWhenDrained { return endWriting() }
            drained()
        } else {
            if outputHead >= 262_144 {
                output.removeFirst(outputHead)
                outputHead = 0
            }
            if unsent < waiting { wroteSome() }
        }
    }

    // MARK: closing

    /// Closes once all is sent. The peer can read all of it: its own bytes are read and dropped until it closes too.
    package final func closeWhenSent() {
        guard !_isClosed, !_isLingering else { return }
        if unsentBytes > 0 {
            closesWhenDrained = true
        } else {
            endWriting()
        }
    }

    private final func endWriting() {
        guard !hasReadEnd else { return closeNow() }
        shutdown(fd, Int32(SHUT_WR))
        _isLingering = true
        // What was not read is read away, to its end.
        _isAtEnd = false
        _wantsInput = true
        input = []
        inputHead = 0
        lingerEnd = loop.now + Self.longestLinger
        loop.setDeadline(loop.now + Self.lingerTime, for: self)
        // What is there already, and a peer that has closed meanwhile, are found at the next turn.
        mayRead = true
        loop.nextTurn { self.pump() }
    }
    @exclusivity(unchecked) private final var lingerEnd: Int64 = 0
    /// So long nothing may come, and so long it takes at most.
    private static let lingerTime: Int64 = 2_000_000_000
    private static let longestLinger: Int64 = 10_000_000_000

    package final func closeNow() {
        guard !_isClosed else { return }
        _isClosed = true
        _isAtEnd = true
        input = []
        output = []
        inputHead = 0
        outputHead = 0
        files = nil
        loop.close(self)
        closed()
    }

    open override func deadlinePassed() -> Bool {
        closeNow()
        return true
    }

    open override func loopStopped() {
        _isClosed = true
        files = nil
        closeDescriptor(fd)
        fd = -1
        closed()
    }
}
