#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a handler has only where a feature is used.
final class RequestExtras {
    /// Fields that errors have, too: those that were set before the handler ran.
    var keptFields: [(name: String, value: String)] = []
    /// What is told of where the time went. Nil: nothing, so far.
    var timings: [String]?
    /// The request's cookies, once they were asked for.
    var cookies: [String: String]?
    /// The application to which another one has handed the request.
    var mount: Mount?
    /// No other site's script may read the response, whatever CORS says.
    var isHiddenFromOthers = false
    var currentUser: (any Sendable)?
    var locale: Locale?
    /// Messages for the next page, and those that were kept for this one.
    var newFlashes: [RequestHandler.Flash]?
    var addedFlashes = 0
    var readFlashes: [RequestHandler.Flash]?
}

extension RequestHandler {
    var keptFields: [(name: String, value: String)] {
        get { extras?.keptFields ?? [] }
        set { ensureExtras().keptFields = newValue }
    }
    var timings: [String]? {
        get { extras?.timings }
        set { ensureExtras().timings = newValue }
    }
    var mount: Mount? {
        get { extras?.mount }
        set { ensureExtras().mount = newValue }
    }

    var parsedCookies: [String: String]? {
        get { extras?.cookies }
        set { ensureExtras().cookies = newValue }
    }

    var isHiddenFromOthers: Bool {
        get { extras?.isHiddenFromOthers ?? false }
        set { ensureExtras().isHiddenFromOthers = newValue }
    }

    func ensureExtras() -> RequestExtras {
        if let extras { return extras }
        let made = RequestExtras()
        extras = made
        return made
    }
}
