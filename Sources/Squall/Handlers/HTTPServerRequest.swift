import HTTPTypes
import SquallHTTP
import SquallIO

/// A request as it came. Strings are made from its bytes when they are asked for.
public struct HTTPServerRequest: Sendable {
    let exchange: Exchange?

    private var head: HTTP1RequestHead { exchange?.head ?? .unreadable }

    public var method: HTTPRequest.Method { head.method }
    /// The target as sent: `/reports/7?year=2026`, or in absolute form with scheme and host.
    public var target: String { head.target }
    /// The path as sent, escaped.
    public var path: String { head.path }
    /// The query as sent, without the question mark. Nil if there was none.
    public var query: String? { head.query }
    /// `HTTP/1.1` or `HTTP/1.0`.
    public var version: String { head.minorVersion == 0 ? "HTTP/1.0" : "HTTP/1.1" }
    /// All fields, in the order in which they came.
    public var headers: HTTPFields { head.fields }
    /// Names and values of all fields, in the order and the spelling in which they came.
    public var headerLines: [(name: String, value: String)] {
        (0..<head.fieldCount).map { (head.fieldName(at: $0), head.fieldValue(at: $0)) }
    }
    /// The first field of this name, in whatever case. Nothing is allocated if there is none and the name is given in lower case.
    public func header(_ name: String) -> String? {
        let isLowercase = !name.utf8.contains { (0x41...0x5a).contains($0) }
        return head.value(of: isLowercase ? name : name.lowercased())
    }
    /// The body. Empty in a route that streams it, and for a form of type `multipart/form-data`, which is not kept as
    /// it came: ``RequestHandler/bodyArguments()``, ``RequestHandler/files()``.
    public var body: [UInt8] { exchange?.body ?? [] }
    /// Names the request in logs and reports.
    public var id: String { exchange?.id ?? "" }
    /// The route that answers it, as it was declared.
    public var route: String { exchange?.route.name ?? "" }
}

/// A request's body as it comes: of a route with `streamsBody`.
///
/// The client is held back while nobody reads. It can be read once.
public struct RequestBody: AsyncSequence, Sendable {
    public typealias Element = [UInt8]
    let exchange: Exchange?

    public struct AsyncIterator: AsyncIteratorProtocol {
        let exchange: Exchange?

        /// The next piece, of up to 64 KiB; nil at the end.
        /// - Throws: ``HTTPError`` 413 beyond the limit, 408 if it comes too slowly, 400 if it is malformed or not
        ///   what its Content-Encoding says;
        ///   ``StreamClosedError`` if the client leaves; `CancellationError`.
        public mutating func next() async throws -> [UInt8]? { try await exchange?.nextBodyChunk() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(exchange: exchange) }
}
