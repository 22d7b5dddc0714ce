/// Reads what is declared in `parameters`, and what is passed to a template.
enum ParameterList {
    /// `label name: Type = value, …`, with remarks.
    static func parameters(_ code: Code) throws(TemplateError) -> [Parameter] {
        var result: [Parameter] = []
        var documentation: [String] = []
        var pending = code.range.lowerBound
        let source = code.source
        while pending < code.range.upperBound {
            (pending, documentation) = remarks(source, pending..<code.range.upperBound, documentation)
            guard pending < code.range.upperBound else { break }
            let end = try endOfDeclaration(source, pending..<code.range.upperBound)
            let declaration = Code(source, pending..<end)
            if !declaration.isEmpty {
                let parameter = try self.parameter(declaration, documentation)
                guard !result.contains(where: { $0.name == parameter.name }) else {
                    throw declaration.error("there is a parameter '\(parameter.name)' already")
                }
                result.append(parameter)
                documentation = []
            } else if end < code.range.upperBound {
                throw source.error(at: end, "a parameter is missing before the comma")
            }
            pending = end
            if pending < code.range.upperBound, source.bytes[pending] == UInt8(ascii: ",") { pending += 1 }
            // What stands behind the comma in the same line is about what stands before it.
            let trailing = trailingRemark(source, pending..<code.range.upperBound)
            if let (text, next) = trailing, let last = result.indices.last {
                result[last].documentation.append(text)
                pending = next
            }
        }
        return result
    }

    /// `name: value, …`
    static func arguments(_ code: Code) throws(TemplateError) -> [Node.Argument] {
        var result: [Node.Argument] = []
        var start = code.range.lowerBound
        var scanner = SwiftScanner(code.source, from: start, to: code.range.upperBound)
        let commas = try scanner.commas().filter { beginsLabel(code.source, $0 + 1..<code.range.upperBound) }
        for end in commas + [code.range.upperBound] {
            let part = Code(code.source, start..<end)
            guard let colon = colonOfLabel(code.source, part.range) else {
                throw part.error("what is passed has a name, as in title: report.name")
            }
            let value = Code(code.source, colon + 1..<part.range.upperBound)
            guard !value.isEmpty else { throw part.error("the value is missing") }
            result.append(Node.Argument(label: Code(code.source, part.range.lowerBound..<colon), value: value))
            start = end + 1
        }
        return result
    }

    private static func parameter(_ code: Code, _ documentation: [String]) throws(TemplateError) -> Parameter {
        let source = code.source
        guard let colon = source.bytes[code.range].firstIndex(of: UInt8(ascii: ":")) else {
            throw code.error("a parameter has a name and a type, as in report: Report")
        }
        let names = Code(source, code.range.lowerBound..<colon).text.split(whereSeparator: \.isWhitespace)
        guard let name = names.last, names.count <= 2, names.allSatisfy({ $0.utf8.allSatisfy(isNamePart) }),
            name.utf8.first.map({ !isDigit($0) }) ?? false
        else { throw code.error("a parameter has a name and a type, as in report: Report") }
        guard !keywords.contains(String(name)) else {
            throw code.error("'\(name)' is a word of Swift's own and no parameter's name; call it otherwise")
        }
        let nameStart = Code(source, code.range.lowerBound..<colon).range.upperBound - name.utf8.count
        let afterColon = Code(source, colon + 1..<code.range.upperBound)
        var scanner = SwiftScanner(source, from: afterColon.range.lowerBound, to: afterColon.range.upperBound)
        let assignment = try scanner.assignment()
        var type = Code(source, afterColon.range.lowerBound..<(assignment?.lowerBound ?? afterColon.range.upperBound))
        guard !type.isEmpty else { throw code.error("the parameter '\(name)' has no type") }
        let value = assignment.map { Code(source, $0.upperBound..<code.range.upperBound) }
        if let value, value.isEmpty { throw code.error("the default of '\(name)' is missing") }
        let isEscaping = type.text.hasPrefix("@escaping ")
        if isEscaping {
            type = Code(source, type.range.lowerBound + "@escaping ".utf8.count..<type.range.upperBound)
        }
        var arrows = SwiftScanner(source, from: type.range.lowerBound, to: type.range.upperBound)
        let isFunction = try arrows.places(of: UInt8(ascii: ">")).contains {
            $0 > type.range.lowerBound && source.bytes[$0 - 1] == UInt8(ascii: "-")
        }
        return Parameter(
            label: String(names[0]), name: String(name), declaration: Code(source, nameStart..<code.range.upperBound),
            type: type.text, documentation: documentation, hasDefault: value != nil, isEscaping: isEscaping,
            isFunction: isFunction, defaultValue: value?.text)
    }

