import Logging
import SquallHTTP
import SquallIO

extension Application {
    /// What may be set for a whole application. The defaults are meant to be left.
    public struct Settings: Sendable {
        public var limits = Limits()
        /// Where requests are logged, at `info`. Nil, the default: nowhere, at no cost.
        public var accessLogger: Logger?
        /// Where errors of handlers are logged.
        public var logger = Logger(label: "squall.application")
        /// How many event loops. Nil, the default: one for each processor that the process may use.
        public var loops: Int?
        /// How many connections the system keeps until they are accepted.
        public var backlog = 1_024
        /// Responses that are written in one piece, of 256 bytes and more, get a tag that is made from the body, and a client that
        /// has the body already gets 304. A handler that sets a tag of its own has it in any case.
        public var makesETags = true
        /// Signs cookies. Nil, the default: there are no signed cookies. Not for the source code: read it from the environment
        /// or a file that only the application can read.
        public var cookieSecret: CookieSecret?
        /// Whether requests with other methods than GET, HEAD and OPTIONS must bring a token, which only pages of the same site
        /// can know; otherwise they get 403. Nil, the default: where there is a ``cookieSecret``. Routes may say otherwise, such
        /// as those for programs, which send no cookies.
        public var checksXSRF: Bool?
        /// The proxies in front. What these say of their clients is believed, of nobody else's: see
        /// ``forwardedFields``, ``proxyProtocol`` and <doc:BehindAProxy>. None by default.
        public var trustedProxies: [AddressRange] = []
        /// The fields by which the ``trustedProxies`` say who asks: `X-Forwarded-For` and `X-Forwarded-Proto` by
        /// default. A proxy must overwrite, or add to, each of these, or its clients say who they are themselves.
        public var forwardedFields: ForwardedFields = [.xForwardedFor, .xForwardedProto]
        /// Connections from ``trustedProxies`` begin with a header of the PROXY protocol, version 1 or 2, and are
        /// closed if they do not. Connections from others are served as they are, and such a header from them is a
        /// malformed request. Off by default.
        public var proxyProtocol = false
        /// Fields that protect pages in the browser, with every response. Routes may have others.
        public var securityHeaders = SecurityHeaders()
        /// Which other sites' scripts may use the application. Nil, the default: none. Routes may say otherwise.
        public var cors: CORS?
        /// The cookie of ``checksXSRF``: Tornado's `xsrf_cookie_name`. Nil, the default: `__Host-xsrf` for requests
        /// over TLS, which no subdomain and no plain connection can set, and `_xsrf` otherwise, since browsers refuse
        /// the former there. The argument of forms is `_xsrf` in any case.
        public var xsrfCookieName: String?
        /// What runs around all handlers, and around errors that no handler answers. None by default. See ``Middleware``.
        public var middleware: [Middleware] = []
        /// Errors get a page that tells what is known of them: type and text of the error, source lines, stack, the request and
        /// the routes. False, the default: they tell nothing. Set it from where the program knows, such as an argument or an
        /// environment variable of its own, and never where others than its developers can reach it.
        public var isDevelopment = false
        /// Whether a body with Content-Encoding gzip, deflate or br reaches handlers without it, whole, streamed or as
        /// a form. False, the default: it reaches them as it is, and forms and JSON get 415. Routes may say otherwise.
        /// What comes out is held to the limit of the body and to ``Limits/decompressionRatio``.
        public var decompressesBodies = false
        /// Whether text, JSON and the like are compressed for clients that take gzip or Brotli, from 1,024 bytes on or
        /// where they are flushed. False, the default: it costs more than all the rest of a response, and a proxy in
        /// front may do it. Routes may say otherwise: do not compress a secret together with what a request says
        /// (BREACH); Squall's own tokens against cross-site request forgery are masked, and safe.
        public var compressesResponses = false
        /// Where uploads go that are too large for memory. It must exist, and should not be in memory, as `/tmp` may
        /// be. The default: what the environment says in `TMPDIR`, otherwise `/tmp`.
        public var temporaryDirectory = systemTemporaryDirectory()
        /// For how long requests that are under way may go on when the application stops.
        public var drainTimeout: Duration = .seconds(30)
        /// How stalls are handled. It is the process's: the application that starts last sets it. Nil, the default: as it
        /// is, see ``StallPolicy`` for what that is at first.
        public var stalls: StallPolicy?
        /// Makes the handler that answers what no route answers: an unknown path, a request that cannot be read, a
        /// limit that was passed. Nil: a plain page. It throws the error from `prepare`, so that it is rendered by
        /// ``RequestHandler/writeError(_:)``.
        public var errorHandler: (@Sendable () -> RequestHandler)?
        /// What the loops go by instead of the system's clocks, in tests.
        package var clock: ManualClock?

