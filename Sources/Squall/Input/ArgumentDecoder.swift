#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Reads a type from the arguments of a query or a form. See ``RequestHandler/form(as:)`` for the rules.
struct ArgumentDecoder: Decoder {
    let table: ArgumentTable
    /// The name that this is about, with points; empty for all.
    let path: String
    /// One value of a list.
    var element: String?
    var codingPath: [any CodingKey] = []
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// A type that refers to itself without end stops here.
    private static let deepest = 16

    static func decode<Value: Decodable>(
        _ type: Value.Type, from pairs: [(name: String, value: String)]
    ) throws -> Value {
        try ArgumentDecoder(table: ArgumentTable(pairs), path: "").value(as: type)
    }

    var values: [String] { element.map { [$0] } ?? table.values[path] ?? [] }

    /// Nothing was sent, or nothing was filled in.
    var isNil: Bool { table.children[path] == nil && values.last?.isEmpty ?? true }

    func value<Value: Decodable>(as type: Value.Type) throws -> Value {
        guard codingPath.count <= Self.deepest else {
            throw HTTPError(500, logMessage: "\(Value.self) is too deep for arguments; read it from JSON")
        }
        let special: Any? =
            switch type {
            case is Bool.Type: try bool()
            case is Date.Type: try read("a date, such as 2026-11-21 or 2026-11-21T10:44:00Z", ISO8601Date.parse)
            case is URL.Type: try read("a URL") { URL(string: $0) }
            case is Decimal.Type: try read("a number") { Double(pathArgument: $0) == nil ? nil : Decimal(string: $0) }
            case let type as any PathArgument.Type: try read(wanted(type)) { type.init(pathArgument: $0) }
            default: nil
            }
        if let value = special as? Value { return value }
        do {
            return try Value(from: self)
        } catch is DecodingError {
            throw HTTPError.invalidArgument(path, wanted(type))
        }
    }

    private func read<Result>(_ wanted: String, _ parse: (String) -> Result?) throws -> Result {
        guard let text = values.last else { throw HTTPError.missingArgument(path) }
        guard let value = parse(text) else { throw HTTPError.invalidArgument(path, wanted) }
        return value
    }

    private func bool() throws -> Bool {
        guard let text = values.last else { return false }
        switch text.lowercased() {
        case "true", "on", "yes", "1": return true
        case "false", "off", "no", "0", "": return false
        default: throw HTTPError.invalidArgument(path, wanted(Bool.self))
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard element == nil else {
            throw HTTPError(
                500, logMessage: "'\(path.quotable)' is a list of structures, which arguments cannot be; read JSON")
        }
        return KeyedDecodingContainer(ArgumentFields(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { ArgumentList(decoder: self) }
    func singleValueContainer() throws -> any SingleValueDecodingContainer { ArgumentValue(decoder: self) }

    func child(_ key: some CodingKey) -> ArgumentDecoder {
        let name = key.stringValue
        return ArgumentDecoder(
            table: table, path: path.isEmpty ? name : path + "." + name, codingPath: codingPath + [key])
    }
}

/// The fields of a structure.
private struct ArgumentFields<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: ArgumentDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] { (decoder.table.children[decoder.path] ?? []).compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { decoder.table.has(decoder.child(key).path) }
    func decodeNil(forKey key: Key) throws -> Bool { decoder.child(key).isNil }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try decoder.child(key).value(as: type)
    }
    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> { try decoder.child(key).container(keyedBy: type) }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder.child(key).unkeyedContainer()
    }
    func superDecoder() throws -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { decoder.child(key) }
}

/// The values of one name.
private struct ArgumentList: UnkeyedDecodingContainer {
    let decoder: ArgumentDecoder
    private let values: [String]
    private(set) var currentIndex = 0

    init(decoder: ArgumentDecoder) {
        self.decoder = decoder
        values = decoder.values
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { values.count }
    var isAtEnd: Bool { currentIndex >= values.count }

    private mutating func next() throws -> ArgumentDecoder {
        guard !isAtEnd else { throw HTTPError.missingArgument(decoder.path) }
        var element = decoder
        element.element = values[currentIndex]
        element.codingPath.append(Index(intValue: currentIndex))
        currentIndex += 1
        return element
    }

    mutating func decodeNil() throws -> Bool { false }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().value(as: type) }
    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> { try next().container(keyedBy: type) }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { decoder }

    private struct Index: CodingKey {
        let intValue: Int?
        var stringValue: String { "\(intValue ?? 0)" }
        init(intValue: Int) { self.intValue = intValue }
        init?(stringValue: String) { return nil }
    }
}

/// The last value of one name.
private struct ArgumentValue: SingleValueDecodingContainer {
    let decoder: ArgumentDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool { decoder.isNil }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoder.value(as: type) }
}
