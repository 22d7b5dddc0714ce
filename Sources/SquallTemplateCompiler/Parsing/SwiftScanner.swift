/// Walks over Swift in a template without understanding it: far enough to know where it ends, which names it uses and
/// where its commas are. Strings, comments and brackets are heeded.
struct SwiftScanner {
    let source: SourceText
    private var index: Int
    private let end: Int
    /// The brackets that are open, as the bytes that close them, and where they were opened.
    private var open: [(closing: UInt8, at: Int)] = []

    private var bytes: [UInt8] { source.bytes }
    /// More are a mistake, and would cost stack in what comes after.
    private static let mostBrackets = 256

    init(_ source: SourceText, from start: Int, to end: Int? = nil) {
        self.source = source
        index = start
        self.end = end ?? source.bytes.count
    }

    private func byte(_ index: Int) -> UInt8 { index < end ? bytes[index] : 0 }

    /// Where the fragment ends that began at the start: before the first `}}`, or other closing pair, that is outside of strings,
    /// comments and brackets. Nil if there is none.
    mutating func endOfFragment(_ first: UInt8, _ second: UInt8) throws(TemplateError) -> Int? {
        while index < end {
            if open.isEmpty, bytes[index] == first, byte(index + 1) == second { return index }
            try step()
        }
        if let (closing, at) = open.last {
            throw source.error(
                at: at,
                "'\(Character(UnicodeScalar(bytes[at])))' is not closed; '\(Character(UnicodeScalar(closing)))' is missing"
            )
        }
        return nil
    }

    /// The names that stand free: not after a period, and no argument's label.
    mutating func freeNames() -> Set<String> {
        var names: Set<String> = []
        var previous: UInt8 = 0
        while index < end {
            let byte = bytes[index]
            if isLetter(byte) || byte == UInt8(ascii: "_") || byte >= 0x80 {
                let start = index
                while index < end, isNamePart(bytes[index]) { index += 1 }
                let isMember = previous == UInt8(ascii: ".")
                var next = index
                while next < end, isBlank(bytes[next]) { next += 1 }
                let opens = previous == UInt8(ascii: "(") || previous == UInt8(ascii: ",")
                let isLabel = opens && self.byte(next) == UInt8(ascii: ":")
                if !isMember, !isLabel { names.insert(source.text(start..<index)) }
                previous = UInt8(ascii: "a")
                continue
            }
            let start = index
            // Interpolations have names, too.
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "#") {
                guard (try? step()) != nil else { return names }
                var inner = SwiftScanner(source, from: start + 1, to: max(start + 1, index))
                names.formUnion(inner.interpolatedNames())
                previous = UInt8(ascii: "\"")
                continue
            }
            if !isBlank(byte) { previous = byte }
            open.removeAll()
            guard (try? step()) != nil else {
                index = max(index, start + 1)
                continue
            }
        }
        return names
    }

    /// The names of the interpolations of a string, whose contents this scans.
    private mutating func interpolatedNames() -> Set<String> {
        var names: Set<String> = []
        while index < end {
            guard bytes[index] == UInt8(ascii: "\\") else {
                index += 1
                continue
            }
            index += 1
            while byte(index) == UInt8(ascii: "#") { index += 1 }
            guard byte(index) == UInt8(ascii: "(") else {
                index += 1
                continue
            }
            let start = index + 1
            guard (try? skipGroup()) != nil else { return names }
            var inner = SwiftScanner(source, from: start, to: max(start, index - 1))
            names.formUnion(inner.freeNames())
        }
        return names
    }

    /// Where each comma is that stands in no bracket.
    mutating func commas() throws(TemplateError) -> [Int] { try places(of: UInt8(ascii: ",")) }

    /// Where each of these bytes is that stands in no bracket.
    mutating func places(of wanted: UInt8) throws(TemplateError) -> [Int] {
        var found: [Int] = []
        while index < end {
            if open.isEmpty, bytes[index] == wanted { found.append(index) }
            try step()
        }
        return found
    }

    /// Where the first assignment is that stands in no bracket: the range of its operator, such as `=` or `+=`.
    mutating func assignment() throws(TemplateError) -> Range<Int>? {
        while index < end {
            if open.isEmpty, isOperator(bytes[index]) {
                let start = index
                while index < end, isOperator(bytes[index]) { index += 1 }
                let text = source.text(start..<index)
                if text == "=" || ["+=", "-=", "*=", "/=", "%=", "&=", "|=", "^="].contains(text) {
                    return start..<index
                }
                continue
            }
            try step()
        }
        return nil
    }

    private func isOperator(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "%"),
            UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "!"), UInt8(ascii: "&"), UInt8(ascii: "|"),
            UInt8(ascii: "^"), UInt8(ascii: "?"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    // MARK: one step

    /// Goes over one byte, or a whole string or comment.
    private mutating func step() throws(TemplateError) {
        let byte = bytes[index]
        switch byte {
        case UInt8(ascii: "\""): try skipString(pounds: 0)
        case UInt8(ascii: "#"):
            var pounds = 0
            while self.byte(index + pounds) == UInt8(ascii: "#") { pounds += 1 }
            if self.byte(index + pounds) == UInt8(ascii: "\"") {
                index += pounds
                try skipString(pounds: pounds)
            } else {
                index += pounds
            }
        case UInt8(ascii: "/") where self.byte(index + 1) == UInt8(ascii: "*"): try skipComment()
        case UInt8(ascii: "/") where self.byte(index + 1) == UInt8(ascii: "/"):
            throw source.error(
                at: index, "a comment to the line's end would hide what closes this; write /* … */ or {# … #}")
        case UInt8(ascii: "("): try opened(UInt8(ascii: ")"))
        case UInt8(ascii: "["): try opened(UInt8(ascii: "]"))
        case UInt8(ascii: "{"): try opened(UInt8(ascii: "}"))
        case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"):
            guard let last = open.popLast() else {
                throw source.error(at: index, "'\(Character(UnicodeScalar(byte)))' closes nothing")
            }
            guard last.closing == byte else {
                throw source.error(
                    at: index,
                    "'\(Character(UnicodeScalar(byte)))' stands where '\(Character(UnicodeScalar(last.closing)))' should"
                )
            }
            index += 1
        default: index += 1
        }
    }

    private mutating func opened(_ closing: UInt8) throws(TemplateError) {
        guard open.count < Self.mostBrackets else { throw source.error(at: index, "too many brackets are open") }
        open.append((closing, index))
        index += 1
    }

    private mutating func skipComment() throws(TemplateError) {
        let start = index
        var depth = 0
        while index < end {
            if bytes[index] == UInt8(ascii: "/"), byte(index + 1) == UInt8(ascii: "*") {
                depth += 1
                index += 2
            } else if bytes[index] == UInt8(ascii: "*"), byte(index + 1) == UInt8(ascii: "/") {
                depth -= 1
                index += 2
                if depth == 0 { return }
            } else {
                index += 1
            }
        }
        throw source.error(at: start, "the comment is not closed; '*/' is missing")
    }

    /// At the opening quotation mark.
    private mutating func skipString(pounds: Int) throws(TemplateError) {
        let start = index
        let isLong = byte(index + 1) == UInt8(ascii: "\"") && byte(index + 2) == UInt8(ascii: "\"")
        let quotes = isLong ? 3 : 1
        index += quotes
        while index < end {
            switch bytes[index] {
            case UInt8(ascii: "\n") where !isLong:
                throw source.error(at: start, "the string is not closed in its line; '\"' is missing")
            case UInt8(ascii: "\\") where repeats(UInt8(ascii: "#"), pounds, at: index + 1):
                index += 1 + pounds
                if byte(index) == UInt8(ascii: "(") { try skipGroup() } else { index += 1 }
            case UInt8(ascii: "\"")
            where repeats(UInt8(ascii: "\""), quotes, at: index)
                && repeats(UInt8(ascii: "#"), pounds, at: index + quotes):
                index += quotes + pounds
                return
            default: index += 1
            }
        }
        index = min(index, end)
        throw source.error(at: start, "the string is not closed; '\"' is missing")
    }

    private func repeats(_ wanted: UInt8, _ count: Int, at start: Int) -> Bool {
        (0..<count).allSatisfy { byte(start + $0) == wanted }
    }

    /// Goes over an interpolation, from its `(` to behind its `)`.
    private mutating func skipGroup() throws(TemplateError) {
        let start = index
        guard open.count < Self.mostBrackets else { throw source.error(at: index, "too many brackets are open") }
        let outer = open.count
        try step()
        while index < end, open.count > outer { try step() }
        if open.count > outer { throw source.error(at: start, "'(' is not closed; ')' is missing") }
    }
}