        public init() {}
    }

    /// How much, how long and how many. Each has a finite default.
    public struct Limits: Sendable {
        /// Request line, fields and the empty line after them, in bytes: 64 KiB. Beyond: 414 or 431.
        public var headerBytes = 65_536
        /// Fields of a request: 128. Beyond: 431.
        public var headerCount = 128
        /// A request's body, in bytes: 1 MiB. Beyond: 413. Routes may set their own.
        public var bodyBytes = 1_048_576
        /// Parts of a multipart form: 100. Beyond: 400.
        public var multipartParts = 100
        /// The values of a multipart form's fields that are no files, all together, in bytes: 1 MiB. Beyond: 413.
        public var formBytes = 1_048_576
        /// Files of a multipart form that are kept in memory, all together, in bytes: 64 KiB. What is beyond goes to a
        /// temporary file.
        public var uploadMemoryBytes = 65_536
        /// How many times as long a compressed body may become, once it is longer than 64 KiB: 25. Beyond: 413.
        public var decompressionRatio = 25
        /// How long a client may take for a request's head, from its first byte, or from connecting: 10 s. Then: 408.
        public var headerTimeout: Duration = .seconds(10)
        /// How long a body may take beyond what ``bodyRate`` gives it: 30 s. Then: 408.
        public var bodyTimeout: Duration = .seconds(30)
        /// The least rate at which a body must come, in bytes a second: 500.
        public var bodyRate = 500
        /// How long a connection may stay without a request: 60 s.
        public var idleTimeout: Duration = .seconds(60)
        /// How long a handler may take: 30 s. Then its task is cancelled and the client gets 503. Routes may set their own.
        public var handlerDeadline: Duration = .seconds(30)
        /// How long a client may take nothing of what is sent to it: 30 s. Then the connection is closed.
        public var writeTimeout: Duration = .seconds(30)
        /// How much may wait in memory to be sent on a connection, in bytes: 1 MiB. With more than that ``RequestHandler/flush()``
        /// waits, and no further request is taken from the connection.
        public var unsentBytes = 1_048_576
        /// Connections at a time. Nil, the default: the open-file limit, less some for the application. Beyond, new ones
        /// wait in the system's queue.
        public var connections: Int?

        public init() {}

        var parser: HTTP1Limits {
            var limits = HTTP1Limits()
            limits.maxHeaderBytes = headerBytes
            limits.maxHeaderCount = headerCount
            limits.maxBodyBytes = bodyBytes
            return limits
        }
    }
}

/// The limits in time as a connection uses them, in nanoseconds.
struct Timeouts: Sendable {
    let header: Int64
    let body: Int64
    let idle: Int64
    let write: Int64
    let handler: Int64
    let perBodyByte: Int64

    init(_ limits: Application.Limits) {
        header = limits.headerTimeout.clampedNanoseconds
        body = limits.bodyTimeout.clampedNanoseconds
        idle = limits.idleTimeout.clampedNanoseconds
        write = limits.writeTimeout.clampedNanoseconds
        handler = limits.handlerDeadline.clampedNanoseconds
        perBodyByte = 1_000_000_000 / Int64(max(1, limits.bodyRate))
    }
}

extension Duration {
    /// Held to a range in which adding it to a time cannot overflow: 0 to about a century.
    var clampedNanoseconds: Int64 { min(max(0, nanoseconds), 1 << 61) }
}
