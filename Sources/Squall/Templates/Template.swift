/// A page, mail or part of one, compiled from a template file: ``RequestHandler/render(_:streaming:)`` sends it.
///
/// The build plug-in `SquallTemplates` makes such a type of each file in a target's folder `Templates`: see <doc:Templates>.
/// A type may also be written by hand, as Tornado's `UIModule` is:
///
/// ```swift
/// struct Stars: SynchronousTemplate {
///     var count: Int
///     static let resources = PageResources(cssFiles: ["stars.css"])
///
///     func render(to output: inout TemplateOutput) throws {
///         for _ in 0..<count { output.write("<i class=star></i>") }
///     }
/// }
/// ```
public protocol Template {
    /// What it is, for the field Content-Type: HTML unless told.
    static var contentType: String { get }
    /// What a page needs that has it in it.
    static var resources: PageResources { get }
    /// Files whose ``RequestHandler/staticURL(_:named:)`` is asked for before it is rendered.
    static var staticFiles: [String] { get }
    /// The file that it was compiled from, while the program is developed.
    static var source: TemplateSource? { get }

    /// Adds it to the output.
    /// - Throws: what its expressions throw. What was added stays in the output.
    nonisolated(nonsending) func render(to output: inout TemplateOutput) async throws
}

/// A template that waits for nothing.
public protocol SynchronousTemplate: Template {
    /// Adds it to the output.
    /// - Throws: what its expressions throw. What was added stays in the output.
    func render(to output: inout TemplateOutput) throws
}

/// A template of which parts can be rendered alone, those in `{% fragment %}`.
public protocol FragmentedTemplate: Template {
    associatedtype Fragment
    /// Adds a part to the output.
    nonisolated(nonsending) func render(_ fragment: Fragment, to output: inout TemplateOutput) async throws
}

extension Template {
    public static var contentType: String { "text/html; charset=UTF-8" }
    public static var resources: PageResources { PageResources() }
    public static var staticFiles: [String] { [] }
    public static var source: TemplateSource? { nil }
}

extension SynchronousTemplate {
    /// The text of it, outside of any request, for a mail or a test. What belongs to a request, as its token against forgery,
    /// is not there: ``TemplateContextError``.
    public func renderString() throws -> String {
        var output = TemplateOutput()
        try output.page(self)
        return String(decoding: output.bytes, as: UTF8.self)
    }
}

/// Markup that is safe as it is: a template puts it out without escaping it.
///
/// Make it of text of the program's own, or of text that has been escaped or cleaned. Where it stands in an attribute or a
/// script, it is escaped as any text is.
public struct HTML: Hashable, Sendable, CustomStringConvertible, SynchronousTemplate {
    /// The markup.
    public var description: String

    /// Says that text is safe as markup.
    public init(_ markup: String) { description = markup }

    public func render(to output: inout TemplateOutput) throws { output.write(description) }

    /// Both, one after the other.
    public static func + (one: HTML, other: HTML) -> HTML { HTML(one.description + other.description) }
}

/// A template asked for what belongs to a request, and is rendered outside of one.
public struct TemplateContextError: Error, CustomStringConvertible {
    public let description: String

    init(_ name: String) {
        description =
            "the template asks for '\(name)', which belongs to a request; render it by a handler's render or renderString"
    }
}

/// Style sheets and scripts of a template, which a page has once, however often the template is in it: Tornado's
/// `UIModule.css_files` and the like. Style sheets are put before `</head>`, scripts before `</body>`.
public struct PageResources: Hashable, Sendable {
    /// URLs, or names of static files.
    public var cssFiles: [String]
    public var embeddedCSS: [String]
    /// URLs, or names of static files.
    public var javascriptFiles: [String]
    public var embeddedJavaScript: [String]
    /// Markup for the end of the head.
    public var head: [HTML]
    /// Markup for the end of the body.
    public var body: [HTML]

    public init(
        cssFiles: [String] = [], embeddedCSS: [String] = [], javascriptFiles: [String] = [],
        embeddedJavaScript: [String] = [], head: [HTML] = [], body: [HTML] = []
    ) {
        self.cssFiles = cssFiles
        self.embeddedCSS = embeddedCSS
        self.javascriptFiles = javascriptFiles
        self.embeddedJavaScript = embeddedJavaScript
        self.head = head
        self.body = body
    }

    var isEmpty: Bool {
        cssFiles.isEmpty && embeddedCSS.isEmpty && javascriptFiles.isEmpty && embeddedJavaScript.isEmpty && head.isEmpty
            && body.isEmpty
    }

    /// Takes over what is not there yet.
    mutating func add(_ other: PageResources) {
        func add<Item: Equatable>(_ items: [Item], to own: inout [Item]) {
            for item in items where !own.contains(item) { own.append(item) }
        }
        add(other.cssFiles, to: &cssFiles)
        add(other.embeddedCSS, to: &embeddedCSS)
        add(other.javascriptFiles, to: &javascriptFiles)
        add(other.embeddedJavaScript, to: &embeddedJavaScript)
        add(other.head, to: &head)
        add(other.body, to: &body)
    }
}
