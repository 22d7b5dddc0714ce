/// How far a URL has come.
enum URLPart: Equatable {
    /// Nothing is there yet.
    case start
    /// Text that may yet be a scheme.
    case prefix([UInt8])
    /// Expressions only, each of which may have been nothing.
    case afterValue
    /// An expression and text, with nothing that ends a scheme.
    case name
    /// One slash, or expressions and one: another would make a host of what follows.
    case root
    case path
    /// After `?` or `#`.
    case query
    /// After `data:`, as far as its type is not known.
    case data([UInt8])
    /// After a scheme that runs code.
    case code
    /// After the URL of a source set.
    case descriptor

    fileprivate mutating func feed(_ byte: UInt8, isSet: Bool) throws(TextTrouble) {
        if isSet {
            if byte == UInt8(ascii: ",") { return self = .start }
            if isBlank(byte) {
                if self != .start { self = .descriptor }
                return
            }
        }
        // Browsers drop these wherever they stand.
        if [0x09, 0x0a, 0x0d].contains(byte) { return }
        switch (self, byte) {
        case (.start, 0...0x20): break
        case (.descriptor, _), (.query, _), (.code, _): break
        case (.data(let type), _): feedType(type, byte)
        case (_, UInt8(ascii: "?")), (_, UInt8(ascii: "#")): self = .query
        case (.start, UInt8(ascii: "/")), (.start, UInt8(ascii: "\\")): self = .root
        case (.afterValue, UInt8(ascii: "/")), (.afterValue, UInt8(ascii: "\\")): self = .root
        case (_, UInt8(ascii: "/")): self = .path
        case (.start, UInt8(ascii: ":")): self = .path
        case (.afterValue, UInt8(ascii: ":")), (.name, UInt8(ascii: ":")): throw .scheme
        case (.prefix(let scheme), UInt8(ascii: ":")):
            let name = String(decoding: scheme, as: UTF8.self)
            self =
                ["javascript", "vbscript", "livescript"].contains(name) ? .code : name == "data" ? .data([]) : .path
        case (.start, _): self = .prefix([lowercased(byte)])
        case (.prefix(let scheme), _): self = scheme.count < 32 ? .prefix(scheme + [lowercased(byte)]) : .path
        case (.root, _): self = .path
        case (.afterValue, _): self = .name
        case (.name, _), (.path, _): break
        }
    }

    private mutating func feedType(_ type: [UInt8], _ byte: UInt8) {
        guard byte == UInt8(ascii: ",") || byte == UInt8(ascii: ";") || type.count > 64 else {
            return self = .data(type + [lowercased(byte)])
        }
        let name = String(decoding: type, as: UTF8.self)
        let isMedium =
            ["image/", "audio/", "video/", "font/"].contains(where: name.hasPrefix) && !name.hasSuffix("xml")
        self = isMedium || Self.inertTypes.contains(name) ? .path : .code
    }

    private static let inertTypes: Set = [
        "text/plain", "text/csv", "application/json", "application/pdf", "application/octet-stream",
    ]
}

/// How far a URL has come, on each way through the branches before.
struct URLState: Equatable {
    private(set) var parts: [URLPart] = [.start]

    var isAtStart: Bool { parts == [.start] }

    mutating func feed(_ byte: UInt8, isSet: Bool = false) throws(TextTrouble) {
        if parts.count == 1 { return try parts[0].feed(byte, isSet: isSet) }
        var next = URLState()
        next.parts = []
        for part in parts {
            var part = part
            try part.feed(byte, isSet: isSet)
            next.add(part)
        }
        self = next
    }

    mutating func merge(_ other: URLState) { for part in other.parts { add(part) } }

    private mutating func add(_ part: URLPart) { if !parts.contains(part) { parts.append(part) } }

    /// Text of the program's own stands here, as it is.
    mutating func feedRaw() {
        for index in parts.indices {
            switch parts[index] {
            case .start, .root, .prefix: parts[index] = .name
            default: break
            }
        }
    }

    /// An expression stands here.
    /// - Returns: how its value is written. Nil if the ways through the branches disagree.
    mutating func feedValue(_ code: Code) throws(TemplateError) -> OutputContext? {
        var contexts: [OutputContext] = []
        let isOpen = parts.allSatisfy { $0 != .query && $0 != .descriptor }
        var next = URLState()
        next.parts = []
        for part in parts {
            switch part {
            case .start:
                contexts.append(.url)
                next.add(.afterValue)
            case .afterValue:
                contexts.append(.urlRoot)
                next.add(.afterValue)
            case .root:
                contexts.append(.urlRoot)
                next.add(.path)
            case .prefix, .name:
                contexts.append(.urlPath)
                next.add(.name)
            case .path:
                contexts.append(.urlPath)
                next.add(.path)
            case .query, .descriptor:
                contexts.append(.urlQuery)
                next.add(part)
            case .code, .data:
                throw code.error(
                    "an expression cannot stand in a URL that is a script, or may be one; use an event's attribute or a <script>"
                )
            }
        }
        self = next
        // A URL of which the scheme is allowed makes no other scheme of what is before, and is safe in a path.
        if isOpen, contexts.contains(.url) { return .url }
        // What holds in the root holds in the path.
        if contexts.contains(.urlRoot), contexts.allSatisfy({ $0 == .urlRoot || $0 == .urlPath }) { return .urlRoot }
        return contexts.dropFirst().allSatisfy({ $0 == contexts[0] }) ? contexts[0] : nil
    }
}
