import Foundation
import Squall
import SquallIO
import Testing

/// The pages say what the code does: their snippets are compiled here, and their links lead somewhere.
@Suite struct DocumentationTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The README and its neighbours, docs/ and the DocC catalogues, by their paths from the root.
    static let pages: [String] = {
        var pages: [String] = []
        for folder in ["", "docs", "Sources"] {
            let start = root.appending(path: folder)
            guard let files = FileManager.default.enumerator(at: start, includingPropertiesForKeys: nil) else {
                continue
            }
            for case let file as URL in files {
                if folder.isEmpty { files.skipDescendants() }
                if file.pathExtension == "md" { pages.append(String(file.path.dropFirst(root.path.count + 1))) }
            }
        }
        return pages.sorted()
    }()

    static func text(_ page: String) throws -> String {
        try String(contentsOf: root.appending(path: page), encoding: .utf8)
    }

    @Test func `There are pages`() {
        #expect(Self.pages.contains("README.md"))
        #expect(Self.pages.contains("Sources/Squall/Squall.docc/Squall.md"))
    }

    @Test(arguments: pages) func `Swift code is what is compiled`(page: String) throws {
        let compiled = try Snippets.compiled()
        for block in Snippets.blocks(in: try Self.text(page)) {
            switch block.mark {
            case .snippet(let name):
                let code = try #require(compiled[name], "\(page):\(block.line): no snippet is named \(name)")
                #expect(block.code == code, "\(page):\(block.line): not what is compiled as \(name)")
            case .template(let name):
                let file = Snippets.templates.appending(path: name)
                let text = try? String(contentsOf: file, encoding: .utf8)
                #expect(block.code + "\n" == text, "\(page):\(block.line): not what is compiled as \(name)")
            case .manifest: break
            case nil:
                Issue.record(
                    "\(page):\(block.line): code without a line <!-- snippet: name --> or <!-- template: name --> above it"
                )
            }
        }
    }

    @Test func `Every snippet is shown somewhere`() throws {
        var shown: Set<String> = []
        for page in Self.pages {
            for block in Snippets.blocks(in: try Self.text(page)) {
                if case .snippet(let name) = block.mark { shown.insert(name) }
            }
        }
        #expect(try Set(Snippets.compiled().keys).subtracting(shown) == [])
    }

    @Test(arguments: pages) func `Links within the repository lead to a file`(page: String) throws {
        let folder = Self.root.appending(path: page).deletingLastPathComponent()
        for match in try Self.text(page).matches(of: /\]\(([^)\s]+)\)/) {
            let target = match.1.prefix { $0 != "#" }
            // What `make bench` writes may not be there yet.
            if target.isEmpty || target.contains(":") || target.contains("docs/benchmarks/") { continue }
            let file = folder.appending(path: String(target)).standardizedFileURL
            #expect(FileManager.default.fileExists(atPath: file.path), "\(page) links to \(target)")
        }
    }

    @Test func `The limits in SECURITY.md are the defaults`() throws {
        let limits = Application.Limits()
        let settings = Application.Settings()
        let defaults: [String: String] = [
            "limits.headerBytes": "\(limits.headerBytes / 1_024) KiB",
            "limits.headerCount": "\(limits.headerCount)",
            "limits.bodyBytes": "\(limits.bodyBytes / 1_048_576) MiB",
            "limits.headerTimeout": "\(limits.headerTimeout.components.seconds) s",
            "limits.bodyTimeout": "\(limits.bodyTimeout.components.seconds) s",
            "limits.bodyRate": "\(limits.bodyRate) bytes/s",
            "limits.idleTimeout": "\(limits.idleTimeout.components.seconds) s",
            "limits.handlerDeadline": "\(limits.handlerDeadline.components.seconds) s",
            "limits.writeTimeout": "\(limits.writeTimeout.components.seconds) s",
            "limits.multipartParts": "\(limits.multipartParts)",
            "limits.formBytes": "\(limits.formBytes / 1_048_576) MiB",
            "limits.uploadMemoryBytes": "\(limits.uploadMemoryBytes / 1_024) KiB",
            "limits.decompressionRatio": "\(limits.decompressionRatio) times",
            "limits.unsentBytes": "\(limits.unsentBytes / 1_048_576) MiB",
            "stalls.ceiling": "\(StallPolicy().ceiling)",
            "drainTimeout": "\(settings.drainTimeout.components.seconds) s",
            "backlog": "\(settings.backlog)",
        ]
        let rows = try Self.text("SECURITY.md").split(separator: "\n").filter { $0.hasPrefix("|") }
        for (name, value) in defaults {
            let row = rows.first { $0.contains("`\(name)`") }
            #expect(row?.contains("| \(value) |") == true, "\(name) is \(value)")
        }
    }
}

/// Code between `// snippet: name` and `// end` in the files beside this one, and the Swift blocks of a page.
enum Snippets {
    enum Mark {
        case snippet(String)
        /// A file among the templates of the tests.
        case template(String)
        /// A part of a Package.swift, which is nothing that a test can compile.
        case manifest
    }

    struct Block {
        var mark: Mark?
        /// The number of the line that opens it.
        var line: Int
        var code: String
    }

    static let templates = DocumentationTests.root.appending(path: "Tests/SquallTemplateTests/Templates")

    /// By name, dedented. Parts of the same name are joined by an empty line.
    static func compiled() throws -> [String: String] {
        let own = URL(filePath: #filePath).deletingLastPathComponent()
        var snippets: [String: String] = [:]
        let files = try [own, templates.deletingLastPathComponent().appending(path: "Documentation")].flatMap {
            try FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)
        }
        for file in files.sorted(by: { $0.path < $1.path }) where file.pathExtension == "swift" {
            var name: String?
            var lines: [Substring] = []
            for line in try String(contentsOf: file, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false)
            {
                let text = line.drop { $0 == " " }
                if text.hasPrefix("// snippet: ") {
                    name = String(text.dropFirst(12))
                    lines = []
                } else if text == "// end", let found = name {
                    // The formatter puts an empty line behind imports.
                    while lines.last?.isEmpty == true { lines.removeLast() }
                    let code = dedented(lines)
                    snippets[found] = snippets[found].map { $0 + "\n\n" + code } ?? code
                    name = nil
                } else if name != nil {
                    lines.append(line)
                }
            }
        }
        return snippets
    }

    private static func dedented(_ lines: [Substring]) -> String {
        let depth = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
        return lines.map { String($0.dropFirst(depth)) }.joined(separator: "\n")
    }

    static func blocks(in page: String) -> [Block] {
        var blocks: [Block] = []
        var open: (mark: Mark?, line: Int, code: [Substring])?
        var previous: Substring = ""
        for (index, line) in page.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if let block = open {
                if line == "```" {
                    blocks.append(Block(mark: block.mark, line: block.line, code: block.code.joined(separator: "\n")))
                    open = nil
                } else {
                    open?.code.append(line)
                }
            } else if line == "```swift" || line == "```html" {
                open = (mark(previous), index + 1, [])
            }
            previous = line
        }
        return blocks
    }

    private static func mark(_ line: Substring) -> Mark? {
        if line == "<!-- manifest -->" { return .manifest }
        if line.hasPrefix("<!-- template: "), line.hasSuffix(" -->") {
            return .template(String(line.dropFirst(15).dropLast(4)))
        }
        guard line.hasPrefix("<!-- snippet: "), line.hasSuffix(" -->") else { return nil }
        return .snippet(String(line.dropFirst(14).dropLast(4)))
    }
}
