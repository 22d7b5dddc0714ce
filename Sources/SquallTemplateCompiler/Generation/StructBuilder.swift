/// Writes the type of a template. Squall's types are called by their full names: the target may have some of the same.
struct StructBuilder {
    private let composer: Composer
    /// The same, for slots whose contents wait.
    private let waiting: Composer?
    private let own: ParsedTemplate
    private let parameters: [Parameter]
    private let imports: [String]
    private let access: String
    /// Where the templates are, for reloading: an expression of Swift.
    private let root: String
    private var lines: [String] = []

    init(
        _ composer: Composer, waiting: Composer?, _ chain: [ParsedTemplate], root: String
    ) {
        self.composer = composer
        self.waiting = waiting
        self.root = root
        // A template is a chain's first.
        own = chain[0]
        var names: Set<String> = []
        // What the parents need and the template does not give them, its user gives.
        parameters = chain.indices.flatMap { index in
            chain[index].parameters.filter { parameter in
                !chain[..<index].contains { $0.gives(parameter.name) } && names.insert(parameter.name).inserted
            }
        }
        var seen: Set<String> = []
        imports = chain.flatMap { $0.imports.map(\.text) }.filter { seen.insert($0).inserted }
        access = own.access.map { $0 == "internal" ? "" : $0 + " " } ?? ""
    }

    mutating func build() -> String {
        lines = ["// Made from \(composer.name) by squall-templates. Changes belong there.", "import Squall"]
        lines += imports.map { "import \($0)" }
        let names = composer.fragments.reduce(composer.builder.names) { $0.union($1.function.names) }
        if names.contains("locale") {
            // Whose members are only seen where its module is imported.
            lines += [
                "#if canImport(FoundationEssentials)", "import FoundationEssentials", "#else", "import Foundation",
                "#endif",
            ]
        }
        lines.append("")
        addDocumentation()
        let isAsync = composer.builder.isAsync
        let kind = isAsync ? "Squall.Template" : "Squall.SynchronousTemplate"
        let fragments = composer.fragments.isEmpty ? "" : ", Squall.FragmentedTemplate"
        lines.append("\(access)struct \(Naming.type(composer.name)): \(kind)\(fragments) {")
        addStatics()
        addParameters()
        addRender(isAsync)
        addFragments(isAsync)
        lines.append("}")
        return lines.joined(separator: "\n") + "\n"
    }

    private mutating func addDocumentation() {
        lines.append("/// The template `\(composer.name)`.")
        guard !parameters.isEmpty else { return }
        lines += ["///", "/// - Parameters:"]
        for parameter in parameters {
            let text = parameter.documentation.joined(separator: " ")
            lines.append("///   - \(parameter.name): \(text.isEmpty ? "`\(oneLine(parameter.type))`" : text)")
        }
    }

    private func oneLine(_ text: String) -> String { text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }

