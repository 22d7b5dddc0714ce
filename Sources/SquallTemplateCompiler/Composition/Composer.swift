/// Puts a page together from its files, decides how each value is escaped, and writes its functions.
struct Composer {
    let set: TemplateSet
    let waiting: Waiting
    let name: String
    var facts = PageFacts()
    var context: PageContext
    var builder: FunctionBuilder
    /// The page's blocks by name: what stands in the template itself comes first, then its parents'.
    private var blocks: [String: [Node.Block]] = [:]
    /// The blocks that are being written, and how far up each has come.
    private var open: [(name: String, level: Int)] = []
    private var including: [String] = []
    private var placed: Set<String> = []
    private(set) var fragments: [(name: String, function: FunctionBuilder)] = []
    /// Of the template itself.
    let slots: [String]
    /// For the names of what is declared on the way.
    var count = 0
    /// The loops that are open, and where in the page each began.
    var loops: [Loop] = []
    struct Loop {
        var number: Int
        var start: PageContext
        /// What holds where `break` and `continue` leave the body.
        var exits: [PageContext] = []
    }
    private let language: PageContext.Language
    let parameters: Set<String>
    private var isMarkup: Bool { language.isMarkup }
    private var isInFragment = false
    var expanded = 0
    /// What the templates give to those that they extend, children's first.
    var provided: [Provided] = []

    struct Provided {
        /// How far the template that gives it is from the page itself.
        var level: Int
        var type: String?
        var argument: Node.Argument
    }

    /// Of all that a page is put together from, again and again.
    private static let mostNodes = 200_000
    private static let deepest = 50

    init(
        _ name: String, _ chain: [ParsedTemplate], _ set: TemplateSet, _ waiting: Waiting, isAsync: Bool
    ) {
        self.set = set
        self.waiting = waiting
        self.name = name
        language = Naming.kind(of: name)?.language ?? .plain
        context = PageContext(language)
        parameters = Set(chain.flatMap { $0.parameters.map(\.name) })
        builder = FunctionBuilder(parameters: parameters, isAsync: isAsync)
        slots = chain.first?.slots.map(\.name) ?? []
        for template in chain {
            var seen: Set<String> = []
            for block in Self.blocks(template, set, &seen) { blocks[block.name, default: []].append(block) }
            facts.resources += template.resources
            facts.files.append(template.source.name)
        }
    }

    /// A template's blocks, with those of what it includes.
    private static func blocks(
        _ template: ParsedTemplate, _ set: TemplateSet, _ seen: inout Set<String>
    ) -> [Node.Block] {
        guard seen.insert(template.source.name).inserted else { return [] }
        var found = template.blockNames.compactMap { template.blocks[$0] }
        for call in template.includes {
            guard let name = try? set.resolve(call), let included = try? set.template(name) else { continue }
            found += blocks(included, set, &seen)
        }
        return found
    }

    mutating func compose(_ chain: [ParsedTemplate]) throws(TemplateError) {
        guard let root = chain.last else { return }
        builder.provided = Set(provided.map(\.argument.label.text))
        for (template, parent) in zip(chain, chain.dropFirst()) { try checkChild(template, parent, chain) }
        for template in chain.dropLast().reversed() {
            for node in template.nodes { if case .set(let code) = node { try builder.set(code, &facts) } }
        }
        try walk(root.nodes)
        guard isAtEnd(context) else {
            throw root.source.error(
                at: max(0, root.source.bytes.count - 1), "the template ends \(context.description); close it")
        }
        finish()
    }

    /// Ends a function, and puts before it what its parameters are that children give.
    private mutating func finish() {
        var start = FunctionBuilder(parameters: parameters, isAsync: builder.isAsync)
        // What is given may be made of what a child gave: a level's names begin to count behind its values.
        for level in Set(provided.map(\.level)).sorted() {
            let given = provided.enumerated().filter { $0.element.level == level }
            for (index, provided) in given {
                let type = provided.type.map { ": \($0)" } ?? ""
                start.code("let _p\(index)\(type) = ", provided.argument.value, "", &facts)
            }
            start.line("do {", &facts)
            builder.close(&facts)
            for (index, provided) in given {
                let name = provided.argument.label.text
                start.declare(name)
                let word = builder.changedProvided.contains(name) ? "var" : "let"
                start.line("\(word) \(name) = _p\(index); _ = \(name)", &facts)
            }
        }
        start.finish(&facts)
        builder.finish(&facts)
        builder.putBefore(start)
    }

    private func isAtEnd(_ context: PageContext) -> Bool {
        switch language {
        case .html, .xml:
            context.state == .text || context.state == .content && context.element == Array("plaintext".utf8)
        case .plain: true
        case .script: context.script.mode == .code || context.script.mode == .lineComment
        case .style: context.style.mode == .code
        }
    }

