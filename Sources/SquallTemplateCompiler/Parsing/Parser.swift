/// Makes the nodes of one file.
struct Parser {
    private var reader: TagReader
    private(set) var template: ParsedTemplate
    private var whitespace: Whitespace
    private var escaping: Node.Escaping = .byContext
    private var depth = 0
    private var source: SourceText { template.source }

    private static let deepest = 100

    static func parse(_ source: SourceText) throws(TemplateError) -> ParsedTemplate {
        var parser = Parser(source)
        let (nodes, last) = try parser.body(of: nil, until: [])
        if case .tag(_, let tag) = last { throw parser.stray(tag) }
        parser.template.nodes = nodes
        return parser.template
    }

    private init(_ source: SourceText) {
        reader = TagReader(source)
        template = ParsedTemplate(source: source)
        whitespace = source.name.hasSuffix(".html") || source.name.hasSuffix(".js") ? .single : .all
    }

    // MARK: bodies

    /// What surrounds the nodes that are read.
    private struct Surroundings {
        var tag: String
        var code: Code
        var allowsJumps: Bool
    }

    /// Nodes until one of the tags, or the file's end; and what ended them.
    private mutating func body(
        of outer: Surroundings?, until ends: Set<String>
    ) throws(TemplateError) -> ([Node], TagReader.Token) {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.deepest, let outer {
            throw outer.code.error("tags are nested too deeply, more than \(Self.deepest) in one another")
        }
        var nodes: [Node] = []
        while true {
            let token = try reader.next()
            switch token {
            case .end:
                guard let outer, !ends.isEmpty else { return (nodes, token) }
                throw outer.code.error("'{% \(outer.tag) %}' is not closed; '{% end %}' is missing")
            case .text(let range):
                nodes.append(.text(Node.Text(source: source, range: range, whitespace: whitespace)))
            case .output(let code):
                try checkSingle(code)
                nodes.append(.output(code, escaping))
            case .tag(let name, let code):
                if ends.contains(name) {
                    if name == "end", let outer { try checkEnd(code, of: outer) }
                    return (nodes, token)
                }
                if let node = try tag(name, code, outer) {
                    nodes.append(node)
                } else if name != "comment" {
                    reader.skipLineEnd(after: code)
                }
            }
        }
    }

    /// The body of a tag that only `end` closes.
    private mutating func closedBody(_ name: String, _ code: Code, jumps: Bool) throws(TemplateError) -> [Node] {
        try body(of: Surroundings(tag: name, code: code, allowsJumps: jumps), until: ["end"]).0
    }

    /// What an end says that it closes is what it closes: `{% end for %}`, where nothing has to be said.
    private func checkEnd(_ code: Code, of outer: Surroundings) throws(TemplateError) {
        let words = code.text.split(whereSeparator: \.isWhitespace)
        guard words.count > 1, words[1] != outer.tag else { return }
        let (line, _) = source.position(of: outer.code.range.lowerBound)
        throw code.error(
            "'{% \(code.text) %}' would close the '\(outer.tag)' of line \(line), which is the innermost tag that is open"
        )
    }

    private func stray(_ tag: Code) -> TemplateError {
        switch tag.text {
        case "end": tag.error("'{% end %}' closes nothing")
        default: tag.error("'{% \(tag.text) %}' stands in nothing that it could belong to")
        }
    }

    // MARK: tags

