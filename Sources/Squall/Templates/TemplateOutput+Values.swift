import SquallIO

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension TemplateOutput {
    /// Where in a page a value stands, which decides how it is escaped. The template's compiler knows.
    public enum Context: Sendable {
        /// Text of HTML or XML.
        case text
        /// A file that is no markup: nothing is escaped.
        case plain
        /// Text in which there can be no markup, as in `<title>`.
        case characterData
        /// A comment of HTML.
        case comment
        /// The value of an attribute, in quotation marks.
        case attribute
        /// The value of an attribute without quotation marks, after text of it.
        case unquoted
        /// A URL's beginning; where a slash could make a host of what follows; its path; its query or fragment.
        case url, urlRoot, urlPath, urlQuery
        /// URLs in `srcset`, each with what says for which screens it is.
        case sourceSet
        /// What an attribute of SVG becomes in time: no URL with a scheme.
        case animation
        /// In a string of JavaScript. A value is put out as JSON: ``TemplateOutput/put(script:inAttribute:)``.
        case scriptString
        /// A value of CSS; in a string of it; in `url()`.
        case style, styleString, styleURL
        /// Text of a document that is an attribute's value.
        case document
    }

    // MARK: values

    /// Adds a value, escaped for where it stands.
    public mutating func put(_ value: String, _ context: Context = .text) throws {
        switch context {
        case .text, .attribute, .characterData: bytes.append(escapingHTML: value)
        case .plain: bytes.append(text: value)
        default: TemplateEscaping.append(value, context, to: &bytes)
        }
    }

    /// Adds a number.
    public mutating func put(_ value: Int, _ context: Context = .text) throws { appendDecimal(value) }

    /// Adds a number.
    public mutating func put(_ value: some BinaryInteger, _ context: Context = .text) throws {
        // Digits and a sign are the same in every context.
        if let value = Int(exactly: value) { appendDecimal(value) } else { write(value.description) }
    }

    /// Adds markup that is safe as it is where text stands, and is escaped elsewhere.
    public mutating func put(_ value: HTML, _ context: Context = .text) throws {
        switch context {
        case .text: write(value.description)
        // It is the document that the attribute is written for.
        case .document: bytes.append(escapingHTML: value.description)
        default: try put(value.description, context)
        }
    }

    /// Adds a value's description, escaped for where it stands.
    public mutating func put(_ value: some CustomStringConvertible, _ context: Context = .text) throws {
        try put(value.description, context)
    }

    @available(
        *, unavailable, message: "this is optional: write {{ value ?? \"\" }}, or {% if let value %} round it"
    )
    public mutating func put<Value>(_ value: Value?, _ context: Context = .text) throws {}

    @available(
        *, unavailable,
        message: "a value of this type has no text: conform it to CustomStringConvertible, or put out its parts"
    )
    public mutating func put<Value>(_ value: Value, _ context: Context = .text) throws {}

    // MARK: raw

    /// Adds text as it is.
    public mutating func put(raw value: some CustomStringConvertible) throws { write(value.description) }

    @available(
        *, unavailable, message: "this is optional: write {% raw value ?? \"\" %}, or {% if let value %} round it"
    )
    public mutating func put<Value>(raw value: Value?) throws {}

    /// Adds a value's text as a function makes it.
    public mutating func put(
        _ value: some CustomStringConvertible, through function: (String) throws -> String
    ) throws {
        write(try function(value.description))
    }

    // MARK: scripts

    /// Adds a value as JSON that no script can be left by.
    /// - Throws: `EncodingError`.
    public mutating func put(script value: some Encodable, inAttribute isAttribute: Bool = false) throws {
        switch value {
        case let value as Int: appendDecimal(value)
        case let value as Bool: write(value ? "true" : "false")
        default:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.withoutEscapingSlashes]
            encoder.dateEncodingStrategy = .iso8601
            TemplateEscaping.appendJSON(try encoder.encode(value), isAttribute: isAttribute, to: &bytes)
        }
    }

    private mutating func appendDecimal(_ value: Int) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        if rest < 10 { return bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest)) }
        let start = bytes.count
        while rest > 0 {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
            rest = quotient
        }
        bytes[start...].reverse()
    }
}
