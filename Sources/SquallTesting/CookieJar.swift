import SquallHTTP

/// The cookies that a ``TestClient`` keeps, as a browser would (RFC 6265 section 5).
///
/// It goes by domain, path, expiry and Secure. It does not know which domains are public suffixes, and ignores
/// SameSite: all requests of a test come from the site itself.
public struct CookieJar: Sendable {
    /// A cookie that is kept.
    public struct Cookie: Sendable, Equatable {
        public var name: String
        /// As it came: it may stand in quotation marks.
        public var value: String
        public var domain: String
        public var path = "/"
        /// It is for the host that set it and not for those below.
        public var isHostOnly = true
        /// In seconds since 1970. Nil: until the test ends.
        public var expires: Int?
        public var isSecure = false
        public var isHTTPOnly = false
        /// Strict, Lax or None, as it was set.
        public var sameSite: String?

        public init(name: String, value: String, domain: String = "localhost") {
            self.name = name
            self.value = value
            self.domain = domain
        }
    }

    /// All of them, the oldest first.
    public private(set) var all: [Cookie] = []

    public init() {}

    /// The value of the cookie of this name, whatever its domain and path; the latest if there are more. Unquoted.
    public subscript(_ name: String) -> String? {
        all.last { $0.name == name }.flatMap { CookieHeader.parse("a=\($0.value)").first?.value ?? "" }
    }

    /// The cookie of this name, with its attributes.
    public func cookie(_ name: String) -> Cookie? { all.last { $0.name == name } }

    /// Adds a cookie, in place of one of the same name, domain and path.
    public mutating func set(_ cookie: Cookie) {
        all.removeAll { $0.name == cookie.name && $0.domain == cookie.domain && $0.path == cookie.path }
        all.append(cookie)
    }

    /// Forgets all of this name.
    public mutating func remove(_ name: String) { all.removeAll { $0.name == name } }

    public mutating func removeAll() { all = [] }

    /// Keeps what a response sets, or does not, if its host may not set it.
    mutating func store(_ line: String, host: String, path: String, isSecure: Bool, now: Int) {
        let parts = line.split(separator: ";", omittingEmptySubsequences: false).map(trimmed)
        let pair = parts[0].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(trimmed)
        guard pair.count == 2, let name = pair.first, let value = pair.last, !name.isEmpty else { return }
        var cookie = Cookie(name: name, value: value, domain: host)
        cookie.path = Self.defaultPath(path)
        var maxAge: Int?
        for part in parts.dropFirst() {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(trimmed)
            let value = halves.count == 2 ? halves[1] : ""
            switch halves[0].lowercased() {
            case "domain" where !value.isEmpty:
                cookie.domain = (value.hasPrefix(".") ? String(value.dropFirst()) : value).lowercased()
                cookie.isHostOnly = false
            case "path" where value.hasPrefix("/"): cookie.path = value
            case "max-age": maxAge = Int(value) ?? maxAge
            case "expires": cookie.expires = HTTPDate.parse(value) ?? cookie.expires
            case "secure": cookie.isSecure = true
            case "httponly": cookie.isHTTPOnly = true
            case "samesite": cookie.sameSite = value
            default: break
            }
        }
        if let maxAge {
            let (sum, overflow) = now.addingReportingOverflow(max(0, maxAge))
            cookie.expires = overflow ? .max : sum
        }
        guard Self.matches(host: host, cookie), isSecure || !cookie.isSecure else { return }
        set(cookie)
        all.removeAll { $0.expires.map { $0 <= now } ?? false }
    }

    /// The value of the Cookie field. Nil if there are none to send.
    mutating func field(host: String, path: String, isSecure: Bool, now: Int) -> String? {
        all.removeAll { $0.expires.map { $0 <= now } ?? false }
        let sent = all.filter {
            Self.matches(host: host, $0) && Self.matches(path: path, $0) && (isSecure || !$0.isSecure)
        }
        // Longer paths first, and of the same length the older ones.
        let sorted = sent.enumerated().sorted {
            ($1.element.path.utf8.count, $0.offset) < ($0.element.path.utf8.count, $1.offset)
        }
        return sorted.isEmpty ? nil : sorted.map { "\($0.element.name)=\($0.element.value)" }.joined(separator: "; ")
    }

    private static func matches(host: String, _ cookie: Cookie) -> Bool {
        host == cookie.domain || !cookie.isHostOnly && host.hasSuffix("." + cookie.domain)
    }

    private static func matches(path: String, _ cookie: Cookie) -> Bool {
        guard path.hasPrefix(cookie.path) else { return false }
        return path.utf8.count == cookie.path.utf8.count || cookie.path.hasSuffix("/")
            || path.dropFirst(cookie.path.count).hasPrefix("/")
    }

    private static func defaultPath(_ path: String) -> String {
        guard path.hasPrefix("/"), let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}

private func trimmed(_ text: Substring) -> String {
    String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
}

private func trimmed(_ text: String) -> String { trimmed(text[...]) }
