/// Why a request was refused, and what to answer before the connection is closed.
public struct HTTP1ParseError: Error, Equatable, Sendable {
    /// The status to answer: 400, 413, 414, 417, 431, 501 or 505.
    public var status: Int

    /// What the peer must mend. Static text; it never holds bytes of the input, so it is safe to send and to log.
    public var message: String

    /// Makes a refusal.
    public init(status: Int, message: String) {
        self.status = status
        self.message = message
    }
}

/// A refusal as the parser stores it: one byte.
enum HTTP1Failure: UInt8, Sendable {
    case emptyRequestLine, badMethod, methodTooLong, badRequestLine, badTarget, badVersion, unsupportedVersion
    case targetTooLong, headTooLong, tooManyFields
    case bareLF, bareCR, controlCharacter, foldedLine, noColon, spaceBeforeColon, badFieldName
    case missingHost, repeatedHost, badHost
    case badContentLength, repeatedContentLength, bodyTooLong
    case repeatedTransferEncoding, badTransferEncoding, unknownTransferCoding, transferEncodingAndLength
    case transferEncodingInHTTP10, badExpectation
    case badChunkSize, chunkSizeTooLong, badChunkExtension, chunkLineTooLong, chunkNotTerminated, chunkOverhead
    case trailersTooLong, tooManyTrailers

    var error: HTTP1ParseError {
        let (status, message) = answer
        return HTTP1ParseError(status: status, message: message)
    }

    private var answer: (Int, String) {
        switch self {
        case .emptyRequestLine: (400, "the request line is empty; send METHOD target HTTP/1.1")
        case .badMethod: (400, "the method is not a token; send METHOD target HTTP/1.1")
        case .methodTooLong: (501, "the method is longer than any this server knows")
        case .badRequestLine:
            (400, "the request line is not METHOD, one space, target, one space, HTTP/1.1")
        case .badTarget: (400, "the request target is malformed; percent-encode what a URI does not allow")
        case .badVersion: (400, "the protocol version is malformed; send HTTP/1.1")
        case .unsupportedVersion: (505, "this connection speaks HTTP/1.1 and HTTP/1.0 only")
        case .targetTooLong: (414, "the request line is too long; shorten the target")
        case .headTooLong: (431, "the header block is too large; send fewer or shorter headers")
        case .tooManyFields: (431, "there are too many header lines; send fewer")
        case .bareLF: (400, "a line ends in LF alone; end lines with CR LF")
        case .bareCR: (400, "a CR is not followed by LF; end lines with CR LF")
        case .controlCharacter: (400, "there is a control character in the message; remove it")
        case .foldedLine: (400, "a header line is folded; send it on one line")
        case .noColon: (400, "a header line has no colon; send name: value")
        case .spaceBeforeColon: (400, "there is whitespace between a header name and its colon; remove it")
        case .badFieldName: (400, "a header name is not a token; send letters, digits and hyphens")
        case .missingHost: (400, "the Host header is missing; HTTP/1.1 requires exactly one")
        case .repeatedHost: (400, "the Host header is repeated; send exactly one")
        case .badHost: (400, "the Host header is not host or host:port")
        case .badContentLength: (400, "the Content-Length header is not a plain decimal number")
        case .repeatedContentLength: (400, "the Content-Length header is repeated; send exactly one")
        case .bodyTooLong: (413, "the body is larger than this resource accepts")
        case .repeatedTransferEncoding: (400, "the Transfer-Encoding header is repeated; send exactly one")
        case .badTransferEncoding: (400, "the Transfer-Encoding header is not exactly chunked")
        case .unknownTransferCoding: (501, "the transfer coding is not supported; send chunked")
        case .transferEncodingAndLength:
            (400, "both Transfer-Encoding and Content-Length are present; send one of them")
        case .transferEncodingInHTTP10: (400, "HTTP/1.0 has no Transfer-Encoding; send Content-Length")
        case .badExpectation: (417, "the only expectation supported is 100-continue")
        case .badChunkSize: (400, "a chunk size is not plain hexadecimal digits")
        case .chunkSizeTooLong: (400, "a chunk size has more than 16 digits")
        case .badChunkExtension: (400, "a chunk extension holds a control character")
        case .chunkLineTooLong: (400, "a chunk size line is too long; drop the chunk extensions")
        case .chunkNotTerminated: (400, "the data of a chunk is not followed by CR LF")
        case .chunkOverhead: (400, "the chunks are mostly framing; send larger chunks")
        case .trailersTooLong: (431, "the trailer section is too large; send less")
        case .tooManyTrailers: (431, "there are too many trailer lines; send fewer")
        }
    }
}
