import Foundation
import SquallTemplateCompiler
import Testing

/// What the Swift compiler has to say of a template is said of the template, at its line and column.
@Suite struct SwiftErrorTests {
    private static let templates = [
        "field.html": "{% parameters user: User %}\n<p>\n  {{ user.nme }}</p>",
        "start.html": "{% parameters user: User %}\n{{ user.nme }}",
        "first.html": "{{ nmae }}",
        "call.html": "<b>{{ nmae() }}</b>",
        "attribute.html": "{% parameters user: User %}\n<a href=\"{{ usr.name }}\">",
        "type.html": "{% parameters\n    user: Usr\n%}",
        "loop.html": "{% parameters user: User %}\n\n{% for x in user.names %}{% end %}",
        "condition.html": "{% parameters user: User %}\n{% if user.isGood %}{% elif user.isBad %}{% end %}",
        "case.html": "{% parameters user: User %}\n{% switch user.name %}\n  {% case .some %}{% default %}{% end %}",
        "set.html": "{% parameters user: User %}\n{% set a = user.a %}\n{{ a }}",
        "optional.html": "{% parameters user: User %}\n<p class=\"wide\">{{ user.age }}",
        "kind.html": "{% parameters user: User %}\n<p class=\"wide\">{{ user }}",
        "included.html": "{% parameters user: User %}{% include \"_part.html\" %}",
        "_part.html": "\n <i>{{ user.part }}</i>",
        "component.html": "{% parameters user: User %}\n<p>{% component \"field.html\", user: user.it %}{% end %}",
        "missing.html": "\n<p>{% component \"field.html\" %}{% end %}",
        "child.html": "{% extends \"base.html\", title: 1 %}",
        "base.html": "{% parameters title: String %}{{ title }}",
        "lines.html": "{% parameters user: User %}\n{{ [user.name,\n    user.last].joined() }}",
        "module.html": "\n    {% module Unknown() %}",
        "wait.html": "{% parameters user: User %}\n    <p>{{ user.wait() }}</p>",
        "script.html": "{% parameters user: User %}\n<script>let user = {{ user }}</script>",
    ]
    private static let expected = [
        "_part.html:2:13: error: value of type 'User' has no member 'part'",
        "attribute.html:2:13: error: cannot find 'usr' in scope",
        // Nothing can stand before what is in the first line; a call may throw and keeps its line only.
        "call.html:1:",
        "case.html:3:12: error: reference to member 'some' cannot be resolved without a contextual type",
        "child.html:1:32: error: cannot convert value of type 'Int' to specified type 'String'",
        "component.html:2:42: error: value of type 'User' has no member 'it'",
        "condition.html:2:12: error: value of type 'User' has no member 'isGood'",
        "condition.html:2:34: error: value of type 'User' has no member 'isBad'",
        "field.html:3:11: error: value of type 'User' has no member 'nme'",
        "first.html:1:4: error: cannot find 'nmae' in scope",
        "kind.html:2:16: error: 'put' is unavailable: a value of this type has no text: conform it to CustomStringConvertible, or put out its parts",
        "lines.html:3:10: error: value of type 'User' has no member 'last'",
        "loop.html:3:18: error: value of type 'User' has no member 'names'",
        "missing.html:2:21: error: missing argument for parameter 'user' in call",
        "module.html:2:15: error: cannot find 'Unknown' in scope",
        "optional.html:2:16: error: 'put' is unavailable: this is optional: write {{ value ?? \"\" }}, or {% if let value %} round it",
        "script.html:2:11: error: instance method 'put(script:inAttribute:)' requires that 'User' conform to 'Encodable'",
        "set.html:2:17: error: value of type 'User' has no member 'a'",
        "start.html:2:9: error: value of type 'User' has no member 'nme'",
        "type.html:2:11: error: cannot find type 'Usr' in scope",
        "wait.html:2:11: error: 'async' call in a function that does not support concurrency",
    ]

    @Test func `at their line and column`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "squall-swift-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = Self.templates.map { (name: $0.key, bytes: Array($0.value.utf8)) }
        let (outputs, errors) = TemplateCompiler(files, folder: "T").compile(root: "\"\"")
        #expect(errors == [])
        var paths = [folder.appending(path: "User.swift")]
        try Data("struct User { var name: String; var age: Int?; func wait() async -> String { name } }".utf8)
            .write(to: paths[0])
        for output in outputs {
            paths.append(folder.appending(path: output.name))
            try Data(output.contents.utf8).write(to: paths[paths.count - 1])
        }
        let text = try typecheck(paths)
        let found = Set(
            text.split(separator: "\n").filter { $0.hasPrefix("T/") && $0.contains(": error: ") }
                .map { String($0.dropFirst(2)) })
        for line in Self.expected {
            #expect(found.contains { $0.hasPrefix(line) }, "\(line) is not in \(found.sorted())")
        }
        #expect(found.count == Self.expected.count, "\(found.sorted())")
        #expect(
            !text.split(separator: "\n").contains { $0.contains(".html.swift:") && $0.contains(" error: ") }, "\(text)")
    }

    /// What the compiler prints, of code that uses the modules that these tests were built with.
    private func typecheck(_ files: [URL]) throws -> String {
        let build = try #require(Bundle.main.executableURL).deletingLastPathComponent()
        let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources")
            .standardizedFileURL
        var arguments = [
            "swiftc", "-typecheck", "-wmo", "-swift-version", "6", "-I", build.appending(path: "Modules").path(),
        ]
        for map in try FileManager.default.subpathsOfDirectory(atPath: sources.path())
        where map.hasSuffix("module.modulemap") {
            arguments += ["-Xcc", "-fmodule-map-file=" + sources.appending(path: map).path()]
        }
        for map in try FileManager.default.contentsOfDirectory(atPath: build.path()) where map.hasSuffix(".build") {
            let path = build.appending(path: map + "/module.modulemap").path()
            if FileManager.default.fileExists(atPath: path) { arguments += ["-Xcc", "-fmodule-map-file=" + path] }
        }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments + files.map { $0.path() }
        let pipe = Pipe()
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }
}
