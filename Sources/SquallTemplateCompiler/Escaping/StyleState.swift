/// Where in CSS a place is.
struct StyleState: Equatable {
    enum Mode: Equatable { case code, doubleQuoted, singleQuoted, comment, url, urlDoubleQuoted, urlSingleQuoted }

    var mode = Mode.code
    /// How far the URL has come.
    var url = URLState()
    private var recent: [UInt8] = []
    private(set) var isEscaped = false
    /// The first of two characters that mean something together, if the text was cut between them.
    private var cut: UInt8 = 0

    /// Where the same may follow.
    func meets(_ other: StyleState) -> Bool {
        mode == other.mode && isEscaped == other.isEscaped && cut == other.cut
    }

    mutating func merge(_ other: StyleState) {
        url.merge(other.url)
        if recent != other.recent { recent = [] }
    }

    /// An expression of the template's stands here.
    mutating func feedValue() {
        recent = []
        cut = 0
    }

    /// - Parameter bytes: what comes, four bytes of it if there are so many.
    /// - Returns: how many bytes were taken.
    mutating func feed(_ bytes: ArraySlice<UInt8>) throws(TextTrouble) -> Int {
        guard let byte = bytes.first else { return 0 }
        let next = bytes.dropFirst().first
        if cut != 0 {
            let pair = (cut, byte)
            cut = 0
            let star = UInt8(ascii: "*")
            let slash = UInt8(ascii: "/")
            if mode == .code && pair == (slash, star) || mode == .comment && pair == (star, slash) { throw .cut }
        }
        if mode == .comment {
            if next == nil, byte == UInt8(ascii: "*") { cut = byte }
            guard byte == UInt8(ascii: "*"), next == UInt8(ascii: "/") else { return 1 }
            mode = .code
            return 2
        }
        if isEscaped {
            isEscaped = false
            // Together these are one line's end.
            return byte == 0x0d && next == 0x0a ? 2 : 1
        }
        if byte == UInt8(ascii: "\\") {
            isEscaped = true
            return 1
        }
        switch mode {
        case .code: return feedCode(byte, next)
        case .doubleQuoted: if byte == UInt8(ascii: "\"") || isLineEnd(byte) { mode = .code }
        case .singleQuoted: if byte == UInt8(ascii: "'") || isLineEnd(byte) { mode = .code }
        case .url:
            if byte == UInt8(ascii: ")") {
                mode = .code
            } else if url.isAtStart, byte == UInt8(ascii: "\"") {
                mode = .urlDoubleQuoted
            } else if url.isAtStart, byte == UInt8(ascii: "'") {
                mode = .urlSingleQuoted
            } else {
                try url.feed(byte)
            }
        case .urlDoubleQuoted: try feedURL(byte, UInt8(ascii: "\""))
        case .urlSingleQuoted: try feedURL(byte, UInt8(ascii: "'"))
        case .comment: break
        }
        return 1
    }

    private mutating func feedCode(_ byte: UInt8, _ next: UInt8?) -> Int {
        if byte == UInt8(ascii: "/") {
            if next == nil { cut = byte }
            if next == UInt8(ascii: "*") {
                mode = .comment
                return 2
            }
        }
        if byte == UInt8(ascii: "\"") { mode = .doubleQuoted }
        if byte == UInt8(ascii: "'") { mode = .singleQuoted }
        recent = recent.suffix(3) + [lowercased(byte)]
        if recent == Array("url(".utf8) {
            mode = .url
            url = URLState()
            recent = []
        }
        return 1
    }

    private mutating func feedURL(_ byte: UInt8, _ quote: UInt8) throws(TextTrouble) {
        if byte == quote || isLineEnd(byte) { mode = .code } else { try url.feed(byte) }
    }

    private func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0a || byte == 0x0d || byte == 0x0c }
}
