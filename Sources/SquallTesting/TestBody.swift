import SquallHTTP

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a request of a ``TestClient`` has for a body.
public struct TestBody: Sendable {
    /// The value of Content-Type. Nil: the field is not sent.
    public var contentType: String?
    public var bytes: [UInt8]
    /// An empty body is announced too: with `Content-Length: 0`.
    var isSent = true

    public init(_ bytes: [UInt8], contentType: String? = nil) {
        self.bytes = bytes
        self.contentType = contentType
    }

    /// No body, and no field that announces one.
    public static var none: TestBody {
        var body = TestBody([])
        body.isSent = false
        return body
    }

    /// Bytes as they are.
    public static func bytes(_ bytes: [UInt8], contentType: String? = "application/octet-stream") -> TestBody {
        TestBody(bytes, contentType: contentType)
    }

    /// Text in UTF-8.
    public static func text(_ text: String, contentType: String? = "text/plain; charset=UTF-8") -> TestBody {
        TestBody(Array(text.utf8), contentType: contentType)
    }

    /// A form: `application/x-www-form-urlencoded`. Names may repeat.
    public static func form(_ fields: KeyValuePairs<String, String>) -> TestBody {
        let pairs = fields.map {
            PercentCoding.percentEncode(queryComponent: $0) + "=" + PercentCoding.percentEncode(queryComponent: $1)
        }
        return TestBody(
            Array(pairs.joined(separator: "&").utf8), contentType: "application/x-www-form-urlencoded")
    }

    /// JSON. Dates are written by ISO 8601, as handlers read them.
    /// - Throws: `EncodingError`.
    public static func json(_ value: some Encodable) throws -> TestBody {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        return TestBody(Array(try encoder.encode(value)), contentType: "application/json")
    }

    /// A form with files: `multipart/form-data` (RFC 7578).
    public static func multipart(_ parts: [Part]) -> TestBody {
        // Longer than any line that a test has by chance.
        let boundary = "squall-testing-7MA4YWxkTrZu0gW-4f1c9a"
        var bytes: [UInt8] = []
        for part in parts {
            var head = "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(quoted(part.name))\""
            if let filename = part.filename { head += "; filename=\"\(quoted(filename))\"" }
            if let type = part.contentType { head += "\r\nContent-Type: \(type)" }
            bytes += Array("\(head)\r\n\r\n".utf8) + part.bytes + [13, 10]
        }
        bytes += Array("--\(boundary)--\r\n".utf8)
        return TestBody(bytes, contentType: "multipart/form-data; boundary=\(boundary)")
    }

    /// A field or a file of a form.
    public struct Part: Sendable {
        public var name: String
        public var filename: String?
        public var contentType: String?
        public var bytes: [UInt8]

        /// A field.
        public init(_ name: String, _ value: String) {
            self.name = name
            bytes = Array(value.utf8)
        }

        /// A file.
        public init(_ name: String, filename: String, contentType: String? = nil, bytes: [UInt8]) {
            self.name = name
            self.filename = filename
            self.contentType = contentType
            self.bytes = bytes
        }
    }

    /// As browsers write it (HTML Standard, multipart form data).
    private static func quoted(_ text: String) -> String {
        text.replacing("\"", with: "%22").replacing("\r", with: "%0D").replacing("\n", with: "%0A")
    }
}
