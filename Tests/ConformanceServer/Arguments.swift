import Squall

/// Answers with what the request says, as JSON.
final class Arguments: CountingHandler {
    private struct Answer: Encodable {
        var query: [String: [String]]
        var body: [String: [String]]
        var files: [String: [File]]
        var cookies: [String: String]
    }

    private struct File: Encodable {
        var filename: String
        var contentType: String
        var size: Int
        var sha256: String

        init(_ file: UploadedFile) async throws {
            let hash = SHA256()
            // Seconds of computing for a large file: not on the loop.
            for try await chunk in file.chunks { try await blocking { hash.update(chunk) } }
            (filename, contentType) = (file.filename, file.contentType)
            (size, sha256) = (file.size, hash.hexDigest())
        }
    }

    override func get() async throws {
        var described: [String: [File]] = [:]
        for file in try files() { described[file.name, default: []].append(try await File(file)) }
        try write(
            json: Answer(
                query: grouped(try queryArguments()), body: grouped(try bodyArguments()), files: described,
                cookies: cookies))
    }

    override func post() async throws { try await get() }

    private func grouped(_ pairs: [(name: String, value: String)]) -> [String: [String]] {
        Dictionary(grouping: pairs, by: \.name).mapValues { $0.map(\.value) }
    }
}

/// A form that only a page of this site can send.
final class Form: CountingHandler {
    override func get() async throws {
        write("<form method=\"post\">\(try xsrfFormHTML())<input type=\"submit\"/></form>")
    }

    override func post() async throws {
        setHeader("Content-Type", "text/plain")
        write("ok")
    }
}
