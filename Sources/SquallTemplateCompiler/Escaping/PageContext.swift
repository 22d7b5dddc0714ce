/// Where in a page a place is: what the text before it has opened and not closed.
struct PageContext {
    /// What the file is.
    enum Language: Equatable {
        case plain, html, xml, script, style
        var isMarkup: Bool { self == .html || self == .xml }
    }

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
    var url = URLState()
    var script = ScriptState()
    var style = StyleState()
    var comment = CommentState.start
    var document = DocumentState.text
    /// The last bytes of text that may yet become the end tag of the element in whose contents this is, or a comment in it.
    var partial: [UInt8] = []
    /// The pictures and formulas that are open, and what in them is HTML again.
    var foreign: [[UInt8]] = []
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

    /// Whether the same may follow, but for what ``joined(_:)`` looks after.
    private func meets(_ other: PageContext) -> Bool {
        guard state == other.state else { return false }
        switch state {
        case .text, .comment, .declaration, .cdata: return true
        case .content:
            return element == other.element && script.meets(other.script) && style.meets(other.style)
        case .value:
            return delimiter == other.delimiter && element == other.element && kind == other.kind
                && (kind != .script || script.meets(other.script)) && (kind != .style || style.meets(other.style))
                && (kind != .document || document == other.document)
        default: return element == other.element && attribute == other.attribute
        }
    }

    /// Whether all that follows is the same.
    func isSame(_ other: PageContext) -> Bool {
        guard meets(other) else { return false }
        switch state {
        case .text, .declaration, .cdata: return true
        case .comment: return comment == other.comment
        case .content:
            return script.isSame(other.script) && style == other.style && tag == other.tag
        case .value:
            return tag == other.tag && (kind != .script || script.isSame(other.script))
                && (kind != .style || style == other.style)
                && (![.url, .sourceSet, .animation].contains(kind) || url == other.url)
        default: return tag == other.tag
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
        switch elementName {
        case "style": return .style
        case "script":
            guard let type = tag.type else { return .unknown }
            let name = String(decoding: type, as: UTF8.self)
            if Self.isScriptType(name) || Self.isData(name) { return .script }
            return .unknown
        default: return .characters
        }
    }

    /// The element's name. In XML any prefix may stand for SVG.
    var elementName: String {
        let local = language == .xml ? element.split(separator: UInt8(ascii: ":")).last.map(Array.init) : nil
        return String(decoding: local ?? element, as: UTF8.self)
    }

    /// Whether this is in `<svg>` or `<math>`, where HTML is read in another way.
    var isForeign: Bool { foreign.last == Array("svg".utf8) || foreign.last == Array("math".utf8) }

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
        if other.foreign.count > foreign.count { result.foreign = other.foreign }
        if meets(other) {
            result.url.merge(other.url)
            result.script.merge(other.script)
            result.style.merge(other.style)
            result.comment.formUnion(other.comment)
            if other.partial.count > partial.count { result.partial = other.partial }
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

    private var attributeName: String {
        attribute.contains(0) ? "an attribute" : "'\(String(decoding: attribute, as: UTF8.self))'"
    }

    /// For error messages.
    var description: String {
        switch state {
        case .text: "in text"
        case .tagOpen, .tagName: "in an element's name"
        case .beforeAttribute, .afterAttributeName, .afterValue, .afterSome, .betweenSome:
            element.isEmpty
                ? "in a tag, between attributes"
                : "in the tag <\(String(decoding: element, as: UTF8.self))>, between attributes"
        case .attributeName: "in an attribute's name"
        case .beforeValue: "before the value of \(attributeName)"
        case .value: "in the value of \(attributeName)"
        case .comment: "in a comment"
        case .declaration: "in a declaration"
        case .cdata: "in a CDATA section"
        case .content:
            switch content {
            case .script: "in a script" + (script.mode == .code ? "" : ", in \(script.description)")
            case .style: "in a style sheet" + (style.mode == .code ? "" : ", in \(style.description)")
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

extension StyleState {
    var description: String {
        switch mode {
        case .code: "code"
        case .doubleQuoted, .singleQuoted: "a string"
        case .comment: "a comment"
        case .url, .urlDoubleQuoted, .urlSingleQuoted: "a URL"
        }
    }
}
