import Squall
import SquallIO

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Reads a file in the plainest way. This one is slow, as a file on a network or on a disk that sleeps is.
final class FileReader: RequestHandler {
    override func get() async throws {
        let slow = try SlowFile(delay: 2)
        let path = slow.path
        let size = 4_096
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 1)
        defer { buffer.deallocate() }

        let file = open(path, O_RDONLY)
        let count = read(file, buffer, size)
        close(file)

        setHeader("Content-Type", "text/plain; charset=UTF-8")
        write("read \(count) bytes\n")
    }
}

/// A file whose contents come late: a named pipe that a thread writes to after a while.
final class SlowFile: Sendable {
    let path = "/tmp/freeze-lab-\(getpid())-" + String(UInt32.random(in: 0 ... .max), radix: 36)
    private let writer: Int32

    init(delay: UInt32) throws {
        guard mkfifo(path, 0o600) == 0 else { throw SystemError("mkfifo") }
        writer = open(path, O_RDWR)
        Task {
            try await blocking {
                sleep(delay)
                _ = write(self.writer, "worth waiting for\n", 18)
            }
        }
    }

    /// The reader and the thread are both done with it.
    deinit {
        close(writer)
        unlink(path)
    }
}
