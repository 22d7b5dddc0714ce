#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension RequestHandler {
    /// Adds a value to the body as JSON, and says so in Content-Type. Dates are written by ISO 8601.
    /// - Throws: `EncodingError` if the value cannot be encoded.
    public func write(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        let data = try encoder.encode(value)
        setHeader("Content-Type", "application/json; charset=UTF-8")
        write(data)
    }

    /// The body, read as JSON.
    /// - Throws: ``HTTPError`` 415 if the request says that its body is something else, or compressed; 400 that names
    ///   the field, if it does not fit.
    public func json<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let mediaType = self.mediaType
        guard mediaType.isEmpty || mediaType == "application/json" || mediaType.hasSuffix("+json") else {
            throw HTTPError.notJSON
        }
        try refuseCoding()
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        do {
            return try decoder.decode(type, from: Data(request.body))
        } catch let error as DecodingError {
            throw HTTPError.invalidBody(Self.explain(error))
        }
    }

    private static func explain(_ error: DecodingError) -> String {
        func path(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
            var text = ""
            for key in context.codingPath + (last.map { [$0] } ?? []) {
                if let index = key.intValue {
                    text += "[\(index)]"
                } else {
                    text += (text.isEmpty ? "" : ".") + key.stringValue
                }
            }
            return text.isEmpty ? "the body" : "the field '\(text.quotable)'"
        }
        switch error {
        case .keyNotFound(let key, let context): return "\(path(context, key)) is missing"
        case .typeMismatch(let type, let context): return "\(path(context)) must be \(wanted(type))"
        case .valueNotFound(let type, let context): return "\(path(context)) must be \(wanted(type)), not null"
        case .dataCorrupted(let context):
            return context.codingPath.isEmpty ? "the body is not valid JSON" : "\(path(context)) is not valid"
        @unknown default: return "the body does not fit"
        }
    }
}
