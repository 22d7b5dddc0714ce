extension PageContext {
    /// An expression stands here: how its value is written, and what holds after it. The bytes are put before it.
    mutating func value(_ code: Code) throws(TemplateError) -> (context: OutputContext, before: [UInt8]) {
        func refuse(_ message: String) -> TemplateError { code.error(message) }
        switch state {
        case .text: return (language == .plain ? .plain : .text, [])
        case .comment: return (.characterData, [])
        case .content: return (try contentValue(code), [])
        case .beforeValue:
            // What has no quotation marks gets some, so that nothing in it, and not even nothing, can end it.
            beginValue(.inserted)
            return (try attributeValue(code), [UInt8(ascii: "\"")])
        case .value: return (try attributeValue(code), [])
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
        case .doubleQuoted, .singleQuoted, .template: return .scriptString
        case .expression:
            throw code.error(
                "an expression cannot stand in a regular expression of JavaScript; write new RegExp({{ … }})")
        case .lineComment, .blockComment:
            throw code.error("an expression cannot stand in a comment of JavaScript; use {# … #} for remarks")
        }
    }

    private mutating func styleValue(_ code: Code) throws(TemplateError) -> OutputContext {
        switch style.mode {
        case .code: return .style
        case .doubleQuoted, .singleQuoted: return .styleString
        case .url, .urlDoubleQuoted, .urlSingleQuoted:
            guard style.url == .start else {
                _ = try urlContext(&style.url, code)
                return .urlQuery
            }
            style.url = .afterValue
            return .styleURL
        case .comment: throw code.error("an expression cannot stand in a comment of CSS; use {# … #} for remarks")
        }
    }

    private mutating func attributeValue(_ code: Code) throws(TemplateError) -> OutputContext {
        if attribute == Array("type".utf8), element == Array("script".utf8) { tag.type = nil }
        switch kind {
        case .plain: return delimiter == .none ? .unquoted : .attribute
        case .url: return try urlContext(&url, code)
        case .sourceSet:
            if url == .descriptor { return .urlQuery }
            let context = try urlContext(&url, code)
            return context == .url || context == .urlRoot ? .sourceSet : .urlQuery
        case .script, .style, .document:
            guard delimiter != .none else {
                throw code.error(
                    "put quotation marks round the value of '\(String(decoding: attribute, as: UTF8.self))'")
            }
            if kind == .document { return .document }
            return kind == .script ? try scriptValue(code, isAttribute: true) : try styleValue(code)
        }
    }

    private func urlContext(_ part: inout URLPart, _ code: Code) throws(TemplateError) -> OutputContext {
        switch part {
        case .start:
            part = .afterValue
            return .url
        case .root:
            part = .path
            return .urlRoot
        case .prefix, .afterValue:
            part = .afterValue
            return .urlPath
        case .path, .descriptor: return .urlPath
        case .query: return .urlQuery
        case .code:
            throw code.error(
                "an expression cannot stand in a URL that is a script; use an event's attribute or a <script>")
        case .undecided:
            throw code.error(
                "whether this is in the URL's path or in its query depends on the branches before; make the whole URL in one expression"
            )
        }
    }

    /// The value of the attribute that is open begins.
    mutating func beginValue(_ delimiter: Delimiter) {
        state = .value
        self.delimiter = delimiter
        kind = AttributeKind(attribute, on: element)
        url = .start
        script = ScriptState()
        style = StyleState()
        switch String(decoding: attribute, as: UTF8.self) {
        case "nonce": tag.hasNonce = true
        case "src": tag.hasSource = true
        case "type": tag.type = []
        default: break
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