    /// What a template has beside blocks is shown nowhere if it extends another.
    private func checkChild(
        _ template: ParsedTemplate, _ parent: ParsedTemplate, _ chain: [ParsedTemplate]
    ) throws(TemplateError) {
        for node in template.nodes {
            switch node {
            case .block, .set: break
            case .text(let text):
                if let at = text.range.first(where: { !isBlank(text.source.bytes[$0]) }) {
                    throw text.source.error(
                        at: at,
                        "this is in no block, and a template that extends another shows only its blocks; put it into one"
                    )
                }
            default:
                throw Self.place(node).error(
                    "this is in no block, and a template that extends another shows only its blocks; put it into one")
            }
        }
        let ancestors = chain.drop { $0.source !== template.source }.dropFirst()
        var seen: Set<String> = []
        let known = Set(ancestors.flatMap { Self.blocks($0, set, &seen).map(\.name) })
        for node in template.nodes {
            guard case .block(let block) = node, !known.contains(block.name) else { continue }
            let names = known.sorted().map { "'\($0)'" }.joined(separator: ", ")
            throw block.tag.error(
                "'\(parent.source.name)' has no block '\(block.name)'; "
                    + (known.isEmpty ? "it has none" : "it has \(names)")
                    + suggestion(for: block.name, among: known.sorted()))
        }
    }

    /// Where a node begins, for messages.
    private static func place(_ node: Node) -> Code {
        switch node {
        case .text(let text): Code(text.source, text.range)
        case .output(let code, _), .raw(let code), .module(let code), .set(let code), .jump(let code),
            .parentBlock(let code), .apply(let code, _), .loop(let code, _, _), .choice(let code, _):
            code
        case .block(let block), .fragment(let block), .slot(let block): block.tag
        case .include(let call), .component(let call, _): call.tag
        case .branches(let branches, _): branches.first?.tag ?? Code(SourceText(name: "", path: "", bytes: []), 0..<0)
        case .attempt(let attempt): attempt.tag
        }
    }

    // MARK: walking

    mutating func walk(_ nodes: [Node]) throws(TemplateError) {
        for node in nodes {
            expanded += 1
            if expanded > Self.mostNodes {
                throw Self.place(node).error("the page is too large once its includes are put in")
            }
            try walk(node)
        }
    }

    private mutating func walk(_ node: Node) throws(TemplateError) {
        switch node {
        case .text(let text):
            for piece in try PageText.pieces(text, &context) { put(piece) }
        case .output(let code, let escaping): try output(code, escaping)
        case .raw(let code):
            context.feedRaw()
            flushBeforeWaiting(code)
            builder.code("try _o.put(raw: ", code, ")", &facts)
        case .block(let block): try self.block(block)
        case .parentBlock(let code): try parentBlock(code)
        case .fragment(let block): try fragment(block)
        case .include(let call): try include(call)
        case .component(let call, let fills): try component(call, fills)
        case .slot(let block): try slot(block)
        case .module(let code): try module(code)
        case .apply(let function, let body): try apply(function, body)
        case .set(let code):
            flushBeforeWaiting(code)
            try builder.set(code, &facts)
        case .branches(let branches, let isClosed): try self.branches(branches, isClosed)
        case .loop(let code, let isFor, let body): try loop(code, isFor, body)
        case .choice(let code, let branches): try choice(code, branches)
        case .attempt(let attempt): try self.attempt(attempt)
        case .jump(let code): try jump(code)
        }
    }

    private mutating func put(_ piece: PagePiece) {
        switch piece {
        case .bytes(let bytes): builder.text(bytes)
        case .nonce: builder.line("_o.writeNonce()", &facts)
        case .endOfHead: if !isInFragment { builder.line("_o.endHead()", &facts) }
        case .endOfBody: if !isInFragment { builder.line("try _o.endBody()", &facts) }
        }
    }

    private mutating func output(_ code: Code, _ escaping: Node.Escaping) throws(TemplateError) {
        noteStaticFile(code)
        switch escaping {
        case .byContext:
            let (value, before) = try context.value(code)
            builder.text(before)
            flushBeforeWaiting(code)
            let isScript = value == .script || value == .scriptAttribute
            let suffix =
                value == .text || value == .script
                ? ")" : value == .scriptAttribute ? ", inAttribute: true)" : ", .\(value.rawValue))"
            builder.code("try _o.put(\(isScript ? "script: " : "")", code, suffix, &facts)
        case .none:
            context.feedRaw()
            flushBeforeWaiting(code)
            builder.code("try _o.put(raw: ", code, ")", &facts)
        case .function(let function):
            context.feedRaw()
            flushBeforeWaiting(code)
            builder.code("try _o.put(", code, ", through: \(function.text))", &facts)
            builder.use(function)
        }
    }

