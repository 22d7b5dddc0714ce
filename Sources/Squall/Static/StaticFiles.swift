import CXXHash
import SquallHTTP
import SquallIO
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A folder whose files are served under a path.
///
/// ```swift
/// try Application {
///     Route("/", Home.init)
///     StaticFiles("/static", root: "static")
/// }
/// ```
///
/// Only what is in the folder is served: a path that leads out of it, by `..` or by a symbolic link, gets 403. Files and
/// folders whose name begins with a dot get 404. What changes in a file shows at once; that another file has its name
/// now, within a second.
public final class StaticFiles: Sendable {
    public struct Options: Sendable {
        /// The file that is served for a folder. Nil: folders get 404.
        public var index: String? = "index.html"
        /// For how long a client may use a file without asking, in seconds. Nil, the default: it asks as it thinks fit.
        /// Files whose URL comes from ``RequestHandler/staticURL(_:named:)`` may be kept for a year in any case.
        public var maxAge: Int?
        /// Where the client takes it, `site.css.br` or `site.css.gz` is sent in place of `site.css`, if it is there and not
        /// older.
        public var servesCompressed = true
        /// Whether files whose name begins with a dot are served. `.well-known` always is.
        public var servesHidden = false
        /// Types of files by their extension, in lower case and without the dot, beside and in place of the usual ones.
        public var types: [String: String] = [:]
        /// Files of the folder that are served without the prefix too, for clients that look for them there:
        /// `favicon.ico` and `robots.txt`.
        public var alsoAtRoot: [String] = ["favicon.ico", "robots.txt"]

        public init() {}
    }

    /// The path under which the files are, without a slash at the end.
    public let prefix: String
    /// The folder.
    public let root: String
    /// Names the folder in ``RequestHandler/staticURL(_:named:)``.
    public let name: String
    public let options: Options
    let routeOptions: Route.Options
    private let makeHandler: @Sendable (StaticFiles) -> StaticFileHandler
    private let state = Mutex(State())

    private struct State {
        var folder: Folder?
        var openedAt: Int64 = .min
        var versions: [String: Version] = [:]
        /// Small files that were served within the last second or so.
        var kept: [Key: KeptFile] = [:]
        /// When those that are older are closed next. Long ago if there are none.
        var dropsAt: Int64 = .min / 2
    }

    /// A path, and the codings that a client takes, in its order.
    struct Key: Hashable {
        var path: String
        var codings: [ContentCoding]
    }

    private struct Version {
        var size: Int
        var modified: (Int, Int)
        var text: String
        /// When the file was last seen to be so.
        var seenAt: Int64
    }

    /// - Parameters:
    ///   - prefix: begins with a slash and does not end with one; or empty, for a folder that is the site.
    ///   - root: the folder's path. It must be there when the application starts.
    ///   - name: for ``RequestHandler/staticURL(_:named:)``.
    ///   - handler: makes the handler, to have one of one's own.
    public init(
        _ prefix: String, root: String, name: String = "static", options: Options = Options(),
        routeOptions: Route.Options = .init(),
        handler: @escaping @Sendable (StaticFiles) -> StaticFileHandler = { StaticFileHandler($0) }
    ) {
        self.prefix = prefix
        self.root = root
        self.name = name
        self.options = options
        self.routeOptions = routeOptions
        makeHandler = handler
    }

    var routes: [Route] {
        let make: @Sendable () -> RequestHandler = { [self] in makeHandler(self) }
        var main = Route(prefix + "/{path...}", name: name, options: routeOptions, make)
        main.files = self
        guard !prefix.isEmpty else { return [main] }
        return [main]
            + options.alsoAtRoot.map { file in
                var route = Route("/" + file, options: routeOptions) { [self] in
                    let handler = makeHandler(self)
                    handler.fixedPath = file
                    return handler
                }
                route.isFallback = true
                return route
            }
    }

    // MARK: the folder

    /// Opens the folder, which is to be found at the start and not with the first request.
    func open() throws {
        do {
            _ = try reopen()
        } catch {
            throw StaticRootError(root: root, prefix: prefix, error: error)
        }
    }

