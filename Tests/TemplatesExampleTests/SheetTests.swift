import HTTPTypes
import SquallTesting
import Testing

@testable import TemplatesExample

@Suite struct SheetTests {
    @Test func `a map has its title, its facts and others like it`() async throws {
        try await withApplication(try shop()) { client in
            let page = try await client.get("/maps/buttermere")
            #expect(page.text.contains("<title>Buttermere &amp; Crummock · Contour &amp; Co.</title>"))
            #expect(page.text.contains("<h1>Buttermere &amp; Crummock</h1>"))
            #expect(page.text.contains("<dd>€\u{a0}10.90</dd>"))
            #expect(page.text.contains("href=\"/maps/buttermere/order\""))
            #expect(page.text.contains("<footer>€\u{a0}12.90</footer>"))
            #expect(page.text.count(of: "<article class=\"card\">") == 3)
        }
    }

    @Test func `the page has the style sheets of its modules once`() async throws {
        try await withApplication(try shop()) { client in
            let page = try await client.get("/maps/cuillin")
            #expect(page.text.count(of: "class=\"stars\"") == 3)
            #expect(page.text.count(of: "stars.css") == 1)
            #expect(page.text.count(of: "class=\"review\"") == 2)
            #expect(page.text.count(of: "<style>") == 1)
            let head = try #require(page.text.split(separator: "</head>").first)
            #expect(head.contains("stars.css") && head.contains(".review {"))
            #expect(page.text.contains("aria-label=\"4.5 of 5 stars\" style=\"--filled: 90%\""))
        }
    }

    @Test func `a map that nobody has read has no stars`() async throws {
        try await withApplication(try shop()) { client in
            let page = try await client.get("/maps/vagar")
            #expect(!page.text.contains("stars.css") && !page.text.contains("id=\"reviews\""))
        }
    }

    @Test func `a cover is an image`() async throws {
        try await withApplication(try shop()) { client in
            let cover = try await client.get("/maps/lofoten/cover.svg")
            #expect(cover["content-type"] == "image/svg+xml")
            #expect(cover.text.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 320 200\">"))
            #expect(cover.text.count(of: "<path class=\"line") == 15)
            #expect(cover.text.contains("hsl(196 32% 88%)"))
        }
    }

    @Test(arguments: ["/maps/atlantis", "/maps/atlantis/order", "/maps", "/nowhere"])
    func `what is not there has a page of the shop`(path: String) async throws {
        try await withApplication(try shop()) { client in
            let page = try await client.get(path)
            #expect(page.status == .notFound)
            #expect(page.text.contains("<h1>You are off the map</h1>"))
        }
    }
}
