/// The templates of a folder, each parsed once.
final class TemplateSet {
    private let files: [String: SourceText]
    private var parsed: [String: Result<ParsedTemplate, TemplateError>] = [:]

    init(_ files: [SourceText]) {
        self.files = Dictionary(files.map { ($0.name, $0) }) { first, _ in first }
    }

    var names: [String] { files.keys.sorted() }

    func source(_ name: String) -> SourceText? { files[name] }

    func template(_ name: String) throws(TemplateError) -> ParsedTemplate {
        if let result = parsed[name] { return try result.get() }
        guard let source = files[name] else {
            throw TemplateError(path: name, line: 1, column: 1, message: "there is no such template")
        }
        let result = Result { () throws(TemplateError) in
            if let offset = Self.firstInvalid(source.bytes) { throw source.error(at: offset, "this is not UTF-8") }
            return try Parser.parse(source)
        }
        parsed[name] = result
        return try result.get()
    }

    private static func firstInvalid(_ bytes: [UInt8]) -> Int? {
        guard String(validating: bytes, as: UTF8.self) == nil else { return nil }
        // By halves, as a character has no more than four bytes.
        var low = 0
        var high = bytes.count
        while high - low > 1 {
            let middle = (low + high) / 2
            let isWhole = (0..<4).contains { back in
                middle - back >= 0 && String(validating: bytes[..<(middle - back)], as: UTF8.self) != nil
            }
            if isWhole { low = middle } else { high = middle }
        }
        return (max(0, low - 4)...low).last { String(validating: bytes[..<$0], as: UTF8.self) != nil } ?? low
    }

    /// The template that a path names in another template: beside that, or in the folder of all.
    func resolve(_ call: Node.Call) throws(TemplateError) -> String {
        let path = call.path
        var tried: [String] = []
        if path.utf8.first != UInt8(ascii: "/") {
            let folder = call.tag.source.name.split(separator: "/").dropLast()
            tried.append(try normalised(folder + path.split(separator: "/"), call))
        }
        let whole = try? normalised(path.split(separator: "/"), call)
        if let whole, !tried.contains(whole) { tried.append(whole) }
        for name in tried where files[name] != nil { return name }
        let places = tried.map { "'\($0)'" }.joined(separator: " or ")
        throw call.tag.error(
            "there is no template \(places)" + suggestion(for: tried.last ?? path, among: names))
    }

    private func normalised(
        _ parts: some Sequence<Substring>, _ call: Node.Call
    ) throws(TemplateError) -> String {
        var result: [Substring] = []
        for part in parts where part != "." {
            if part == ".." {
                guard result.popLast() != nil else {
                    throw call.tag.error("'\(call.path)' leads out of the folder of templates")
                }
            } else {
                result.append(part)
            }
        }
        return result.joined(separator: "/")
    }
}
