import SquallTemplateCompiler
import Testing

/// Compiles files and gives what is wrong with them, without the folder's name.
func errors(_ files: [String: String]) -> [String] {
    let sources = files.map { (name: $0.key, bytes: Array($0.value.utf8)) }
    return TemplateCompiler(sources, folder: "").compile(root: "\"\"").errors.map(\.description).sorted()
}

/// What is wrong with one file, `a.html`, from its line on.
func error(_ text: String) -> String? {
    let all = errors(["a.html": text])
    return all.count == 1 ? all.first.map { String($0.dropFirst("a.html:".count)) } : all.isEmpty ? nil : "\(all)"
}

/// What a file becomes.
func generated(_ files: [String: String], _ name: String = "a.html") -> String {
    let sources = files.map { (name: $0.key, bytes: Array($0.value.utf8)) }
    let (outputs, errors) = TemplateCompiler(sources, folder: "Templates").compile(root: "\"\"")
    #expect(errors == [])
    return outputs.first { $0.name == name + ".swift" }?.contents ?? ""
}
