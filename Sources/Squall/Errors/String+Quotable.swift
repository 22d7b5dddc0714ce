extension String {
    /// A name from the wire, as it may stand in a message or a log: its first 128 characters, with U+FFFD in the places of
    /// those that break lines, steer a terminal or cannot be seen.
    var quotable: String {
        var result = ""
        // Not by grapheme clusters, one of which can be as long as the text.
        for (count, scalar) in unicodeScalars.enumerated() {
            guard count < 128 else { return result + "…" }
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: result.unicodeScalars.append("\u{fffd}")
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
