/// How a value is written where it stands: a case of `TemplateOutput.Context`, by its name.
enum OutputContext: String {
    case text, plain, characterData, attribute, unquoted
    case url, urlRoot, urlPath, urlQuery, sourceSet
    case script, scriptAttribute, scriptString
    case style, styleString, styleURL
    case document
}

/// What an attribute's value is for browsers.
enum AttributeKind: Equatable {
    case plain, url, sourceSet, script, style, document

    /// - Parameters: names in lower case.
    init(_ name: [UInt8], on element: [UInt8]) {
        let name = String(decoding: name, as: UTF8.self)
        let element = String(decoding: element, as: UTF8.self)
        // Scripts of the page read these as the attribute that they are called after.
        let plainName = name.hasPrefix("data-") ? String(name.dropFirst(5)) : name
        if Self.urls.contains(plainName) || plainName == "data" && element == "object" {
            self = .url
        } else if ["srcset", "imagesrcset"].contains(plainName) {
            self = .sourceSet
        } else if plainName == "style" {
            self = .style
        } else if name == "srcdoc" {
            self = .document
        } else if ["to", "from", "by", "values"].contains(name), Self.animations.contains(element) {
            self = .url
        } else if Self.isScript(name) {
            self = .script
        } else {
            self = .plain
        }
    }

    private static let urls: Set = [
        "href", "src", "action", "formaction", "cite", "poster", "background", "ping", "longdesc", "xlink:href", "icon",
        "manifest", "profile", "codebase", "classid", "usemap", "archive", "hx-get", "hx-post", "hx-put", "hx-patch",
        "hx-delete", "hx-push-url", "hx-replace-url", "url", "uri",
    ]
    private static let animations: Set = ["animate", "set", "animatetransform", "animatemotion"]
    /// Of libraries that take an attribute's value for a script.
    private static let scripts: Set = [
        "hx-vals", "hx-vars", "hx-headers", "hx-trigger", "x-data", "x-init", "x-show", "x-text", "x-html", "x-model",
        "x-if", "x-for", "x-effect", "x-modelable", "_", "hx-request",
    ]

    private static func isScript(_ name: String) -> Bool {
        name.hasPrefix("on") || name.hasPrefix("@") || name.hasPrefix(":") || name.hasPrefix("v-")
            || name.hasPrefix("x-on:") || name.hasPrefix("x-bind:") || name.hasPrefix("hx-on")
            || name.hasPrefix("data-hx-on") || name.hasPrefix("ng-") || scripts.contains(name)
            || name.hasPrefix("data-hx-") && scripts.contains(String(name.dropFirst(5)))
    }
}

/// How far a URL has come.
enum URLPart: Equatable {
    /// Nothing is there yet.
    case start
    /// Text that may yet be a scheme.
    case prefix([UInt8])
    /// One slash, which another would make a host of.
    case root
    /// An expression is there, and nothing that ends a scheme.
    case afterValue
    case path
    /// After `?` or `#`.
    case query
    /// After a scheme that runs code.
    case code
    /// After the URL of a source set.
    case descriptor
    /// One or the other.
    case undecided

    mutating func feed(_ byte: UInt8, isSet: Bool) {
        if isSet {
            if byte == UInt8(ascii: ",") { return self = .start }
            if isBlank(byte) {
                if self != .start { self = .descriptor }
                return
            }
        }
        switch (self, byte) {
        case (.start, _) where isBlank(byte): break
        case (.descriptor, _), (.query, _), (.code, _), (.undecided, _): break
        case (_, UInt8(ascii: "?")), (_, UInt8(ascii: "#")): self = .query
        case (.start, UInt8(ascii: "/")): self = .root
        case (_, UInt8(ascii: "/")): self = .path
        case (.start, UInt8(ascii: ":")): self = .path
        case (.prefix(let scheme), UInt8(ascii: ":")):
            let name = String(decoding: scheme.filter { $0 > 0x20 }, as: UTF8.self)
            self = ["javascript", "vbscript", "livescript"].contains(name) ? .code : .path
        case (.start, _): self = .prefix([lowercased(byte)])
        case (.prefix(let scheme), _): self = scheme.count < 32 ? .prefix(scheme + [lowercased(byte)]) : .path
        case (.root, _): self = .path
        case (.afterValue, _), (.path, _): break
        }
    }
}
