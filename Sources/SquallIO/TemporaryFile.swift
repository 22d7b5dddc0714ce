import CSquall

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension SystemError {
    /// There is a file of that name already.
    package var isExistingFile: Bool { code == EEXIST }
}

/// A file without a name, for what is too large for memory: readable by this process alone, and gone when nobody refers
/// to it, however the process ends.
///
/// All methods block.
package final class TemporaryFile: Sendable {
    private let fd: Int32

    /// - Parameter directory: where there is room for it.
    package init(directory: String) throws(SystemError) {
        let flags = O_RDWR | O_CLOEXEC
        #if os(Linux)
        // O_TMPFILE, which is not imported: its own bit, and O_DIRECTORY's.
        let unnamed = open(directory, flags | 0o20000000 | O_DIRECTORY, 0o600)
        if unnamed >= 0 {
            fd = unnamed
            return
        }
        guard errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL else { throw SystemError("open \(directory)") }
        #endif
        // The file system has none: a file with a name that nobody can guess, which it loses at once.
        let name = "\(directory)/squall-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        let named = open(name, flags | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
        guard named >= 0 else { throw SystemError("open \(name)") }
        unlink(name)
        fd = named
    }

    deinit {
        // To drop a large file takes its time, and this may be a loop's thread.
        let fd = self.fd
        Task.detached {
            do { try await BlockingPool.shared.run { closeDescriptor(fd) } } catch { closeDescriptor(fd) }
        }
    }

    package func write(_ bytes: [UInt8], at offset: Int) throws(SystemError) {
        try Self.write(bytes, to: fd, at: offset)
    }

    private static func write(_ bytes: [UInt8], to fd: Int32, at offset: Int) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                pwrite(fd, bytes.baseAddress.map { $0 + written }, bytes.count - written, off_t(offset + written))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemError("write to a temporary file") }
            written += count
        }
    }

    /// What stands there: fewer bytes at the end of the file.
    package func read(_ range: Range<Int>) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            while count < buffer.count {
                let got = pread(
                    fd, buffer.baseAddress.map { $0 + count }, buffer.count - count, off_t(range.lowerBound + count))
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = SystemError("read from a temporary file") }
                guard got > 0 else { break }
                count += got
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes a stretch of it to a file of that name; without copying where the file system can share what is stored.
    package func copy(_ range: Range<Int>, to path: String, replacing: Bool) throws(SystemError) {
        try Self.create(path, replacing: replacing) { target throws(SystemError) in
            var offset = range.lowerBound
            #if os(Linux)
            while offset < range.upperBound {
                let count = squall_copy_file_range(
                    fd, Int64(offset), target, Int64(offset - range.lowerBound), min(range.upperBound - offset, 1 << 30)
                )
                if count < 0, errno == EINTR { continue }
                // Between some file systems it cannot; then by hand.
                guard count > 0 else { break }
                offset += count
            }
            #endif
            while offset < range.upperBound {
                let piece = try read(offset..<min(range.upperBound, offset + 262_144))
                guard !piece.isEmpty else { throw SystemError("read from a temporary file", code: EIO) }
                try Self.write(piece, to: target, at: offset - range.lowerBound)
                offset += piece.count
            }
        }
    }

    /// Writes bytes to a new file.
    package static func save(_ bytes: [UInt8], to path: String, replacing: Bool) throws(SystemError) {
        try create(path, replacing: replacing) { target throws(SystemError) in try write(bytes, to: target, at: 0) }
    }

    /// Makes a file of that name and lets `fill` write to it. Nothing of it is left if that fails. An existing file is
    /// replaced whole, in one step.
    private static func create(
        _ path: String, replacing: Bool, _ fill: (Int32) throws(SystemError) -> Void
    ) throws(SystemError) {
        guard !path.utf8.contains(0) else { throw SystemError("open a path with a NUL in it", code: EINVAL) }
        let name = replacing ? "\(path).\(String(UInt64.random(in: 0 ... .max), radix: 36))" : path
        let target = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
        guard target >= 0 else { throw SystemError("open \(name)") }
        do throws(SystemError) {
            defer { closeDescriptor(target) }
            try fill(target)
        } catch {
            unlink(name)
            throw error
        }
        if replacing, rename(name, path) != 0 {
            let error = SystemError("rename to \(path)")
            unlink(name)
            throw error
        }
    }
}

/// What the environment says in `TMPDIR`, otherwise `/tmp`.
package func systemTemporaryDirectory() -> String {
    guard let value = getenv("TMPDIR") else { return "/tmp" }
    let path = String(cString: value)
    return path.isEmpty ? "/tmp" : path
}