    private mutating func addStatics() {
        let facts = composer.facts
        if let kind = Naming.kind(of: composer.name), kind.language != .html {
            lines.append("    \(access)static let contentType: String = \(literal(kind.contentType.utf8))")
        }
        lines += [
            "    #if DEBUG",
            "    \(access)static let source: Squall.TemplateSource? = Squall.TemplateSource(\(literal(composer.name.utf8)), in: \(root), skeleton: \(facts.skeleton))",
            "    #endif",
        ]
        if !facts.staticFiles.isEmpty {
            let names = facts.staticFiles.map { literal($0.utf8) }.joined(separator: ", ")
            lines.append("    \(access)static let staticFiles: [String] = [\(names)]")
        }
        guard !facts.resources.isEmpty else { return }
        lines.append("    \(access)static let resources: Squall.PageResources = Squall.PageResources(")
        let groups: [(String, ParsedTemplate.Resource.Kind)] = [
            ("cssFiles", .cssFile), ("embeddedCSS", .embeddedCSS), ("javascriptFiles", .javascriptFile),
            ("embeddedJavaScript", .embeddedJavaScript),
        ]
        for (index, (label, kind)) in groups.enumerated() {
            let texts = facts.resources.filter { $0.kind == kind }.map { literal($0.code.bytes) }
            lines.append("        \(label): [\(texts.joined(separator: ", "))]\(index + 1 < groups.count ? "," : ")")")
        }
    }

    private mutating func addParameters() {
        for parameter in parameters {
            for line in parameter.documentation { lines.append("    /// \(line)") }
            let code = parameter.declaration
            let (line, column) = code.source.position(of: code.range.lowerBound)
            lines.append("#sourceLocation(file: \(literal(code.source.compiledPath.utf8)), line: \(line))")
            let prefix = "\(access)var "
            let text = "\(parameter.name): \(parameter.type)" + (parameter.defaultValue.map { " = \($0)" } ?? "")
            // As it is written, so that columns are the same, but for what a property cannot have.
            let shown = parameter.isEscaping ? text : code.text
            lines.append(String(repeating: " ", count: max(0, column - 1 - prefix.utf8.count)) + prefix + shown)
            lines.append("#sourceLocation()")
        }
        let needsInitialiser =
            !access.isEmpty || parameters.contains { $0.label != $0.name || $0.isEscaping } || parameters.isEmpty
        guard needsInitialiser else { return }
        let list = parameters.map { parameter in
            let label = parameter.label == parameter.name ? "" : parameter.label + " "
            let type = (parameter.isFunction ? "@escaping " : "") + oneLine(parameter.type)
            return "\(label)\(parameter.name): \(type)" + (parameter.defaultValue.map { " = \($0)" } ?? "")
        }
        lines.append("    \(access)init(\(list.joined(separator: ", "))) {")
        lines += parameters.map { "        self.\($0.name) = \($0.name)" }
        lines.append("    }")
    }

    // MARK: functions

    private mutating func addRender(_ isAsync: Bool) {
        let (effects, isolation) = Self.kind(isAsync)
        if !composer.slots.isEmpty {
            lines.append("    \(access)\(isolation)func render(to _o: inout Squall.TemplateOutput) \(effects) {")
            let empty = composer.slots.indices.map { ", _slot\($0): { _ in }" }.joined()
            lines.append("        \(isAsync ? "try await" : "try") render(to: &_o, fills: 0\(empty))")
            lines.append("    }")
        }
        addRender("render", composer.builder)
        if let waiting { addRender("renderWaiting", waiting.builder) }
    }

    private mutating func addRender(_ name: String, _ function: FunctionBuilder) {
        let (effects, isolation) = Self.kind(function.isAsync)
        let slots = composer.slots.indices.map {
            ", _slot\($0): \(isolation)(inout Squall.TemplateOutput) \(effects) -> Void"
        }.joined()
        let fills = slots.isEmpty ? "" : ", fills _fills: Int"
        lines.append(
            "    \(access)\(isolation)func \(name)(to _o: inout Squall.TemplateOutput\(fills)\(slots)) \(effects) {")
        addBody(function)
    }

    private static func kind(_ isAsync: Bool) -> (effects: String, isolation: String) {
        isAsync ? ("async throws", "nonisolated(nonsending) ") : ("throws", "")
    }

    private mutating func addFragments(_ isAsync: Bool) {
        guard !composer.fragments.isEmpty else { return }
        let (effects, isolation) = Self.kind(isAsync)
        lines.append("    /// The parts that can be rendered alone.")
        lines.append("    \(access)enum Fragment: Sendable {")
        lines.append("        case \(composer.fragments.map { "`\($0.name)`" }.joined(separator: ", "))")
        lines.append("    }")
        lines.append(
            "    \(access)\(isolation)func render(_ fragment: Fragment, to _o: inout Squall.TemplateOutput) \(effects) {"
        )
        lines.append("        switch fragment {")
        for (index, fragment) in composer.fragments.enumerated() {
            lines.append(
                "        case .`\(fragment.name)`: \(isAsync ? "try await" : "try") _fragment\(index)(to: &_o)")
        }
        lines += ["        }", "    }"]
        for (index, fragment) in composer.fragments.enumerated() {
            lines.append(
                "    private \(isolation)func _fragment\(index)(to _o: inout Squall.TemplateOutput) \(effects) {")
            addBody(fragment.function)
        }
    }

    private mutating func addBody(_ function: FunctionBuilder) {
        if function.lines.contains(where: { $0.hasPrefix("_o.write(") }) {
            lines.append("        let _t = _o.texts(of: Self.source)")
        }
        let taken = Set(parameters.map(\.name)).union(function.declaredNames)
        for (name, declaration) in Self.namespace where function.names.contains(name) && !taken.contains(name) {
            lines.append("        " + declaration)
        }
        for name in function.shadowedParameters.sorted() { lines.append("        var \(name) = self.\(name)") }
        lines += function.lines
        lines.append("    }")
    }

    /// What every template can use, declared where it does.
    private static let namespace: [(name: String, declaration: String)] = [
        ("handler", "let handler = try _o.handler"),
        ("request", "let request = try _o.handler.request"),
        ("currentUser", "let currentUser = try _o.handler.currentUser"),
        ("locale", "let locale = _o.locale"),
        ("flashes", "let flashes = try _o.handler.flashes()"),
        ("cspNonce", "let cspNonce = try _o.handler.cspNonce"),
        ("xsrfToken", "let _page1 = _o.page; func xsrfToken() throws -> String { try _page1.xsrfToken() }"),
        (
            "xsrfFormHTML",
            "let _page2 = _o.page; func xsrfFormHTML() throws -> Squall.HTML { try _page2.xsrfFormHTML() }"
        ),
        (
            "staticURL",
            "let _page3 = _o.page; func staticURL(_ path: String, named name: String = \"static\") throws -> String { try _page3.staticURL(path, named: name) }"
        ),
        (
            "path",
            "let _page4 = _o.page; func path(named name: String, _ arguments: [String: String] = [:]) throws -> String { try _page4.path(named: name, arguments) }"
        ),
        ("linkify", "func linkify(_ text: String) -> Squall.HTML { Squall.HTML(Squall.Escape.linkify(text)) }"),
    ]
}
