/// Arguments by their names, as a decoder finds them.
struct ArgumentTable {
    /// Names are written with points: `a[b]` is `a.b`, and `a[]` is `a`.
    private(set) var values: [String: [String]] = [:]
    /// Which parts stand behind a name and its point.
    private(set) var children: [String: [String]] = [:]
    /// All names, and what they begin with. It bounds how deep a type can look.
    private var known: Set<String> = []
    /// A name of more parts is skipped: each part is noted with all before it.
    private static let deepest = 8

    init(_ pairs: [(name: String, value: String)]) {
        for (name, value) in pairs {
            let parts = Self.parts(name)
            guard !parts.isEmpty, parts.count <= Self.deepest else { continue }
            let path = parts.joined(separator: ".")
            if values[path] == nil { note(parts) }
            values[path, default: []].append(value.argumentText)
        }
    }

    private mutating func note(_ parts: [String]) {
        var prefix = ""
        for part in parts {
            let path = prefix.isEmpty ? part : prefix + "." + part
            if known.insert(path).inserted { children[prefix, default: []].append(part) }
            prefix = path
        }
    }

    private static func parts(_ name: String) -> [String] {
        name.utf8.split { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: ".") }
            .map { String(decoding: $0.last == UInt8(ascii: "]") ? $0.dropLast() : $0, as: UTF8.self) }
            .filter { !$0.isEmpty }
    }

    func has(_ path: String) -> Bool { known.contains(path) }
}
