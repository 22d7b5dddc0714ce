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
        let compiler = TemplateCompiler(try templates(), folder: options.folder)
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
        for output in changed { try Data(output.contents.utf8).write(to: URL(filePath: path(output.name))) }
        for name in stale { try files.removeItem(atPath: path(name)) }
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
        if !options.isRelative { return "\"\(options.folder)\"" }
        // From the Swift file, whose place the compiler knows.
        let common = zip(parts(options.output), parts(options.folder)).prefix { $0 == $1 }.count
        let up = Array(repeating: "..", count: parts(options.output).count - common)
        let way = (up + parts(options.folder).dropFirst(common)).joined(separator: "/")
        return "TemplateSource.folder(\"\(way)\", from: #filePath)"
    }

    private func parts(_ path: String) -> [String] {
        path.split(separator: "/").filter { $0 != "." }.map(String.init)
    }
}