    private mutating func tag(_ name: String, _ code: Code, _ outer: Surroundings?) throws(TemplateError) -> Node? {
        let rest = Code(
            source, min(code.range.lowerBound + name.utf8.count, code.range.upperBound)..<code.range.upperBound)
        let jumps = outer?.allowsJumps ?? false
        switch name {
        case "comment": return nil
        case "raw":
            try need(rest, code, "raw", "an expression, as in {% raw page.markup %}")
            try checkSingle(rest)
            return .raw(rest)
        case "module":
            try need(rest, code, "module", "a template, as in {% module EntryPage(entry: entry) %}")
            try checkSingle(rest)
            return .module(rest)
        case "set":
            try need(rest, code, "set", "a name and its value, as in {% set total = items.count %}")
            try checkSingle(rest, allowsCommas: true)
            return .set(rest)
        case "break", "continue":
            guard jumps else {
                throw code.error(
                    "'\(name)' stands in no loop, or in a part of one that it cannot leave (apply, fill, fragment)")
            }
            return .jump(code)
        case "if": return try condition(code, jumps)
        case "for", "while":
            try need(
                rest, code, name,
                name == "for" ? "a pattern and a sequence, as in {% for item in items %}" : "a condition")
            return .loop(code, isFor: name == "for", try closedBody(name, code, jumps: true))
        case "switch":
            try need(rest, code, "switch", "a value, as in {% switch state %}")
            return .choice(code, try cases(code, jumps))
        case "try": return .attempt(try attempt(code, jumps))
        case "apply":
            try need(rest, code, "apply", "a function from String to String, as in {% apply Escape.squeeze %}")
            return .apply(rest, try closedBody("apply", code, jumps: false))
        case "block": return try block(code, rest, jumps)
        case "super":
            guard rest.isEmpty else {
                throw code.error("'super' takes nothing: it stands for what the parent's block has")
            }
            return .parentBlock(code)
        case "fragment":
            guard depth == 1 || outer?.tag == "block" else {
                throw code.error("a fragment can be rendered alone, so it stands in no other tag than 'block'")
            }
            return .fragment(try namedBody(code, rest, "fragment", jumps: false, isNeeded: true))
        case "slot": return .slot(try namedBody(code, rest, "slot", jumps: false, isNeeded: false))
        case "include":
            let call = try self.call(code, rest, "include")
            template.includes.append(call)
            return .include(call)
        case "component": return try component(code, rest)
        case "extends", "parameters", "import", "access", "css", "javascript", "autoescape", "whitespace":
            try declare(name, code, rest, isTop: outer == nil)
            return nil
        case "from": throw code.error("in Swift this is written {% import struct Foundation.Date %}")
        case "": throw code.error("a tag begins with its name; '\(String(code.text.prefix(20)))' does not")
        case "end", "elif", "else", "case", "default", "except", "catch", "finally", "fill":
            throw misplaced(name, code, outer)
        default:
            throw code.error("there is no tag '\(name)'" + suggestion(for: name, among: Self.tags))
        }
    }

    private static let tags = [
        "apply", "autoescape", "block", "break", "case", "comment", "component", "continue", "css", "default", "elif",
        "else", "end", "except", "extends", "fill", "finally", "for", "fragment", "if", "import", "include",
        "javascript", "module", "parameters", "raw", "set", "slot", "super", "switch", "try", "while", "whitespace",
    ]

    private func misplaced(_ name: String, _ code: Code, _ outer: Surroundings?) -> TemplateError {
        if name == "end" { return code.error("'{% end %}' closes nothing") }
        let place =
            switch name {
            case "elif": "an {% if %}"
            case "else": "an {% if %} or {% try %}"
            case "case", "default": "a {% switch %}"
            case "fill": "a {% component %}"
            default: "a {% try %}"
            }
        if let outer, outer.tag != "", ["elif", "else"].contains(name) {
            return code.error("'\(name)' belongs to \(place), and the innermost tag that is open is '\(outer.tag)'")
        }
        return code.error("'\(name)' belongs into \(place)")
    }

    private func need(_ rest: Code, _ tag: Code, _ name: String, _ what: String) throws(TemplateError) {
        if rest.isEmpty { throw tag.error("'\(name)' needs \(what)") }
    }

    /// One expression, not several.
    private func checkSingle(_ code: Code, allowsCommas: Bool = false) throws(TemplateError) {
        var scanner = SwiftScanner(source, from: code.range.lowerBound, to: code.range.upperBound)
        if let at = try scanner.places(of: UInt8(ascii: ";")).first {
            throw source.error(at: at, "one expression is expected; put each into braces of its own")
        }
        guard !allowsCommas else { return }
        var commas = SwiftScanner(source, from: code.range.lowerBound, to: code.range.upperBound)
        if let at = try commas.commas().first(where: { !isGeneric($0, code) }) {
            throw source.error(
                at: at, "one expression is expected, and here is a comma; put each into braces of its own")
        }
    }

