/// Cuts a template into text, expressions and tags, one after the other.
struct TagReader {
    enum Token {
        /// Text between two tags. What is written as `{{!` is two pieces of it.
        case text(Range<Int>)
        case output(Code)
        /// A tag's name, and all that is in the tag, name and all.
        case tag(name: String, Code)
        case end
    }

    let source: SourceText
    private var index = 0
    private var bytes: [UInt8] { source.bytes }

    init(_ source: SourceText) { self.source = source }

    private static let brace = UInt8(ascii: "{")

    mutating func next() throws(TemplateError) -> Token {
        let start = index
        while index < bytes.count {
            guard bytes[index] == Self.brace, let kind = kind(at: index) else {
                index += 1
                continue
            }
            if index + 2 < bytes.count, bytes[index + 2] == UInt8(ascii: "!") {
                // The two characters stand for themselves, and the exclamation mark for nothing.
                let end = index + 2
                index = end + 1
                return .text(start..<end)
            }
            if start < index { return .text(start..<index) }
            switch kind {
            case UInt8(ascii: "#"): try skipComment()
            case UInt8(ascii: "{"): return try output()
            default: return try tag()
            }
            return try next(after: index)
        }
        return start < bytes.count ? .text(start..<bytes.count) : .end
    }

    /// A declaration that has its lines to itself leaves none behind.
    mutating func skipLineEnd(after tag: Code) {
        var before = tag.range.lowerBound
        while before > 0, bytes[before - 1] != UInt8(ascii: "{") { before -= 1 }
        guard before <= 1 || bytes[before - 2] == UInt8(ascii: "\n") else { return }
        if index < bytes.count, bytes[index] == UInt8(ascii: "\r") { index += 1 }
        if index < bytes.count, bytes[index] == UInt8(ascii: "\n") { index += 1 }
    }

    /// Comments in a row are many calls otherwise.
    private mutating func next(after comment: Int) throws(TemplateError) -> Token {
        while index + 1 < bytes.count, bytes[index] == Self.brace, bytes[index + 1] == UInt8(ascii: "#"),
            index + 2 >= bytes.count || bytes[index + 2] != UInt8(ascii: "!")
        {
            try skipComment()
        }
        return try next()
    }

    /// What begins with the brace at an index: the byte after it. Of three braces the inner two begin something.
    private func kind(at index: Int) -> UInt8? {
        guard index + 1 < bytes.count else { return nil }
        switch bytes[index + 1] {
        case UInt8(ascii: "{"):
            return index + 2 < bytes.count && bytes[index + 2] == Self.brace ? nil : bytes[index + 1]
        case UInt8(ascii: "%"), UInt8(ascii: "#"): return bytes[index + 1]
        default: return nil
        }
    }

    private mutating func skipComment() throws(TemplateError) {
        let start = index
        index += 2
        while index + 1 < bytes.count {
            if bytes[index] == UInt8(ascii: "#"), bytes[index + 1] == UInt8(ascii: "}") {
                index += 2
                return
            }
            index += 1
        }
        throw source.error(at: start, "the comment is not closed; '#}' is missing")
    }

    private mutating func output() throws(TemplateError) -> Token {
        let start = index
        var scanner = SwiftScanner(source, from: start + 2)
        guard let end = try scanner.endOfFragment(UInt8(ascii: "}"), UInt8(ascii: "}")) else {
            throw source.error(at: start, "the expression is not closed; '}}' is missing")
        }
        index = end + 2
        let code = Code(source, start + 2..<end)
        guard !code.isEmpty else {
            throw source.error(at: start, "the expression is empty; for the braces themselves write '{{!'")
        }
        return .output(code)
    }

    private mutating func tag() throws(TemplateError) -> Token {
        let start = index
        var first = start + 2
        while first < bytes.count, isBlank(bytes[first]) { first += 1 }
        var nameEnd = first
        while nameEnd < bytes.count, isNamePart(bytes[nameEnd]) { nameEnd += 1 }
        let name = source.text(first..<nameEnd)
        let end =
            try name == "comment"
            ? endOfRemark(nameEnd)
            : name == "parameters"
                ? endOfParameters(nameEnd)
                : endOfTag(start)
        guard let end else { throw source.error(at: start, "the tag is not closed; '%}' is missing") }
        index = end + 2
        let code = Code(source, start + 2..<end)
        guard !code.isEmpty else {
            throw source.error(at: start, "the tag is empty; for the characters themselves write '{%!'")
        }
        return .tag(name: name, code)
    }

    private func endOfTag(_ start: Int) throws(TemplateError) -> Int? {
        var scanner = SwiftScanner(source, from: start + 2)
        return try scanner.endOfFragment(UInt8(ascii: "%"), UInt8(ascii: "}"))
    }

    /// What is in `{% comment … %}` is no Swift, and may have an apostrophe.
    private func endOfRemark(_ start: Int) -> Int? {
        guard start + 1 < bytes.count else { return nil }
        return (start..<bytes.count - 1).first { bytes[$0] == UInt8(ascii: "%") && bytes[$0 + 1] == UInt8(ascii: "}") }
    }

    /// Parameters have remarks of their own, to the line's end, which say what they are.
    private func endOfParameters(_ start: Int) throws(TemplateError) -> Int? {
        var from = start
        while true {
            // The part before the next remark, in which strings may have slashes.
            guard let remark = remark(from) else { return try endOfFragment(from, bytes.count) }
            if let end = try? endOfFragment(from, remark) { return end }
            from = remark
            while from < bytes.count, bytes[from] != UInt8(ascii: "\n") { from += 1 }
        }
    }

    private func endOfFragment(_ start: Int, _ end: Int) throws(TemplateError) -> Int? {
        var scanner = SwiftScanner(source, from: start, to: end)
        return try scanner.endOfFragment(UInt8(ascii: "%"), UInt8(ascii: "}"))
    }

    /// The next `//` that begins a line, or has a blank before it.
    private func remark(_ start: Int) -> Int? {
        var index = start
        while index + 1 < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), bytes[index + 1] == UInt8(ascii: "}") { return nil }
            if bytes[index] == UInt8(ascii: "/"), bytes[index + 1] == UInt8(ascii: "/"), index > 0,
                isBlank(bytes[index - 1])
            {
                return index
            }
            index += 1
        }
        return nil
    }
}
