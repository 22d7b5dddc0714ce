import HTTPTypes
import Squall
import SquallIO

// The code of the pages about bodies. It is compiled, and compared with the pages.

private enum Bodies {
    // snippet: upload-handler
    final class PhotoHandler: RequestHandler {
        override func post() async throws {
            let title = try bodyArgument("title") ?? "untitled"
            guard let photo = try files().first(where: { $0.name == "photo" }) else {
                throw HTTPError(400, "the form has no file 'photo'")
            }
            try await photo.save(to: "photos/\(request.id)-\(photo.safeFilename)")
            write("\(title): \(photo.size) bytes")
        }
    }
    // end

    // snippet: streamed-form
    final class ArchiveHandler: RequestHandler {
        override func post() async throws {
            for try await part in multipart {
                guard part.filename != nil else {
                    write("\(part.name): \(try await part.text())\n")
                    continue
                }
                var count = 0
                for try await piece in part.content { count += piece.count }
                write("\(part.name): \(count) bytes\n")
            }
        }
    }
    // end

    // snippet: data-received
    final class CountHandler: RequestHandler {
        private var count = 0

        override func prepare() async throws {
            if request.header("authorization") != nil { setBodyLimit(1 << 30) }
        }
        override func dataReceived(_ chunk: [UInt8]) async throws {
            count += chunk.count
        }
        override func put() async throws {
            write("\(count)")
        }
    }
    // end

    static func routes() throws -> Application {
        // snippet: body-routes
        var settings = Application.Settings()
        settings.temporaryDirectory = "/var/tmp"
        settings.compressesResponses = true
        let site = try Application(settings: settings) {
            Route("/photos", options: .init(bodyLimit: 100 << 20), PhotoHandler.init)
            Route(
                "/archives", options: .init(bodyLimit: 1 << 40, deadline: .zero, streamsBody: true), ArchiveHandler.init
            )
            Route("/count", options: .init(streamsBody: true, decompressesBody: true), CountHandler.init)
        }
        // end
        return site
    }
}
