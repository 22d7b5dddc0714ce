/// The form of a host's name, for routes that belong to some hosts only.
///
/// | Written | Matches |
/// | --- | --- |
/// | `example.com` | that host |
/// | `*.example.com` | `www.example.com`, but not `example.com` and not `a.b.example.com` |
/// | `{tenant}.example.com` | the same, and says what `tenant` is |
/// | `[::1]` | that address, in these letters |
/// | `*` | every host, and no host at all |
///
/// `*` and `{name}` each stand for one whole label, which may be letters, digits, `-` and `_`. Upper and lower case are
/// the same, the port does not count, nor does a dot at the end. Naming the hosts that an application serves
/// is the defence against DNS rebinding.
public struct HostPattern: Sendable {
    enum Label: Hashable, Sendable {
        /// In lower case.
        case literal([UInt8])
        case any
        case parameter(String)
    }

    /// The pattern as it was written.
    public let source: String
    /// The names of the parameters, from left to right.
    public let parameterNames: [String]
    private let form: Form

    private enum Form: Hashable, Sendable {
        case everyHost
        /// An address in brackets, in lower case.
        case address([UInt8])
        case labels([Label])
    }

    /// Parses a pattern.
    ///
    /// - Throws: ``HostPatternError``, which says where the mistake is and what to write instead.
    public init(_ source: String) throws(HostPatternError) {
        func failure(_ reason: HostPatternError.Reason, at offset: Int) -> HostPatternError {
            let position = String(decoding: Array(source.utf8)[..<offset], as: UTF8.self).count + 1
            return HostPatternError(reason: reason, pattern: source, position: position)
        }

        self.source = source
        var bytes = Array(source.utf8)
        guard !bytes.isEmpty else { throw failure(.empty, at: 0) }
        if bytes == [UInt8(ascii: "*")] {
            self.form = .everyHost
            self.parameterNames = []
            return
        }
        if bytes[0] == UInt8(ascii: "[") {
            let close = bytes.firstIndex(of: UInt8(ascii: "]")) ?? bytes.count
            if close == bytes.count { throw failure(.invalidLabel(source), at: 0) }
            if close + 1 < bytes.count { throw failure(.port, at: close + 1) }
            self.form = .address(bytes.map(HostName.lowercase))
            self.parameterNames = []
            return
        }
        if bytes.last == HostName.dot { bytes.removeLast() }
        var labels: [Label] = []
        var names: [String] = []
        var offset = 0
        for label in bytes.split(separator: HostName.dot, omittingEmptySubsequences: false) {
            let text = String(decoding: label, as: UTF8.self)
            if let colon = label.firstIndex(of: UInt8(ascii: ":")) { throw failure(.port, at: colon) }
            if label.isEmpty { throw failure(.emptyLabel, at: offset) }
            if label.first == UInt8(ascii: "{"), label.last == UInt8(ascii: "}") {
                let name = String(text.dropFirst().dropLast())
                guard !name.isEmpty, name.utf8.allSatisfy(PathPatternParser.isNameByte) else {
                    throw failure(.invalidName(name), at: offset)
                }
                guard !names.contains(name) else { throw failure(.duplicateName(name), at: offset) }
                names.append(name)
                labels.append(.parameter(name))
            } else if text == "*" {
                labels.append(.any)
            } else if label.contains(where: { $0 >= 0x80 }) {
                throw failure(.notASCII(text), at: offset)
            } else if label.allSatisfy(HostName.isLabelByte) {
                labels.append(.literal(label.map(HostName.lowercase)))
            } else {
                throw failure(.invalidLabel(text), at: offset)
            }
            offset += label.count + 1
        }
        self.form = .labels(labels)
        self.parameterNames = names
    }

    /// The parameters' values if `host` has this form, otherwise `nil`.
    ///
    /// - Parameter host: A host's name, with or without a port, as in the `Host` field.
    /// - Returns: The values by name, in lower case; an empty dictionary if the pattern has no parameters.
    public func match(_ host: String) -> [String: String]? {
        if case .everyHost = form { return [:] }
        let bytes = Array(host.utf8)
        guard let name = HostName.range(in: bytes) else { return nil }
        switch form {
        case .everyHost:
            return [:]
        case .address(let address):
            return bytes[name].elementsEqual(address) { HostName.lowercase($0) == $1 } ? [:] : nil
        case .labels(let labels):
            return match(labels, bytes[name])
        }
    }

