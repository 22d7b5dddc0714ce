import HTTPTypes

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A response that came whole.
public struct TestResponse: Sendable, CustomStringConvertible {
    /// As it came on the wire.
    public var raw: RawResponse

    public var status: HTTPResponse.Status {
        HTTPResponse.Status(code: raw.status, reasonPhrase: raw.reason)
    }

    /// The value of a field, and nil if there is none. More than one are joined by ` | `, so that no test overlooks
    /// them.
    public subscript(_ name: String) -> String? { raw[name] }

    /// The values of all fields of this name.
    public func values(of name: String) -> [String] {
        raw.headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }

    public var body: [UInt8] { raw.body }

    /// The body as UTF-8. What is not UTF-8 is replaced by U+FFFD.
    public var text: String { String(decoding: raw.body, as: UTF8.self) }

    /// The body, read as JSON. Dates are read by ISO 8601.
    /// - Throws: ``ClientError`` if it is none, with the response.
    public func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        do { return try decoder.decode(type, from: Data(raw.body)) } catch {
            throw ClientError("the response is no JSON for \(type): \(error)\n\(self)")
        }
    }

    public var description: String {
        let lines = raw.headers.map { "\($0.name): \($0.value)" }
        return (["\(raw.version) \(raw.status) \(raw.reason)"] + lines + ["", String(text.prefix(2_000))])
            .joined(separator: "\n")
    }
}