    /// Whether a comma may be one between types, as in `Pair<Int, Int>(1, 2).first`.
    private func isGeneric(_ comma: Int, _ code: Code) -> Bool {
        source.bytes[code.range.lowerBound..<comma].contains(UInt8(ascii: "<"))
            && source.bytes[comma..<code.range.upperBound].contains(UInt8(ascii: ">"))
    }

    // MARK: control

    private mutating func condition(_ code: Code, _ jumps: Bool) throws(TemplateError) -> Node {
        var branches: [Node.Branch] = []
        var tag = code
        while true {
            if tag.text == "if" || tag.text == "elif" {
                throw tag.error("'\(tag.text)' needs a condition, as in {% if items.isEmpty %}")
            }
            let surroundings = Surroundings(tag: "if", code: code, allowsJumps: jumps)
            let (nodes, last) = try body(of: surroundings, until: ["elif", "else", "end"])
            branches.append(Node.Branch(tag: tag, body: nodes))
            guard case .tag(let name, let next) = last else { break }
            switch name {
            case "elif": tag = next
            case "else":
                guard next.text == "else" else {
                    throw next.error("'else' takes no condition; write {% elif … %}")
                }
                let (nodes, last) = try body(of: surroundings, until: ["elif", "else", "end"])
                if case .tag(let name, let tag) = last, name != "end" {
                    throw tag.error("'\(name)' comes after 'else', which is the last part of an {% if %}")
                }
                branches.append(Node.Branch(tag: next, body: nodes))
                return .branches(branches, isClosed: true)
            default: return .branches(branches, isClosed: false)
            }
        }
        return .branches(branches, isClosed: false)
    }

    private mutating func cases(_ code: Code, _ jumps: Bool) throws(TemplateError) -> [Node.Branch] {
        // `break` would leave the switch in Swift, not the loop.
        let surroundings = Surroundings(tag: "switch", code: code, allowsJumps: jumps)
        let (before, first) = try body(of: surroundings, until: ["case", "default", "end"])
        for node in before {
            guard case .text(let text) = node, source.bytes[text.range].allSatisfy(isBlank) else {
                throw code.error("what stands between {% switch %} and its first {% case %} is never shown; remove it")
            }
        }
        var branches: [Node.Branch] = []
        var last = first
        while case .tag(let name, let tag) = last, name != "end" {
            if name == "case", tag.text == "case" { throw tag.error("'case' needs a pattern, as in {% case .open %}") }
            let (nodes, next) = try body(of: surroundings, until: ["case", "default", "end"])
            branches.append(Node.Branch(tag: tag, body: nodes))
            last = next
        }
        guard !branches.isEmpty else { throw code.error("the {% switch %} has no {% case %}") }
        return branches
    }

    private mutating func attempt(_ code: Code, _ jumps: Bool) throws(TemplateError) -> Node.Attempt {
        let surroundings = Surroundings(tag: "try", code: code, allowsJumps: jumps)
        let ends: Set = ["except", "catch", "else", "finally", "end"]
        var (nodes, last) = try body(of: surroundings, until: ends)
        var attempt = Node.Attempt(tag: code, body: nodes, handlers: [], otherwise: nil, finally: nil)
        while case .tag(let name, let tag) = last, name != "end" {
            (nodes, last) = try body(of: surroundings, until: ends)
            switch name {
            case "else":
                guard attempt.otherwise == nil, attempt.finally == nil else {
                    throw tag.error("a {% try %} has one 'else', before 'finally'")
                }
                attempt.otherwise = nodes
            case "finally":
                guard attempt.finally == nil else { throw tag.error("a {% try %} has one 'finally'") }
                attempt.finally = nodes
            default:
                guard attempt.otherwise == nil, attempt.finally == nil else {
                    throw tag.error("'\(name)' comes before 'else' and 'finally'")
                }
                attempt.handlers.append(Node.Branch(tag: tag, body: nodes))
            }
        }
        guard !attempt.handlers.isEmpty || attempt.finally != nil else {
            throw code.error("a {% try %} needs an {% except %} or a {% finally %}")
        }
        return attempt
    }

