extension PageContext {
    /// An expression stands here: how its value is written, and what holds after it. The bytes are put before it.
    mutating func value(_ code: Code) throws(TemplateError) -> (context: OutputContext, before: [UInt8]) {
        func refuse(_ message: String) -> TemplateError { code.error(message) }
        switch state {
        case .text: return (language == .plain ? .plain : .text, [])
        case .comment:
            comment.feedValue()
            return (.comment, [])
        case .content:
            let blank: [UInt8] = content == .script && script.needsBlank ? [0x20] : []
            return (try contentValue(code), blank)
        case .beforeValue:
            // What has no quotation marks gets some, so that nothing in it, and not even nothing, can end it.
            beginValue(.inserted)
            return (try attributeValue(code), [UInt8(ascii: "\"")])
        case .value:
            let blank: [UInt8] = kind == .script && script.needsBlank ? [0x20] : []
            return (try attributeValue(code), blank)
        case .tagOpen, .tagName:
            throw refuse(
                "an element's name cannot come from an expression; write {% if %} with the elements, or {% raw … %} if it is trusted"
            )
        case .beforeAttribute, .attributeName, .afterAttributeName, .afterValue, .afterSome, .betweenSome:
            throw refuse(
                "an attribute's name cannot come from an expression; write name=\"{{ … }}\", {% if … %}name{% end %}, or {% raw … %} if it is trusted"
            )
        case .declaration:
            throw refuse(
                "an expression cannot stand in a declaration such as <!DOCTYPE>; use {% raw … %} if it is trusted")
        case .cdata:
            throw refuse(
                "what is safe in a CDATA section cannot be decided; write it as text, or {% raw … %} if it is trusted")
        }
    }

    private mutating func contentValue(_ code: Code) throws(TemplateError) -> OutputContext {
        // Text of the value could make an end tag of this, or a comment. In a script and a style sheet it has neither '/' nor '!'.
        if !partial.isEmpty, content == .characters || partial.count > 1 {
            throw code.error(
                "an expression behind '\(String(decoding: partial, as: UTF8.self))' could make a tag or a comment of it; put something between"
            )
        }
        // JSON is never empty, other values may be.
        if content == .script, script.mode == .code { partial = [] }
        switch content {
        case .characters: return language == .plain ? .plain : .characterData
        case .unknown:
            throw code.error(
                "what is safe here cannot be decided: the type of this <script> is not known; write a type of JavaScript or JSON, or {% raw … %}"
            )
        case .script where language == .xml:
            throw code.error(
                "what is safe in a script of XML cannot be decided; put it into an attribute such as data-value, or use {% raw … %}"
            )
        case .script: return try scriptValue(code, isAttribute: false)
        case .style: return try styleValue(code)
        }
    }

    private mutating func scriptValue(_ code: Code, isAttribute: Bool) throws(TemplateError) -> OutputContext {
        switch script.mode {
        case .code:
            script.feedValue()
            return isAttribute ? .scriptAttribute : .script
        case .doubleQuoted, .singleQuoted, .template:
            if script.isEscaped { throw escaped(code) }
            return .scriptString
        case .expression:
            throw code.error(
                "an expression cannot stand in a regular expression of JavaScript; write new RegExp({{ … }})")
        case .lineComment, .blockComment:
            throw code.error("an expression cannot stand in a comment of JavaScript; use {# … #} for remarks")
        }
    }

    private func escaped(_ code: Code) -> TemplateError {
        code.error("an expression cannot stand behind a backslash; write the backslash twice, or leave it out")
    }

    private mutating func styleValue(_ code: Code) throws(TemplateError) -> OutputContext {
        if style.isEscaped { throw escaped(code) }
        defer { style.feedValue() }
        switch style.mode {
        case .code: return .style
        case .doubleQuoted, .singleQuoted: return .styleString
        case .url, .urlDoubleQuoted, .urlSingleQuoted:
            return try urlValue(&style.url, code) == .url ? .styleURL : .urlQuery
        case .comment: throw code.error("an expression cannot stand in a comment of CSS; use {# … #} for remarks")
        }
    }

    private mutating func attributeValue(_ code: Code) throws(TemplateError) -> OutputContext {
        if attribute == Array("type".utf8), elementName == "script" { tag.type = nil }
        switch kind {
        case .plain, .refresh: return delimiter == .none ? .unquoted : .attribute
        case .url: return try urlValue(&url, code)
        case .sourceSet:
            let context = try urlValue(&url, code)
            return context == .url ? .sourceSet : context
        case .unknown:
            throw code.error(
                "what is safe in \(attribute.contains(0) ? "an attribute whose name comes from 'raw'" : "'\(String(decoding: attribute, as: UTF8.self))', which is no JavaScript,") cannot be decided; put the value into an attribute such as data-value"
            )
        case .script, .style, .document, .animation:
            guard delimiter != .none else {
                throw code.error(
                    "put quotation marks round the value of '\(String(decoding: attribute, as: UTF8.self))'")
            }
            return try quotedValue(code)
        }
    }

    private mutating func quotedValue(_ code: Code) throws(TemplateError) -> OutputContext {
        switch kind {
        case .script: return try scriptValue(code, isAttribute: true)
        case .style: return try styleValue(code)
        case .animation:
            _ = try url.feedValue(code)
            return .animation
        default:
            guard document == .text else {
                throw code.error(
                    "what is safe here in 'srcdoc' cannot be decided; make the document a template of its own, and write srcdoc=\"{{ HTML(try NotePage(…).renderString()) }}\""
                )
            }
            return .document
        }
    }

    private func urlValue(_ url: inout URLState, _ code: Code) throws(TemplateError) -> OutputContext {
        guard let context = try url.feedValue(code) else {
            throw code.error(
                "which part of the URL this is depends on the branches before; make the whole URL in one expression")
        }
        return context
    }

    /// The value of the attribute that is open begins.
    mutating func beginValue(_ delimiter: Delimiter) {
        state = .value
        self.delimiter = delimiter
        kind = AttributeKind(attribute, on: Array(elementName.utf8))
        url = URLState()
        script = ScriptState()
        style = StyleState()
        document = .text
        switch String(decoding: attribute, as: UTF8.self) {
        case "nonce": tag.hasNonce = true
        case "src": tag.hasSource = true
        case "href", "xlink:href": tag.hasSource = tag.hasSource || isForeign
        case "type": tag.type = []
        default: break
        }
    }

    /// Text of the program's own stands here, as it is: what holds after it, which is trusted to open nothing.
    mutating func feedRaw() {
        switch state {
        case .tagOpen:
            isEndTag = false
            element = []
            tag = Tag()
            state = .tagName
        case .beforeAttribute, .afterValue, .afterAttributeName, .betweenSome:
            // An attribute, or the beginning of one's name.
            attribute = [0]
            state = .attributeName
        case .attributeName: attribute.append(0)
        case .beforeValue:
            beginValue(.none)
            feedRaw()
        case .value:
            url.feedRaw()
            script.feedValue()
            style.feedValue()
        case .content:
            script.feedValue()
            style.feedValue()
        case .text, .tagName, .afterSome, .comment, .declaration, .cdata: break
        }
    }

    /// A branch ends here, outside of which the value that was begun in it goes on for nobody.
    /// - Returns: what ends it.
    mutating func closeInserted(since start: PageContext) -> [UInt8] {
        guard state == .value, delimiter == .inserted,
            !(start.state == .value && start.delimiter == .inserted)
        else { return [] }
        state = .afterValue
        return [UInt8(ascii: "\"")]
    }
}