    private func match(_ labels: [Label], _ name: ArraySlice<UInt8>) -> [String: String]? {
        var values: [String: String] = [:]
        var rest = name
        for (index, label) in labels.enumerated() {
            let end = rest.firstIndex(of: HostName.dot) ?? rest.endIndex
            // The last label ends the name, and no other does.
            guard (end == rest.endIndex) == (index == labels.count - 1) else { return nil }
            let part = rest[rest.startIndex..<end]
            switch label {
            case .literal(let literal):
                guard part.elementsEqual(literal, by: { HostName.lowercase($0) == $1 }) else { return nil }
            case .any:
                guard !part.isEmpty, part.allSatisfy(HostName.isLabelByte) else { return nil }
            case .parameter(let parameter):
                guard !part.isEmpty, part.allSatisfy(HostName.isLabelByte) else { return nil }
                values[parameter] = String(decoding: part.map(HostName.lowercase), as: UTF8.self)
            }
            rest = rest[min(end + 1, rest.endIndex)...]
        }
        return values
    }
}

extension HostPattern: Hashable {
    public static func == (left: HostPattern, right: HostPattern) -> Bool {
        left.form == right.form
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(form)
    }
}

extension HostPattern: CustomStringConvertible {
    /// The pattern as it was written.
    public var description: String { source }
}

/// What a host's name is made of.
private enum HostName {
    static let dot = UInt8(ascii: ".")

    static func lowercase(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    static func isLabelByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default:
            false
        }
    }

    /// Where the name is in `host`, without the port and a dot at the end; `nil` if something else is behind it.
    static func range(in host: [UInt8]) -> Range<Int>? {
        var end: Int
        if host.first == UInt8(ascii: "[") {
            guard let close = host.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            end = close + 1
        } else {
            end = host.firstIndex(of: UInt8(ascii: ":")) ?? host.count
        }
        if end < host.count {
            let digits = host[(end + 1)...]
            guard host[end] == UInt8(ascii: ":"),
                digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") })
            else { return nil }
        }
        if end > 0, host[end - 1] == dot { end -= 1 }
        return end > 0 ? 0..<end : nil
    }
}

/// Why a text is no host pattern, where in it, and what to write instead.
public struct HostPatternError: Error, Hashable, Sendable {
    /// What is wrong with a pattern.
    public enum Reason: Hashable, Sendable {
        /// The pattern is empty.
        case empty
        /// There is nothing between two dots, or before the first.
        case emptyLabel
        /// There is a port.
        case port
        /// A label has characters that no host's name has, or a parameter or `*` that is only a part of it.
        case invalidLabel(String)
        /// A label is not ASCII, as which clients send it.
        case notASCII(String)
        /// A parameter's name is empty, or has a character other than letters, digits, `_` and `-`.
        case invalidName(String)
        /// Two parameters have the same name.
        case duplicateName(String)
    }

    /// What is wrong.
    public let reason: Reason
    /// The pattern as it was written.
    public let pattern: String
    /// Where in the pattern, in characters, the first of which is 1.
    public let position: Int
}

extension HostPatternError: CustomStringConvertible {
    /// One sentence that names the pattern and the position, and says what to write instead.
    public var description: String {
        "host pattern \"\(pattern)\", character \(position): \(explanation)"
    }

    private var explanation: String {
        switch reason {
        case .empty:
            "there is no name; write \"*\" for every host"
        case .emptyLabel:
            "a label is missing here; write \"*\" for any label"
        case .port:
            "a pattern has no port; write the name only"
        case .invalidLabel(let label):
            "\"\(label)\" is no label; use letters, digits, \"-\" and \"_\", or \"*\" or \"{name}\" for a whole label"
        case .notASCII(let label):
            "clients send \"\(label)\" in its ASCII form; write that, which begins with \"xn--\""
        case .invalidName(let name):
            "\"\(name)\" is no name for a parameter; use letters, digits, \"_\" and \"-\""
        case .duplicateName(let name):
            "there is already a parameter \"\(name)\"; give this one a name of its own"
        }
    }
}
