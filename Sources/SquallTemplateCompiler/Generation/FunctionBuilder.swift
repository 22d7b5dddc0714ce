/// Writes the body of a function: text and code in the order in which they are rendered.
struct FunctionBuilder {
    private(set) var lines: [String] = []
    /// Text that no code has followed yet.
    private var pending: [UInt8] = []
    /// Which names the code uses, so that what belongs to every template can be declared where it is used.
    private(set) var names: Set<String> = []
    /// Of each name that `set` declared: where, in `lines`, so that what is changed later becomes a variable.
    private var scopes: [[String: Int]] = [[:]]
    /// The names that patterns declare in each scope.
    private var bound: [Set<String>] = [[]]
    private(set) var shadowedParameters: Set<String> = []
    private(set) var declaredNames: Set<String> = []
    private let parameters: Set<String>
    /// Parameters that a child gives, which are no properties; and those of them that are changed.
    var provided: Set<String> = []
    private(set) var changedProvided: Set<String> = []
    /// Code that stands farther right is not brought to its column: a page in one line would become the square of its length.
    private static let widest = 1_000
    private var mapped: (path: String, line: Int)?
    let isAsync: Bool
    var call: String { isAsync ? "try await" : "try" }

    init(parameters: Set<String>, isAsync: Bool) {
        self.parameters = parameters
        self.isAsync = isAsync
    }

    // MARK: text

    mutating func text(_ bytes: [UInt8]) { pending += bytes }

    /// Writes the text that has come, as one piece.
    private mutating func flush(_ page: inout PageFacts) {
        guard !pending.isEmpty else { return }
        append("_o.write(\(literal(pending)), _t, \(page.texts.count))")
        page.note("T")
        page.texts.append(pending)
        pending = []
    }

    private mutating func append(_ line: String) {
        lines.append(line)
        mapped?.line += 1
    }

    mutating func finish(_ page: inout PageFacts) {
        flush(&page)
        if mapped != nil { lines.append("#sourceLocation()") }
        mapped = nil
    }

    /// Ends what another function, which comes before this, has begun.
    mutating func close(_ page: inout PageFacts) { line("}", &page) }

    /// Has another function's lines before its own.
    mutating func putBefore(_ other: FunctionBuilder) {
        lines = other.lines + lines
        names.formUnion(other.names)
        declaredNames.formUnion(other.declaredNames)
    }

    // MARK: code

    /// A line of our own.
    mutating func line(_ text: String, _ page: inout PageFacts) {
        flush(&page)
        page.note(text)
        append(text)
    }

    /// The names that code uses and that nothing round it declares.
    mutating func use(_ code: Code) {
        let used = code.freeNames.subtracting(code.boundNames)
        names.formUnion(used.filter { name in !bound.contains { $0.contains(name) } })
    }

    /// A line with code from the template, which the compiler finds where it is in the template.
    mutating func code(_ prefix: String = "", _ code: Code, _ suffix: String = "", _ page: inout PageFacts) {
        flush(&page)
        use(code)
        let (line, column) = code.source.position(of: code.range.lowerBound)
        let text = code.text
        page.note(prefix + text + suffix)
        let space = column <= Self.widest ? column - 1 : 0
        if prefix.utf8.count <= space {
            locate(code, line)
            append(String(repeating: " ", count: space - prefix.utf8.count) + prefix + text + suffix)
        } else if line > 1 {
            locate(code, line - 1)
            append(prefix)
            append(String(repeating: " ", count: space) + text + suffix)
        } else if Self.isPlain(code), prefix.hasSuffix("("), column <= Self.widest {
            // No line is above the first. A closure's body begins with a line of its own.
            locate(code, line)
            append(prefix + "{ () in")
            mapped = nil
            locate(code, line)
            append(String(repeating: " ", count: space) + text)
            append("}()" + suffix)
        } else {
            locate(code, line)
            append(prefix + text + suffix)
        }
        mapped?.line += text.utf8.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
    }

    /// Whether nothing is called that could throw or wait, which would have to be said in a closure.
    private static func isPlain(_ code: Code) -> Bool {
        code.bytes.allSatisfy {
            isNamePart($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: " ")
        }
            && code.freeNames.isDisjoint(with: ["try", "await"])
    }

    /// `switch` and its first `case`, between which the compiler takes no directive: blanks bring the second to its place.
    mutating func code(switch code: Code, case first: Code, _ page: inout PageFacts) {
        self.code("", code, " {", &page)
        use(first)
        page.note(first.text)
        let (line, column) = first.source.position(of: first.range.lowerBound)
        let (lastLine, lastColumn) = code.source.position(of: code.range.upperBound)
        let taken = line == lastLine ? lastColumn + 1 : 0
        let blanks =
            String(repeating: "\n", count: max(0, line - lastLine))
            + String(repeating: " ", count: column <= Self.widest ? max(0, column - 1 - taken) : 1)
        lines[lines.count - 1] += blanks + first.text + ":"
        let breaks = line - lastLine + first.bytes.count { $0 == UInt8(ascii: "\n") }
        mapped?.line += max(0, breaks)
    }

    /// A case has at least one statement.
    mutating func endCase(_ page: inout PageFacts) {
        flush(&page)
        let last = lines.last ?? ""
        if !last.hasPrefix("continue ") && !last.hasPrefix("break ") { line("break", &page) }
    }

    /// A line of our own, which the compiler finds where some code of the template is.
    mutating func line(_ text: String, at code: Code, _ page: inout PageFacts) {
        flush(&page)
        page.note(text)
        let (line, column) = code.source.position(of: code.range.lowerBound)
        locate(code, line)
        append(String(repeating: " ", count: column <= Self.widest ? column - 1 : 0) + text)
    }

