/// What one proxy says in a Forwarded field (RFC 7239 section 4).
public struct ForwardedElement: Sendable, Equatable {
    /// Who asked the proxy: the parameter `for`, which ``ForwardedNode`` reads.
    public var node: String?
    /// The proxy itself.
    public var by: String?
    /// The host that it was asked for.
    public var host: String?
    /// The protocol in which it was asked.
    public var proto: String?

    public init() {}

    /// Reads one line of the field from its end, where the nearest proxy's element stands, and returns the elements in that
    /// order, nearest first.
    ///
    /// A proxy may add its element to any text, so what is malformed ends the reading and nothing else: a parameter without
    /// a value, a repeated one, an address with a colon that is not quoted, a quotation mark without its other. Linear.
    /// - Returns: `isWhole` is false if something malformed stands left of the elements.
    public static func nearestFirst(_ bytes: Span<UInt8>) -> (elements: [ForwardedElement], isWhole: Bool) {
        var elements: [ForwardedElement] = []
        var end = bytes.count
        while true {
            guard let start = start(ofElementEndingAt: end, bytes),
                let element = element(bytes.extracting(start..<end))
            else { return (elements, false) }
            // Empty elements of a list are nothing (RFC 9110 section 5.6.1).
            if let element { elements.append(element) }
            if start == 0 { return (elements, true) }
            end = start - 1
        }
    }

    /// Reads text; see ``nearestFirst(_:)-(Span<UInt8>)``.
    public static func nearestFirst(_ text: String) -> (elements: [ForwardedElement], isWhole: Bool) {
        nearestFirst(Array(text.utf8).span)
    }

    /// The place after the last comma that is in no quoted string. Nil if a quoted string has no beginning.
    private static func start(ofElementEndingAt end: Int, _ bytes: Span<UInt8>) -> Int? {
        var position = end
        var isQuoted = false
        while position > 0 {
            let byte = bytes[position - 1]
            if byte == UInt8(ascii: "\"") {
                var escapes = 0
                while isQuoted, position - 2 - escapes >= 0, bytes[position - 2 - escapes] == UInt8(ascii: "\\") {
                    escapes += 1
                }
                if escapes.isMultiple(of: 2) { isQuoted.toggle() }
                position -= escapes
            } else if byte == UInt8(ascii: ","), !isQuoted {
                return position
            }
            position -= 1
        }
        return isQuoted ? nil : 0
    }

    /// One element, nil inside if it is empty; nil if it is malformed.
    private static func element(_ bytes: Span<UInt8>) -> ForwardedElement?? {
        var element = ForwardedElement()
        var isEmpty = true
        var position = 0
        func skipBlanks() { while position < bytes.count, ASCII.isBlank(bytes[position]) { position += 1 } }
        while true {
            skipBlanks()
            if position < bytes.count, ByteSet.token.contains(bytes[position]) {
                guard let name = token(bytes, &position), position < bytes.count, bytes[position] == UInt8(ascii: "=")
                else { return nil }
                position += 1
                guard let value = value(bytes, &position), element.set(name.lowercased(), value) else { return nil }
                isEmpty = false
                skipBlanks()
            }
            if position >= bytes.count { return isEmpty ? .some(nil) : element }
            guard bytes[position] == UInt8(ascii: ";") else { return nil }
            position += 1
        }
    }

    /// False if the parameter was there before. Those of other names are skipped.
    private mutating func set(_ name: String, _ value: String) -> Bool {
        func put(_ place: inout String?) -> Bool {
            defer { place = value }
            return place == nil
        }
        switch name {
        case "for": return put(&node)
        case "by": return put(&by)
        case "host": return put(&host)
        case "proto": return put(&proto)
        default: return true
        }
    }

    private static func token(_ bytes: Span<UInt8>, _ position: inout Int) -> String? {
        var text: [UInt8] = []
        while position < bytes.count, ByteSet.token.contains(bytes[position]) {
            text.append(bytes[position])
            position += 1
        }
        return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }

