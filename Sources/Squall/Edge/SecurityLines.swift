import SquallHTTP

/// ``SecurityHeaders`` as the bytes that are sent, made once.
final class SecurityLines: Sendable {
    private struct Line {
        var name: String
        /// With its line end.
        var bytes: [UInt8]
        /// Only with documents.
        var isForDocuments = false
    }

    /// All but the one for TLS.
    private let lines: [Line]
    private let transport: Line?
    /// All of `lines`, with documents and without.
    private let document: [UInt8]
    private let other: [UInt8]
    /// The policy cut at the places for the nonce, if it has any.
    private let policy: [String]
    /// The first field that cannot be sent. Nothing is served with it.
    let failure: InvalidSettingError?

    init(_ headers: SecurityHeaders) {
        var lines: [Line] = []
        var failure: InvalidSettingError?
        func line(_ name: String, _ value: String?, isForDocuments: Bool = false) -> Line? {
            guard let value else { return nil }
            var line = Line(name: name, bytes: [], isForDocuments: isForDocuments)
            do {
                try HTTP1Encoder.appendField(name, value, to: &line.bytes)
            } catch {
                failure = InvalidSettingError(description: "the security header \(name) cannot be sent: \(error)")
                return nil
            }
            return line
        }
        let policy = headers.contentSecurityPolicy
        let withoutNonce = policy?.replacing(" {nonce}", with: "").replacing("{nonce}", with: "")
        lines += [
            line("X-Content-Type-Options", headers.contentTypeOptions),
            line("Referrer-Policy", headers.referrerPolicy),
            line("X-Frame-Options", headers.frameOptions, isForDocuments: true),
            line(Self.policyName, withoutNonce, isForDocuments: true),
        ].compactMap { $0 }
        transport = line("Strict-Transport-Security", headers.strictTransportSecurity)
        self.policy = policy?.components(around: "{nonce}") ?? []
        self.lines = lines
        self.failure = failure
        document = lines.flatMap(\.bytes)
        other = lines.filter { !$0.isForDocuments }.flatMap(\.bytes)
    }

    private static let policyName = "Content-Security-Policy"

    /// Appends what `fields` has not.
    @inline(__always)
    func append(
        besides fields: [(name: String, value: String)], isDocument: Bool, isSecure: Bool, nonce: String?,
        to wire: inout [UInt8]
    ) throws(HTTPFieldError) {
        if fields.isEmpty, nonce == nil, !isSecure {
            wire.append(contentsOf: isDocument ? document : other)
        } else {
            try appendEach(besides: fields, isDocument, isSecure, nonce, &wire)
        }
    }

    private func appendEach(
        besides fields: [(name: String, value: String)], _ isDocument: Bool, _ isSecure: Bool, _ nonce: String?,
        _ wire: inout [UInt8]
    ) throws(HTTPFieldError) {
        func isSet(_ line: Line) -> Bool { fields.contains { $0.name.equalsIgnoringCase(line.name) } }
        for line in lines where (isDocument || !line.isForDocuments) && !isSet(line) {
            if let nonce, line.name == Self.policyName, policy.count > 1 {
                try HTTP1Encoder.appendField(line.name, policy.joined(separator: "'nonce-\(nonce)'"), to: &wire)
            } else {
                wire.append(contentsOf: line.bytes)
            }
        }
        if isSecure, let transport, !isSet(transport) { wire.append(contentsOf: transport.bytes) }
    }

    /// Whether browsers show a body of this type as a document, in which scripts may run.
    static func isDocument(_ contentType: String) -> Bool {
        // What most have.
        switch contentType {
        case "text/html; charset=UTF-8": return true
        case "text/plain", "application/json; charset=UTF-8", "text/plain; charset=UTF-8", "text/css; charset=UTF-8",
            "image/png", "image/jpeg":
            return false
        default: break
        }
        // All that is looked for below has an x in it.
        guard contentType.utf8.contains(where: { $0 | 32 == UInt8(ascii: "x") }) else { return false }
        // Of several, which no handler should send, browsers take one or another.
        var rest = contentType.utf8[...]
        while let comma = rest.firstIndex(of: UInt8(ascii: ",")) {
            if isDocument(rest[..<comma]) { return true }
            rest = rest[rest.index(after: comma)...]
        }
        return isDocument(rest)
    }

    /// HTML, all of XML's types, XSLT, and pages that replace one another.
    private static func isDocument(_ type: Substring.UTF8View) -> Bool {
        let type = type.drop(while: isBlank).prefix { $0 != UInt8(ascii: ";") && !isBlank($0) }
        guard let slash = type.firstIndex(of: UInt8(ascii: "/")) else { return false }
        let subtype = type[type.index(after: slash)...]
        return equals(subtype, "xml") || equals(subtype.suffix(4), "+xml") || equals(type, "text/html")
            || equals(type, "text/xsl")
            || equals(type, "multipart/x-mixed-replace")
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    /// Whether it is the name, which is in lower case, in any case.
    private static func equals(_ text: Substring.UTF8View, _ name: StaticString) -> Bool {
        name.withUTF8Buffer { name in
            text.count == name.count
                && zip(text, name).allSatisfy { $0 == $1 || $0 | 32 == $1 && (65...90).contains($0) }
        }
    }
}

extension String {
    fileprivate func components(around separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}
