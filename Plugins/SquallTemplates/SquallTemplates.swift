import Foundation
import PackagePlugin

/// Makes Swift of the templates in a target's folder `Templates`.
///
/// One command for all of them: a template may extend and include others, so each depends on all. Files that would be
/// the same again are not written, so that only what has changed is compiled.
@main struct SquallTemplates: BuildToolPlugin {
    private static let endings: Set = ["html", "txt", "xml", "svg", "js", "css"]

    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        guard let target = target as? any SourceModuleTarget else { return [] }
        let folder = target.directoryURL.appending(path: "Templates", directoryHint: .isDirectory)
        let names = Self.templates(in: folder)
        guard !names.isEmpty else { return [] }
        let output = context.pluginWorkDirectoryURL.appending(path: "Templates", directoryHint: .isDirectory)
        return [
            .buildCommand(
                displayName: "Templates of \(target.name)",
                executable: try context.tool(named: "squall-templates").url,
                arguments: [
                    "generate", folder.path(percentEncoded: false), "--output", output.path(percentEncoded: false),
                ],
                inputFiles: names.map { folder.appending(path: $0) },
                outputFiles: names.filter { ($0.split(separator: "/").last ?? "").first != "_" }.map {
                    output.appending(path: $0.split(separator: "/").joined(separator: ".") + ".swift")
                })
        ]
    }

    /// Below the folder, in the order of their names, but for hidden ones: what squall-templates takes for templates.
    private static func templates(in folder: URL) -> [String] {
        let root = folder.path(percentEncoded: false)
        guard let files = FileManager.default.enumerator(atPath: root) else { return [] }
        return files.compactMap { $0 as? String }
            .filter { name in
                endings.contains((name as NSString).pathExtension)
                    && !name.split(separator: "/").contains { $0.hasPrefix(".") }
            }
            .sorted()
    }
}
