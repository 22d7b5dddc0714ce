import HTTPTypes
import SquallHTTP
import SquallIO

/// Serves a file of ``StaticFiles``: Tornado's `StaticFileHandler`.
///
/// Ranges, conditions and HEAD are handled as by ``RequestHandler/send(_:)``. No file is read on a loop's thread: what is in
/// memory is sent from there by the kernel, and the rest is read by threads for that purpose. Subclass it to say more about
/// files than ``StaticFiles/Options`` can.
open class StaticFileHandler: RequestHandler {
    /// What it serves from.
    public let folder: StaticFiles
    var fixedPath: String?
    private var isVersioned = false

    public init(_ folder: StaticFiles) { self.folder = folder }

    /// The type of a file. The base class goes by the name. What it says is kept
    /// for a while.
    open func contentType(ofFile path: String) -> String {
        let name = MediaTypes.fileExtension(path)
        return folder.options.types[name] ?? MediaTypes.type(ofExtension: name) ?? MediaTypes.octets
    }

    /// Sets further fields for a file, such as ``RequestHandler/setDownloadName(_:)``. Called before it is sent.
    open func setExtraHeaders(forFile path: String) {}

    open override func get() async throws {
        guard let exchange else { return }
        var path = try fixedPath ?? pathArgument("path")
        let codings = folder.options.servesCompressed ? acceptedCodings : []
        let key = StaticFiles.Key(path: path, codings: codings)
        if let kept = folder.keptFile(key, now: exchange.loop.now) { return try await respond(kept) }
        try check(path)
        if path.isEmpty || path.hasSuffix("/") {
            guard let index = folder.options.index else { throw HTTPError(404) }
            path += index
        }
        // Most files are in memory, and then nothing is waited for: each `await` would cost what reading a small file does.
        var opened = try openAtOnce(path)
        if opened == nil { opened = try await open(path) }
        guard let file = opened, try !isFolder(file) else { return }
        let type = contentType(ofFile: path)
        var found: KeptFile?
        if !codings.isEmpty, Self.isCompressible(type) {
            for coding in codings where found == nil { found = try await coded(file, path, type, coding) }
        }
        let kept = found ?? KeptFile(file, of: file, path: path, contentType: type, now: exchange.loop.now)
        if kept.file.byteCount <= Self.mostCopied { folder.keep(kept, key, on: exchange.loop) }
        try await respond(kept)
    }

    /// The codings that the client takes, the one that it likes best first.
    private var acceptedCodings: [ContentCoding] {
        guard let first = preferredCoding(of: [.brotli, .gzip]) else { return [] }
        return [first] + (preferredCoding(of: [first == .gzip ? .brotli : .gzip]).map { [$0] } ?? [])
    }

    private func respond(_ found: KeptFile) async throws {
        if exchange?.head.queryRange != nil { try await setVersion(found.plain, found.path) }
        describe(found)
        if try !sendAtOnce(found.file) { try await send(found.file) }
    }

    /// The file beside this one in which its content is in this coding. Nil if there is none, or it is older.
    private func coded(
        _ file: OpenFile, _ path: String, _ type: String, _ coding: ContentCoding
    ) async throws -> KeptFile? {
        let name = path + (coding == .brotli ? ".br" : ".gz")
        do {
            var opened = try folder.openAtOnce(name)
            if opened == nil { opened = try await folder.open(name) }
            guard let opened, opened.isRegular, opened.modified >= file.modified, let exchange else { return nil }
            return KeptFile(
                opened, coding: coding, of: file, path: path, contentType: type, now: exchange.loop.now)
        } catch is SystemError {
            return nil
        }
    }

    /// Refuses paths that name nothing that is to be served. What leads out of the folder the system refuses too.
    private func check(_ path: String) throws {
        var length = 0
        var isDotted = false
        var dots = 0
        var start = path.utf8.startIndex
        func end(_ index: String.Index, isLast: Bool) throws {
            if length == 0 {
                guard isLast else { throw HTTPError(404) }
            } else if isDotted {
                if dots == length, length == 2 { throw HTTPError(403, "the path leads out of its folder") }
                let isServed = folder.options.servesHidden || path.utf8[start..<index].elementsEqual(".well-known".utf8)
                if length == 1 || !isServed { throw HTTPError(404) }
            }
        }
        for (index, byte) in zip(path.utf8.indices, path.utf8) {
            if byte == 0 { throw HTTPError(404) }
            if byte == UInt8(ascii: "/") {
                try end(index, isLast: false)
                (length, isDotted, dots) = (0, false, 0)
                start = path.utf8.index(after: index)
                continue
            }
            if byte == UInt8(ascii: ".") {
                if length == 0 { isDotted = true }
                dots += 1
            }
            length += 1
        }
        try end(path.utf8.endIndex, isLast: true)
    }

    private func openAtOnce(_ path: String) throws -> OpenFile? {
        do throws(SystemError) {
            return try folder.openAtOnce(path)
        } catch {
            throw refusal(error, path)
        }
    }

    private func open(_ path: String) async throws -> OpenFile {
        do {
            return try await folder.open(path)
        } catch let error as SystemError {
            throw refusal(error, path)
        }
    }

    private func refusal(_ error: SystemError, _ path: String) -> any Error {
        if error.isMissingFile { return HTTPError(404) }
        if error.isForbiddenFile { return HTTPError(403, logMessage: "\(path): \(error)") }
        guard error.isExhaustion else { return error }
        return HTTPError(503, logMessage: "\(path): \(error)", headers: [("Retry-After", "1")])
    }

    /// Whether it was a folder, whose request is answered then.
    private func isFolder(_ file: OpenFile) throws -> Bool {
        if file.isRegular { return false }
        guard file.isFolder else { throw HTTPError(404) }
        try redirectToFolder()
        return true
    }

    private func describe(_ found: KeptFile) {
        contentType = found.contentType
        fields.reserveCapacity(5)
        if folder.options.servesCompressed, found.isCompressible {
            fields.append(("Vary", "Accept-Encoding"))
        }
        if let coding = found.coding { fields.append(("Content-Encoding", coding.rawValue)) }
        fields.append(("ETag", found.tag))
        if let lastModified = found.lastModified { fields.append(("Last-Modified", lastModified)) }
        if let maxAge = folder.options.maxAge, !isVersioned {
            setHeader("Cache-Control", maxAge > 0 ? "max-age=\(maxAge)" : "no-cache")
        }
        setExtraHeaders(forFile: found.path)
    }

    /// A folder's links are relative to it, so its URL ends with a slash.
    private func redirectToFolder() throws {
        guard folder.options.index != nil, fixedPath == nil, !request.path.hasPrefix("//") else { throw HTTPError(404) }
        try redirect(request.path + "/" + (request.query.map { "?" + $0 } ?? ""), permanent: true)
    }

    private func setVersion(_ file: OpenFile, _ path: String) async throws {
        guard let asked = try queryArgument("v") else { return }
        // What cannot be a version need not be compared with one.
        let isVersion = asked.utf8.count == 32 && Hex.decode(asked.utf8) != nil
        let current = isVersion ? try await folder.version(of: file, path) : nil
        // Under the URL of another version this one must not be kept: the client may have it from a server that is older.
        setHeader("Cache-Control", current == asked ? "public, max-age=31536000, immutable" : "no-cache")
        isVersioned = true
    }
}
