/// Where in a page a place is: what the text before it has opened and not closed.
struct PageContext: Equatable {
    /// What the file is.
    enum Language: Equatable { case plain, html, xml, script, style }

    enum State: Equatable {
        case text
        /// After `<`.
        case tagOpen
        case tagName
        case beforeAttribute
        case attributeName
        case afterAttributeName
        case beforeValue
        case value
        case afterValue
        /// Some branches came with an attribute and some without: a blank or the tag's end must come.
        case afterSome
        /// Likewise, after a blank.
        case betweenSome
        case comment
        /// `<!DOCTYPE …>` and the like.
        case declaration
        case cdata
        /// What an element has that has no markup in it.
        case content
    }

    enum Delimiter: Equatable { case none, double, single, inserted }

    let language: Language
    var state: State
    var delimiter = Delimiter.none
    /// In lower case: the one whose tag this is, or in whose contents.
    var element: [UInt8] = []
    var isEndTag = false
    var attribute: [UInt8] = []
    var kind = AttributeKind.plain
    var url = URLPart.start
    var script = ScriptState()
    var style = StyleState()
    /// Of the element that is open, as far as it is known.
    var tag = Tag()
    /// How many elements are open in which blanks count.
    var preformatted = 0

    struct Tag: Equatable {
        var hasNonce = false
        var hasSource = false
        /// In lower case. Nil: it comes from an expression.
        var type: [UInt8]? = []
    }

    init(_ language: Language) {
        self.language = language
        state = language == .html || language == .xml ? .text : .content
    }

    static func == (one: PageContext, other: PageContext) -> Bool {
        guard one.state == other.state else { return false }
        switch one.state {
        case .text, .comment, .declaration, .cdata: return true
        case .content: return one.element == other.element && one.script == other.script && one.style == other.style
        case .value:
            return one.delimiter == other.delimiter && one.element == other.element && one.kind == other.kind
                && (one.kind != .script || one.script == other.script)
                && (one.kind != .style || one.style == other.style)
        default: return one.element == other.element && one.attribute == other.attribute
        }
    }

    /// Where the text of a program's element is: a script that browsers run, a style sheet or neither.
    enum Content: Equatable { case script, style, characters, unknown }

    var content: Content {
        switch language {
        case .script: return .script
        case .style: return .style
        case .plain: return .characters
        case .html, .xml: break
        }
        switch String(decoding: element, as: UTF8.self) {
        case "style": return .style
        case "script":
            guard let type = tag.type else { return .unknown }
            let name = String(decoding: type, as: UTF8.self)
            if Self.isScriptType(name) || Self.isData(name) { return .script }
            return .unknown
        default: return .characters
        }
    }

    /// Whether the script that is open runs, so that it needs the nonce.
    var isRunScript: Bool {
        guard let type = tag.type else { return true }
        let name = String(decoding: type, as: UTF8.self)
        return Self.isScriptType(name) || name == "importmap" || name == "speculationrules"
    }

    private static func isScriptType(_ name: String) -> Bool {
        name.isEmpty || name == "module" || name.hasSuffix("javascript") || name.hasSuffix("ecmascript")
    }

    private static func isData(_ name: String) -> Bool {
        name.hasSuffix("json") || name == "importmap" || name == "speculationrules"
    }

    // MARK: meeting

    private static let tagStates: [State] = [
        .tagName, .beforeAttribute, .attributeName, .afterAttributeName, .afterValue, .afterSome, .betweenSome,
    ]
    private var isInTag: Bool { Self.tagStates.contains(state) || state == .value && delimiter == .none }

    /// What holds after two branches. Nil if they differ in what matters.
    func joined(_ other: PageContext) -> PageContext? {
        var result = self
        result.preformatted = max(preformatted, other.preformatted)
        if self == other {
            if url != other.url { result.url = .undecided }
            result.script.merge(other.script)
            result.tag = tag.joined(other.tag)
            return result
        }
        guard isInTag, other.isInTag, element == other.element else { return nil }
        let between: [State] = [.beforeAttribute, .afterAttributeName, .betweenSome]
        result.state = between.contains(state) && between.contains(other.state) ? .betweenSome : .afterSome
        result.attribute = []
        result.kind = .plain
        result.delimiter = .none
        result.tag = tag.joined(other.tag)
        return result
    }

    /// For error messages.
    var description: String {
        switch state {
        case .text: "in text"
        case .tagOpen, .tagName: "in an element's name"
        case .beforeAttribute, .afterAttributeName, .afterValue, .afterSome, .betweenSome:
            "in a tag, between attributes"
        case .attributeName: "in an attribute's name"
        case .beforeValue: "before the value of '\(String(decoding: attribute, as: UTF8.self))'"
        case .value: "in the value of '\(String(decoding: attribute, as: UTF8.self))'"
        case .comment: "in a comment"
        case .declaration: "in a declaration"
        case .cdata: "in a CDATA section"
        case .content:
            switch content {
            case .script: "in a script" + (script.mode == .code ? "" : ", in \(script.description)")
            case .style: "in a style sheet"
            default: element.isEmpty ? "in text" : "in <\(String(decoding: element, as: UTF8.self))>"
            }
        }
    }
}

extension PageContext.Tag {
    func joined(_ other: Self) -> Self {
        Self(
            hasNonce: hasNonce && other.hasNonce, hasSource: hasSource && other.hasSource,
            type: type == other.type ? type : nil)
    }
}

extension ScriptState {
    var description: String {
        switch mode {
        case .code: "code"
        case .doubleQuoted, .singleQuoted: "a string"
        case .template: "a template literal"
        case .expression: "a regular expression"
        case .lineComment, .blockComment: "a comment"
        }
    }
}
