import SquallTemplateCompiler

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Makes Swift of a folder of templates.
@main struct TemplateTool {
    static let usage = """
        usage: squall-templates generate FOLDER [--output FOLDER] [--relative] [--check]

        Writes a Swift file for each template in FOLDER, and leaves those alone that would be the same.
          --output FOLDER   where to: beside the templates' folder, in Generated, unless told
          --relative        name the templates as the paths are given, and find them from the Swift file, so that
                            what is written can be kept with the sources; the build plugin does without
          --check           write nothing; end with status 1 if something would be written

        """

    static func main() {
        do {
            guard let options = Options(CommandLine.arguments.dropFirst()) else { end(usage, status: 2) }
            try Generation(options).run()
        } catch let failure as Failure {
            end(failure.message, status: 1)
        } catch {
            end("squall-templates: error: \(error)\n", status: 1)
        }
    }

    private static func end(_ message: String, status: Int32) -> Never {
        _ = message.withCString { write(STDERR_FILENO, $0, message.utf8.count) }
        exit(status)
    }
}

/// What is said to the user in place of going on.
struct Failure: Error { var message: String }

/// What the command line says.
struct Options {
    var folder: String
    var output: String
    var isRelative = false
    var isCheck = false

    /// Nil if it is not understood.
    init?(_ arguments: ArraySlice<String>) {
        var arguments = arguments
        guard arguments.popFirst() == "generate", let folder = arguments.popFirst(), !folder.hasPrefix("-") else {
            return nil
        }
        self.folder = Self.withoutSlash(folder)
        var parts = self.folder.split(separator: "/", omittingEmptySubsequences: false)
        parts[parts.count - 1] = "Generated"
        output = parts.joined(separator: "/")
        while let option = arguments.popFirst() {
            switch option {
            case "--output":
                guard let value = arguments.popFirst() else { return nil }
                output = Self.withoutSlash(value)
            case "--relative": isRelative = true
            case "--check": isCheck = true
            default: return nil
            }
        }
    }

    private static func withoutSlash(_ path: String) -> String {
        path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }
}
