import CSquall
import Synchronization

/// Where errors were thrown: Swift's errors have no stack of their own. For development, as it makes each throw slower.
///
/// It uses a place in Swift's runtime in which testing libraries, too, put a function that is called at every throw. Where that
/// is missing, nothing is known.
package enum ThrowTrace {
    package struct Frame: Sendable {
        package var function: String
        package var file: String?
        package var line: Int?

        /// One line of a stack.
        package var text: String {
            guard let file, let line else { return function }
            return "\(function)\n    at \(file):\(line)"
        }
    }

    private static let isOn = Atomic<Bool>(false)
    private static let deepest = 32

    /// Has stacks kept from now on, in the whole process and for good.
    package static func begin() {
        squall_record_throws()
        isOn.store(true, ordering: .relaxed)
    }

    /// The return addresses at the throw, innermost first. None if nothing is recorded, if 256 others were thrown since, or if the
    /// error was not thrown as `any Error`.
    package static func addresses(of error: any Error) -> [UInt] {
        guard isOn.load(ordering: .relaxed), MemoryLayout<any Error>.stride == MemoryLayout<UInt>.size else {
            return []
        }
        // An `any Error` is one pointer to the box that was thrown. It is compared and never followed. In an array, because
        // what is given to a generic function may be taken out of its box.
        let address = [error].withUnsafeBytes { $0.loadUnaligned(as: UInt.self) }
        guard let box = UnsafeRawPointer(bitPattern: address) else { return [] }
        var frames = [UInt](repeating: 0, count: deepest)
        let count = Int(squall_throw_stack(box, &frames, Int32(deepest)))
        return Array(frames.prefix(count))
    }

    /// One at a time, on a thread of their own: it takes seconds, and threads of the application's would wait meanwhile.
    private static let pool = BlockingPool(threads: 1, queueLimit: 100, name: "squall-symbols")

    private final class Known {
        let symbolizer = Symbolizer()
        var stacks: [[UInt]: [Frame]] = [:]
    }
    /// Nothing is looked up before the first error. Only the pool's thread takes it.
    private static let known = Mutex<Known?>(nil)

    /// Functions, files and lines. The program's symbols are read from disk, which can take seconds, on another thread.
    /// - Throws: ``BlockingPool/Full`` if 100 others wait; `CancellationError`.
    package static func frames(_ addresses: [UInt]) async throws -> [Frame] {
        try await pool.run {
            known.withLock { state in
                let known = state ?? Known()
                state = known
                if let frames = known.stacks[addresses] { return frames }
                let frames = known.symbolizer.symbolicate(addresses, isInterrupted: false).map {
                    Frame(function: $0.function, file: $0.file, line: $0.line)
                }
                if known.stacks.count >= 256 { known.stacks.removeAll() }
                known.stacks[addresses] = frames
                return frames
            }
        }
    }
}
