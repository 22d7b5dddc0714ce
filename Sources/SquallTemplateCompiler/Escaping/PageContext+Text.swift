/// What a page's text is made of.
enum PagePiece {
    case bytes([UInt8])
    /// The attribute that lets an inline script run.
    case nonce
    /// Before `</head>`: where style sheets of modules go.
    case endOfHead
    /// Before `</body>`: where their scripts go.
    case endOfBody
}

/// Goes through a page's text, and learns where it leads.
struct PageText {
    private let text: Node.Text
    private let bytes: ArraySlice<UInt8>
    private var index: Int
    private var output: [UInt8] = []
    private var pieces: [PagePiece] = []
    /// Where in `output` the blanks began that may be collapsed.
    private var blanks: Int?

    private init(_ text: Node.Text) {
        self.text = text
        bytes = text.source.bytes[text.range]
        index = text.range.lowerBound
        output.reserveCapacity(text.range.count)
    }

    static func pieces(_ text: Node.Text, _ context: inout PageContext) throws(TemplateError) -> [PagePiece] {
        var page = PageText(text)
        while page.index < page.bytes.endIndex { try page.step(&context) }
        page.collapse()
        page.flush()
        return page.pieces
    }

    // MARK: output

    private func byte(_ index: Int) -> UInt8 { index < bytes.endIndex ? bytes[index] : 0 }

    /// Copies bytes. Blanks that do not count are collapsed where a run of them ends.
    private mutating func take(_ count: Int = 1, collapses: Bool = false) {
        for _ in 0..<count where index < bytes.endIndex {
            let byte = bytes[index]
            if collapses, isBlank(byte) {
                if blanks == nil { blanks = output.count }
            } else {
                collapse()
            }
            output.append(byte)
            index += 1
        }
    }

