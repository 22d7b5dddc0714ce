/// Why a text is no path pattern, where in it, and what to write instead.
///
/// It is thrown while routes are declared, so before the first request, and its ``description`` is written for the
/// person who declared them.
public struct PathPatternError: Error, Hashable, Sendable {
    /// What is wrong with a pattern.
    public enum Reason: Hashable, Sendable {
        /// The pattern does not begin with `/`.
        case missingLeadingSlash
        /// A `{` has no `}` in its segment.
        case unclosedBrace
        /// A `}` has no `{`.
        case unmatchedClosingBrace
        /// A parameter has no name: `{}` or `{...}`.
        case emptyName
        /// A parameter's name has a character other than letters, digits, `_` and `-`.
        case invalidName(String)
        /// Two parameters have the same name.
        case duplicateName(String)
        /// Something follows a `{name...}`.
        case restNotLast(String)
        /// A `{name...}` shares its segment with something before it.
        case restNotAlone(String)
        /// Two parameters have nothing between them.
        case adjacentParameters(String, String)
        /// There is nothing between two slashes.
        case emptySegment
        /// A segment is `.` or `..`, which clients take out before they ask.
        case dotSegment
        /// A `%` is not followed by two hexadecimal digits.
        case malformedEscape
        /// There is a `?` or `#`: the pattern goes on into the query or the fragment.
        case queryOrFragment
    }

    /// What is wrong.
    public let reason: Reason
    /// The pattern as it was written.
    public let pattern: String
    /// Where in the pattern, in characters, the first of which is 1.
    public let position: Int
}

extension PathPatternError: CustomStringConvertible {
    /// One sentence that names the pattern and the position, and says what to write instead.
    public var description: String {
        "path pattern \"\(pattern)\", character \(position): \(explanation)"
    }

    private var explanation: String {
        switch reason {
        case .missingLeadingSlash:
            "a pattern starts with \"/\"; write \"/\(pattern)\""
        case .unclosedBrace:
            "this \"{\" has no \"}\" in its segment; close the parameter as in \"{name}\", "
                + "or write \"%7B\" for a brace in the path itself"
        case .unmatchedClosingBrace:
            "this \"}\" has no \"{\" before it; write \"{name}\" for a parameter, "
                + "or \"%7D\" for a brace in the path itself"
        case .emptyName:
            "the parameter has no name; write \"{name}\", or \"{name...}\" for the rest of the path"
        case .invalidName(let name):
            invalidNameExplanation(name)
        case .duplicateName(let name):
            "there is already a parameter \"\(name)\"; give this one a name of its own"
        case .restNotLast(let name):
            "\"{\(name)...}\" takes the rest of the path, so nothing can follow it; "
                + "make it the last segment, or write \"{\(name)}\" for one segment"
        case .restNotAlone(let name):
            "\"{\(name)...}\" has to be a segment of its own; write \"/{\(name)...}\""
        case .adjacentParameters(let first, let second):
            "nothing tells where \"\(first)\" ends and \"\(second)\" begins; "
                + "put text between them, as in \"{\(first)}-{\(second)}\""
        case .emptySegment:
            "there is nothing between these two slashes; write one \"/\""
        case .dotSegment:
            "clients take \".\" and \"..\" out of a path before they send it; write the path without them"
        case .malformedEscape:
            "\"%\" begins an escape of two hexadecimal digits; write \"%25\" for a percent sign"
        case .queryOrFragment:
            "a pattern covers the path only; leave out what follows and read the query in the handler, "
                + "or write \"%3F\" for a question mark and \"%23\" for a hash sign in the path itself"
        }
    }

    private func invalidNameExplanation(_ name: String) -> String {
        if let colon = name.firstIndex(of: ":"), colon != name.startIndex {
            return "a pattern has no types; write \"{\(name[..<colon])}\" "
                + "and name the type where the handler reads the argument"
        }
        if name.hasPrefix("*") || name.hasSuffix("*") {
            let bare = name.filter { $0 != "*" }
            return "write \"{\(bare.isEmpty ? "name" : bare)...}\" for the rest of the path"
        }
        return "\"\(name)\" is no name for a parameter; use letters, digits, \"_\" and \"-\""
    }
}

/// Why a path could not be written with the values given.
public struct PathFillingError: Error, Hashable, Sendable {
    /// What is wrong with the values.
    public enum Reason: Hashable, Sendable {
        /// The pattern has a parameter for which there is no value.
        case missingValue
        /// There is a value for a parameter that the pattern does not have.
        case unknownParameter
        /// The value is empty, and the parameter is not a `{name...}`.
        case emptyValue
        /// The value would make a segment `.` or `..`, which clients take out before they ask.
        case dotSegment
        /// The value contains the text that ends it, so that reading the path would give other values.
        case ambiguousValue
        /// The path would begin with `//`, which clients take for the name of another host.
        case leadingDoubleSlash
    }

    /// What is wrong.
    public let reason: Reason
    /// The name of the parameter.
    public let parameter: String
    /// The pattern as it was written.
    public let pattern: String
}

extension PathFillingError: CustomStringConvertible {
    /// One sentence that names the pattern and the parameter.
    public var description: String {
        let problem =
            switch reason {
            case .missingValue: "there is no value for \"\(parameter)\""
            case .unknownParameter: "there is no parameter \"\(parameter)\" to give a value to"
            case .emptyValue: "the value of \"\(parameter)\" is empty; only a \"{name...}\" can be"
            case .dotSegment: "the value of \"\(parameter)\" makes a segment \".\" or \"..\", which no client sends"
            case .ambiguousValue: "the value of \"\(parameter)\" contains the text that follows it in the pattern"
            case .leadingDoubleSlash: "the value of \"\(parameter)\" makes a path that begins with \"//\""
            }
        return "path pattern \"\(pattern)\": \(problem)"
    }
}
