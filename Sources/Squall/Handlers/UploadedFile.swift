import SquallHTTP

/// A file that came with a form.
public struct UploadedFile: Sendable {
    /// The name of the form's field.
    public var name: String
    /// The name that the client gave, which may be a path, `..` or a device: show it escaped, and do not open it.
    public var filename: String
    /// ``filename`` without what a file's name must not have. `file` if nothing is left.
    public var safeFilename: String
    /// What the client says that the file is, such as `image/png`. `application/octet-stream` if it says nothing.
    public var contentType: String
    public var body: [UInt8]
}

/// A form as the handler asks for it.
struct ParsedForm {
    var arguments: [(name: String, value: String)] = []
    var files: [UploadedFile] = []

    init() {}

    init(multipart body: [UInt8], boundary: String, limits: MultipartLimits) throws(HTTPError) {
        var parser = MultipartParser(boundary: boundary, limits: limits)
        var position = 0
        var part: MultipartPart?
        var content: Range<Int>?
        while true {
            var consumed = 0
            let event = parser.next(body.span.extracting(position..<body.count), consumed: &consumed)
            let start = position
            position += consumed
            switch event {
            case .part(let next): (part, content) = (next, nil)
            case .content(let range):
                let range = start + range.lowerBound..<start + range.upperBound
                // Pieces of one part lie side by side.
                content = (content?.lowerBound ?? range.lowerBound)..<range.upperBound
            case .endOfPart:
                if let part { add(part, content.map { Array(body[$0]) } ?? []) }
            case .end: return
            case .failure(let error): throw HTTPError.malformedForm(error.status, error.message)
            case .needMoreInput:
                if let error = parser.finish() { throw HTTPError.malformedForm(error.status, error.message) }
                return
            }
        }
    }

    private mutating func add(_ part: MultipartPart, _ content: [UInt8]) {
        if let filename = part.filename {
            files.append(
                UploadedFile(
                    name: part.name, filename: filename, safeFilename: part.safeFilename,
                    contentType: part.contentType ?? "application/octet-stream", body: content))
        } else {
            arguments.append((part.name, String(decoding: content, as: UTF8.self)))
        }
    }
}