    /// Reads from the disk.
    private func reopen() throws(SystemError) -> Folder {
        let folder = try Folder(root)
        let now = monotonicNanoseconds()
        state.withLock { state in
            state.folder = folder
            state.openedAt = now
        }
        return folder
    }

    /// The folder as it was a second ago at most: there may be another of its name by now.
    private func folder(now: Int64) -> Folder? {
        let (folder, isOld) = state.withLock { state in
            let isOld = state.folder != nil && now - state.openedAt > Self.freshness
            if isOld { state.openedAt = now }
            return (state.folder, isOld)
        }
        if isOld { _ = OpenFile.pool.submit { [self] hasNoThread in if !hasNoThread { _ = try? reopen() } } }
        return folder
    }
    private static let freshness: Int64 = 1_000_000_000

    /// Opens a file or a folder if that needs no look at the disk.
    /// - Throws: ``SystemError``.
    func openAtOnce(_ path: String) throws(SystemError) -> OpenFile? {
        guard let folder = folder(now: monotonicNanoseconds()) else { return nil }
        do throws(SystemError) {
            return try folder.openCached(path)
        } catch {
            // Perhaps the folder was made anew.
            guard error.code == ENOENT, folder.isRemoved else { throw error }
            return nil
        }
    }

    /// Opens a file or a folder, and waits for the disk if need be.
    /// - Throws: ``SystemError``; ``BlockingPool/Full``.
    func open(_ path: String) async throws -> OpenFile {
        if let file = try openAtOnce(path) { return file }
        return try await OpenFile.pool.run { [self] in
            let folder = state.withLock { $0.folder }
            return try (folder.flatMap { $0.isRemoved ? nil : $0 } ?? reopen()).open(path)
        }
    }

    // MARK: files that are served often

    /// The file that was served under this path a moment ago, if it has not changed since. That its name was given to another,
    /// or that a folder on its way was, shows within a second.
    func keptFile(_ key: Key, now: Int64) -> KeptFile? {
        guard let kept = state.withLock({ $0.kept[key] }), now - kept.openedAt < Self.freshness else { return nil }
        return kept.isUnchanged ? kept : nil
    }

    /// Keeps a small file open for a second: where it is asked for often, most of the cost is in opening it.
    func keep(_ file: KeptFile, _ key: Key, on loop: IOLoop) {
        let now = file.openedAt
        let drops = state.withLock { state in
            if state.kept.count >= Self.mostKept { state.kept = [:] }
            state.kept[key] = file
            guard now - state.dropsAt > Self.freshness else { return false }
            state.dropsAt = now + Self.freshness
            return true
        }
        if drops { dropLater(on: loop) }
    }
    private static let mostKept = 128

    private func dropLater(on loop: IOLoop) {
        _ = loop.performLater(.nanoseconds(Self.freshness)) { [self] in
            let now = loop.readClock()
            let isDone = state.withLock { state in
                state.kept = state.kept.filter { now - $0.value.openedAt < Self.freshness }
                state.dropsAt = state.kept.isEmpty ? .min / 2 : now + Self.freshness
                return state.kept.isEmpty
            }
            if !isDone { dropLater(on: loop) }
        }
    }

    // MARK: versions

    /// Names what is in a file: a hash of 128 bits, made once as long as the file does not change.
    func version(of file: OpenFile, _ path: String) async throws -> String {
        let known = state.withLock { $0.versions[path] }
        if let known, known.size == file.byteCount, known.modified == file.modified {
            state.withLock { $0.versions[path]?.seenAt = monotonicNanoseconds() }
            return known.text
        }
        let text = try await Self.hashing.run { [self] in
            // Others may have waited for the same.
            let known = state.withLock { $0.versions[path] }
            if let known, known.size == file.byteCount, known.modified == file.modified { return known.text }
            return try Self.hash(file)
        }
        keep(Version(size: file.byteCount, modified: file.modified, text: text, seenAt: monotonicNanoseconds()), path)
        return text
    }

