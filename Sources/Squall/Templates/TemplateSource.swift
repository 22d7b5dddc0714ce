import SquallIO
import SquallTemplateCompiler
import Synchronization

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The file that a template was compiled from, and what was in it beside text.
public struct TemplateSource: Sendable {
    let name: String
    let folder: String
    let skeleton: UInt64

    /// For generated code.
    public init(_ name: String, in folder: String, skeleton: UInt64) {
        self.name = name
        self.folder = folder
        self.skeleton = skeleton
    }

    /// A folder that is named from a source file.
    public static func folder(_ path: String, from file: String) -> String {
        var parts = file.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        for part in path.split(separator: "/") {
            if part == ".." { parts = parts.dropLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }
}

/// The text of a template's file as it is now.
public final class TemplateTexts: Sendable {
    private let texts: [[UInt8]]

    init(_ texts: [[UInt8]]) { self.texts = texts }

    func append(_ index: Int, _ text: String, to bytes: inout [UInt8]) {
        if texts.indices.contains(index) { bytes += texts[index] } else { bytes += text.utf8 }
    }
}

/// Reads templates again while a program is developed.
enum TemplateReload {
    /// A folder's templates as they were at some time.
    final class Snapshot: Sendable {
        fileprivate let stamp: [Stamp]
        private let folder: String
        // Compiled as pages are asked for, each once.
        private let state: Mutex<State>
        private struct State: Sendable {
            let files: [(name: String, bytes: [UInt8])]
            var pages: [String: Result<TemplateCompiler.Texts, TemplateError>] = [:]
        }

        fileprivate init(_ stamp: [Stamp], _ files: [(name: String, bytes: [UInt8])], folder: String) {
            self.stamp = stamp
            self.folder = folder
            state = Mutex(State(files: files))
        }

        /// The texts, unless something else has changed, which the page is told.
        func texts(of source: TemplateSource, _ page: TemplatePage) -> TemplateTexts? {
            // A module of another target stays as it was built.
            guard source.folder == folder else { return nil }
            let result = state.withLock { state in
                if let known = state.pages[source.name] { return known }
                let compiler = TemplateCompiler(state.files, folder: folder)
                let result = Result { () throws(TemplateError) in try compiler.texts(of: source.name) }
                state.pages[source.name] = result
                return result
            }
            switch result {
            case .success(let texts) where texts.skeleton == source.skeleton: return TemplateTexts(texts.texts)
            case .success: page.noteStale("\(source.name): an expression or a tag has changed")
            case .failure(let error): page.noteStale(error.description)
            }
            return nil
        }
    }

    fileprivate struct Stamp: Equatable, Sendable {
        var name: String
        var size: Int
        var modified: Date
    }

    private static let known = Mutex<[String: Snapshot]>([:])

    /// The folder's templates as they are now. Nil if they are not there.
    static func snapshot(of folder: String) async -> Snapshot? {
        try? await BlockingPool.shared.run { () -> Snapshot? in
            let files = FileManager.default
            guard let names = try? files.subpathsOfDirectory(atPath: folder) else { return nil }
            let stamp = names.filter(TemplateCompiler.isTemplate).sorted().map { name in
                let facts = try? files.attributesOfItem(atPath: folder + "/" + name)
                return Stamp(
                    name: name, size: facts?[.size] as? Int ?? 0,
                    modified: facts?[.modificationDate] as? Date ?? .distantPast)
            }
            if let last = known.withLock({ $0[folder] }), last.stamp == stamp { return last }
            let contents = stamp.map { ($0.name, files.contents(atPath: folder + "/" + $0.name).map(Array.init) ?? []) }
            let snapshot = Snapshot(stamp, contents, folder: folder)
            known.withLock { $0[folder] = snapshot }
            return snapshot
        }
    }
}

extension TemplatePage {
    fileprivate func noteStale(_ text: String) { if !stale.contains(text) { stale.append(text) } }
}
