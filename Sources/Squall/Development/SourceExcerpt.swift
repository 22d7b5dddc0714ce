import SquallIO

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Some lines of the program's source.
struct SourceExcerpt: Sendable {
    var lines: [(number: Int, text: String)]
    /// The one that it is about.
    var line: Int

    private static let context = 6
    private static let largestFile = 4_000_000

    /// The lines round `line`. Nil where the file is not there, as on a machine that did not build the program. `file` comes from
    /// the compiler, never from a request.
    static func read(_ file: String, line: Int) async -> SourceExcerpt? {
        try? await BlockingPool.shared.run { () -> SourceExcerpt? in
            let attributes = try FileManager.default.attributesOfItem(atPath: file)
            guard let size = attributes[.size] as? Int, size <= largestFile,
                attributes[.type] as? FileAttributeType == .typeRegular,
                let data = FileManager.default.contents(atPath: file)
            else { return nil }
            let all = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let range = max(1, line - context)...max(1, line + context)
            let lines = range.filter { $0 <= all.count }.map { ($0, String(decoding: all[$0 - 1], as: UTF8.self)) }
            return lines.isEmpty ? nil : SourceExcerpt(lines: lines, line: line)
        }
    }

    /// Whether a file is the application's own, not Squall's or one of Swift's.
    static func isApplication(_ file: String?) -> Bool {
        guard let file, file.hasPrefix("/"), !file.hasSuffix("<compiler-generated>") else { return false }
        return !["SquallIO", "SquallHTTP", "Squall", "CSquall"].contains { file.contains("/Sources/\($0)/") }
    }
}
