/// The values of attributes, the contents of scripts and style sheets, and what is cut in two.
extension PageText {
    // MARK: values

    mutating func stepBeforeValue(_ context: inout PageContext) {
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

    mutating func stepValue(_ context: inout PageContext) throws(TemplateError) {
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
        let upcoming = upcoming(decodes: true)
        let first = upcoming.bytes[upcoming.bytes.startIndex]
        switch context.kind {
        case .url, .sourceSet:
            let isSet = context.kind == .sourceSet
            try told { () throws(TextTrouble) in try context.url.feed(first, isSet: isSet) }
            take(upcoming.counts[0])
        case .animation:
            if first == UInt8(ascii: ";") {
                context.url = URLState()
            } else {
                try told { () throws(TextTrouble) in try context.url.feed(first) }
            }
            take(upcoming.counts[0])
        case .script: try feedScript(&context, isAttribute: true)
        case .style: try feedStyle(&context, decodes: true)
        case .document:
            context.document.feed(first)
            take(upcoming.counts[0])
        case .refresh: stepRefresh(&context)
        case .plain, .unknown:
            if context.attribute == Array("type".utf8) { context.tag.type?.append(lowercased(byte)) }
            take()
        }
    }

    /// `5; url=/next`: what comes after is a URL.
    private mutating func stepRefresh(_ context: inout PageContext) {
        let byte = bytes[index]
        guard byte == UInt8(ascii: "="), suffix(before: index, is: Array("url".utf8)) else { return take() }
        take()
        while isBlank(self.byte(index)) { take() }
        let quote = self.byte(index)
        let end = context.delimiter == .double ? UInt8(ascii: "\"") : UInt8(ascii: "'")
        if quote != end, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") { take() }
        context.kind = .url
    }

    /// Whether a word stands before a place, with nothing but blanks between.
    private func suffix(before index: Int, is word: [UInt8]) -> Bool {
        var end = index
        while end > bytes.startIndex, isBlank(bytes[end - 1]) { end -= 1 }
        return bytes[bytes.startIndex..<end].suffix(word.count).map(lowercased) == word
    }

    /// The next few bytes, and how long each is written.
    private func upcoming(decodes: Bool) -> (bytes: ArraySlice<UInt8>, counts: [Int]) {
        guard decodes else { return (bytes[index..<min(index + 4, bytes.endIndex)], [1, 1, 1, 1]) }
        let decoded = CharacterReference.decode(bytes[index...], most: 4)
        return (decoded.bytes[...], decoded.counts)
    }

    mutating func stepContent(_ context: inout PageContext) throws(TemplateError) {
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
        case .script: try feedScript(&context, isAttribute: false)
        case .style: try feedStyle(&context, decodes: context.isForeign)
        case .characters: take(collapses: context.language == .plain || context.element == Array("title".utf8))
        case .unknown:
            try checkUnknown(&context)
            take()
        }
    }

    /// Whether the end tag of the element whose contents these are stands here.
    private func endsContent(_ context: PageContext) -> Bool {
        var at = index + 2
        for byte in context.element {
            guard at < bytes.endIndex, lowercased(bytes[at]) == byte else { return false }
            at += 1
        }
        return endsName(byte(at))
    }

    /// A template that scripts read may have comments, but in them no script: browsers would not see the end of the whole.
    private func checkUnknown(_ context: inout PageContext) throws(TemplateError) {
        if !context.comment.isEmpty {
            if starts("<script") { throw error(TextTrouble.markup.message) }
            let byte = byte(index)
            if try told({ () throws(TextTrouble) in try context.comment.feed(byte, isXML: true) }) {
                context.comment = []
            }
        } else if starts("<!--") {
            context.comment = .inside
        }
    }

    /// A comment of HTML keeps browsers from seeing the end of the script.
    private func checkMarkup(_ context: PageContext) throws(TemplateError) {
        if context.language == .html, starts("<!--") { throw error(TextTrouble.markup.message) }
    }

    private mutating func feedScript(_ context: inout PageContext, isAttribute: Bool) throws(TemplateError) {
        if !isAttribute { try checkMarkup(context) }
        let wasCode = context.script.mode == .code
        let upcoming = upcoming(decodes: isAttribute || context.isForeign)
        let count = try told { () throws(TextTrouble) in try context.script.feed(upcoming.bytes) }
        // In a file of its own blanks of code may go; in a page they stay as they are.
        take(upcoming.counts.prefix(count).reduce(0, +), collapses: context.language == .script && wasCode)
    }

    private mutating func feedStyle(_ context: inout PageContext, decodes: Bool) throws(TemplateError) {
        let upcoming = upcoming(decodes: decodes)
        let count = try told { () throws(TextTrouble) in try context.style.feed(upcoming.bytes) }
        take(upcoming.counts.prefix(count).reduce(0, +))
    }

    // MARK: where text is cut by an expression or a tag

    /// What the text before began must not go on here, as it was not seen for what it is.
    func checkStart(_ context: inout PageContext) throws(TemplateError) {
        let partial = context.partial
        context.partial = []
        guard !partial.isEmpty, context.state == .content, let first = bytes.first else { return }
        for token in tokens(context) where token.starts(with: partial) {
            let isWhole = token.count == partial.count
            if isWhole ? endsName(first) : lowercased(first) == token[partial.count] {
                throw error(TextTrouble.cut.message)
            }
        }
    }

    mutating func checkEnd(_ context: inout PageContext) throws(TemplateError) {
        switch context.state {
        case .declaration:
            // `<!-` is the beginning of a comment, or not.
            for token in [Array("<!--".utf8), Array("<![cdata[".utf8)] {
                if !suffix(of: token, shortest: 2, longest: token.count - 1).isEmpty {
                    throw error(TextTrouble.cut.message)
                }
            }
        case .cdata: if bytes.last == UInt8(ascii: "]") { throw error(TextTrouble.cut.message) }
        case .content:
            for token in tokens(context) {
                let found = suffix(of: token, shortest: 1, longest: token.count)
                if found.count > context.partial.count { context.partial = found }
            }
        default: break
        }
    }

    /// What must not come to be in the contents of an element by putting pieces together.
    private func tokens(_ context: PageContext) -> [[UInt8]] {
        guard context.language == .html || context.language == .xml else { return [] }
        let end = Array("</".utf8) + context.element
        return context.content == .script || context.content == .unknown ? [end, Array("<!--".utf8)] : [end]
    }

    /// The beginning of a token with which the text ends.
    private func suffix(of token: [UInt8], shortest: Int, longest: Int) -> [UInt8] {
        var count = longest
        while count >= shortest {
            if bytes.count >= count, bytes.suffix(count).map(lowercased) == Array(token.prefix(count)) {
                return Array(token.prefix(count))
            }
            count -= 1
        }
        return []
    }

    func endsName(_ byte: UInt8) -> Bool {
        isBlank(byte) || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "/")
    }
}
