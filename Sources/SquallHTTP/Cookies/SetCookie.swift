/// A cookie that a response sets (RFC 6265 section 4.1).
public struct SetCookie: Sendable, Equatable {
    /// With which requests from other sites a browser sends the cookie (RFC 6265bis section 5.6.7).
    public enum SameSite: String, Sendable, CaseIterable {
        /// With none.
        case strict = "Strict"
        /// With those that navigate to the site, such as a link.
        case lax = "Lax"
        /// With all. Browsers demand ``SetCookie/isSecure`` with it. Write `SetCookie.SameSite.none`: `.none` alone is
        /// Swift's nil.
        case none = "None"
    }

    public var name: String
    public var value: String
    /// To which host and its subdomains it is sent. Nil: to the host that set it only.
    public var domain: String?
    /// Below which path it is sent.
    public var path: String? = "/"
    /// When it is forgotten, in seconds since 1970. Nil, and no ``maxAge``: with the browser's session.
    public var expires: Int?
    /// After how many seconds it is forgotten; 0 or less: now. Goes before ``expires``.
    public var maxAge: Int?
    /// It is sent over TLS only. Nil: if the request came over TLS, which `setCookie(_:)` of a handler knows;
    /// ``serialized()`` takes it for false.
    public var isSecure: Bool?
    /// The page's scripts cannot read it.
    public var isHTTPOnly = true
    public var sameSite: SameSite? = .lax
    /// Embedded in other sites it is kept apart for each of them (CHIPS).
    public var isPartitioned = false

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// The value of the `Set-Cookie` field.
    ///
    /// Values that a cookie cannot hold are quoted, as ``CookieHeader`` and Tornado read it.
    /// - Throws: ``SetCookieError`` if the name is no token, an attribute has a character that would end it, the name's
    ///   prefix (`__Host-`, `__Secure-`) promises what the attributes don't keep, or `SameSite=None` or `Partitioned`
    ///   stands without `Secure`.
    public func serialized() throws(SetCookieError) -> String {
        guard Self.isName(name) else {
            throw SetCookieError(message: "the cookie's name '\(name)' is not a token; use letters, digits and -_")
        }
        try checkSecure()
        var text = "\(name)=\(Self.quoted(value))"
        if let domain { text += "; Domain=\(try attribute(domain, "Domain"))" }
        if let expires { text += "; Expires=\(HTTPDate.string(secondsSince1970: expires))" }
        if isHTTPOnly { text += "; HttpOnly" }
        if let maxAge { text += "; Max-Age=\(maxAge)" }
        if isPartitioned { text += "; Partitioned" }
        if let path { text += "; Path=\(try attribute(path, "Path"))" }
        if let sameSite { text += "; SameSite=\(sameSite.rawValue)" }
        if isSecure == true { text += "; Secure" }
        return text
    }

    /// Whether a cookie can have this name: a token (RFC 9110 section 5.6.2).
    public static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { ByteSet.token.contains($0) }
    }

    private func checkSecure() throws(SetCookieError) {
        let isSecure = isSecure ?? false
        if !isSecure, sameSite == SameSite.none || isPartitioned {
            throw SetCookieError(
                message:
                    "browsers drop the cookie '\(name)', which has \(isPartitioned ? "Partitioned" : "SameSite=None") "
                    + "without Secure; set isSecure to true, and serve over TLS")
        }
        let lowercased = name.lowercased()
        if lowercased.hasPrefix("__host-"), !isSecure || domain != nil || path != "/" {
            throw SetCookieError(message: "the cookie '\(name)' must be Secure, have the path / and no domain")
        }
        if lowercased.hasPrefix("__secure-"), !isSecure {
            throw SetCookieError(message: "the cookie '\(name)' must be Secure")
        }
    }

    private func attribute(_ value: String, _ attribute: String) throws(SetCookieError) -> String {
        guard value.utf8.allSatisfy({ (0x20..<0x7f).contains($0) && $0 != UInt8(ascii: ";") }) else {
            throw SetCookieError(
                message:
                    "the cookie '\(name)' has a control character, a semicolon or a letter beyond ASCII in \(attribute)"
            )
        }
        return value
    }

    private static func quoted(_ value: String) -> String {
        if value.utf8.allSatisfy(isOctet) { return value }
        var output: [UInt8] = [UInt8(ascii: "\"")]
        for byte in value.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                output += [UInt8(ascii: "\\"), byte]
            } else if isOctet(byte) || byte == ASCII.space {
                output.append(byte)
            } else {
                output += [UInt8(ascii: "\\"), 0x30 + byte >> 6, 0x30 + byte >> 3 & 7, 0x30 + byte & 7]
            }
        }
        output.append(UInt8(ascii: "\""))
        return String(decoding: output, as: UTF8.self)
    }

    /// `cookie-octet`: no blanks, no control characters, and none of `",;\`.
    private static func isOctet(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\\"): false
        default: (0x21..<0x7f).contains(byte)
        }
    }
}

/// A cookie cannot be set as it is.
public struct SetCookieError: Error, Equatable, CustomStringConvertible {
    public var message: String
    public var description: String { message }
}
