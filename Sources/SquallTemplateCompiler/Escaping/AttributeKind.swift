/// What an attribute's value is for browsers, or for a library that many pages have.
enum AttributeKind: Equatable {
    case plain, url, sourceSet, script, style, document
    /// What an attribute of SVG becomes in the course of time, which may be a link's.
    case animation
    /// `content` of `<meta>`: of a page that leads elsewhere it has a URL in it.
    case refresh
    /// In no language that is known here.
    case unknown

    /// - Parameters: names in lower case, in XML without the element's prefix.
    init(_ name: [UInt8], on element: [UInt8]) {
        // A part of the name comes from `raw`. Whatever it is, `data-` and `aria-` are never code.
        if name.contains(0) {
            self = name.starts(with: "data-".utf8) || name.starts(with: "aria-".utf8) ? .plain : .unknown
            return
        }
        let name = String(decoding: name, as: UTF8.self)
        let element = String(decoding: element, as: UTF8.self)
        if let kind = Self.ofLibrary(name) {
            self = kind
            return
        }
        // A prefix of XML may be any that the file has declared: `xlink:href` is often, not always, called so.
        let local = name.split(separator: ":").last.map(String.init) ?? name
        if name.hasPrefix("xmlns") {
            self = .plain
        } else if Self.urls.contains(local) || Self.urlsOfHTML.contains(name) && !element.contains("-")
            || name == "data" && element == "object" || Self.isURLOfScripts(name)
        {
            self = .url
        } else if ["srcset", "imagesrcset", "data-srcset"].contains(name) {
            self = .sourceSet
        } else if local == "style" {
            self = .style
        } else if name == "srcdoc" {
            self = .document
        } else if name == "content", element == "meta" {
            self = .refresh
        } else if ["to", "from", "by", "values"].contains(name), Self.animations.contains(element) {
            self = .animation
        } else {
            self = .plain
        }
    }

    private static let urls: Set = ["href", "src", "action", "formaction", "poster", "url", "uri"]
    /// Elements of a page's own may call other things so: an icon, a profile.
    private static let urlsOfHTML: Set = [
        "cite", "background", "ping", "longdesc", "manifest", "codebase", "classid", "usemap", "archive",
    ]
    private static let animations: Set = ["animate", "set", "animatetransform", "animatemotion"]

    /// Scripts of the page read these as the attribute that they are called after: `data-src`, `data-lazy-src`.
    private static func isURLOfScripts(_ name: String) -> Bool {
        name.hasPrefix("data-")
            && ["src", "href", "url", "uri"].contains(name.split(separator: "-").last.map(String.init) ?? "")
    }

    // MARK: libraries

    private static let urlsOfHTMX: Set = [
        "get", "post", "put", "patch", "delete", "push-url", "replace-url",
    ]
    private static let scriptsOfHTMX: Set = ["vals", "vars", "headers", "trigger", "request"]
    /// Of Alpine's attributes, those that are no JavaScript.
    private static let plainOfAlpine: Set = ["x-ref", "x-teleport", "x-cloak", "x-ignore", "x-mask", "x-transition"]

    /// htmx, Alpine, Vue, Angular and hyperscript, and the events of HTML.
    private static func ofLibrary(_ name: String) -> AttributeKind? {
        // Lit and Angular mark properties and events by a character.
        if let first = name.first, "@:#.?*[(".contains(first) { return .script }
        if name == "_" || name == "data-script" { return .unknown }
        let plainName = name.hasPrefix("data-") ? String(name.dropFirst(5)) : name
        if plainName.hasPrefix("hx-") {
            let rest = String(plainName.dropFirst(3))
            if rest.hasPrefix("on") || scriptsOfHTMX.contains(rest) { return .script }
            return urlsOfHTMX.contains(rest) ? .url : .plain
        }
        if ["sse-connect", "ws-connect"].contains(plainName) { return .url }
        if name.hasPrefix("x-") {
            let base = name.prefix { $0 != "." && $0 != ":" }
            return plainOfAlpine.contains(String(base)) && name != "x-mask:dynamic" ? .plain : .script
        }
        if name.hasPrefix("on") || name.hasPrefix("v-") || plainName.hasPrefix("ng-") { return .script }
        return nil
    }
}
