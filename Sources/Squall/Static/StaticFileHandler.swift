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

    public init(_ folder: StaticFiles) { self.folder = folder }

    /// The type of a file. Called for each response; the base class goes by the name.
    open func contentType(ofFile path: String) -> String {
        let name = MediaTypes.fileExtension(path)
        return folder.options.types[name] ?? MediaTypes.type(ofExtension: name) ?? MediaTypes.octets
    }

    /// Sets further fields for a file, such as ``RequestHandler/setDownloadName(_:)``. Called before it is sent.
    open func setExtraHeaders(forFile path: String) {}

    open override func get() async throws {
        var path = try fixedPath ?? pathArgument("path")
        try check(path)
        if path.isEmpty || path.hasSuffix("/") {
            guard let index = folder.options.index else { throw HTTPError(404) }
            path += index
        }
        let file = try await open(path)
        if file.isFolder { return try redirectToFolder() }
        guard file.isRegular else { throw HTTPError(404) }
        contentType = contentType(ofFile: path)
        try await setCaching(file, path)
        setExtraHeaders(forFile: path)
        try await send(file)
    }

    /// Refuses paths that name nothing that is to be served. What leads out of the folder the system refuses too.
    private func check(_ path: String) throws {
        let segments = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, segment) in segments.enumerated() {
            if segment.isEmpty {
                guard index == segments.count - 1 else { throw HTTPError(404) }
            } else if segment.first == UInt8(ascii: ".") {
                if segment.elementsEqual("..".utf8) { throw HTTPError(403, "the path leads out of its folder") }
                let isHidden = !folder.options.servesHidden && !segment.elementsEqual(".well-known".utf8)
                if isHidden || segment.count == 1 { throw HTTPError(404) }
            }
            if segment.contains(0) { throw HTTPError(404) }
        }
    }

    private func open(_ path: String) async throws -> OpenFile {
        do {
            return try await folder.open(path)
        } catch let error as SystemError {
            if error.isMissingFile { throw HTTPError(404) }
            if error.isForbiddenFile { throw HTTPError(403, logMessage: "\(path): \(error)") }
            guard error.isExhaustion else { throw error }
            throw HTTPError(503, logMessage: "\(path): \(error)", headers: [("Retry-After", "1")])
        } catch is BlockingPool.Full {
            throw HTTPError(503, logMessage: "\(path): too many files wait to be read", headers: [("Retry-After", "1")])
        }
    }

    /// A folder's links are relative to it, so its URL ends with a slash.
    private func redirectToFolder() throws {
        guard folder.options.index != nil, fixedPath == nil, !request.path.hasPrefix("//") else { throw HTTPError(404) }
        try redirect(request.path + "/" + (request.query.map { "?" + $0 } ?? ""), permanent: true)
    }

    private func setCaching(_ file: OpenFile, _ path: String) async throws {
        if exchange?.head.queryRange != nil, let asked = try queryArgument("v") {
            let isCurrent = try await folder.version(of: file, path) == asked
            // Under the URL of another version this one must not be kept: the client may have it from a server that is older.
            setHeader("Cache-Control", isCurrent ? "public, max-age=31536000, immutable" : "no-cache")
        } else if let maxAge = folder.options.maxAge {
            setHeader("Cache-Control", maxAge > 0 ? "max-age=\(maxAge)" : "no-cache")
        }
    }
}