    /// A token, or a quoted string (RFC 9110 section 5.6.4).
    private static func value(_ bytes: Span<UInt8>, _ position: inout Int) -> String? {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return token(bytes, &position) }
        position += 1
        var text: [UInt8] = []
        while position < bytes.count {
            var byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") { return String(validating: text, as: UTF8.self) }
            if byte == UInt8(ascii: "\\") {
                guard position < bytes.count else { return nil }
                byte = bytes[position]
                position += 1
            }
            guard !ASCII.isForbiddenControl(byte) else { return nil }
            text.append(byte)
        }
        return nil
    }
}

/// Who a proxy was asked by (RFC 7239 section 6).
public enum ForwardedNode: Sendable, Equatable {
    /// An address. The port is 0 where it is not given, or hidden.
    case address(IPAddress, port: UInt16)
    /// `unknown`: the proxy does not know.
    case unknown
    /// `_name`: the proxy does not tell.
    case obfuscated(String)

    /// Reads the parameter `for` of a Forwarded element: `192.0.2.43`, `192.0.2.43:47011`, `[2001:db8::17]:4711`,
    /// `unknown`, `_gazonk`. Nil if it is none of these.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.longest, let (name, port) = Self.split(bytes) else { return nil }
        if bytes.first == UInt8(ascii: "[") {
            guard let address = IPAddress(name.span), case .v6 = address else { return nil }
            self = .address(address, port: port)
        } else if name.first == UInt8(ascii: "_") {
            guard name.count > 1, Self.isObfuscated(name[...]) else { return nil }
            self = .obfuscated(String(decoding: name, as: UTF8.self))
        } else if String(decoding: name, as: UTF8.self).lowercased() == "unknown" {
            self = .unknown
        } else {
            guard let address = IPAddress(name.span), case .v4 = address else { return nil }
            self = .address(address, port: port)
        }
    }

    /// Reads an entry of X-Forwarded-For: an address, bare or as above with a port. Nil if it is anything else.
    public static func address(_ text: String) -> ForwardedNode? {
        if let address = IPAddress(text) { return .address(address, port: 0) }
        guard let node = ForwardedNode(text), case .address = node else { return nil }
        return node
    }

    /// The longest name that anybody uses; a host's name has no more either.
    private static let longest = 255

    /// The name without its brackets, and the port.
    private static func split(_ bytes: [UInt8]) -> (name: [UInt8], port: UInt16)? {
        var (name, rest) = (bytes[...], bytes[bytes.endIndex...])
        if bytes.first == UInt8(ascii: "[") {
            guard let close = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            (name, rest) = (bytes[1..<close], bytes[(close + 1)...])
        } else if let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
            (name, rest) = (bytes[..<colon], bytes[colon...])
        }
        guard let colon = rest.first else { return (Array(name), 0) }
        guard colon == UInt8(ascii: ":") else { return nil }
        let text = rest.dropFirst()
        if text.first == UInt8(ascii: "_") {
            return text.count > 1 && isObfuscated(text) ? (Array(name), 0) : nil
        }
        guard let port = PortNumber.parse(text) else { return nil }
        return (Array(name), port)
    }

    private static func isObfuscated(_ text: ArraySlice<UInt8>) -> Bool {
        text.dropFirst().allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
            default: ASCII.isDigit(byte) || ASCII.lowercased(byte) &- 0x61 < 26
            }
        }
    }
}

enum PortNumber {
    /// One to five digits, to 65535.
    static func parse(_ text: some Collection<UInt8>) -> UInt16? {
        guard (1...5).contains(text.count) else { return nil }
        var port = 0
        for byte in text {
            guard ASCII.isDigit(byte) else { return nil }
            port = port * 10 + Int(byte - 0x30)
        }
        return UInt16(exactly: port)
    }
}
