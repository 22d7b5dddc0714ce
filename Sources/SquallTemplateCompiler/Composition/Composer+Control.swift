extension Composer {
    /// Each branch begins where the tag stands, and all must come to the same.
    private mutating func join(
        _ branches: [Node.Branch], _ tag: Code, isClosed: Bool,
        _ write: (inout Composer, Node.Branch) throws(TemplateError) -> Void
    ) throws(TemplateError) {
        let start = context
        var end: PageContext? = isClosed ? nil : start
        for branch in branches {
            context = start
            try write(&self, branch)
            builder.text(context.closeInserted(since: start))
            builder.closeText(&facts)
            guard let known = end else {
                end = context
                continue
            }
            end = try joined(known, context, branch.tag)
        }
        context = end ?? start
    }

    private func joined(_ one: PageContext, _ other: PageContext, _ tag: Code) throws(TemplateError) -> PageContext {
        if let result = one.joined(other) { return result }
        throw tag.error(
            "the branches end in different places: here \(other.description), otherwise \(one.description); open and close the same in each"
        )
    }

    mutating func branches(_ branches: [Node.Branch], _ isClosed: Bool) throws(TemplateError) {
        guard let first = branches.first else { return }
        for branch in branches { flushBeforeWaiting(branch.tag) }
        var isFirst = true
        try join(branches, first.tag, isClosed: isClosed) { (self, branch) throws(TemplateError) in
            let tag = branch.tag
            if isFirst {
                self.builder.code("", tag, " {", &self.facts)
                isFirst = false
            } else if tag.text == "else" {
                self.builder.line("} else {", &self.facts)
            } else {
                // Without the `el` of `elif`, it is Swift's.
                let condition = Code(tag.source, tag.range.lowerBound + 2..<tag.range.upperBound)
                self.builder.code("} else ", condition, " {", &self.facts)
            }
            self.builder.openScope(of: branch.tag)
            try self.walk(branch.body)
            self.builder.closeScope()
        }
        builder.line("}", &facts)
    }

    mutating func choice(_ code: Code, _ branches: [Node.Branch]) throws(TemplateError) {
        flushBeforeWaiting(code)
        guard let first = branches.first else { return }
        var isFirst = true
        try join(branches, code, isClosed: true) { (self, branch) throws(TemplateError) in
            if isFirst {
                self.builder.code(switch: code, case: first.tag, &self.facts)
                isFirst = false
            } else {
                self.builder.code("", branch.tag, ":", &self.facts)
            }
            self.builder.openScope(of: branch.tag)
            try self.walk(branch.body)
            self.builder.closeScope()
            self.builder.endCase(&self.facts)
        }
        builder.line("}", &facts)
    }

    /// The body must mean the same in each turn, so that it is gone through again if what it leaves is not what it began with.
    mutating func loop(_ code: Code, _ isFor: Bool, _ body: [Node]) throws(TemplateError) {
        flushBeforeWaiting(code)
        var start = context
        for _ in 0..<4 {
            var attempt = self
            attempt.context = start
            try attempt.loopOnce(code, isFor, body)
            if attempt.context.isSame(start) { return self = attempt }
            start = attempt.context
            expanded = attempt.expanded
        }
        throw code.error("what the loop leaves open grows with each turn; close in it what is opened in it")
    }

    private mutating func loopOnce(_ code: Code, _ isFor: Bool, _ body: [Node]) throws(TemplateError) {
        let number = count
        count += 1
        builder.code("_loop\(number): ", code, " {", &facts)
        loops.append(Loop(number: number, start: context))
        builder.openScope(of: code)
        try nested(body, "the loop", code, isOptional: true)
        // A sequence that is there is waited for once, elements or a condition each time.
        if !isFor || waitsForElements(code) { flushBeforeWaiting(code) }
        builder.closeScope()
        for exit in loops.removeLast().exits { context = try joined(context, exit, code) }
        builder.line("}", &facts)
    }

    /// `for await` or `for try await`
    private func waitsForElements(_ code: Code) -> Bool {
        code.text.split(whereSeparator: \.isWhitespace).dropFirst().first { $0 != "try" } == "await"
    }

    mutating func jump(_ code: Code) throws(TemplateError) {
        guard let loop = loops.last else { throw code.error("'\(code.text)' stands in no loop") }
        builder.text(context.closeInserted(since: loop.start))
        guard loop.start.joined(context) != nil else {
            throw code.error(
                "'\(code.text)' leaves the loop \(context.description), and it began \(loop.start.description)")
        }
        loops[loops.count - 1].exits.append(context)
        builder.line("\(code.text) _loop\(loop.number)", &facts)
    }

    mutating func apply(_ function: Code, _ body: [Node]) throws(TemplateError) {
        let number = count
        count += 1
        builder.line("do { _o.hold(); defer { _o.release() }; let _m\(number) = _o.mark", &facts)
        builder.openScope()
        try nested(body, "'apply'", function)
        builder.closeScope()
        builder.code("\(builder.call(function)) _o.apply(from: _m\(number), ", function, ")", &facts)
        builder.line("}", &facts)
    }

    mutating func attempt(_ attempt: Node.Attempt) throws(TemplateError) {
        let number = count
        count += 1
        // Nothing of it is sent before it is known to hold.
        builder.line("do { _o.hold(); defer { _o.release() }; let _m\(number) = _o.mark; _ = _m\(number)", &facts)
        if attempt.otherwise != nil { builder.line("var _done\(number) = false", &facts) }
        builder.line("do {", &facts)
        builder.openScope()
        let start = context
        try nested(attempt.body, "'try'", attempt.tag)
        if attempt.otherwise != nil { builder.line("_done\(number) = true", &facts) }
        builder.closeScope()
        let body = context
        var handled: PageContext?
        for handler in attempt.handlers {
            context = start
            let word = handler.tag.bytes.prefix(while: isNamePart).count
            let pattern = Code(handler.tag.source, handler.tag.range.lowerBound + word..<handler.tag.range.upperBound)
            if pattern.isEmpty {
                builder.line("} catch {", &facts)
            } else {
                builder.code("} catch ", pattern, " {", &facts)
            }
            builder.line("_o.rewind(to: _m\(number))", &facts)
            builder.openScope(of: pattern)
            try nested(handler.body, "'except'", handler.tag)
            builder.closeScope()
            if let other = handled { handled = try joined(other, context, handler.tag) } else { handled = context }
        }
        builder.line("}", &facts)
        context = body
        if let otherwise = attempt.otherwise {
            builder.line("if _done\(number) {", &facts)
            builder.openScope()
            try nested(otherwise, "'else'", attempt.tag)
            builder.closeScope()
            builder.line("}", &facts)
        }
        if let handled { context = try joined(handled, context, attempt.tag) }
        if let finally = attempt.finally { try nested(finally, "'finally'", attempt.tag) }
        builder.line("}", &facts)
    }
}
