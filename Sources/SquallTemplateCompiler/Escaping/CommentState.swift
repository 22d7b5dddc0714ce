/// How near a comment is to its end, on each way through the branches and values before.
struct CommentState: OptionSet {
    let rawValue: Int

    static let inside = CommentState(rawValue: 1)
    /// After `<!--`, and `<!---`, which `>` makes a whole comment.
    static let start = CommentState(rawValue: 2)
    static let startDash = CommentState(rawValue: 4)
    static let dash = CommentState(rawValue: 8)
    static let dashes = CommentState(rawValue: 16)
    /// After `--!`.
    static let bang = CommentState(rawValue: 32)

    private static let all: [CommentState] = [.inside, .start, .startDash, .dash, .dashes, .bang]

    /// - Returns: whether the comment ends.
    mutating func feed(_ byte: UInt8, isXML: Bool) throws(TextTrouble) -> Bool {
        let ends: CommentState = isXML ? .dashes : [.start, .startDash, .dashes, .bang]
        if byte == UInt8(ascii: ">"), !isDisjoint(with: ends) {
            guard isSubset(of: ends) else { throw .comment }
            return true
        }
        var next: CommentState = []
        for state in Self.all where contains(state) { next.insert(state.after(byte)) }
        self = next
        return false
    }

    private func after(_ byte: UInt8) -> CommentState {
        switch byte {
        case UInt8(ascii: "-"):
            switch self {
            case .start: .startDash
            case .startDash, .dash, .dashes: .dashes
            default: .dash
            }
        case UInt8(ascii: "!") where self == .dashes: .bang
        default: .inside
        }
    }

    /// A value stands here, which has no dashes, and may be nothing.
    mutating func feedValue() { insert(.inside) }
}

/// Where a document is that is an attribute's value, `srcdoc`, as far as values are safe in it.
enum DocumentState: Equatable {
    case text
    case tag([UInt8])
    case quoted(UInt8, in: [UInt8])
    /// In what is not followed here, as a script: until the end.
    case other

    mutating func feed(_ byte: UInt8) {
        switch self {
        case .text: if byte == UInt8(ascii: "<") { self = .tag([]) }
        case .tag(let name):
            if byte == UInt8(ascii: ">") {
                let element = name.prefix { !isBlank($0) && $0 != UInt8(ascii: "/") }
                let isEnd = name.first == UInt8(ascii: "/")
                self = isEnd || Self.followed.contains(String(decoding: element, as: UTF8.self)) ? .text : .other
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                self = .quoted(byte, in: name)
            } else if name.count < 16 {
                self = .tag(name + [lowercased(byte)])
            }
        case .quoted(let quote, let name): if byte == quote { self = .tag(name) }
        case .other: break
        }
    }

    private static let followed: Set = [
        "!doctype", "html", "head", "body", "meta", "link", "main", "p", "div", "span", "b", "i", "em", "strong", "br",
        "h1", "h2", "h3", "ul", "ol", "li", "table", "tr", "td", "th", "pre", "code", "small", "hr",
    ]
}
