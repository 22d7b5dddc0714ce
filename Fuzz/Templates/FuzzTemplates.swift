// The fuzz target for templates. The input is up to four files, cut at NUL bytes; the first byte chooses what they are.
// Whatever they are, nothing traps, what is told to be wrong is in the file, and text without tags comes out as it went in.

private func check(_ condition: Bool, _ message: StaticString) {
    if !condition { fatalError("\(message)") }
}

private let endings = ["html", "txt", "xml", "svg", "js", "css"]

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTemplates(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // The memory is the fuzzer's, for as long as the call lasts.
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard let first = input.first else { return 0 }
    let ending = endings[Int(first) % endings.count]
    let parts = input.dropFirst().split(separator: 0, maxSplits: 3, omittingEmptySubsequences: false)
    let names = ["a.\(ending)", "b.\(ending)", "_c.\(ending)", "d/e.\(ending)"]
    let files = zip(names, parts).map { (name: $0, bytes: Array($1)) }
    let compiler = TemplateCompiler(files, folder: "")
    let (outputs, errors) = compiler.compile(root: "\"\"")
    for error in errors {
        guard let file = files.first(where: { $0.name == error.path }) else { fatalError("an error in no file") }
        let lines = file.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        check(error.line >= 1 && error.line <= lines.count, "an error beyond the last line")
        check(error.column >= 1 && error.column <= lines[error.line - 1].count + 1, "an error beyond its line")
    }
    check(!errors.isEmpty || outputs.count == files.count(where: { !$0.name.hasPrefix("_") }), "a file is lost")
    for output in outputs {
        check(String(validating: Array(output.contents.utf8), as: UTF8.self) != nil, "not UTF-8")
    }
    for file in files where ending == "txt" && !file.name.hasPrefix("_") && !file.bytes.contains(UInt8(ascii: "{")) {
        guard let page = try? compiler.texts(of: file.name) else { continue }
        let text = file.bytes.starts(with: [0xef, 0xbb, 0xbf]) ? Array(file.bytes.dropFirst(3)) : file.bytes
        check(page.texts.joined().elementsEqual(text), "text is changed")
    }
    return 0
}
