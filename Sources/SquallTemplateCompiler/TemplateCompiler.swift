/// Compiles a folder of templates to Swift.
public struct TemplateCompiler {
    private let set: TemplateSet
    private let waiting: Waiting

    /// A source file to be written.
    public struct Output: Equatable, Sendable {
        /// Its name, without a folder.
        public var name: String
        public var contents: String
    }

    /// - Parameters:
    ///   - files: of each template its path below the folder, with `/`, and what is in it.
    ///   - folder: how the compiler names the folder in its messages.
    ///   - aliases: other paths under which Swift's compiler is to know some of the files: see ``sharedNames(_:)``.
    public init(_ files: [(name: String, bytes: [UInt8])], folder: String, aliases: [String: String] = [:]) {
        let prefix = folder.isEmpty ? "" : folder + "/"
        set = TemplateSet(
            files.map {
                SourceText(name: $0.name, path: prefix + $0.name, compiledPath: aliases[$0.name], bytes: $0.bytes)
            })
        waiting = Waiting(set)
    }

    /// Whether a file is a template, by its ending. Hidden ones are none, such as those by which Emacs locks a file.
    public static func isTemplate(_ name: String) -> Bool {
        Naming.kind(of: name) != nil && !name.split(separator: "/").contains { $0.hasPrefix(".") }
    }

    /// The source file that a template becomes. Nil for what is only a part of others.
    public static func outputName(_ name: String) -> String? { Naming.isPart(name) ? nil : Naming.file(name) }

    /// Files whose name, without its folder, another has already. Swift's compiler warns of each line that comes from one,
    /// because `#fileID` has a file's name only. They need an alias: a link with a name of its own.
    public static func sharedNames(_ names: [String]) -> [String] {
        var seen: Set<Substring> = []
        return names.sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
            .filter { !seen.insert($0.split(separator: "/").last ?? "").inserted }
    }

    /// All files, and all that is wrong.
    /// - Parameter root: an expression of Swift for the folder, in which a program that is developed looks for changes.
    public func compile(root: String) -> (outputs: [Output], errors: [TemplateError]) {
        var outputs: [Output] = []
        var errors: [TemplateError] = []
        var types: [String: String] = [:]
        for name in set.names {
            do throws(TemplateError) {
                // What is wrong with a part is said, too, if nothing includes it.
                _ = try set.template(name)
                guard !Naming.isPart(name) else { continue }
                if let other = types.updateValue(name, forKey: Naming.type(name)), let source = set.source(name) {
                    throw source.error(
                        at: 0, "'\(other)' and '\(name)' would both be called \(Naming.type(name)); rename one")
                }
                let (composer, chain) = try compose(name)
                let waiting = waiting.isFilled(name) ? try compose(name, isAsync: true).0 : nil
                var builder = StructBuilder(composer, waiting: waiting, chain, root: root)
                outputs.append(Output(name: Naming.file(name), contents: builder.build()))
            } catch {
                if !errors.contains(error) { errors.append(error) }
            }
        }
        return (outputs, errors)
    }

    /// What a page's text is now.
    public struct Texts: Sendable {
        /// The pieces of text, as the compiled functions number them.
        public var texts: [[UInt8]]
        /// Differs if anything else was changed.
        public var skeleton: UInt64
        /// The files that the page was put together from.
        public var files: [String]
    }

    /// The text of one template, for reloading.
    public func texts(of name: String) throws(TemplateError) -> Texts {
        let facts = try compose(name).0.facts
        return Texts(texts: facts.texts, skeleton: facts.skeleton, files: facts.files)
    }

    /// - Parameter isAsync: nil: if anything in it waits.
    private func compose(
        _ name: String, isAsync: Bool? = nil
    ) throws(TemplateError) -> (Composer, chain: [ParsedTemplate]) {
        var chain = [try set.template(name)]
        while let parent = chain[chain.count - 1].parent {
            let file = try set.resolve(parent)
            guard !chain.contains(where: { $0.source.name == file }) else {
                let way = (chain.map(\.source.name) + [file]).joined(separator: " → ")
                throw parent.tag.error("the templates extend one another in a circle: \(way)")
            }
            chain.append(try set.template(file))
        }
        var composer = Composer(name, chain, set, waiting, isAsync: isAsync ?? waiting.contains(name))
        for (index, template) in chain.enumerated() {
            guard let call = template.parent else { continue }
            for argument in call.arguments { try composer.provide(argument, at: index, chain) }
        }
        composer.note(chain)
        try composer.compose(chain)
        return (composer, chain)
    }
}

extension Composer {
    /// A parent's parameter, given by the template that extends it, which is at an index of the chain.
    fileprivate mutating func provide(
        _ argument: Node.Argument, at index: Int, _ chain: [ParsedTemplate]
    ) throws(TemplateError) {
        let name = argument.label.text
        let above = chain.indices.dropFirst(index + 1)
        // A parent's parameter may be given by one between.
        guard let owner = above.first(where: { chain[$0].parameters.contains { $0.name == name } }) else {
            throw argument.label.error(
                "'\(chain[index + 1].source.name)' has no parameter '\(name)'"
                    + suggestion(for: name, among: above.flatMap { chain[$0].parameters.map(\.name) }))
        }
        if let other = chain[(index + 1)..<owner].first(where: { $0.gives(name) }) {
            throw argument.label.error(
                "'\(other.source.name)' gives '\(name)' to '\(chain[owner].source.name)' already")
        }
        let type = chain[owner].parameters.first { $0.name == name }?.type
        provided.append(Provided(level: index, type: type, argument: argument))
    }

    /// What is declared and is no text.
    mutating func note(_ chain: [ParsedTemplate]) {
        for template in chain {
            for parameter in template.parameters { facts.note(parameter.declaration.text) }
            for code in template.imports { facts.note(code.text) }
            for resource in template.resources { facts.note("\(resource.kind) \(resource.code.text)") }
            facts.note(template.access ?? "")
        }
    }
}

extension ParsedTemplate {
    /// Whether it gives its parents a parameter.
    func gives(_ name: String) -> Bool { parent?.arguments.contains { $0.label.text == name } ?? false }
}