    // MARK: named parts

    private mutating func block(_ code: Code, _ rest: Code, _ jumps: Bool) throws(TemplateError) -> Node {
        // A block of this file's may be replaced by one that jumps out of nothing.
        let block = try namedBody(code, rest, "block", jumps: jumps, isNeeded: true)
        guard template.blocks[block.name] == nil else {
            throw code.error("there is a block '\(block.name)' in this file already")
        }
        template.blocks[block.name] = block
        template.blockNames.append(block.name)
        return .block(block)
    }

    private mutating func namedBody(
        _ code: Code, _ rest: Code, _ tag: String, jumps: Bool, isNeeded: Bool
    ) throws(TemplateError) -> Node.Block {
        let name = rest.text
        if name.isEmpty, isNeeded { throw code.error("'\(tag)' needs a name, as in {% \(tag) content %}") }
        guard rest.bytes.allSatisfy(isNamePart), rest.bytes.first.map({ !isDigit($0) }) ?? true else {
            throw rest.error("'\(name)' is no name: letters, digits and '_' are")
        }
        let made = Node.Block(tag: code, name: name, body: try closedBody(tag, code, jumps: jumps))
        switch tag {
        case "slot":
            guard !template.slots.contains(where: { $0.name == name }) else {
                throw code.error(
                    name.isEmpty ? "there is a slot without a name already" : "there is a slot '\(name)' already")
            }
            template.slots.append(made)
        case "fragment":
            guard !template.fragments.contains(where: { $0.name == name }) else {
                throw code.error("there is a fragment '\(name)' already")
            }
            template.fragments.append(made)
        default: break
        }
        return made
    }

    private mutating func component(_ code: Code, _ rest: Code) throws(TemplateError) -> Node {
        let call = try self.call(code, rest, "component")
        let surroundings = Surroundings(tag: "component", code: code, allowsJumps: false)
        var fills: [Node.Block] = []
        var content: [Node] = []
        while true {
            let (nodes, last) = try body(of: surroundings, until: ["fill", "end"])
            content += nodes
            guard case .tag("fill", let tag) = last else { break }
            let rest = Code(source, tag.range.lowerBound + 4..<tag.range.upperBound)
            let fill = try namedBody(tag, rest, "fill", jumps: false, isNeeded: true)
            guard !fills.contains(where: { $0.name == fill.name }) else {
                throw tag.error("the slot '\(fill.name)' is filled already")
            }
            fills.append(fill)
        }
        let isEmpty = content.allSatisfy {
            if case .text(let text) = $0 { source.bytes[text.range].allSatisfy(isBlank) } else { false }
        }
        if !isEmpty { fills.insert(Node.Block(tag: code, name: "", body: content), at: 0) }
        return .component(call, fills: fills)
    }

    /// `"path", name: value, …`
    private func call(_ code: Code, _ rest: Code, _ tag: String) throws(TemplateError) -> Node.Call {
        let example = "{% \(tag) \"layout.html\" %}"
        guard rest.bytes.first == UInt8(ascii: "\"") else {
            throw rest.error("'\(tag)' needs a template's path in quotation marks, as in \(example)")
        }
        let start = rest.range.lowerBound + 1
        guard let end = source.bytes[start..<rest.range.upperBound].firstIndex(of: UInt8(ascii: "\"")), end > start
        else {
            throw rest.error("'\(tag)' needs a template's path in quotation marks, as in \(example)")
        }
        let path = source.text(start..<end)
        if path.contains("\\") {
            throw rest.error("'\(tag)' needs a path that is known before the program runs, without interpolation")
        }
        let others = Code(source, end + 1..<rest.range.upperBound)
        guard !others.isEmpty else { return Node.Call(tag: code, path: path, arguments: []) }
        guard others.bytes.first == UInt8(ascii: ",") else {
            throw others.error(
                "between the path and what is passed stands a comma, as in {% \(tag) \"\(path)\", title: name %}")
        }
        let list = Code(source, others.range.lowerBound + 1..<others.range.upperBound)
        return Node.Call(tag: code, path: path, arguments: try ParameterList.arguments(list), list: list)
    }

