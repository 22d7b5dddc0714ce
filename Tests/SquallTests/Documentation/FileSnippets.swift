import Squall

private enum Pages {
    // snippet: static-url
    final class Home: RequestHandler {
        override func get() async throws {
            let style = try await staticURL("site.css")
            write("<link rel=\"stylesheet\" href=\"\(Escape.html(style))\">")
        }
    }
    // end

    static func application() throws -> Application {
        // snippet: static-files
        var options = StaticFiles.Options()
        options.maxAge = 3_600
        let site = try Application {
            Route("/", Home.init)
            StaticFiles("/static", root: "static", options: options)
        }
        // end
        return site
    }
}

private struct Invoices {
    struct Invoice {
        var number: Int
        var path: String
    }
    func find(_ id: Int) throws -> Invoice { Invoice(number: id, path: "/invoices/\(id).pdf") }
}

private func invoiceRoutes(_ invoices: Invoices) -> Route {
    // snippet: send-file
    Route("/invoices/{id}") { handler in
        let invoice = try invoices.find(try handler.pathArgument("id", as: Int.self))
        handler.setDownloadName("Invoice \(invoice.number).pdf")
        try await handler.sendFile(invoice.path)
    }
    // end
}

private struct ObjectStore {
    func read(_ key: String, _ range: Range<Int>) async throws -> [UInt8] { [] }
}

private enum Bodies {
    // snippet: seekable-body
    struct StoredObject: SeekableBody {
        let store: ObjectStore
        let key: String
        let byteCount: Int

        func bytes(in range: Range<Int>) async throws -> [UInt8] { try await store.read(key, range) }
    }
    // end
}

private func handlerOfOnesOwn() -> StaticFiles {
    // snippet: static-handler
    final class Downloads: StaticFileHandler {
        override func prepare() async throws {
            guard try encryptedCookie("customer") != nil else { throw HTTPError(403) }
        }

        override func setExtraHeaders(forFile path: String) {
            if path.hasSuffix(".csv") { setDownloadName("export.csv") }
        }
    }

    let downloads = StaticFiles("/downloads", root: "downloads", name: "downloads") { Downloads($0) }
    // end
    return downloads
}
