/// Where in JavaScript a place is: in a string, in a comment, in code.
struct ScriptState: Equatable {
    enum Mode: Equatable {
        case code, doubleQuoted, singleQuoted, template, expression, lineComment, blockComment
    }
    /// Whether a slash begins a regular expression or divides.
    enum Slash { case expression, division, undecided }

    private(set) var mode = Mode.code
    /// How many braces are open in each `${` that is.
    private var substitutions: [Int] = []
    /// Of each parenthesis that is open: whether a statement follows it, as after `if (…)`.
    private var parentheses: [Bool] = []
    private var slash = Slash.expression
    /// The last bytes of code that were no blanks.
    private var word: [UInt8] = []
    private var last: UInt8 = 0
    private var isAfterBlank = false
    /// After `.`, where any word is a name.
    private var isMember = false
    private(set) var isEscaped = false
    private var isInClass = false
    private var isAtLineStart = true
    /// The first of two characters that mean something together, if the text was cut between them.
    private var cut: UInt8 = 0

    /// Where the same may follow, but for what a slash means.
    func meets(_ other: ScriptState) -> Bool {
        mode == other.mode && substitutions == other.substitutions && isEscaped == other.isEscaped
            && isInClass == other.isInClass
    }

    /// Where a slash means the same, too.
    func isSame(_ other: ScriptState) -> Bool {
        meets(other) && slashNow == other.slashNow && parentheses == other.parentheses
            && isAtLineStart == other.isAtLineStart
    }

    /// What both came to, where only what is not known yet differs.
    mutating func merge(_ other: ScriptState) {
        if slashNow != other.slashNow {
            slash = .undecided
            word = []
            last = 0
        }
        if parentheses != other.parentheses {
            // Where they differ, a slash behind them divides, as behind most.
            let common = zip(parentheses, other.parentheses).prefix { $0 == $1 }.count
            parentheses.removeLast(parentheses.count - common)
        }
        isAtLineStart = isAtLineStart || other.isAtLineStart
        if cut == 0 { cut = other.cut }
    }

    /// An expression of the template's stands here: a value.
    mutating func feedValue() {
        guard mode == .code else { return }
        slash = .division
        word = []
        last = UInt8(ascii: ")")
        isMember = false
        isAfterBlank = false
        isAtLineStart = false
        cut = 0
    }

    /// Whether a value that stands here would grow together with what is before it: a minus with a negative number, `return` with any.
    var needsBlank: Bool {
        mode == .code && !isAfterBlank
            && (last == UInt8(ascii: "-") || isNamePart(last) && !isMember && Self.isBeforeExpression(word))
    }