    /// Where the next comma is that a name with a colon, or nothing, follows; commas of generic types have none.
    private static func endOfDeclaration(_ source: SourceText, _ range: Range<Int>) throws(TemplateError) -> Int {
        let end = startOfRemark(source, range) ?? range.upperBound
        var scanner = SwiftScanner(source, from: range.lowerBound, to: end)
        for comma in try scanner.commas() {
            let (next, _) = remarks(source, comma + 1..<range.upperBound, [])
            if next >= range.upperBound || beginsLabel(source, next..<range.upperBound)
                || source.bytes[next] == UInt8(ascii: ",")
            {
                return comma
            }
        }
        return end
    }

    private static let keywords: Set = [
        "as", "associatedtype", "break", "case", "catch", "class", "continue", "default", "defer", "deinit", "do",
        "else",
        "enum", "extension", "fallthrough", "false", "fileprivate", "for", "func", "guard", "if", "import", "in",
        "init",
        "inout", "internal", "is", "let", "nil", "operator", "precedencegroup", "private", "protocol", "public",
        "repeat",
        "rethrows", "return", "self", "Self", "static", "struct", "subscript", "super", "switch", "throw", "throws",
        "true", "try", "typealias", "var", "where", "while",
    ]

    // MARK: labels

    private static func beginsLabel(_ source: SourceText, _ range: Range<Int>) -> Bool {
        colonOfLabel(source, range) != nil
    }

    /// The colon after one name, or two with a blank between.
    private static func colonOfLabel(_ source: SourceText, _ range: Range<Int>) -> Int? {
        var index = range.lowerBound
        var names = 0
        while index < range.upperBound {
            let byte = source.bytes[index]
            if isBlank(byte) {
                index += 1
            } else if byte == UInt8(ascii: ":") {
                return names > 0 ? index : nil
            } else if isNamePart(byte), names < 2 {
                names += 1
                while index < range.upperBound, isNamePart(source.bytes[index]) { index += 1 }
            } else {
                return nil
            }
        }
        return nil
    }

    // MARK: remarks

    /// Where the first `//` is that begins a line or has a blank before it.
    private static func startOfRemark(_ source: SourceText, _ range: Range<Int>) -> Int? {
        guard range.count > 1 else { return nil }
        return (range.lowerBound..<range.upperBound - 1).first {
            source.bytes[$0] == UInt8(ascii: "/") && source.bytes[$0 + 1] == UInt8(ascii: "/")
                && ($0 == range.lowerBound || isBlank(source.bytes[$0 - 1]))
        }
    }

    /// Goes over blanks and remarks.
    private static func remarks(
        _ source: SourceText, _ range: Range<Int>, _ before: [String]
    ) -> (next: Int, texts: [String]) {
        var texts = before
        var index = range.lowerBound
        while index < range.upperBound {
            if isBlank(source.bytes[index]) {
                index += 1
            } else if let (text, next) = remark(source, index..<range.upperBound) {
                texts.append(text)
                index = next
            } else {
                break
            }
        }
        return (index, texts)
    }

    private static func trailingRemark(_ source: SourceText, _ range: Range<Int>) -> (text: String, next: Int)? {
        var index = range.lowerBound
        while index < range.upperBound, isBlank(source.bytes[index]) {
            if source.bytes[index] == UInt8(ascii: "\n") { return nil }
            index += 1
        }
        return remark(source, index..<range.upperBound)
    }

    private static func remark(_ source: SourceText, _ range: Range<Int>) -> (text: String, next: Int)? {
        guard range.count > 1, source.bytes[range.lowerBound] == UInt8(ascii: "/"),
            source.bytes[range.lowerBound + 1] == UInt8(ascii: "/")
        else { return nil }
        var start = range.lowerBound
        while start < range.upperBound, source.bytes[start] == UInt8(ascii: "/") { start += 1 }
        let end = source.bytes[start..<range.upperBound].firstIndex(of: UInt8(ascii: "\n")) ?? range.upperBound
        return (Code(source, start..<end).text, end)
    }
}