    /// The version as it was within the last second: pages that name many files don't look at each again.
    func recentVersion(_ path: String) -> String? {
        guard let known = state.withLock({ $0.versions[path] }),
            monotonicNanoseconds() - known.seenAt < Self.freshness
        else { return nil }
        return known.text
    }

    /// The version for code that cannot wait. Unless it was seen within the last second the file is looked at, and if it has
    /// changed read, on this thread.
    func versionNow(_ path: String) throws -> String {
        if let recent = recentVersion(path) { return recent }
        let folder = state.withLock { $0.folder }
        let file = try (folder.flatMap { $0.isRemoved ? nil : $0 } ?? reopen()).open(path)
        guard file.isRegular else { throw HTTPError(500, logMessage: "\(root)/\(path) is no file") }
        let known = state.withLock { $0.versions[path] }
        let isKnown = known.map { $0.size == file.byteCount && $0.modified == file.modified } ?? false
        let text = try isKnown ? known?.text ?? "" : Self.hash(file)
        keep(Version(size: file.byteCount, modified: file.modified, text: text, seenAt: monotonicNanoseconds()), path)
        return text
    }

    private func keep(_ version: Version, _ path: String) {
        state.withLock { state in
            if state.versions.count >= Self.mostVersions { state.versions = [:] }
            state.versions[path] = version
        }
    }
    private static let mostVersions = 20_000
    /// Hashes are made one after the other, and hold up nobody who only wants to read.
    private static let hashing = BlockingPool(threads: 1, queueLimit: 1_000, name: "squall-hashing")

    /// Reads all of the file.
    private static func hash(_ file: OpenFile) throws -> String {
        let state = XXH3_createState()
        defer { XXH3_freeState(state) }
        XXH3_128bits_reset(state)
        var position = 0
        while position < file.byteCount {
            let piece = try file.read(position..<min(file.byteCount, position + 262_144))
            if piece.isEmpty { break }
            XXH3_128bits_update(state, piece, piece.count)
            position += piece.count
        }
        let digest = XXH3_128bits_digest(state)
        return [digest.high64, digest.low64].map { half in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

/// A file and what the fields say of it.
struct KeptFile: Sendable {
    /// The file that is sent.
    let file: OpenFile
    /// The coding that ``file`` is in, and the file that it was made from; ``file`` itself if there is none.
    let coding: ContentCoding?
    let plain: OpenFile
    let path: String
    let contentType: String
    /// Whether there may be files beside it in which it is compressed.
    let isCompressible: Bool
    let tag: String
    /// Nil if that is still to come: a client would take what is changed later for older.
    let lastModified: String?
    let openedAt: Int64

    init(
        _ file: OpenFile, coding: ContentCoding? = nil, of plain: OpenFile, path: String, contentType: String,
        now: Int64
    ) {
        self.file = file
        self.coding = coding
        self.plain = plain
        self.path = path
        self.contentType = contentType
        isCompressible = RequestHandler.isCompressible(contentType)
        tag = FileVersion.tag(of: file, suffix: coding.map { "-" + $0.rawValue } ?? "")
        lastModified = FileVersion.lastModified(of: file)
        openedAt = now
    }

    var isUnchanged: Bool { file.isUnchanged && (coding == nil || plain.isUnchanged) }
}

/// The folder of ``StaticFiles`` cannot be opened.
public struct StaticRootError: Error, CustomStringConvertible {
    public let root: String
    public let prefix: String
    public let error: SystemError
    public var description: String {
        "the folder '\(root)' of StaticFiles(\"\(prefix)\") cannot be opened (\(error)); "
            + "a relative path counts from the folder in which the program was started"
    }
}

extension SystemError {
    /// There is no such file: not under that name, or not in that place.
    var isMissingFile: Bool { [ENOENT, ENOTDIR, EISDIR, ENAMETOOLONG, ENXIO, ENODEV].contains(code) }
    /// The path leads out of its folder, or to what may not be read.
    var isForbiddenFile: Bool { [EXDEV, ELOOP, EACCES, EPERM].contains(code) }
    /// The system has no room for one more.
    var isExhaustion: Bool { [EMFILE, ENFILE, ENOMEM].contains(code) }
}