extension Code {
    /// The names that the code uses, but for members and labels.
    var freeNames: Set<String> {
        var scanner = SwiftScanner(source, from: range.lowerBound, to: range.upperBound)
        return scanner.freeNames()
    }
}

extension Code {
    /// The names that a tag's pattern declares and that its own expressions do not use: of `for x in list` and `case .a(let x)`,
    /// but not of `if let x`, which has another `x` for its value.
    var boundNames: Set<String> {
        let words = text.split { !$0.utf8.allSatisfy(isNamePart) }
        guard let first = words.first else { return [] }
        if first == "for" {
            guard let end = words.firstIndex(of: "in") else { return [] }
            let pattern = Set(words[..<end].map(String.init))
            let sequence = words[end...].dropFirst().prefix { $0 != "where" }
            return pattern.subtracting(sequence.map(String.init)).subtracting([
                "for", "try", "await", "case", "let", "var",
            ])
        }
        let isCondition = first == "if" || first == "while"
        var names: Set<String> = []
        var used: Set<Substring> = []
        for part in isCondition ? text.split(separator: ",") : [text[...]] {
            let words = part.split { !$0.utf8.allSatisfy(isNamePart) }
            let found = zip(words, words.dropFirst()).filter { $0.0 == "let" || $0.0 == "var" }.map(\.1)
            guard isCondition else { return Set(found.map(String.init)) }
            // Of `let name` alone, the value is another of that name.
            let isShorthand = words.count == 2 || words.count == 3 && words[0] == first
            for name in found where !isShorthand && words.count(where: { $0 == name }) == 1 && !used.contains(name) {
                names.insert(String(name))
            }
            used.formUnion(words.filter { !names.contains(String($0)) })
        }
        return names
    }
}
