import SquallHTTP
import SquallIO

/// A form as the handler asks for it.
struct ParsedForm: Sendable {
    var arguments: [(name: String, value: String)] = []
    var files: [UploadedFile] = []
}

/// A multipart form that was taken from the wire before its handler began.
final class ReceivedForm: Sendable {
    let form: ParsedForm
    private let storage: UploadStorage

    private init(_ form: ParsedForm, _ storage: UploadStorage) {
        self.form = form
        self.storage = storage
    }

    /// Drops the files.
    func close() { storage.close() }

    /// Takes the form of a request as it comes. The client is held back while a piece is written to the disk.
    static func receive(_ exchange: Exchange) async throws -> ReceivedForm {
        let reader = try MultipartReader(exchange)
        let settings = exchange.connection.server.core.settings
        let storage = UploadStorage()
        do {
            var form = ParsedForm()
            var fieldBytes = 0
            var sink = UploadSink(storage: storage, settings: settings)
            while let part = try await reader.nextPart() {
                // A field for a file that was left empty has the empty name.
                if part.filename?.isEmpty ?? true {
                    var value: [UInt8] = []
                    while let piece = try await reader.nextContent() {
                        fieldBytes += piece.count
                        guard fieldBytes <= settings.limits.formBytes else {
                            throw HTTPError.tooLong("the fields of the form are too long; send long content as a file")
                        }
                        value += piece
                    }
                    form.arguments.append((part.name, String(decoding: value, as: UTF8.self)))
                } else {
                    while let piece = try await reader.nextContent() { try await sink.append(piece) }
                    form.files.append(UploadedFile(part, try await sink.end(), storage))
                }
            }
            return ReceivedForm(form, storage)
        } catch {
            storage.close()
            throw error
        }
    }
}

/// Where the files of a form go, one after the other: to memory while there is room, and then to the temporary file.
private struct UploadSink {
    private static let writeBytes = 131_072

    private let storage: UploadStorage
    private let directory: String
    private var memoryLeft: Int
    private var buffer: [UInt8] = []
    /// Where the file in progress begins in the temporary file, if it goes there.
    private var start: Int?
    private var fileEnd = 0

    init(storage: UploadStorage, settings: Application.Settings) {
        self.storage = storage
        directory = settings.temporaryDirectory
        memoryLeft = max(0, settings.limits.uploadMemoryBytes)
    }

    mutating func append(_ bytes: ArraySlice<UInt8>) async throws {
        buffer += bytes
        if start == nil, buffer.count > memoryLeft { start = fileEnd }
        if start != nil, buffer.count >= Self.writeBytes { try await write() }
    }

    mutating func end() async throws -> UploadedFile.Content {
        guard let start else {
            memoryLeft -= buffer.count
            defer { buffer = [] }
            return .memory(buffer)
        }
        if !buffer.isEmpty { try await write() }
        self.start = nil
        return .file(start..<fileEnd)
    }

    private mutating func write() async throws {
        let bytes = buffer
        buffer.removeAll(keepingCapacity: false)
        let offset = fileEnd
        do {
            try await BlockingPool.shared.run { [storage, directory] in
                try storage.makeFile(in: directory).write(bytes, at: offset)
            }
        } catch let error as SystemError {
            throw HTTPError(500, logMessage: "an upload could not be kept: \(error); see Settings.temporaryDirectory")
        } catch let error as BlockingPool.Full {
            throw HTTPError(503, logMessage: "an upload could not be kept: \(error)", headers: [("Retry-After", "1")])
        }
        fileEnd += bytes.count
    }
}
