import SquallHTTP
import Testing

@Suite struct AcceptHeaderTests {
    @Test func `so many entries are read, and no more`() {
        let most = AcceptHeader.mostEntries
        #expect(most == 64)
        for (before, isTaken) in [(most - 1, true), (most, false)] {
            let header = AcceptHeader(String(repeating: "a/b,", count: before) + "text/html")
            #expect(header.entries.count == most)
            #expect((header.quality(ofMediaType: "text/html") > 0) == isTaken)
        }
    }

    @Test(arguments: [
        ("text/html", "text/html", 1_000), ("TEXT/Html", "text/html", 1_000), ("text/html", "TEXT/HTML", 1_000),
        ("text/html;q=0.5", "text/html", 500), ("text/html ; Q=0.123", "text/html", 123),
        ("text/*;q=0.3, text/html;q=0", "text/html", 0), ("*/*;q=0.1", "image/png", 100),
        ("text/html;q=0.2, text/*;q=0.9, */*", "text/html", 200), ("text/html;q=0.2, text/*;q=0.9, */*", "text/x", 900),
        ("text/html;q=0.2, text/*;q=0.9, */*", "a/b", 1_000), ("image/png", "text/html", 0), ("", "text/html", 1_000),
        ("text/html;level=1;q=0.4, text/html;q=0.6", "text/html", 600),
        ("text/html;level=1;q=0.4, text/html;q=0.6", "text/html;level=1", 400),
        ("text/html;level=1", "text/html", 0), ("application/json; charset=utf-8", "application/json", 1_000),
        ("a/b;x=\"1,2;q=0\";q=0.5", "a/b;x=\"1,2;q=0\"", 500), ("a/b;q=1;q=0", "a/b", 1_000),
        ("application/json", "application/json; charset=UTF-8", 1_000),
    ])
    func `the closest entry decides about a media type`(_ field: String, _ type: String, _ quality: Int) {
        #expect(AcceptHeader(field).quality(ofMediaType: type) == quality)
    }

    @Test(arguments: [
        ("gzip", "gzip", 1_000), ("gzip", "br", 0), ("gzip;q=0", "gzip", 0), ("*", "br", 1_000),
        ("br;q=0, *;q=0.5", "br", 0), ("br;q=0, *;q=0.5", "gzip", 500), ("GZIP;q=0.2", "gzip", 200),
        ("", "identity", 1_000), ("gzip", "identity", 1_000), ("*;q=0", "identity", 0), ("identity;q=0", "identity", 0),
        ("*;q=0, identity;q=0.1", "identity", 100), ("", "gzip", 0), ("xgzip", "gzip", 0),
    ])
    func `codings are asked for by name`(_ field: String, _ coding: String, _ quality: Int) {
        #expect(AcceptHeader(field).quality(ofCoding: coding) == quality)
    }

    @Test(arguments: [
        ("text/html, application/json", "text/html"), ("application/json, text/html", "application/json"),
        ("application/json, text/plain, */*", "application/json"), ("*/*", "text/html"), ("", "text/html"),
        ("text/html;q=0.5, application/json;q=0.6", "application/json"), ("application/*", "application/json"),
        ("text/html;q=0, */*", "application/json"), ("*/*, application/json", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"), ("image/png", nil),
        ("*/*;q=0", nil),
    ])
    func `the best of what is offered`(_ field: String, _ best: String?) {
        #expect(AcceptHeader(field).preferred(of: ["text/html", "application/json"]) == best)
    }

    @Test(arguments: [
        ",", " , ,\t,", "text/html;q=", "text/html;q=2", "text/html;q=1.001", "text/html;q=-1", "text/html;q=0.1234",
        "text/html;q=.5", "text/html;q=1e0", "text/html;q=0,5;", "text/html;q=\u{661}", "/", "text/", "/html", "a/b/c",
        "*/html", "text html", "text/html;q=0.5;q", ";q=1", "a/b;\"", "a/b;x=\"", "a/b;x=\"\\", "a/b;=1", "\u{0}",
        "\u{e9}/\u{e9}", "a(b",
    ])
    func `what is malformed is skipped, and what stands beside it counts`(_ entry: String) {
        #expect(AcceptHeader(entry).entries.allSatisfy { $0.name != "text/html" || $0.quality <= 500 })
        #expect(AcceptHeader("a/ok;q=0.7, " + entry).quality(ofMediaType: "a/ok") == 700)
    }

    @Test func `a weight that is malformed takes its entry with it`() {
        #expect(AcceptHeader("text/html;q=2, a/b").entries.map(\.name) == ["a/b"])
        #expect(AcceptHeader("text/html;q=1.000, a/b;q=0.").entries.map(\.quality) == [1_000, 0])
    }

    @Test func `a field of 64 KiB is read whatever is in it`() {
        for piece in [",", ";", "\"", "\\", "a,", "a;", "*/*,", "a/b;q=0.5,", "a/b;x=\"", ";q=1", " ", "=", "\"\\\","] {
            let field = String(repeating: piece, count: 65_536 / piece.utf8.count)
            let header = AcceptHeader(field)
            #expect(header.entries.count <= 65_536)
            #expect((0...1_000).contains(header.quality(ofMediaType: "text/html")))
            #expect((0...1_000).contains(header.quality(ofCoding: "gzip")))
            _ = header.preferred(of: ["text/html", "application/json"])
        }
        #expect(AcceptHeader(String(repeating: ",", count: 65_536)).entries.isEmpty)
    }

    @Test func `whether a type is named`() {
        #expect(AcceptHeader("application/problem+json").names(mediaType: "application/problem+json"))
        #expect(!AcceptHeader("application/*, */*").names(mediaType: "application/problem+json"))
        #expect(!AcceptHeader("").names(mediaType: "application/problem+json"))
    }
}
