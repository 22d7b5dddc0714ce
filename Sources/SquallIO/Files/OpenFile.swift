import CSquall

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file that is open for reading. It is closed when nobody has it any more.
///
/// ```swift
/// let report = try await OpenFile.open("/data/report.csv")
/// let head = try await report.bytes(in: 0..<min(100, report.byteCount))
/// ```
public final class OpenFile: Sendable {
    package let fd: Int32
    package let isRegular: Bool
    package let isFolder: Bool
    /// How long it was when it was opened.
    public let byteCount: Int
    /// When it was last changed: seconds since 1970, and the nanoseconds beyond them.
    public let modified: (seconds: Int, nanoseconds: Int)
    package let identity: (device: UInt64, inode: UInt64)

    /// Takes a descriptor.
    private init(_ fd: Int32, _ info: squall_info) {
        self.fd = fd
        isRegular = info.is_regular
        isFolder = info.is_folder
        byteCount = Int(max(0, info.size))
        modified = (Int(info.modified_seconds), Int(info.modified_nanoseconds))
        identity = (info.device, info.inode)
    }

    /// Takes a descriptor, or the negative error number that stands for one.
    package convenience init(descriptor fd: Int32) throws(SystemError) {
        guard fd >= 0 else { throw SystemError("open", code: -fd) }
        var info = squall_info()
        let result = squall_file_info(fd, &info)
        guard result == 0 else {
            closeDescriptor(fd)
            throw SystemError("fstat", code: -result)
        }
        self.init(fd, info)
    }

    deinit {
        // A file that was removed is taken off the disk with its last descriptor, which takes long if it is large.
        var info = squall_info()
        if byteCount >= Self.large, squall_file_info(fd, &info) == 0, info.is_removed,
            Self.pool.submit({ [fd] _ in closeDescriptor(fd) })
        {
            return
        }
        closeDescriptor(fd)
    }
    private static let large = 1 << 20

    /// Whether it is as long as when it was opened, was not changed since, and still has a name.
    package var isUnchanged: Bool {
        var info = squall_info()
        return squall_file_info(fd, &info) == 0 && !info.is_removed && info.size == byteCount
            && info.modified_seconds == modified.seconds && info.modified_nanoseconds == modified.nanoseconds
    }

    /// The threads that read files.
    package static let pool = BlockingPool(threads: 8, name: "squall-files")

    /// Opens a file for reading, on a thread that may wait for the disk.
    /// - Throws: ``SystemError``: ENOENT if there is none, EISDIR if it is a folder or a device.
    public static func open(_ path: String) async throws -> OpenFile {
        guard !path.utf8.contains(0) else { throw SystemError("open", code: ENOENT) }
        return try await pool.run {
            let file = try OpenFile(descriptor: squall_open_file(path))
            guard file.isRegular else { throw SystemError("open", code: EISDIR) }
            return file
        }
    }

    /// Reads a part of the file, on a thread that may wait for the disk unless it is in memory already. The array is shorter
    /// than the range if the file is.
    /// - Throws: ``SystemError``; `CancellationError`.
    public func bytes(in range: Range<Int>) async throws -> [UInt8] {
        if let bytes = cachedBytes(in: range) { return bytes }
        return try await Self.pool.run { try self.read(range) }
    }

    /// A part of the file, if it can be had without waiting for the disk.
    package func cachedBytes(in range: Range<Int>) -> [UInt8]? {
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            // The kernel writes as much as there is room for, and says how much it was.
            count =
                buffer.baseAddress.map { max(0, squall_read_cached(fd, $0, range.count, off_t(range.lowerBound))) } ?? 0
        }
        return bytes.count == range.count ? bytes : nil
    }

    /// Reads, and waits for the disk.
    package func read(_ range: Range<Int>) throws(SystemError) -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            while count < range.count {
                let got = pread(fd, base + count, range.count - count, off_t(range.lowerBound + count))
                if got < 0, errno == EINTR { continue }
                if got < 0 { code = errno }
                guard got > 0 else { return }
                count += got
            }
        }
        if code != 0 { throw SystemError("read", code: code) }
        return bytes
    }

    /// Whether all of this part is in memory.
    func isCached(_ range: Range<Int>) -> Bool {
        range.isEmpty || squall_is_cached(fd, off_t(range.lowerBound), range.count)
    }

    /// Has the system read this part into memory, and waits until it has.
    func warm(_ range: Range<Int>) {
        withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
            guard let base = buffer.baseAddress else { return }
            var position = range.lowerBound
            while position < range.upperBound {
                let got = pread(fd, base, min(buffer.count, range.upperBound - position), off_t(position))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { return }
                position += got
            }
        }
    }
}

/// A part of a file that is to be sent.
package struct FileRegion: Sendable {
    package let file: OpenFile
    package var range: Range<Int>
    /// Up to here it is known to be in memory.
    var warmEnd = 0

    package init(_ file: OpenFile, _ range: Range<Int>) {
        self.file = file
        self.range = range
    }
}
