/// How a value is written where it stands: a case of `TemplateOutput.Context`, by its name.
enum OutputContext: String {
    case text, plain, characterData, comment, attribute, unquoted
    case url, urlRoot, urlPath, urlQuery, sourceSet, animation
    case script, scriptAttribute, scriptString
    case style, styleString, styleURL
    case document
}

/// Why text cannot be followed further.
enum TextTrouble: Error {
    /// Whether a slash divides or begins a regular expression is not known.
    case slash
    /// An expression or tag stands between characters that mean something only together.
    case cut
    /// Whether `>` ends a comment is not known.
    case comment
    /// A comment of HTML in a script, which hides from this what browsers see.
    case markup
    /// What comes before `:` in a URL is not known.
    case scheme

    var message: String {
        switch self {
        case .slash:
            "whether '/' divides here or begins a regular expression cannot be decided; put parentheses round what is before it, or a semicolon behind that"
        case .cut: "an expression or tag stands within what belongs together here; write it in one piece"
        case .comment: "whether the comment ends here depends on what is before; put a blank before '>'"
        case .markup:
            "'<!--' and '-->' are comments in a script, as in HTML; write '\\u003c!--' in a string, and // for a remark"
        case .scheme:
            "':' after an expression could end a URL's scheme; write the scheme itself, or make the whole URL in one expression"
        }
    }
}
