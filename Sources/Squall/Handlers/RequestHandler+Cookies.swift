import SquallHTTP

/// A setting is missing that a call needs.
public struct MissingSettingError: Error, CustomStringConvertible {
    public let description: String
}

extension RequestHandler {
    // MARK: cookies

    /// The request's cookies. Those whose name is no token are left out; of several with one name the last counts.
    public var cookies: [String: String] {
        if let parsedCookies { return parsedCookies }
        var cookies: [String: String] = [:]
        for line in request.headerLines where line.name.equalsIgnoringCase("cookie") {
            for pair in CookieHeader.parse(line.value) where SetCookie.isName(pair.name) {
                cookies[pair.name] = pair.value
            }
        }
        parsedCookies = cookies
        return cookies
    }

    /// A cookie of the request. Nil if there is none.
    public func cookie(_ name: String) -> String? { cookies[name] }

    /// Sets a cookie, in place of one of the same name that was set before. It is sent with errors too.
    ///
    /// Where ``SetCookie/isSecure`` is nil, it is for TLS only if the request came over TLS, or if the name's prefix
    /// promises it.
    /// - Throws: ``SetCookieError`` if name or attributes have characters that would break out of their place, or if
    ///   browsers would drop it: `SameSite=None` and `Partitioned` need `Secure`.
    public func setCookie(_ cookie: SetCookie) throws {
        var cookie = cookie
        cookie.isSecure = cookie.isSecure ?? sendsSecureCookie(named: cookie.name)
        let line = try cookie.serialized()
        newCookies.removeAll { $0.name == cookie.name }
        newCookies.append((cookie.name, line))
    }

    /// Sets a cookie for the whole site, until the browser's session ends or for `maxAge` seconds. Scripts cannot read
    /// it, other sites' forms do not send it, and if the request came over TLS it is sent over TLS only;
    /// ``setCookie(_:)`` sets it otherwise.
    public func setCookie(_ name: String, _ value: String, maxAge: Int? = nil) throws {
        var cookie = SetCookie(name, value)
        cookie.maxAge = maxAge
        try setCookie(cookie)
    }

    /// Has the browser forget a cookie. Domain and path must be those with which it was set.
    public func clearCookie(_ name: String, domain: String? = nil, path: String = "/") throws {
        var cookie = SetCookie(name, "")
        cookie.domain = domain
        cookie.path = path
        cookie.expires = 0
        cookie.maxAge = 0
        try setCookie(cookie)
    }

    /// Whether a cookie is for TLS only, unless the application says: it comes over TLS, or the name's prefix promises
    /// it.
    private func sendsSecureCookie(named name: String) -> Bool {
        request.isSecure || ["__host-", "__secure-"].contains { name.lowercased().hasPrefix($0) }
    }

    // MARK: signed cookies

    /// Sets a cookie that its holder can read but not change: Tornado's `set_signed_cookie`, in its format.
    /// - Parameter maxAge: in seconds; 30 days by default. Nil: until the browser's session ends.
    /// - Throws: ``MissingSettingError`` if the application has no cookie secret; as ``setCookie(_:)``.
    public func setSignedCookie(_ name: String, _ value: String, maxAge: Int? = 30 * 86_400) throws {
        var cookie = SetCookie(name, value)
        cookie.maxAge = maxAge
        try setSignedCookie(cookie)
    }

    /// Sets a cookie with its value signed, and with its attributes: it is kept until the browser's session ends, unless
    /// these say otherwise.
    /// - Throws: as ``setSignedCookie(_:_:maxAge:)``.
    public func setSignedCookie(_ cookie: SetCookie) throws {
        try setCookie(cookie, made: SignedValue.create)
    }

    private func setCookie(
        _ cookie: SetCookie, made make: (CookieSecret, _ name: String, _ value: [UInt8], _ time: Int) -> String?
    ) throws {
        guard let value = make(try cookieSecret, cookie.name, Array(cookie.value.utf8), wallClockSeconds()) else {
            throw MissingSettingError(
                description: "the cookie secret has no key of its current version, or an empty one: set "
                    + "Application.Settings.cookieSecret")
        }
        var cookie = cookie
        cookie.value = value
        try setCookie(cookie)
    }

    /// The value of a cookie that this application has signed. Nil if there is none, or it is not valid, or too old.
    /// - Parameters:
    ///   - maxAge: how many seconds ago it may have been signed; 31 days by default, whatever the browser kept.
    ///   - oldest: the oldest format that is accepted.
    /// - Throws: ``MissingSettingError`` if the application has no cookie secret.
    public func signedCookie(
        _ name: String, maxAge: Int = 31 * 86_400, oldest: SignedValue.Version = .v2
    ) throws -> String? {
        let secret = try cookieSecret
        guard let text = cookie(name),
            let value = SignedValue.decode(
                secret, name: name, text, time: wallClockSeconds(), maxAge: maxAge, oldest: oldest)
        else { return nil }
        return String(validating: value, as: UTF8.self)
    }

    // MARK: encrypted cookies

    /// Sets a cookie that its holder can neither read nor change.
    /// - Parameter maxAge: in seconds; 30 days by default. Nil: until the browser's session ends.
    /// - Throws: as ``setSignedCookie(_:_:maxAge:)``.
    public func setEncryptedCookie(_ name: String, _ value: String, maxAge: Int? = 30 * 86_400) throws {
        var cookie = SetCookie(name, value)
        cookie.maxAge = maxAge
        try setEncryptedCookie(cookie)
    }

    /// Sets a cookie with its value encrypted, and with its attributes: it is kept until the browser's session ends,
    /// unless these say otherwise.
    /// - Throws: as ``setSignedCookie(_:_:maxAge:)``.
    public func setEncryptedCookie(_ cookie: SetCookie) throws {
        try setCookie(cookie, made: EncryptedValue.create)
    }

    /// The value of a cookie that this application has encrypted. Nil if there is none, or it is not valid, or too old.
    /// - Parameter maxAge: how many seconds ago it may have been encrypted; 31 days by default, whatever the browser kept.
    /// - Throws: ``MissingSettingError`` if the application has no cookie secret.
    public func encryptedCookie(_ name: String, maxAge: Int = 31 * 86_400) throws -> String? {
        let secret = try cookieSecret
        guard let text = cookie(name),
            let value = EncryptedValue.decode(secret, name: name, text, time: wallClockSeconds(), maxAge: maxAge)
        else { return nil }
        return String(validating: value, as: UTF8.self)
    }

    private var cookieSecret: CookieSecret {
        get throws {
            guard let secret = application?.settings.cookieSecret else {
                throw MissingSettingError(
                    description: "signed cookies need a secret: set Application.Settings.cookieSecret")
            }
            return secret
        }
    }
}