    /// - Parameter bytes: what comes, four bytes of it if there are so many.
    /// - Returns: how many bytes were taken.
    mutating func feed(_ bytes: ArraySlice<UInt8>) throws(TextTrouble) -> Int {
        guard let byte = bytes.first else { return 0 }
        let next = bytes.dropFirst().first
        try checkCut(byte)
        switch mode {
        case .code: return try feedCode(byte, next, bytes)
        case .doubleQuoted, .singleQuoted:
            let quote = mode == .doubleQuoted ? UInt8(ascii: "\"") : UInt8(ascii: "'")
            if isEscaped { return endEscape(byte, next) }
            if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == quote || byte == 0x0a || byte == 0x0d {
                endValue()
            }
        case .template:
            if isEscaped { return endEscape(byte, next) }
            if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "`") {
                endValue()
            } else if byte == UInt8(ascii: "$") {
                if next == nil { cut = byte }
                guard next == UInt8(ascii: "{") else { return 1 }
                substitutions.append(0)
                mode = .code
                last = UInt8(ascii: "{")
                word = []
                return 2
            }
        case .expression:
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "[") {
                isInClass = true
            } else if byte == UInt8(ascii: "]") {
                isInClass = false
            } else if byte == UInt8(ascii: "/") && !isInClass || Self.isLineEnd(bytes) {
                endValue()
            }
        case .lineComment:
            if Self.isLineEnd(bytes) {
                mode = .code
                isAtLineStart = true
            }
        case .blockComment:
            if byte == UInt8(ascii: "*") {
                if next == nil { cut = byte }
                guard next == UInt8(ascii: "/") else { return 1 }
                mode = .code
                return 2
            } else if Self.isLineEnd(bytes) {
                isAtLineStart = true
            }
        }
        return 1
    }

    private mutating func checkCut(_ byte: UInt8) throws(TextTrouble) {
        guard cut != 0 else { return }
        let pair = (cut, byte)
        cut = 0
        let slash = UInt8(ascii: "/")
        let star = UInt8(ascii: "*")
        if pair == (slash, slash) || pair == (slash, star) || pair == (star, slash)
            || pair == (UInt8(ascii: "$"), UInt8(ascii: "{"))
        {
            throw .cut
        }
    }

    private mutating func endEscape(_ byte: UInt8, _ next: UInt8?) -> Int {
        isEscaped = false
        // Together these are one line's end.
        return byte == 0x0d && next == 0x0a ? 2 : 1
    }

    private static func isLineEnd(_ bytes: ArraySlice<UInt8>) -> Bool {
        switch bytes.first {
        case 0x0a, 0x0d: true
        // The separators of lines and of paragraphs.
        case 0xe2: bytes.starts(with: [0xe2, 0x80, 0xa8]) || bytes.starts(with: [0xe2, 0x80, 0xa9])
        default: false
        }
    }

    /// How long the blank is that comes, if it is one of JavaScript's, which are more than HTML's.
    private static func blank(_ bytes: ArraySlice<UInt8>) -> Int {
        guard let byte = bytes.first else { return 0 }
        if byte < 0x80 { return isBlank(byte) || byte == 0x0b ? 1 : 0 }
        return blanks.first(where: { bytes.starts(with: $0) })?.count ?? 0
    }

    private static let blanks: [[UInt8]] = {
        let spaces = (0x2000...0x200a).compactMap(UnicodeScalar.init)
        return
            (["\u{a0}", "\u{feff}", "\u{2028}", "\u{2029}", "\u{202f}", "\u{205f}", "\u{3000}", "\u{1680}"] + spaces)
            .map { Array(String($0).utf8) }
    }()

    private mutating func endValue() {
        mode = .code
        isInClass = false
        feedValue()
    }

    private mutating func feedCode(
        _ byte: UInt8, _ next: UInt8?, _ bytes: ArraySlice<UInt8>
    ) throws(TextTrouble) -> Int {
        if bytes.starts(with: "<!--".utf8) || isAtLineStart && bytes.starts(with: "-->".utf8) { throw .markup }
        let blank = Self.blank(bytes)
        if blank > 0 {
            isAfterBlank = true
            if Self.isLineEnd(bytes) { isAtLineStart = true }
            return blank
        }
        let wasAtLineStart = isAtLineStart
        isAtLineStart = false
        switch byte {
        case UInt8(ascii: "\""): mode = .doubleQuoted
        case UInt8(ascii: "'"): mode = .singleQuoted
        case UInt8(ascii: "`"): mode = .template
        case UInt8(ascii: "/"):
            if next == UInt8(ascii: "/") || next == UInt8(ascii: "*") {
                mode = next == UInt8(ascii: "/") ? .lineComment : .blockComment
                isAtLineStart = wasAtLineStart
                isAfterBlank = true
                return 2
            }
            if next == nil { cut = byte }
            switch slashNow {
            case .expression: mode = .expression
            case .division: note(byte)
            case .undecided: throw .slash
            }
        case UInt8(ascii: "{"):
            if let depth = substitutions.popLast() { substitutions.append(depth + 1) }
            note(byte)
        case UInt8(ascii: "}"):
            if let depth = substitutions.popLast() {
                if depth == 0 {
                    mode = .template
                    return 1
                }
                substitutions.append(depth - 1)
            }
            note(byte)
        case UInt8(ascii: "("):
            let isStatement =
                !isMember && ["if", "while", "for", "with"].contains(String(decoding: word, as: UTF8.self))
            parentheses.append(isStatement)
            note(byte)
        case UInt8(ascii: ")"):
            note(byte)
            // Behind a condition stands a statement, which may be a regular expression.
            if parentheses.popLast() == true { last = UInt8(ascii: ";") }
        default: note(byte)
        }
        return 1
    }

    private mutating func note(_ byte: UInt8) {
        slash = .expression
        let isName = isNamePart(byte) || byte == UInt8(ascii: "$")
        let continues = isName && !isAfterBlank && (isNamePart(last) || last == UInt8(ascii: "$"))
        let repeats = byte == last && !isAfterBlank
        isAfterBlank = false
        if isName {
            if !continues {
                word = []
                isMember = last == UInt8(ascii: ".")
            }
            if word.count < 16 { word.append(byte) }
        } else if repeats, byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") {
            word = [byte, byte]
        } else {
            word = []
            isMember = false
        }
        last = byte
    }

    /// What a slash means that comes next.
    private var slashNow: Slash {
        if last == 0 { return slash }
        if isNamePart(last) || last == UInt8(ascii: "$") {
            return !isMember && Self.isBeforeExpression(word) ? .expression : .division
        }
        switch last {
        case UInt8(ascii: ")"), UInt8(ascii: "]"): return .division
        // A block may end here, or an object; a number, or the name before a member's.
        case UInt8(ascii: "}"), UInt8(ascii: "."): return .undecided
        case UInt8(ascii: "+"), UInt8(ascii: "-"): return word.count == 2 ? .division : .expression
        default: return .expression
        }
    }

    private static func isBeforeExpression(_ word: [UInt8]) -> Bool {
        beforeExpressions.contains(String(decoding: word, as: UTF8.self))
    }

    private static let beforeExpressions: Set = [
        "await", "break", "case", "continue", "default", "delete", "do", "else", "extends", "finally", "in",
        "instanceof",
        "new", "of", "return", "throw", "try", "typeof", "void", "yield",
    ]
}
