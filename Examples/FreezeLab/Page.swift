import Squall

/// The page itself: `Templates/index.html`, compiled.
final class Lab: RequestHandler {
    override func get() async throws {
        setHeader("Cache-Control", "no-cache")
        try await render(IndexPage())
    }
}

/// What the page needs. It is in the program itself, so that there is nothing to install and nothing to look for.
final class Asset: RequestHandler {
    let bytes: [UInt8]
    let type: String

    init(_ bytes: [UInt8], _ type: String) {
        self.bytes = bytes
        self.type = type
    }

    override func setDefaultHeaders() {
        setHeader("Cache-Control", "no-cache")
    }

    override func get() async {
        setHeader("Content-Type", type)
        write(bytes)
    }
}
