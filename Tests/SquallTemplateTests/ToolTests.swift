import Foundation
import Testing

/// The program `squall-templates`, as the plug-in and people call it.
@Suite struct ToolTests {
    private func run(_ arguments: [String], in folder: URL) throws -> (status: Int32, errors: String) {
        let process = Process()
        process.executableURL = try #require(Bundle.main.executableURL).deletingLastPathComponent()
            .appending(path: "squall-templates")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        let pipe = Pipe()
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "squall tool \(UUID().uuidString)")
        let templates = folder.appending(path: "App/Templates/mail")
        try FileManager.default.createDirectory(at: templates, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try write("<p>{{ 1 }}</p>", "App/Templates/page.html", folder)
        try write("Dear {{ name }}", "App/Templates/mail/welcome.txt", folder)
        try write("part", "App/Templates/_part.html", folder)
        try write("no template", "App/Templates/notes.md", folder)
        try body(folder)
    }

    private func write(_ text: String, _ path: String, _ folder: URL) throws {
        try Data(text.utf8).write(to: folder.appending(path: path))
    }

    private func generated(_ folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(
            atPath: folder.appending(path: "App/Generated").path(percentEncoded: false)
        )
        .sorted()
    }

    @Test func `it writes a file for each template, and only what has changed`() throws {
        try withFolder { folder in
            let first = try run(["generate", "App/Templates/", "--relative"], in: folder)
            #expect(first.status == 0 && first.errors == "")
            #expect(try generated(folder) == ["mail.welcome.txt.swift", "page.html.swift"])
            let page = folder.appending(path: "App/Generated/page.html.swift")
            let text = try String(contentsOf: page, encoding: .utf8)
            #expect(text.contains("#sourceLocation(file: \"App/Templates/page.html\", line: 1)"))
            #expect(text.contains("Squall.TemplateSource.folder(\"../Templates\", from: #filePath)"))

            let old = Date(timeIntervalSince1970: 1_000_000)
            try FileManager.default.setAttributes(
                [.modificationDate: old], ofItemAtPath: page.path(percentEncoded: false))
            try write("Hello {{ name }}", "App/Templates/mail/welcome.txt", folder)
            #expect(try run(["generate", "App/Templates", "--relative"], in: folder).status == 0)
            let attributes = try FileManager.default.attributesOfItem(atPath: page.path(percentEncoded: false))
            #expect(attributes[.modificationDate] as? Date == old)
        }
    }

    @Test func `it removes what was made of a template that is gone, and nothing else`() throws {
        try withFolder { folder in
            #expect(try run(["generate", "App/Templates"], in: folder).status == 0)
            try write("// mine", "App/Generated/Mine.swift", folder)
            try FileManager.default.removeItem(at: folder.appending(path: "App/Templates/page.html"))
            #expect(try run(["generate", "App/Templates"], in: folder).status == 0)
            #expect(try generated(folder) == ["Mine.swift", "mail.welcome.txt.swift"])
        }
    }

    @Test func `it says whether something would be written`() throws {
        try withFolder { folder in
            let missing = try run(["generate", "App/Templates", "--check"], in: folder)
            #expect(missing.status == 1)
            #expect(
                missing.errors
                    == "squall-templates: error: these are not what the templates would become; generate them again: mail.welcome.txt.swift, page.html.swift\n"
            )
            #expect(
                !FileManager.default.fileExists(
                    atPath: folder.appending(path: "App/Generated").path(percentEncoded: false)))
            #expect(try run(["generate", "App/Templates"], in: folder).status == 0)
            #expect(try run(["generate", "App/Templates", "--check"], in: folder).status == 0)
        }
    }

    @Test func `mistakes are told, and nothing is written`() throws {
        try withFolder { folder in
            try write("\n{{ }}", "App/Templates/page.html", folder)
            try write("{% end %}", "App/Templates/_part.html", folder)
            let result = try run(["generate", "App/Templates", "--output", "Out"], in: folder)
            #expect(result.status == 1)
            #expect(
                result.errors
                    == "App/Templates/_part.html:1:4: error: '{% end %}' closes nothing\n"
                    + "App/Templates/page.html:2:1: error: the expression is empty; for the braces themselves write '{{!'\n"
            )
            #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "Out").path(percentEncoded: false)))
            let none = try run(["generate", "Nowhere"], in: folder)
            #expect(none.status == 1 && none.errors == "squall-templates: error: there is no folder 'Nowhere'\n")
            for arguments in [
                [], ["generate"], ["make", "App"], ["generate", "App", "--output"], ["generate", "App", "-x"],
            ] {
                let result = try run(arguments, in: folder)
                #expect(result.status == 2 && result.errors.hasPrefix("usage: squall-templates generate FOLDER"))
            }
        }
    }

    @Test func `files of one name are known to the compiler by names of their own`() throws {
        try withFolder { folder in
            try write("{{ 2 }}", "App/Templates/mail/page.html", folder)
            let output = folder.appending(path: "Out").path(percentEncoded: false)
            #expect(try run(["generate", "App/Templates", "--output", "Out"], in: folder).status == 0)
            let text = try String(contentsOf: folder.appending(path: "Out/mail.page.html.swift"), encoding: .utf8)
            #expect(text.contains("#sourceLocation(file: \"Out/.templates/mail.page.html\", line: 1)"))
            let first = try String(contentsOf: folder.appending(path: "Out/page.html.swift"), encoding: .utf8)
            #expect(first.contains("#sourceLocation(file: \"App/Templates/page.html\", line: 1)"))
            let link = try String(contentsOf: folder.appending(path: "Out/.templates/mail.page.html"), encoding: .utf8)
            #expect(link == "{{ 2 }}")
            try FileManager.default.removeItem(at: folder.appending(path: "App/Templates/page.html"))
            #expect(try run(["generate", "App/Templates", "--output", "Out"], in: folder).status == 0)
            #expect(!FileManager.default.fileExists(atPath: output + "/.templates"))
        }
    }
}
