import SquallHTTP

/// A content coding (RFC 9110 section 8.4.1).
enum ContentCoding: String, Sendable {
    case gzip
    /// In zlib's format (RFC 1950).
    case deflate
    case brotli = "br"

    /// What requests may be coded with, for Accept-Encoding.
    static let accepted = "gzip, deflate, br"

    /// How a request says that its body is coded.
    enum Declared: Equatable {
        case none
        case one(ContentCoding)
        /// Another one, or more than one.
        case unknown
    }

    static func declared(by head: HTTP1RequestHead) -> Declared {
        guard head.value(of: "content-encoding") != nil else { return .none }
        let names = head.values(of: "content-encoding").joined(separator: ",").split(separator: ",")
            .map { $0.trimmingBlanks.lowercased() }.filter { !$0.isEmpty && $0 != "identity" }
        guard let name = names.first else { return .none }
        guard names.count == 1 else { return .unknown }
        return ContentCoding(rawValue: name == "x-gzip" ? "gzip" : name).map { .one($0) } ?? .unknown
    }
}

/// A coded body is not what its coding says.
struct ContentDecodingError: Error {
    var message: String
}

/// Takes a content coding off, in pieces: no more than one piece of input and one of output is in memory.
struct ContentDecoder: Sendable {
    private enum Backend: Sendable {
        case zlib(Inflater)
        case brotli(BrotliDecoder)
    }
    static let pieceBytes = 65_536

    private let backend: Backend
    private var input: [UInt8] = []
    private var position = 0
    /// How much input is done with, in bytes.
    private(set) var consumedBytes = 0

    /// Nil if there is no memory for it.
    init?(_ coding: ContentCoding) {
        switch coding {
        case .gzip, .deflate:
            guard let inflater = Inflater(isGzip: coding == .gzip) else { return nil }
            backend = .zlib(inflater)
        case .brotli:
            guard let decoder = BrotliDecoder() else { return nil }
            backend = .brotli(decoder)
        }
    }

    /// Gives the next input. Only once ``next()`` has returned nil.
    mutating func push(_ bytes: [UInt8]) {
        input = bytes
        position = 0
    }

    /// The next piece of output; nil if it needs more input.
    mutating func next() throws(ContentDecodingError) -> [UInt8]? {
        let start = position
        let output =
            switch backend {
            case .zlib(let inflater): try inflater.decode(input, &position)
            case .brotli(let decoder): try decoder.decode(input, &position)
            }
        consumedBytes += position - start
        return output.isEmpty ? nil : output
    }

    /// The input has come to its end.
    func finish() throws(ContentDecodingError) {
        // A body of no bytes at all is an empty one.
        guard consumedBytes > 0 else { return }
        let isWhole =
            switch backend {
            case .zlib(let inflater): inflater.isAtEnd
            case .brotli(let decoder): decoder.isAtEnd
            }
        guard isWhole else { throw ContentDecodingError(message: "the compressed body is cut off") }
    }
}
