import Foundation
import Squall
import Testing

/// Files that are compressed already, beside those that they were made from.
@Suite struct CompressedFilesTests {
    @Test(arguments: [
        ("br, gzip", "br", "BR"), ("gzip", "gzip", "GZ"), ("br;q=0.5, gzip", "gzip", "GZ"), ("identity", nil, "plain"),
        ("gzip;q=0", nil, "plain"), ("br;q=0, *", "gzip", "GZ"), (nil, nil, "plain"),
    ])
    func `A compressed file beside it is sent to who takes it`(
        _ accepts: String?, _ coding: String?, _ body: String
    ) async throws {
        try await withStaticFiles { server, folder in
            try folder.write("static/a.css", "plain")
            try folder.write("static/a.css.br", "BR")
            try folder.write("static/a.css.gz", "GZ")
            let fields = accepts.map { "Accept-Encoding: \($0)\r\n" } ?? ""
            for _ in 0..<2 {
                let answer = try await server.get("/static/a.css", fields)
                #expect(answer.text == body)
                #expect(answer["content-encoding"] == coding)
                #expect(answer["content-type"] == "text/css; charset=UTF-8")
                #expect(answer["vary"] == "Accept-Encoding")
                let tag = try #require(answer["etag"])
                #expect(tag.hasSuffix(coding.map { "-\($0)\"" } ?? "\""))
                let again = try await server.get("/static/a.css", fields + "If-None-Match: \(tag)\r\n")
                #expect(again.status == 304)
                #expect(again["vary"] == "Accept-Encoding")
                let part = try await server.get("/static/a.css", fields + "Range: bytes=0-0\r\n")
                #expect(part.text == String(body.prefix(1)))
                #expect(part["content-encoding"] == coding)
            }
        }
    }

    @Test func `Where only one is there, that is sent`() async throws {
        try await withStaticFiles { server, folder in
            try folder.write("static/a.css", "plain")
            try folder.write("static/a.css.gz", "GZ")
            let answer = try await server.get("/static/a.css", "Accept-Encoding: br, gzip;q=0.5\r\n")
            #expect(answer.text == "GZ")
            let url = try await server.get("/url?path=a.css").text
            let versioned = try await server.get(url, "Accept-Encoding: gzip\r\n")
            #expect(versioned["cache-control"] == "public, max-age=31536000, immutable")
            #expect(versioned.text == "GZ")
            let itself = try await server.get("/static/a.css.gz", "Accept-Encoding: br, gzip\r\n")
            #expect(itself["content-encoding"] == nil)
            #expect(itself["content-type"] == "application/gzip")
        }
    }

    @Test func `A client gets no coding that another one took a moment before`() async throws {
        try await withStaticFiles { server, folder in
            try folder.write("static/a.css", "plain")
            try folder.write("static/a.css.gz", "GZ")
            for (accepts, body) in [
                ("br, gzip", "GZ"), ("br", "plain"), ("br, gzip;q=0", "plain"), ("gzip", "GZ"), ("gzip, br", "GZ"),
                ("", "plain"),
            ] {
                let answer = try await server.get("/static/a.css", "Accept-Encoding: \(accepts)\r\n")
                #expect(answer.text == body, "\(accepts)")
            }
            let other = try await server.get("/static/a.css%00gzip")
            #expect(other.status == 404)
        }
    }

    @Test func `A compressed file that is older than its file is not sent`() async throws {
        try await withStaticFiles { server, folder in
            try folder.write("static/a.css.gz", "GZ")
            try folder.write("static/a.css", "plain")
            let time = timeval(tv_sec: 1_000_000_000, tv_usec: 0)
            #expect(utimes(folder.file("static/a.css.gz"), [time, time]) == 0)
            let answer = try await server.get("/static/a.css", "Accept-Encoding: gzip\r\n")
            #expect(answer.text == "plain")
        }
    }

    @Test func `Compressed files are left alone where that is set, and for types that are compressed themselves`()
        async throws
    {
        try await withStaticFiles({ $0.servesCompressed = false }) { server, folder in
            try folder.write("static/a.css", "plain")
            try folder.write("static/a.css.gz", "GZ")
            let answer = try await server.get("/static/a.css", "Accept-Encoding: gzip\r\n")
            #expect(answer.text == "plain")
            #expect(answer["vary"] == nil)
        }
        try await withStaticFiles { server, folder in
            try folder.write("static/a.png", "plain")
            try folder.write("static/a.png.gz", "GZ")
            let answer = try await server.get("/static/a.png", "Accept-Encoding: gzip\r\n")
            #expect(answer.text == "plain")
            #expect(answer["vary"] == nil)
        }
    }
}