    // MARK: declarations

    private mutating func declare(_ name: String, _ code: Code, _ rest: Code, isTop: Bool) throws(TemplateError) {
        switch name {
        case "autoescape":
            switch rest.text {
            case "": throw code.error("'autoescape' needs 'context', 'none' or a function from String to String")
            case "None", "none", "nil": escaping = .none
            case "context", "xhtml_escape": escaping = .byContext
            default: escaping = .function(rest)
            }
        case "whitespace":
            guard let mode = Whitespace(rawValue: rest.text) else {
                throw code.error("'whitespace' needs 'all', 'single' or 'oneline', not '\(rest.text)'")
            }
            whitespace = mode
        default:
            guard isTop else { throw code.error("'\(name)' is about the whole file and stands in no other tag") }
            try declareWhole(name, code, rest)
        }
    }

    private mutating func declareWhole(_ name: String, _ code: Code, _ rest: Code) throws(TemplateError) {
        switch name {
        case "extends":
            guard template.parent == nil else { throw code.error("a template extends one other") }
            template.parent = try call(code, rest, "extends")
        case "parameters":
            guard template.parameters.isEmpty else {
                throw code.error("the parameters are declared already; put them into one tag")
            }
            template.parameters = try ParameterList.parameters(rest)
        case "import":
            try need(rest, code, "import", "a module, as in {% import Foundation %}")
            guard rest.bytes.allSatisfy({ isNamePart($0) || $0 == UInt8(ascii: ".") || $0 == 0x20 }) else {
                throw rest.error("'\(rest.text)' is no module; one import, as in {% import struct Foundation.Date %}")
            }
            template.imports.append(rest)
        case "access":
            guard ["public", "package", "internal"].contains(rest.text) else {
                throw code.error("'access' needs 'public', 'package' or 'internal', not '\(rest.text)'")
            }
            template.access = rest.text
        default: try declareResource(name, code, rest)
        }
    }

    private mutating func declareResource(_ name: String, _ code: Code, _ rest: Code) throws(TemplateError) {
        let isCSS = name == "css"
        guard rest.isEmpty else {
            let bytes = rest.bytes
            guard bytes.count > 2, bytes.first == UInt8(ascii: "\""), bytes.last == UInt8(ascii: "\""),
                !bytes.dropFirst().dropLast().contains(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") })
            else {
                throw rest.error(
                    "'\(name)' needs a file's name in quotation marks, as in {% \(name) \"entry.\(isCSS ? "css" : "js")\" %}, or text up to {% end %}"
                )
            }
            let inner = Code(source, rest.range.lowerBound + 1..<rest.range.upperBound - 1)
            template.resources.append(.init(kind: isCSS ? .cssFile : .javascriptFile, code: inner))
            return
        }
        for node in try closedBody(name, code, jumps: false) {
            guard case .text(let text) = node else {
                throw code.error(
                    "what is in {% \(name) %} goes into the page once, and cannot have expressions or tags")
            }
            let inner = Code(source, text.range)
            let end: StaticString = isCSS ? "</style" : "</script"
            if contains(inner, end) { throw inner.error("'\(end)' would end it; write it otherwise") }
            if !isCSS, contains(inner, "<!--") { throw inner.error(TextTrouble.markup.message) }
            if !inner.isEmpty {
                template.resources.append(.init(kind: isCSS ? .embeddedCSS : .embeddedJavaScript, code: inner))
            }
        }
    }

    private func contains(_ code: Code, _ wanted: StaticString) -> Bool {
        code.text.lowercased().contains(wanted.description)
    }
}
