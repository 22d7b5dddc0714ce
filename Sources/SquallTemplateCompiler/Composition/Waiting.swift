/// Which templates wait for something while they are rendered, so that their functions are asynchronous.
struct Waiting {
    private let set: TemplateSet
    private var waiting: Set<String> = []
    /// Components of which a slot is filled with what waits, somewhere.
    private var filled: Set<String> = []

    func contains(_ name: String) -> Bool { waiting.contains(name) }

    /// Whether a component that does not wait itself needs a function that does.
    func isFilled(_ name: String) -> Bool { filled.contains(name) && !waiting.contains(name) }

    /// - Parameter slotsWait: whether what is put into the slots of the template itself may wait.
    func waits(_ fills: [Node.Block], slotsWait: Bool) -> Bool {
        var facts = Facts()
        for fill in fills { Self.collect(fill.body, set, &facts) }
        return facts.waits || facts.hasSlot && slotsWait || !facts.uses.isDisjoint(with: waiting)
    }

    /// What a list of nodes has.
    private struct Facts {
        var waits = false
        var uses: Set<String> = []
        /// Whether a slot of the template itself is among it.
        var hasSlot = false
        /// What is put into slots of which template.
        var fills: [(component: String, facts: Facts)] = []
    }

    init(_ set: TemplateSet) {
        self.set = set
        var facts: [String: Facts] = [:]
        for name in set.names {
            // What is wrong with a template is said where it is compiled.
            guard let template = try? set.template(name) else { continue }
            var found = Facts()
            if let parent = template.parent {
                Self.add(parent, set, &found)
            }
            Self.collect(template.nodes, set, &found)
            facts[name] = found
        }
        var isStable = false
        while !isStable {
            isStable = true
            for (name, facts) in facts {
                if facts.waits || !facts.uses.isDisjoint(with: waiting), waiting.insert(name).inserted {
                    isStable = false
                }
            }
        }
        isStable = false
        while !isStable {
            isStable = true
            for (name, facts) in facts {
                // A component passes on what is put into its own slots.
                let slotsWait = waiting.contains(name) || filled.contains(name)
                for fill in facts.fills
                where fill.facts.waits || !fill.facts.uses.isDisjoint(with: waiting) || fill.facts.hasSlot && slotsWait
                {
                    if filled.insert(fill.component).inserted { isStable = false }
                }
            }
        }
    }

    private static func add(_ call: Node.Call, _ set: TemplateSet, _ facts: inout Facts) {
        for argument in call.arguments { facts.waits = facts.waits || waits(argument.value) }
        if let name = try? set.resolve(call) { facts.uses.insert(name) }
    }

    private static func waits(_ code: Code) -> Bool { code.freeNames.contains("await") }

    private static func collect(_ nodes: [Node], _ set: TemplateSet, _ facts: inout Facts) {
        func note(_ code: Code) { facts.waits = facts.waits || waits(code) }
        func note(_ branches: [Node.Branch]) {
            for branch in branches {
                note(branch.tag)
                collect(branch.body, set, &facts)
            }
        }
        for node in nodes {
            switch node {
            case .text, .parentBlock, .jump: break
            case .output(let code, let escaping):
                note(code)
                if case .function(let function) = escaping { note(function) }
            case .raw(let code), .module(let code), .set(let code): note(code)
            case .block(let block), .fragment(let block): collect(block.body, set, &facts)
            case .slot(let block):
                facts.hasSlot = true
                collect(block.body, set, &facts)
            case .include(let call): add(call, set, &facts)
            case .component(let call, let fills):
                add(call, set, &facts)
                guard let name = try? set.resolve(call) else { continue }
                for fill in fills {
                    var inner = Facts()
                    collect(fill.body, set, &inner)
                    facts.waits = facts.waits || inner.waits
                    facts.hasSlot = facts.hasSlot || inner.hasSlot
                    facts.uses.formUnion(inner.uses)
                    facts.fills += inner.fills
                    facts.fills.append((name, inner))
                }
            case .apply(let code, let body), .loop(let code, _, let body):
                note(code)
                collect(body, set, &facts)
            case .branches(let branches, _): note(branches)
            case .choice(let code, let branches):
                note(code)
                note(branches)
            case .attempt(let attempt):
                collect(attempt.body, set, &facts)
                note(attempt.handlers)
                collect(attempt.otherwise ?? [], set, &facts)
                collect(attempt.finally ?? [], set, &facts)
            }
        }
    }
}