    /// `staticURL("site.css")`: the name is known while the page is not rendered yet, and needs no disk then.
    private mutating func noteStaticFile(_ code: Code) {
        let start = Array("staticURL(\"".utf8)
        guard code.bytes.starts(with: start) else { return }
        let rest = code.bytes.dropFirst(start.count)
        guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { return }
        guard Array(rest[end...]) == Array("\")".utf8), !rest[..<end].contains(UInt8(ascii: "\\")) else { return }
        let name = String(decoding: rest[..<end], as: UTF8.self)
        if !facts.staticFiles.contains(name) { facts.staticFiles.append(name) }
    }

    mutating func flushBeforeWaiting(_ code: Code) {
        if builder.isAsync, code.freeNames.contains("await") {
            builder.line("try await _o.flushBeforeWaiting()", &facts)
        }
    }

    // MARK: blocks and includes

    private mutating func block(_ block: Node.Block) throws(TemplateError) {
        guard let first = blocks[block.name]?.first else { return try walk(block.body) }
        guard placed.insert(block.name).inserted || open.contains(where: { $0.name == block.name }) else {
            throw block.tag.error(
                "the block '\(block.name)' stands twice in this page, through an include; use {% component %} for what repeats"
            )
        }
        guard !open.contains(where: { $0.name == block.name }) else { return try walk(block.body) }
        open.append((block.name, 0))
        try walk(first.body)
        open.removeLast()
    }

    private mutating func parentBlock(_ code: Code) throws(TemplateError) {
        guard let (name, level) = open.last, let all = blocks[name] else {
            throw code.error("'super' stands in no block")
        }
        guard level + 1 < all.count else {
            throw code.error("no parent has a block '\(name)' that 'super' could stand for")
        }
        open.append((name, level + 1))
        try walk(all[level + 1].body)
        open.removeLast()
    }

    private mutating func include(_ call: Node.Call) throws(TemplateError) {
        let file = try set.resolve(call)
        guard file != name, !including.contains(file) else {
            let way = ([name] + including + [file]).joined(separator: " → ")
            throw call.tag.error("the templates include one another in a circle: \(way)")
        }
        guard including.count < Self.deepest else { throw call.tag.error("includes are nested too deeply") }
        let template = try set.template(file)
        guard template.parent == nil else {
            throw call.tag.error("'\(file)' extends another template and is a page of its own; it cannot be included")
        }
        if !facts.files.contains(file) {
            facts.files.append(file)
            facts.resources += template.resources
        }
        including.append(file)
        if !call.arguments.isEmpty {
            // The value is made where the name does not mean the parameter yet.
            for (index, argument) in call.arguments.enumerated() {
                builder.code("let _v\(count)_\(index) = ", argument.value, "", &facts)
            }
        }
        let number = count
        count += 1
        builder.line("do {", &facts)
        builder.openScope()
        for (index, argument) in call.arguments.enumerated() {
            let type = template.parameters.first { $0.name == argument.label.text }.map { ": \($0.type)" } ?? ""
            builder.bind(argument.label, "\(type) = _v\(number)_\(index)", &facts)
        }
        for parameter in template.parameters
        where parameter.hasDefault && !call.arguments.contains(where: { $0.label.text == parameter.name }) {
            builder.declare(parameter.name)
            builder.code("let ", parameter.declaration, "", &facts)
        }
        try walk(template.nodes)
        builder.closeScope()
        builder.line("}", &facts)
        including.removeLast()
    }

    // MARK: parts with functions of their own

    private mutating func fragment(_ block: Node.Block) throws(TemplateError) {
        guard context.state == .text || language == .plain else {
            throw block.tag.error("a fragment is a part of a page's text, and this is \(context.description)")
        }
        guard !fragments.contains(where: { $0.name == block.name }) else {
            throw block.tag.error("there is a fragment '\(block.name)' in this page already")
        }
        let outer = (builder, context, isInFragment)
        builder = FunctionBuilder(parameters: parameters, isAsync: outer.0.isAsync)
        builder.provided = outer.0.provided
        context = PageContext(language)
        isInFragment = true
        facts.note("fragment \(block.name)")
        try walk(block.body)
        guard isAtEnd(context) else {
            throw block.tag.error("the fragment '\(block.name)' ends \(context.description); close it in the fragment")
        }
        finish()
        fragments.append((block.name, builder))
        (builder, context, isInFragment) = outer
        builder.line("\(waiting.contains(name) ? "try await" : "try") render(.`\(block.name)`, to: &_o)", &facts)
    }

