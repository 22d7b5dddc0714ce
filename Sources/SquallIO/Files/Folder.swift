import CSquall

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A folder whose files are opened by their path in it, and nothing outside it: not by `..`, nor by links.
package final class Folder: Sendable {
    private let fd: Int32

    /// Reads from the disk.
    package init(_ path: String) throws(SystemError) {
        let fd = path.utf8.contains(0) ? -ENOENT : squall_open_folder(path)
        guard fd >= 0 else { throw SystemError("open", code: -fd) }
        self.fd = fd
    }

    deinit { closeDescriptor(fd) }

    /// The folder was removed; there may be another of its name.
    package var isRemoved: Bool {
        var info = squall_info()
        return squall_file_info(fd, &info) != 0 || info.is_removed
    }

    /// Opens a file or a folder without reading from the disk. Nil if that would be needed.
    /// - Parameter path: without NUL.
    /// - Throws: ``SystemError`` with EXDEV or ELOOP if the path leads out of the folder.
    package func openCached(_ path: String) throws(SystemError) -> OpenFile? {
        let fd = squall_open_cached(self.fd, path)
        return fd == -EAGAIN ? nil : try OpenFile(descriptor: fd)
    }

    /// Opens a file or a folder, and waits for the disk.
    package func open(_ path: String) throws(SystemError) -> OpenFile {
        try OpenFile(descriptor: squall_open_beneath(fd, path))
    }
}