    private mutating func collapse() {
        guard let start = blanks else { return }
        blanks = nil
        guard text.whitespace != .all else { return }
        let run = output[start...]
        let replacement: UInt8
        if text.whitespace == .oneline {
            replacement = UInt8(ascii: " ")
        } else if run.contains(UInt8(ascii: "\n")) {
            replacement = UInt8(ascii: "\n")
        } else if run.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) {
            replacement = UInt8(ascii: " ")
        } else {
            return
        }
        output.removeSubrange(start...)
        output.append(replacement)
    }

    private mutating func flush() {
        if !output.isEmpty { pieces.append(.bytes(output)) }
        output = []
    }

    private mutating func mark(_ piece: PagePiece) {
        collapse()
        flush()
        pieces.append(piece)
    }

    private mutating func insert(_ byte: UInt8) {
        collapse()
        output.append(byte)
    }

    private func error(_ message: String) -> TemplateError { text.source.error(at: index, message) }

    // MARK: states

    private mutating func step(_ context: inout PageContext) throws(TemplateError) {
        let byte = bytes[index]
        switch context.state {
        case .text: stepText(&context)
        case .tagOpen: stepTagOpen(&context)
        case .tagName:
            if isBlank(byte) || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "/") {
                context.state = .beforeAttribute
            } else {
                context.element.append(lowercased(byte))
                take()
            }
        case .beforeAttribute, .afterValue, .betweenSome: stepBeforeAttribute(&context)
        case .afterSome:
            guard isBlank(byte) || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "/") else {
                throw error(
                    "an attribute may or may not have come before; put a blank here, or the whole attribute into the branch"
                )
            }
            context.state = .betweenSome
        case .attributeName: try stepAttributeName(&context)
        case .afterAttributeName:
            if byte == UInt8(ascii: "=") {
                context.state = .beforeValue
                take()
            } else if isBlank(byte) {
                take(collapses: true)
            } else {
                noteBareAttribute(&context)
                context.state = .beforeAttribute
            }
        case .beforeValue: stepBeforeValue(&context)
        case .value: try stepValue(&context)
        case .comment:
            if starts("-->") || starts("--!>") {
                take(byte == UInt8(ascii: "-") && self.byte(index + 2) == UInt8(ascii: ">") ? 3 : 4)
                context.state = .text
            } else {
                take(collapses: true)
            }
        case .declaration:
            if byte == UInt8(ascii: ">") { context.state = .text }
            take(collapses: true)
        case .cdata:
            if starts("]]>") {
                take(3)
                context.state = .text
            } else {
                take()
            }
        case .content: try stepContent(&context)
        }
    }

    private func starts(_ text: StaticString, at offset: Int = 0) -> Bool {
        let wanted = text.description.utf8
        var at = index + offset
        for byte in wanted {
            guard at < bytes.endIndex, lowercased(bytes[at]) == byte else { return false }
            at += 1
        }
        return true
    }

    private mutating func stepText(_ context: inout PageContext) {
        guard bytes[index] == UInt8(ascii: "<") else {
            return take(collapses: context.preformatted == 0)
        }
        if context.language == .html {
            if starts("</head>") { mark(.endOfHead) }
            if starts("</body>") { mark(.endOfBody) }
        }
        if index + 1 == bytes.endIndex {
            context.state = .tagOpen
            return take()
        }
        take()
        openTag(&context)
    }

    private mutating func stepTagOpen(_ context: inout PageContext) { openTag(&context) }

    /// After `<`.
    private mutating func openTag(_ context: inout PageContext) {
        let next = byte(index)
        if next == UInt8(ascii: "!") {
            if starts("!--") {
                take(3)
                // These are whole comments.
                if starts(">") || starts("->") {
                    take(byte(index) == UInt8(ascii: ">") ? 1 : 2)
                    context.state = .text
                    return
                }
                context.state = .comment
            } else if context.language == .xml, starts("![cdata[") {
                take(8)
                context.state = .cdata
            } else {
                take()
                context.state = .declaration
            }
        } else if next == UInt8(ascii: "?") {
            take()
            context.state = .declaration
        } else if isLetter(next) || next == UInt8(ascii: "/") && isLetter(byte(index + 1)) {
            context.isEndTag = next == UInt8(ascii: "/")
            if context.isEndTag { take() }
            context.element = []
            context.tag = PageContext.Tag()
            context.state = .tagName
        } else if next == UInt8(ascii: "/"), index + 1 == bytes.endIndex {
            // The name does not come from this text.
            take()
            context.isEndTag = true
            context.element = []
            context.state = .tagName
        } else {
            context.state = .text
        }
    }

    private mutating func stepBeforeAttribute(_ context: inout PageContext) {
        let byte = bytes[index]
        if isBlank(byte) {
            context.state = context.state == .afterValue ? .beforeAttribute : context.state
            take(collapses: true)
        } else if byte == UInt8(ascii: ">") {
            if needsNonce(context) { mark(.nonce) }
            take()
            endTag(&context)
        } else if byte == UInt8(ascii: "/") {
            if self.byte(index + 1) == UInt8(ascii: ">"), needsNonce(context) { mark(.nonce) }
            take()
            if context.language == .xml, self.byte(index) == UInt8(ascii: ">") {
                take()
                context.state = .text
            }
        } else {
            context.state = .attributeName
            context.attribute = [lowercased(byte)]
            take()
        }
    }

    private func needsNonce(_ context: PageContext) -> Bool {
        context.language == .html && !context.isEndTag && context.element == Array("script".utf8) && context.isRunScript
            && !context.tag.hasNonce && !context.tag.hasSource
    }

    /// Behind the tag's `>`.
    private func endTag(_ context: inout PageContext) {
        context.state = .text
        let name = String(decoding: context.element, as: UTF8.self)
        switch name {
        case "pre", "listing":
            context.preformatted = context.isEndTag ? max(0, context.preformatted - 1) : context.preformatted + 1
        case "script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "plaintext":
            guard !context.isEndTag else { break }
            // In XML, and in the pictures of HTML, the others are elements like any.
            if context.language == .xml, name != "script", name != "style" { break }
            context.state = .content
            context.script = ScriptState()
            context.style = StyleState()
        default: break
        }
    }

    private mutating func stepAttributeName(_ context: inout PageContext) throws(TemplateError) {
        let byte = bytes[index]
        switch byte {
        case UInt8(ascii: "="):
            context.state = .beforeValue
            take()
        case _ where isBlank(byte): context.state = .afterAttributeName
        case UInt8(ascii: ">"), UInt8(ascii: "/"):
            noteBareAttribute(&context)
            context.state = .beforeAttribute
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "<"):
            throw error(
                "'\(Character(UnicodeScalar(byte)))' in an attribute's name; a quotation mark or '>' is missing before")
        default:
            context.attribute.append(lowercased(byte))
            take()
        }
    }

    private func noteBareAttribute(_ context: inout PageContext) {
        if context.attribute == Array("nonce".utf8) { context.tag.hasNonce = true }
        if context.attribute == Array("src".utf8) { context.tag.hasSource = true }
    }

    private mutating func stepBeforeValue(_ context: inout PageContext) {
        let byte = bytes[index]
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            context.beginValue(byte == UInt8(ascii: "\"") ? .double : .single)
            take()
        case UInt8(ascii: ">"): context.state = .beforeAttribute
        case _ where isBlank(byte): take(collapses: true)
        default: context.beginValue(.none)
        }
    }

    private mutating func stepValue(_ context: inout PageContext) throws(TemplateError) {
        let byte = bytes[index]
        switch context.delimiter {
        case .double, .single:
            if byte == (context.delimiter == .double ? UInt8(ascii: "\"") : UInt8(ascii: "'")) {
                take()
                context.state = .afterValue
                return
            }
        case .none, .inserted:
            if isBlank(byte) || byte == UInt8(ascii: ">") {
                if context.delimiter == .inserted { insert(UInt8(ascii: "\"")) }
                context.state = .afterValue
                return
            }
            if [UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "<"), UInt8(ascii: "`")].contains(byte) {
                throw error(
                    "'\(Character(UnicodeScalar(byte)))' in a value without quotation marks; put some round the whole value"
                )
            }
        }
        switch context.kind {
        case .url, .sourceSet:
            context.url.feed(byte, isSet: context.kind == .sourceSet)
            take()
        case .script: try feedScript(&context, end: nil)
        case .style: take(context.style.feed(bytes, at: index))
        case .plain, .document:
            if context.attribute == Array("type".utf8) { context.tag.type?.append(lowercased(byte)) }
            take()
        }
    }

    private mutating func stepContent(_ context: inout PageContext) throws(TemplateError) {
        if context.language == .html || context.language == .xml, bytes[index] == UInt8(ascii: "<"),
            byte(index + 1) == UInt8(ascii: "/"), endsContent(context)
        {
            take(2)
            context.isEndTag = true
            context.element = []
            context.state = .tagName
            return
        }
        switch context.content {
        case .script: try feedScript(&context, end: context.element)
        case .style: take(context.style.feed(bytes, at: index))
        case .characters: take(collapses: context.language == .plain || context.element == Array("title".utf8))
        case .unknown: take()
        }
    }

    /// Whether the end tag of the element whose contents these are stands here.
    private func endsContent(_ context: PageContext) -> Bool {
        var at = index + 2
        for byte in context.element {
            guard at < bytes.endIndex, lowercased(bytes[at]) == byte else { return false }
            at += 1
        }
        let next = byte(at)
        return isBlank(next) || next == UInt8(ascii: ">") || next == UInt8(ascii: "/")
    }

    private mutating func feedScript(_ context: inout PageContext, end: [UInt8]?) throws(TemplateError) {
        // In an attribute a quotation mark may be written as an entity.
        if end == nil, bytes[index] == UInt8(ascii: "&") {
            for (entity, byte) in Self.entities where starts(entity) {
                let meant: ArraySlice<UInt8> = [byte]
                _ = context.script.feed(meant, at: 0)
                return take(entity.utf8CodeUnitCount)
            }
        }
        let wasCode = context.script.mode == .code
        guard let count = context.script.feed(bytes, at: index) else {
            throw error(
                "whether '/' divides here or begins a regular expression depends on the branches before; put the value into a variable first"
            )
        }
        // In a file of its own blanks of code may go; in a page they stay as they are.
        take(count, collapses: context.language == .script && wasCode)
    }

    private static let entities: [(StaticString, UInt8)] = [
        ("&quot;", UInt8(ascii: "\"")), ("&#34;", UInt8(ascii: "\"")), ("&#x22;", UInt8(ascii: "\"")),
        ("&apos;", UInt8(ascii: "'")), ("&#39;", UInt8(ascii: "'")), ("&#x27;", UInt8(ascii: "'")),
        ("&#96;", UInt8(ascii: "`")), ("&#x60;", UInt8(ascii: "`")),
    ]
}