    private mutating func slot(_ block: Node.Block) throws(TemplateError) {
        guard context.state == .text || language == .plain else {
            throw block.tag.error("a slot is a part of a page's text, and this is \(context.description)")
        }
        guard !isInFragment, open.isEmpty, including.isEmpty else {
            throw block.tag.error("a slot stands in the component's own file, and in no block or fragment")
        }
        guard let index = slots.firstIndex(of: block.name) else { return try walk(block.body) }
        builder.line("if _fills & \(1 << index) != 0 { \(builder.call) _slot\(index)(&_o) } else {", &facts)
        builder.openScope()
        try nested(block.body, "the slot", block.tag)
        builder.closeScope()
        builder.line("}", &facts)
    }

    private mutating func component(_ call: Node.Call, _ fills: [Node.Block]) throws(TemplateError) {
        let file = try set.resolve(call)
        let template = try set.template(file)
        guard context.state == .text || language == .plain else {
            throw call.tag.error("a component is a part of a page's text, and this is \(context.description)")
        }
        guard !Naming.isPart(file) else {
            throw call.tag.error(
                "'\(file)' is a part of other templates, as its name begins with '_'; rename it, or write {% include %}"
            )
        }
        for fill in fills where !template.slots.contains(where: { $0.name == fill.name }) {
            let names = template.slots.map { $0.name.isEmpty ? "one without a name" : "'\($0.name)'" }
            throw fill.tag.error(
                (fill.name.isEmpty
                    ? "'\(file)' has no slot without a name, and this component has contents; "
                    : "'\(file)' has no slot '\(fill.name)'; ")
                    + (names.isEmpty ? "it has none" : "it has \(names.joined(separator: ", "))")
                    + suggestion(for: fill.name, among: template.slots.map(\.name)))
        }
        guard !isMarkup || Naming.kind(of: file)?.language.isMarkup == true else {
            throw call.tag.error(
                "'\(file)' is no markup, and nothing in it is escaped for a page; write {{ try \(Naming.type(file))(…).renderString() }}"
            )
        }
        if !facts.files.contains(file) { facts.files.append(file) }
        builder.line("_o.require(\(Naming.type(file)).resources)", &facts)
        // One that waits for nothing itself has a second function, for what is put into it here.
        let isFilled = !waiting.contains(file) && waiting.waits(fills, slotsWait: builder.isAsync)
        let isAsync = isFilled || waiting.contains(file)
        if waiting.contains(file) { builder.line("try await _o.flushBeforeWaiting()", &facts) }
        var given = 0
        for (index, slot) in template.slots.enumerated() where fills.contains(where: { $0.name == slot.name }) {
            given |= 1 << index
        }
        // One expression, in which the compiler takes no directive: what is passed is written in one piece.
        let start = "\(isAsync ? "try await" : "try") \(Naming.type(file))("
        let end =
            template.slots.isEmpty
            ? ").render(to: &_o)" : ").\(isFilled ? "renderWaiting" : "render")(to: &_o, fills: \(given)"
        if let list = call.list {
            for argument in call.arguments { builder.use(argument.value) }
            builder.code(start, list, end, &facts)
        } else {
            // Where nothing is passed and something should be, the compiler points at the tag.
            builder.line(start + end, at: call.tag, &facts)
        }
        guard !template.slots.isEmpty else { return }
        for (index, slot) in template.slots.enumerated() {
            guard let fill = fills.first(where: { $0.name == slot.name }) else {
                builder.line(", _slot\(index): { _ in }", &facts)
                continue
            }
            builder.line(", _slot\(index): { _o in", &facts)
            builder.openScope()
            try nested(fill.body, fill.name.isEmpty ? "what is in the component" : "'fill'", fill.tag)
            builder.closeScope()
            builder.line("}", &facts)
        }
        builder.line(")", &facts)
    }

    private mutating func module(_ code: Code) throws(TemplateError) {
        guard context.state == .text || language == .plain else {
            throw code.error("a module is a part of a page's text, and this is \(context.description)")
        }
        flushBeforeWaiting(code)
        let end = isMarkup ? ")" : ", .plain)"
        let word = Array("await".utf8)
        guard code.bytes.starts(with: word), code.range.count > word.count,
            isBlank(code.bytes[code.range.lowerBound + word.count])
        else { return builder.code("\(builder.call(code)) _o.module(", code, end, &facts) }
        // It is the rendering that waits.
        let template = Code(code.source, code.range.lowerBound + word.count..<code.range.upperBound)
        builder.code("try await _o.module(", template, end, &facts)
    }

    /// Nodes that leave the page as they find it.
    /// - Parameter isOptional: whether they may be left out.
    mutating func nested(
        _ nodes: [Node], _ what: String, _ tag: Code, isOptional: Bool = false
    ) throws(TemplateError) {
        let start = context
        try walk(nodes)
        builder.text(context.closeInserted(since: start))
        guard let joined = start.joined(context) else {
            throw tag.error(
                "\(what) begins \(start.description) and ends \(context.description); close in it what is opened in it")
        }
        if isOptional { context = joined }
    }
}
