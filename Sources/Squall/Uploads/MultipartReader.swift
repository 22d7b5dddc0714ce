import SquallHTTP

/// Pulls a multipart form out of a request's body, part by part.
final class MultipartReader {
    private let exchange: Exchange
    private var parser: MultipartParser
    private var input: [UInt8] = []
    private var position = 0
    /// Content of the part in progress is still to come.
    private var isInPart = false
    private var isAtEnd = false
    /// Counts the parts that have begun.
    private(set) var partNumber = 0

    /// - Throws: ``HTTPError`` 400 if the Content-Type has no boundary; 415 if it is no form, or has a coding that is
    ///   not taken off.
    init(_ exchange: Exchange) throws(HTTPError) {
        guard let type = exchange.head.value(of: "content-type"), isMultipartForm(type) else {
            throw HTTPError(415, "the body must be multipart/form-data")
        }
        if exchange.isCodingLeft { throw exchange.codingRefusal }
        guard let boundary = MultipartParser.boundary(ofContentType: type) else {
            throw HTTPError.malformedForm(400, "the Content-Type of the form has no boundary")
        }
        var limits = MultipartLimits()
        limits.maxParts = exchange.connection.server.core.settings.limits.multipartParts
        self.exchange = exchange
        parser = MultipartParser(boundary: boundary, limits: limits)
    }

    /// The next part; what is left of the one before is skipped. Nil at the end of the body.
    func nextPart() async throws -> MultipartPart? {
        while true {
            switch try await nextEvent() {
            case .part(let part):
                isInPart = true
                partNumber += 1
                return part
            case .endOfPart: isInPart = false
            case .end, nil: return nil
            default: break
            }
        }
    }

    /// The next piece of the part's content; nil at its end.
    func nextContent() async throws -> ArraySlice<UInt8>? {
        guard isInPart else { return nil }
        switch try await nextEvent() {
        case .content(let range): return input[range]
        default:
            isInPart = false
            return nil
        }
    }

    /// Nil once the body has ended, and the form with it.
    private func nextEvent() async throws -> MultipartParser.Event? {
        while !isAtEnd {
            var consumed = 0
            let event = parser.next(input.span.extracting(position..<input.count), consumed: &consumed)
            let start = position
            position += consumed
            switch event {
            case .content(let range): return .content(start + range.lowerBound..<start + range.upperBound)
            case .failure(let error): throw HTTPError.malformedForm(error.status, error.message)
            case .end:
                // What follows is read, so that the connection can go on, and means nothing.
                continue
            case .needMoreInput: try await fill()
            case .part, .endOfPart: return event
            }
        }
        return nil
    }

    private func fill() async throws {
        guard let chunk = try await exchange.nextBodyChunk() else {
            isAtEnd = true
            if let error = parser.finish() { throw HTTPError.malformedForm(error.status, error.message) }
            return
        }
        if position == input.count {
            input = chunk
            position = 0
        } else {
            // What is left is a delimiter or a part's fields, cut in two: short. It is moved when it pays.
            if position > 16_384 {
                input.removeFirst(position)
                position = 0
            }
            input += chunk
        }
    }
}

/// Whether a Content-Type is that of a form with parts, whatever its parameters.
func isMultipartForm(_ contentType: String) -> Bool {
    // Asked for every request with a body: most are not.
    guard let first = contentType.utf8.first, first | 0x20 == UInt8(ascii: "m") else { return false }
    return contentType.prefix { $0 != ";" }.trimmingBlanks.equalsIgnoringCase("multipart/form-data")
}
