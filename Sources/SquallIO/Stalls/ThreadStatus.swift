import CSquall

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the kernel says about a thread, read from `/proc` without stopping it.
enum ThreadStatus {
    struct SystemCall {
        var number: Int
        var arguments: [UInt64]
        /// Where the thread goes on after it.
        var instruction: UInt64
    }

    /// The scheduler's letter: R running or ready, S and D waiting. Nil when the thread is gone or cannot be asked.
    static func state(of tid: Int32) -> UInt8? {
        read("/proc/self/task/\(tid)/stat") { bytes in
            // The name in parentheses may hold anything, so look from the last ")".
            guard let end = bytes.lastIndex(of: UInt8(ascii: ")")), end + 2 < bytes.count else { return nil }
            return bytes[end + 2]
        }
    }

    /// The system call that the thread waits in. Nil while it runs.
    static func systemCall(of tid: Int32) -> SystemCall? {
        read("/proc/self/task/\(tid)/syscall") { bytes in
            let words = bytes.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") })
            guard words.count >= 9, let number = Int(String(decoding: words[0], as: UTF8.self)), number >= 0 else {
                return nil
            }
            let values = words[1...8].map { UInt64(String(decoding: $0.dropFirst(2), as: UTF8.self), radix: 16) ?? 0 }
            return SystemCall(number: number, arguments: Array(values[..<6]), instruction: values[7])
        }
    }

    private static func read<R>(_ path: String, _ body: (UnsafeBufferPointer<UInt8>) -> R?) -> R? {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1_024) { buffer in
            #if canImport(Glibc)
            let count = Glibc.read(fd, buffer.baseAddress, buffer.count)
            #elseif canImport(Musl)
            let count = Musl.read(fd, buffer.baseAddress, buffer.count)
            #else
            let count = Darwin.read(fd, buffer.baseAddress, buffer.count)
            #endif
            guard count > 0 else { return nil }
            return body(UnsafeBufferPointer(rebasing: buffer[..<count]))
        }
    }
}

extension ThreadStatus.SystemCall {
    var name: String { squall_syscall_name(number).map { String(cString: $0) } ?? "system call \(number)" }

    var isLock: Bool { name == "futex" }

    /// The call as the sampler needs it, to resume it.
    var seen: squall_call {
        squall_call(
            number: number,
            arguments: (arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]),
            instruction: instruction)
    }

    /// Whether a signal would cut the call short.
    var forbidsSignals: Bool {
        arguments.withUnsafeBufferPointer { arguments in
            guard let base = arguments.baseAddress, arguments.count == 6 else { return true }
            return squall_interruption_of(number, base) == SQUALL_INTERRUPT_FORBIDDEN
        }
    }

    /// What the call waits on, as far as the kernel tells.
    var resource: String? {
        switch name {
        case "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "flock", "fcntl", "fsync",
            "fdatasync", "ftruncate", "fallocate", "getdents64", "getdents", "recvfrom", "recvmsg", "recvmmsg",
            "sendto",
            "sendmsg", "sendmmsg", "accept", "accept4", "ioctl", "lseek", "fstat", "syncfs", "splice", "epoll_wait",
            "epoll_pwait":
            return Self.describe(descriptor: Int32(truncatingIfNeeded: arguments[0]))
        case "sendfile", "copy_file_range":
            return Self.describe(descriptor: Int32(truncatingIfNeeded: arguments[0]))
        case "connect":
            return Self.address(at: arguments[1], length: Int(truncatingIfNeeded: arguments[2]))
                ?? Self.describe(descriptor: Int32(truncatingIfNeeded: arguments[0]))
        case "open", "stat", "lstat", "unlink", "rename", "mkdir", "rmdir", "access", "truncate", "readlink", "creat":
            return Self.string(at: arguments[0])
        case "openat", "newfstatat", "unlinkat", "renameat", "mkdirat", "statx":
            return Self.string(at: arguments[1])
        case "wait4":
            let child = Int32(truncatingIfNeeded: arguments[0])
            return child > 0 ? "process \(child)" : "a child process"
        case "waitid":
            return "a child process"
        case "futex":
            return Self.holder(ofLockAt: arguments[0])
        default:
            return nil
        }
    }

    static func describe(descriptor: Int32) -> String? {
        guard descriptor >= 0 else { return nil }
        let target = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1_024) { buffer -> String? in
            let count = buffer.withMemoryRebound(to: CChar.self) { buffer in
                guard let base = buffer.baseAddress else { return -1 }
                return readlink("/proc/self/fd/\(descriptor)", base, buffer.count)
            }
            return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
        }
        guard let target else { return "descriptor \(descriptor)" }
        if target.hasPrefix("socket:") {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let result = withUnsafeMutablePointer(to: &storage) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
            }
            if result == 0, let address = SocketAddress(storage: storage, length: length) { return "\(address)" }
        }
        return target
    }

    private static func string(at address: UInt64) -> String? {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            // Up to the end of the page first: what lies behind may not be mapped.
            let first = min(256, 4_096 - Int(address % 4_096))
            var count = squall_copy_memory(base, address, first)
            if count == first, first < 256, !buffer[..<count].contains(0) {
                count += squall_copy_memory(base + first, address + UInt64(first), 256 - first)
            }
            guard count > 0 else { return nil }
            let bytes = buffer[..<count].prefix { $0 != 0 }
            return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
        }
    }

    private static func address(at address: UInt64, length: Int) -> String? {
        var storage = sockaddr_storage()
        let wanted = min(length, MemoryLayout<sockaddr_storage>.size)
        guard wanted > 0, withUnsafeMutablePointer(to: &storage, { squall_copy_memory($0, address, wanted) }) == wanted
        else { return nil }
        return SocketAddress(storage: storage, length: socklen_t(wanted)).map { "\($0)" }
    }

    /// glibc's mutex keeps its holder's thread id eight bytes behind the word that it waits on; a lock of Swift's keeps it
    /// in the word itself. Either is taken only if it names a thread of this process.
    private static func holder(ofLockAt address: UInt64) -> String? {
        var words: (UInt32, UInt32, UInt32) = (0, 0, 0)
        guard withUnsafeMutablePointer(to: &words, { squall_copy_memory($0, address, 12) }) == 12 else { return nil }
        for candidate in [words.2, words.0 & 0x3fff_ffff] where candidate > 1 {
            if access("/proc/self/task/\(candidate)", F_OK) == 0 { return "a lock held by thread \(candidate)" }
        }
        return nil
    }
}
