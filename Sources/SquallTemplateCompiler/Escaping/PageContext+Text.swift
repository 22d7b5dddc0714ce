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
    let bytes: ArraySlice<UInt8>
    var index: Int
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
        try page.checkStart(&context)
        while page.index < page.bytes.endIndex { try page.step(&context) }
        try page.checkEnd(&context)
        page.collapse()
        page.flush()
        return page.pieces
    }

    // MARK: output

    func byte(_ index: Int) -> UInt8 { index < bytes.endIndex ? bytes[index] : 0 }

    /// Copies bytes. Blanks that do not count are collapsed where a run of them ends.
    mutating func take(_ count: Int = 1, collapses: Bool = false) {
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

    mutating func insert(_ byte: UInt8) {
        collapse()
        output.append(byte)
    }

    func error(_ message: String) -> TemplateError { text.source.error(at: index, message) }

    /// Says where in the template there is trouble.
    func told<Value>(_ what: () throws(TextTrouble) -> Value) throws(TemplateError) -> Value {
        do { return try what() } catch { throw self.error(error.message) }
    }

    // MARK: states

    private mutating func step(_ context: inout PageContext) throws(TemplateError) {
        let byte = bytes[index]
        switch context.state {
        case .text: stepText(&context)
        case .tagOpen: stepTagOpen(&context)
        case .tagName:
            if endsName(byte) {
                context.state = .beforeAttribute
            } else {
                context.element.append(lowercased(byte))
                take()
            }
        case .beforeAttribute, .afterValue, .betweenSome: try stepBeforeAttribute(&context)
        case .afterSome:
            guard endsName(byte) else {
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
            let isXML = context.language == .xml
            let ends = try told { () throws(TextTrouble) in try context.comment.feed(byte, isXML: isXML) }
            take(collapses: !ends)
            if ends { context.state = .text }
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

    func starts(_ text: StaticString, at offset: Int = 0) -> Bool {
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
                context.state = .comment
                context.comment = .start
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

    private mutating func stepBeforeAttribute(_ context: inout PageContext) throws(TemplateError) {
        let byte = bytes[index]
        if isBlank(byte) {
            context.state = context.state == .afterValue ? .beforeAttribute : context.state
            take(collapses: true)
        } else if byte == UInt8(ascii: ">") {
            if needsNonce(context) { mark(.nonce) }
            take()
            endTag(&context)
        } else if byte == UInt8(ascii: "/") {
            let closes = self.byte(index + 1) == UInt8(ascii: ">") && !context.isEndTag
            if closes, context.language == .html, !context.isForeign, Self.contentElements.contains(context.elementName)
            {
                throw error(
                    "'/>' does not close <\(context.elementName)> in HTML, and the page would be a part of it; write </\(context.elementName)>"
                )
            }
            take()
            if closes, context.language == .xml || context.isForeign {
                take()
                context.state = .text
            }
        } else {
            try checkName(byte)
            context.state = .attributeName
            context.attribute = [lowercased(byte)]
            take()
        }
    }

    private static let contentElements: Set = [
        "script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes",
    ]

    private func needsNonce(_ context: PageContext) -> Bool {
        context.language == .html && !context.isEndTag && context.element == Array("script".utf8) && context.isRunScript
            && !context.tag.hasNonce && !context.tag.hasSource
    }

    /// Behind the tag's `>`.
    private func endTag(_ context: inout PageContext) {
        context.state = .text
        noteForeign(&context)
        let name = context.elementName
        switch name {
        case "pre", "listing":
            context.preformatted = context.isEndTag ? max(0, context.preformatted - 1) : context.preformatted + 1
        case _ where name == "plaintext" || Self.contentElements.contains(name):
            guard !context.isEndTag else { break }
            // In XML, and in the pictures of HTML, the others are elements like any.
            if context.language == .xml || context.isForeign, name != "script", name != "style" { break }
            context.state = .content
            context.script = ScriptState()
            context.style = StyleState()
            context.comment = []
        default: break
        }
    }

    private func noteForeign(_ context: inout PageContext) {
        guard context.language == .html else { return }
        let name = context.elementName
        guard name == "svg" || name == "math" || name == "foreignobject" || name == "annotation-xml" else { return }
        if !context.isEndTag {
            context.foreign.append(context.element)
        } else if let open = context.foreign.lastIndex(of: context.element) {
            context.foreign.removeSubrange(open...)
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
        default:
            try checkName(byte)
            context.attribute.append(lowercased(byte))
            take()
        }
    }

    private func checkName(_ byte: UInt8) throws(TemplateError) {
        guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "<") else { return }
        throw error(
            "'\(Character(UnicodeScalar(byte)))' in an attribute's name; a quotation mark or '>' is missing before")
    }

    private func noteBareAttribute(_ context: inout PageContext) {
        if context.attribute == Array("nonce".utf8) { context.tag.hasNonce = true }
        if context.attribute == Array("src".utf8) { context.tag.hasSource = true }
    }
}
