import SquallTemplateCompiler

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Reads a folder's templates and writes what they become.
struct Generation {
    private let options: Options
    private let files = FileManager.default

    init(_ options: Options) { self.options = options }

    func run() throws {
        let templates = try self.templates()
        let shared = TemplateCompiler.sharedNames(templates.map(\.name))
        let aliases = Dictionary(uniqueKeysWithValues: shared.map { ($0, alias($0)) })
        let compiler = TemplateCompiler(templates, folder: options.folder, aliases: aliases)
        let (outputs, errors) = compiler.compile(root: root)
        guard errors.isEmpty else {
            throw Failure(message: errors.map { "\($0)\n" }.joined())
        }
        let changed = outputs.filter { files.contents(atPath: path($0.name)) != Data($0.contents.utf8) }
        let stale = try staleFiles(besides: Set(outputs.map(\.name)))
        if options.isCheck {
            let names = (changed.map(\.name) + stale).sorted()
            guard names.isEmpty else {
                throw Failure(
                    message:
                        "squall-templates: error: these are not what the templates would become; generate them again: "
                        + names.joined(separator: ", ") + "\n")
            }
            return
        }
        try files.createDirectory(atPath: options.output, withIntermediateDirectories: true)
        try link(aliases)
        for output in changed { try Data(output.contents.utf8).write(to: URL(filePath: path(output.name))) }
        for name in stale { try files.removeItem(atPath: path(name)) }
    }

    // MARK: files of one name

    private var linkFolder: String { options.output + "/.templates" }

    private func alias(_ name: String) -> String {
        linkFolder + "/" + name.split(separator: "/").joined(separator: ".")
    }

    /// Each alias is a link to the template, so that who follows a message comes to the file.
    private func link(_ aliases: [String: String]) throws {
        try? files.removeItem(atPath: linkFolder)
        guard !aliases.isEmpty else { return }
        try files.createDirectory(atPath: linkFolder, withIntermediateDirectories: true)
        for (name, alias) in aliases {
            let target = options.folder.hasPrefix("/") ? options.folder : way(to: options.folder, from: linkFolder)
            try files.createSymbolicLink(atPath: alias, withDestinationPath: target + "/" + name)
        }
    }

    private func path(_ name: String) -> String { options.output + "/" + name }

    private func templates() throws -> [(name: String, bytes: [UInt8])] {
        guard let names = try? files.subpathsOfDirectory(atPath: options.folder) else {
            throw Failure(message: "squall-templates: error: there is no folder '\(options.folder)'\n")
        }
        return try names.filter(TemplateCompiler.isTemplate).sorted().map { name in
            guard let data = files.contents(atPath: options.folder + "/" + name) else {
                throw Failure(message: "\(options.folder)/\(name):1:1: error: the file cannot be read\n")
            }
            return (name, Array(data))
        }
    }

    /// Files that were made from templates that are not there any more.
    private func staleFiles(besides names: Set<String>) throws -> [String] {
        guard let all = try? files.contentsOfDirectory(atPath: options.output) else { return [] }
        return all.filter { name in
            name.hasSuffix(".swift") && !names.contains(name)
                && files.contents(atPath: path(name))?.starts(with: Data("// Made from ".utf8)) == true
        }
    }

    /// Where a program that is developed looks for changes of its templates.
    private var root: String {
        if !options.isRelative {
            let escaped = options.folder.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined()
            return "\"\(escaped)\""
        }
        // From the Swift file, whose place the compiler knows.
        return "Squall.TemplateSource.folder(\"\(way(to: options.folder, from: options.output))\", from: #filePath)"
    }

    private func way(to folder: String, from other: String) -> String {
        let common = zip(parts(other), parts(folder)).prefix { $0 == $1 }.count
        let up = Array(repeating: "..", count: parts(other).count - common)
        return (up + parts(folder).dropFirst(common)).joined(separator: "/")
    }

    private func parts(_ path: String) -> [String] {
        path.split(separator: "/").filter { $0 != "." }.map(String.init)
    }
}
