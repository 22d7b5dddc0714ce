/// A part of a template, as it is written.
indirect enum Node {
    case text(Text)
    /// `{{ expression }}`
    case output(Code, Escaping)
    /// `{% raw expression %}`
    case raw(Code)
    /// `{% block name %}`
    case block(Block)
    /// `{% super %}`, with where it stands.
    case parentBlock(Code)
    /// `{% fragment name %}`
    case fragment(Block)
    /// `{% include "path", name: value %}`
    case include(Call)
    /// `{% component "path", name: value %}`, with what goes into its slots.
    case component(Call, fills: [Block])
    /// `{% slot name %}`, with what is there when nothing is put into it.
    case slot(Block)
    /// `{% module Expression(…) %}`
    case module(Code)
    /// `{% apply function %}`
    case apply(Code, [Node])
    /// `{% set name = value %}`
    case set(Code)
    case branches([Branch], isClosed: Bool)
    /// `for` and `while`, keyword and all.
    case loop(Code, isFor: Bool, [Node])
    case choice(Code, [Branch])
    case attempt(Attempt)
    /// `break` and `continue`
    case jump(Code)

    struct Text {
        var source: SourceText
        var range: Range<Int>
        var whitespace: Whitespace
    }

    struct Block {
        /// Where it begins.
        var tag: Code
        var name: String
        var body: [Node]
    }

    struct Call {
        var tag: Code
        /// The template's path, as it is written.
        var path: String
        var arguments: [Argument]
        /// All of them, as they are written.
        var list: Code?
    }

    struct Argument {
        var label: Code
        var value: Code
    }

    /// A condition or pattern, keyword and all, and what is under it.
    struct Branch {
        var tag: Code
        var body: [Node]
    }

    struct Attempt {
        var tag: Code
        var body: [Node]
        var handlers: [Branch]
        /// What comes when nothing was thrown.
        var otherwise: [Node]?
        var finally: [Node]?
    }

    /// What is done with a value before it is put out.
    enum Escaping {
        /// What the place in the page needs.
        case byContext
        case none
        /// A function from text to text.
        case function(Code)
    }
}

/// What becomes of blanks in a template's text.
enum Whitespace: String, CaseIterable {
    /// They stay.
    case all
    /// A run of blanks with a line's end in it becomes a line's end, any other a space.
    case single
    /// A run becomes a space.
    case oneline
}

/// A declared parameter.
struct Parameter {
    var label: String
    var name: String
    /// Type and default, from the name on, as they are written.
    var declaration: Code
    var type: String
    var documentation: [String]
    var hasDefault: Bool
    /// Whether it says `@escaping`, which no property can.
    var isEscaping: Bool
    var isFunction: Bool
    var defaultValue: String?
}

/// A file, parsed.
struct ParsedTemplate {
    var source: SourceText
    var nodes: [Node] = []
    var parent: Node.Call?
    var parameters: [Parameter] = []
    var imports: [Code] = []
    var access: String?
    var resources: [Resource] = []
    /// By name.
    var blocks: [String: Node.Block] = [:]
    /// In the order in which they stand.
    var blockNames: [String] = []
    var slots: [Node.Block] = []
    var includes: [Node.Call] = []
    var fragments: [Node.Block] = []

    /// A style sheet or script that a page needs that uses this.
    struct Resource {
        enum Kind { case cssFile, javascriptFile, embeddedCSS, embeddedJavaScript }
        var kind: Kind
        var code: Code
    }
}