    private mutating func locate(_ code: Code, _ line: Int) {
        let path = code.source.compiledPath
        if let mapped, mapped == (path, line) { return }
        lines.append("#sourceLocation(file: \(literal(path.utf8)), line: \(line))")
        mapped = (path, line)
    }

    /// Text belongs to the branch in which it stands.
    mutating func closeText(_ page: inout PageFacts) { flush(&page) }

    /// What is written before a call that takes code, which may throw, or wait.
    func call(_ code: Code) -> String { isAsync && code.freeNames.contains("await") ? "try await" : "try" }

    // MARK: names

    /// - Parameter code: whose pattern declares names in it.
    mutating func openScope(of code: Code? = nil) {
        scopes.append([:])
        bound.append(code?.boundNames ?? [])
    }

    mutating func closeScope() {
        guard scopes.count > 1 else { return }
        scopes.removeLast()
        bound.removeLast()
    }

    /// `name = value` declares the name, or changes it where it is declared already.
    mutating func set(_ code: Code, _ page: inout PageFacts) throws(TemplateError) {
        var scanner = SwiftScanner(code.source, from: code.range.lowerBound, to: code.range.upperBound)
        guard let assignment = try scanner.assignment() else {
            // A call for what it changes.
            change(base(of: code))
            return self.code("", code, "", &page)
        }
        let target = Code(code.source, code.range.lowerBound..<assignment.lowerBound)
        let operation = code.source.text(assignment)
        guard !target.isEmpty, assignment.upperBound < code.range.upperBound else {
            throw code.error("'set' needs a name and its value, as in {% set total = items.count %}")
        }
        var names: [String] = []
        var type = ""
        let colon = target.bytes.firstIndex(of: UInt8(ascii: ":"))
        let pattern = Code(code.source, target.range.lowerBound..<(colon ?? target.range.upperBound))
        if let colon { type = ": " + Code(code.source, colon + 1..<target.range.upperBound).text }
        for part in pattern.text.split(separator: ",") {
            names.append(part.filter { $0 != " " && $0 != "(" && $0 != ")" })
        }
        let isName = !names.isEmpty && names.allSatisfy { $0.utf8.allSatisfy(isNamePart) && !$0.isEmpty }
        let value = Code(code.source, assignment.upperBound..<code.range.upperBound)
        guard isName, operation == "=", !names.allSatisfy(isDeclared) else {
            for name in names { change(isName ? name : base(of: code)) }
            guard isName, names.count > 1 else { return self.code("", code, "", &page) }
            return self.code("(\(names.joined(separator: ", "))) = (", value, ")", &page)
        }
        for name in names {
            scopes[scopes.count - 1][name] = -1
            declaredNames.insert(name)
        }
        let shown = names.count == 1 ? names[0] : "(\(names.joined(separator: ", ")))"
        let start = "let \(shown)\(type) = "
        if names.count > 1 {
            self.code(start + "(", value, ")", &page)
        } else {
            self.code(start, value, "", &page)
        }
        // The line that has the keyword: the last, or the one before where the value has one to itself.
        let at = lines.lastIndex { $0.contains(start) } ?? lines.count - 1
        for name in names { scopes[scopes.count - 1][name] = at }
    }

    /// Declares a name that is passed to an included template.
    mutating func bind(_ name: Code, _ value: String, _ page: inout PageFacts) {
        code("let ", name, value, &page)
        declaredNames.insert(name.text)
        scopes[scopes.count - 1][name.text] = lines.lastIndex { $0.contains("let ") }
    }

    private func isDeclared(_ name: String) -> Bool {
        parameters.contains(name) || scopes.contains { $0[name] != nil }
    }

    private func base(of code: Code) -> String {
        String(decoding: code.bytes.prefix(while: isNamePart), as: UTF8.self)
    }

    /// What is changed is a variable.
    private mutating func change(_ name: String) {
        for scope in scopes.reversed() {
            guard let at = scope[name], lines.indices.contains(at) else { continue }
            if let range = lines[at].range(of: "let ") { lines[at].replaceSubrange(range, with: "var ") }
            return
        }
        if provided.contains(name) {
            changedProvided.insert(name)
        } else if parameters.contains(name) {
            shadowedParameters.insert(name)
        }
    }

    /// Names that a closure's parameters have, and the like.
    mutating func declare(_ name: String) { declaredNames.insert(name) }
}

extension String {
    /// Where a text first is, without Foundation.
    fileprivate func range(of wanted: String) -> Range<Index>? {
        let own = Array(utf8)
        let other = Array(wanted.utf8)
        guard own.count >= other.count else { return nil }
        for start in 0...(own.count - other.count) where own[start..<start + other.count].elementsEqual(other) {
            let lower = utf8.index(startIndex, offsetBy: start)
            return lower..<utf8.index(lower, offsetBy: other.count)
        }
        return nil
    }
}

/// What is learned of a page while its functions are written.
struct PageFacts {
    /// The pieces of text, as the functions number them.
    var texts: [[UInt8]] = []
    /// A hash of all that is not text: if it changes, the program has to be built again.
    private(set) var skeleton: UInt64 = 0xcbf2_9ce4_8422_2325
    /// The files that were read.
    var files: [String] = []
    var resources: [ParsedTemplate.Resource] = []
    /// Static files whose names are known.
    var staticFiles: [String] = []
    var hasFragments = false

    /// FNV-1a.
    mutating func note(_ text: String) {
        for byte in text.utf8 { skeleton = (skeleton ^ UInt64(byte)) &* 0x100_0000_01b3 }
        skeleton = (skeleton ^ 0xff) &* 0x100_0000_01b3
    }
}
