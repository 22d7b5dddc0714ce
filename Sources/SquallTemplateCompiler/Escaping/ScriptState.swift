/// Where in JavaScript a place is: in a string, in a comment, in code.
struct ScriptState: Equatable {
    enum Mode: Equatable {
        case code, doubleQuoted, singleQuoted, template, expression, lineComment, blockComment
    }
    /// Whether a slash begins a regular expression or divides.
    enum Slash { case expression, division, undecided }

    var mode = Mode.code
    /// How many braces are open in each `${` that is.
    var substitutions: [Int] = []
    var slash = Slash.expression
    /// The last bytes of code that were no blanks.
    private var word: [UInt8] = []
    private var last: UInt8 = 0
    private var isAfterBlank = false
    private var isEscaped = false
    private var isInClass = false

    static func == (one: ScriptState, other: ScriptState) -> Bool {
        one.mode == other.mode && one.substitutions == other.substitutions
    }

    /// What both came to, where only what is not known yet differs.
    mutating func merge(_ other: ScriptState) {
        if slashNow != other.slashNow {
            slash = .undecided
            word = []
            last = 0
        }
    }

    /// An expression of the template's stands here: a value.
    mutating func feedValue() {
        guard mode == .code else { return }
        slash = .division
        word = []
        last = UInt8(ascii: ")")
    }

    /// - Returns: how many bytes were taken, from the one at `index`. Nil if it cannot be said what a slash means.
    mutating func feed(_ bytes: ArraySlice<UInt8>, at index: Int) -> Int? {
        let byte = bytes[index]
        let next = index + 1 < bytes.endIndex ? bytes[index + 1] : 0
        switch mode {
        case .code: return feedCode(byte, next)
        case .doubleQuoted, .singleQuoted:
            let quote = mode == .doubleQuoted ? UInt8(ascii: "\"") : UInt8(ascii: "'")
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == quote || byte == UInt8(ascii: "\n") {
                endValue()
            }
        case .template:
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "`") {
                endValue()
            } else if byte == UInt8(ascii: "$"), next == UInt8(ascii: "{") {
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
            } else if byte == UInt8(ascii: "/") && !isInClass || byte == UInt8(ascii: "\n") {
                endValue()
            }
        case .lineComment: if byte == UInt8(ascii: "\n") { mode = .code }
        case .blockComment:
            if byte == UInt8(ascii: "*"), next == UInt8(ascii: "/") {
                mode = .code
                return 2
            }
        }
        return 1
    }

    private mutating func endValue() {
        mode = .code
        isInClass = false
        feedValue()
    }

    private mutating func feedCode(_ byte: UInt8, _ next: UInt8) -> Int? {
        switch byte {
        case _ where isBlank(byte): isAfterBlank = true
        case UInt8(ascii: "\""): mode = .doubleQuoted
        case UInt8(ascii: "'"): mode = .singleQuoted
        case UInt8(ascii: "`"): mode = .template
        case UInt8(ascii: "/"):
            if next == UInt8(ascii: "/") || next == UInt8(ascii: "*") {
                mode = next == UInt8(ascii: "/") ? .lineComment : .blockComment
                return 2
            }
            switch slashNow {
            case .expression: mode = .expression
            case .division: note(byte)
            case .undecided: return nil
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
        default: note(byte)
        }
        return 1
    }

    private mutating func note(_ byte: UInt8) {
        slash = .expression
        if isAfterBlank { word = [] }
        let repeats = byte == last && !isAfterBlank
        isAfterBlank = false
        if isNamePart(byte) || byte == UInt8(ascii: "$") {
            if !(isNamePart(last) || last == UInt8(ascii: "$")) { word = [] }
            if word.count < 16 { word.append(byte) }
        } else if repeats, byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") {
            word = [byte, byte]
        } else {
            word = []
        }
        last = byte
    }

    /// What a slash means that comes next.
    private var slashNow: Slash {
        if last == 0 { return slash }
        if isNamePart(last) || last == UInt8(ascii: "$") {
            return Self.beforeExpressions.contains(String(decoding: word, as: UTF8.self)) ? .expression : .division
        }
        switch last {
        case UInt8(ascii: ")"), UInt8(ascii: "]"): return .division
        case UInt8(ascii: "+"), UInt8(ascii: "-"): return word.count == 2 ? .division : .expression
        default: return .expression
        }
    }

    private static let beforeExpressions: Set = [
        "break", "case", "continue", "delete", "do", "else", "finally", "in", "instanceof", "return", "throw", "try",
        "typeof", "void", "yield", "await", "of",
    ]
}

/// Where in CSS a place is.
struct StyleState: Equatable {
    enum Mode: Equatable { case code, doubleQuoted, singleQuoted, comment, url, urlDoubleQuoted, urlSingleQuoted }

    var mode = Mode.code
    /// How far the URL has come.
    var url = URLPart.start
    private var recent: [UInt8] = []
    private var isEscaped = false

    static func == (one: StyleState, other: StyleState) -> Bool { one.mode == other.mode && one.url == other.url }

    /// - Returns: how many bytes were taken.
    mutating func feed(_ bytes: ArraySlice<UInt8>, at index: Int) -> Int {
        let byte = bytes[index]
        let next = index + 1 < bytes.endIndex ? bytes[index + 1] : 0
        if mode == .comment {
            guard byte == UInt8(ascii: "*"), next == UInt8(ascii: "/") else { return 1 }
            mode = .code
            return 2
        }
        if isEscaped {
            isEscaped = false
            return 1
        }
        if byte == UInt8(ascii: "\\") {
            isEscaped = true
            return 1
        }
        switch mode {
        case .code:
            if byte == UInt8(ascii: "/"), next == UInt8(ascii: "*") {
                mode = .comment
                return 2
            }
            if byte == UInt8(ascii: "\"") { mode = .doubleQuoted }
            if byte == UInt8(ascii: "'") { mode = .singleQuoted }
            recent = recent.suffix(3) + [lowercased(byte)]
            if recent == Array("url(".utf8) {
                mode = .url
                url = .start
                recent = []
            }
        case .doubleQuoted: if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\n") { mode = .code }
        case .singleQuoted: if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\n") { mode = .code }
        case .url:
            if byte == UInt8(ascii: ")") {
                mode = .code
            } else if url == .start, byte == UInt8(ascii: "\"") {
                mode = .urlDoubleQuoted
            } else if url == .start, byte == UInt8(ascii: "'") {
                mode = .urlSingleQuoted
            } else {
                url.feed(byte, isSet: false)
            }
        case .urlDoubleQuoted: feedURL(byte, UInt8(ascii: "\""))
        case .urlSingleQuoted: feedURL(byte, UInt8(ascii: "'"))
        case .comment: break
        }
        return 1
    }

    private mutating func feedURL(_ byte: UInt8, _ quote: UInt8) {
        if byte == quote { mode = .code } else { url.feed(byte, isSet: false) }
    }
}
