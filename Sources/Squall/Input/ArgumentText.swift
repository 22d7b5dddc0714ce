extension String {
    /// The value of an argument as handlers see it, which is as in Tornado: control characters but tabs and line ends are spaces, and
    /// there are no blanks at the ends.
    var argumentText: String {
        func isControl(_ byte: UInt8) -> Bool { byte < 9 || byte > 13 && byte < 32 }
        guard utf8.contains(where: isControl) else { return trimmingBlanks }
        return String(decoding: utf8.map { isControl($0) ? UInt8(ascii: " ") : $0 }, as: UTF8.self).trimmingBlanks
    }
}

/// What a value of this type must be, for the person who sends it.
func wanted(_ type: Any.Type) -> String {
    switch type {
    case is any FixedWidthInteger.Type: return "a whole number"
    case is any BinaryFloatingPoint.Type: return "a number"
    case is Bool.Type: return "true or false"
    case is String.Type: return "a string"
    // What a JSON decoder calls lists and objects.
    case is [Any].Type: return "a list"
    case is [String: Any].Type: return "an object"
    case let type as any CaseIterable.Type:
        let cases = cases(of: type)
        return cases.isEmpty || cases.count > 20 ? "a valid \(type)" : "one of \(cases.joined(separator: ", "))"
    default: return "a valid \(type)"
    }
}

private func cases<Cases: CaseIterable>(of type: Cases.Type) -> [String] {
    type.allCases.compactMap { ($0 as? any RawRepresentable).map { "\($0.rawValue)" } }
}
