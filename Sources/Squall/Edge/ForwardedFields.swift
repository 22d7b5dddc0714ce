/// By which fields a trusted proxy says who its client is.
///
/// A proxy that sets one of them lets the others through as the client sent them. So only those may be listed that
/// **every trusted proxy overwrites or, of the two lists `X-Forwarded-For` and `Forwarded`, adds to**. The default is
/// what proxies do most: to add to `X-Forwarded-For`, and to set `X-Forwarded-Proto`.
///
/// Where ``forwarded`` is listed and the request has that field, it alone counts. Otherwise `X-Real-IP` goes before
/// `X-Forwarded-For`, and `X-Scheme` before `X-Forwarded-Proto`, as in Tornado.
public struct ForwardedFields: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// `X-Forwarded-For`, to which each proxy adds who asked it. The client is the last one that is no trusted proxy.
    public static let xForwardedFor = ForwardedFields(rawValue: 1)
    /// `X-Forwarded-Proto`: `http` or `https`. The last one counts.
    public static let xForwardedProto = ForwardedFields(rawValue: 2)
    /// `X-Forwarded-Host`: the host that the client asked for, where the proxy asks for another. The last one counts.
    public static let xForwardedHost = ForwardedFields(rawValue: 4)
    /// `X-Forwarded-Port`: the port of that host. The last one counts.
    public static let xForwardedPort = ForwardedFields(rawValue: 8)
    /// `X-Real-IP`: the client, one address.
    public static let xRealIP = ForwardedFields(rawValue: 16)
    /// `X-Scheme`: `http` or `https`. The last one counts.
    public static let xScheme = ForwardedFields(rawValue: 32)
    /// `Forwarded` (RFC 7239), to which each proxy adds who asked it, by which protocol and for which host.
    public static let forwarded = ForwardedFields(rawValue: 64)

    /// What Tornado believes with `xheaders=True`.
    public static let tornado: ForwardedFields = [.xRealIP, .xForwardedFor, .xScheme, .xForwardedProto]
}
