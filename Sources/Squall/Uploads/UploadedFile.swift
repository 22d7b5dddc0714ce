import SquallHTTP
import SquallIO
import Synchronization

/// A file that came with a form.
///
/// Its content is in memory or, beyond ``Application/Limits/uploadMemoryBytes``, in a temporary file, and is dropped
/// when the request ends: ``save(to:replacing:)`` what is to stay.
public struct UploadedFile: Sendable {
    /// The name of the form's field.
    public let name: String
    /// The name that the client gave, which may be a path, `..` or a device: show it escaped, and do not open it.
    public let filename: String
    /// ``filename`` without what a file's name must not have. `file` if nothing is left.
    public let safeFilename: String
    /// What the client says that the file is, such as `image/png`. `application/octet-stream` if it says nothing.
    public let contentType: String
    /// How long it is, in bytes.
    public var size: Int { content.count }

    enum Content: Sendable {
        case memory([UInt8])
        /// Where in the storage's file.
        case file(Range<Int>)

        var count: Int {
            switch self {
            case .memory(let bytes): bytes.count
            case .file(let range): range.count
            }
        }
    }

    private let content: Content
    private let storage: UploadStorage

    init(_ part: MultipartPart, _ content: Content, _ storage: UploadStorage) {
        name = part.name
        filename = part.filename ?? ""
        safeFilename = part.safeFilename
        contentType = part.contentType ?? "application/octet-stream"
        self.content = content
        self.storage = storage
    }

    /// The whole content.
    /// - Parameter limit: how much may go to memory, in bytes: 1 MiB unless told otherwise.
    /// - Throws: ``HTTPError`` 413 if it is longer; ``UploadError`` once the request has ended; `SystemError`.
    public func read(limit: Int = 1_048_576) async throws -> [UInt8] {
        guard size <= limit else {
            throw HTTPError.tooLong("the file in '\(name)' is too long; send one of up to \(limit) bytes")
        }
        return try await read(0..<size)
    }

    /// The content in pieces of up to 64 KiB. It can be read more than once.
    public var chunks: Chunks { Chunks(file: self) }

    /// Writes the content to a file of that name, with the rights that new files of this process have. Nothing is left
    /// of it if that fails.
    /// - Parameters:
    ///   - path: made by the application; of what the client says only ``safeFilename`` may be part of it.
    ///   - replacing: whether a file that is there already is replaced, in one step.
    /// - Throws: ``UploadError`` if there is a file and `replacing` is false, or once the request has ended;
    ///   `SystemError` if the file cannot be written.
    public func save(to path: String, replacing: Bool = false) async throws {
        let file = try storage.file()
        do {
            try await BlockingPool.shared.run { [content] in
                switch content {
                case .memory(let bytes): try TemporaryFile.save(bytes, to: path, replacing: replacing)
                case .file(let range): try file?.copy(range, to: path, replacing: replacing)
                }
            }
        } catch let error as SystemError where error.isExistingFile {
            throw UploadError(description: "there is a file at \(path); save to another path, or with replacing: true")
        }
    }

    fileprivate func read(_ range: Range<Int>) async throws -> [UInt8] {
        let file = try storage.file()
        switch content {
        case .memory(let bytes): return Array(bytes[range])
        case .file(let whole):
            let start = whole.lowerBound + range.lowerBound
            let bytes = try await BlockingPool.shared.run { try file?.read(start..<start + range.count) ?? [] }
            guard bytes.count == range.count else { throw UploadError(description: "the temporary file is cut off") }
            return bytes
        }
    }

    /// The content of a file in pieces.
    public struct Chunks: AsyncSequence, Sendable {
        public typealias Element = [UInt8]
        let file: UploadedFile

        public struct AsyncIterator: AsyncIteratorProtocol {
            let file: UploadedFile
            private var position = 0

            init(file: UploadedFile) { self.file = file }

            /// The next piece, of up to 64 KiB; nil at the end.
            /// - Throws: ``UploadError`` once the request has ended; `SystemError`; `CancellationError`.
            public mutating func next() async throws -> [UInt8]? {
                guard position < file.size else { return nil }
                let end = Swift.min(file.size, position + 65_536)
                defer { position = end }
                return try await file.read(position..<end)
            }
        }

        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(file: file) }
    }
}

/// What an uploaded file was asked for cannot be done.
public struct UploadError: Error, CustomStringConvertible {
    public let description: String
}

/// What the files of one form have in common: one temporary file, for as long as the request lasts.
final class UploadStorage: Sendable {
    private enum State: Sendable {
        case memory
        case file(TemporaryFile)
        case closed
    }
    private let state = Mutex(State.memory)

    /// The file, if there is one.
    func file() throws(UploadError) -> TemporaryFile? {
        switch state.withLock({ $0 }) {
        case .memory: return nil
        case .file(let file): return file
        case .closed:
            throw UploadError(description: "the request has ended, and its files with it; read or save them before")
        }
    }

    /// The file, made if there is none. Blocks.
    func makeFile(in directory: String) throws -> TemporaryFile {
        if let file = try file() { return file }
        let made = try TemporaryFile(directory: directory)
        state.withLock { if case .memory = $0 { $0 = .file(made) } }
        return made
    }

    /// Drops the content. What reads it at this moment reads it to its end.
    func close() {
        let old = state.withLock { state in
            defer { state = .closed }
            return state
        }
        _ = old
    }
}
