import HTTPTypes
import SquallTesting
import Testing

@testable import TemplatesExample

@Suite struct CatalogueTests {
    @Test func `all maps are listed, each in a card`() async throws {
        try await withApplication(try shop()) { client in
            let page = try await client.get("/")
            #expect(page.status == .ok)
            #expect(page["content-type"] == "text/html; charset=UTF-8")
            #expect(page.text.hasPrefix("<!doctype html>"))
            #expect(page.text.contains("<title>All maps · Contour &amp; Co.</title>"))
            #expect(page.text.contains(">\(Sheet.all.count) maps</h2>"))
            #expect(page.text.count(of: "<article class=\"card\">") == Sheet.all.count)
            #expect(page.text.contains(">Buttermere &amp; Crummock</a>"))
            #expect(page.text.contains("<footer><b>€\u{a0}12.90</b> 1\u{a0}:\u{a0}25\u{a0}000</footer>"))
        }
    }

    @Test func `the page has what was looked for`() async throws {
        try await withApplication(try shop()) { client in
            let page = try await client.get("/?q=LOFOTEN%20a&kind=sea")
            #expect(page.text.contains(">1 map</h2>"))
            #expect(page.text.contains("Lofoten, West"))
            #expect(page.text.contains("value=\"LOFOTEN a\""))
            #expect(page.text.contains("value=\"sea\" checked>"))
            #expect(page.text.count(of: "checked") == 1)
            #expect(try await client.get("/?q=vagar").text.contains("Vágar"))
            #expect(try await client.get("/?q=atlantis").text.contains("We have no map of that."))
            #expect(try await client.get("/?kind=space").status == .badRequest)
        }
    }

    @Test func `a script is given the rows only`() async throws {
        try await withApplication(try shop()) { client in
            let rows = try await client.get("/?q=tide", headers: ["HX-Request": "true"])
            #expect(rows.text.contains(">1 map</h2>"))
            #expect(rows.text.contains("Golfe du Morbihan"))
            #expect(!rows.text.contains("<html") && !rows.text.contains("<form") && !rows.text.contains("<script"))
            let page = try await client.get("/?q=tide")
            #expect(page.text.contains(rows.text))
            for answer in [rows, page] { #expect(answer["vary"]?.contains("HX-Request") == true) }
            #expect(rows["etag"] != page["etag"])
        }
    }

    @Test func `what was typed is text wherever it is shown`() async throws {
        try await withApplication(try shop()) { client in
            let page = try await client.get("/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
            #expect(page.text.contains("value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\""))
            #expect(!page.text.contains("<script>"))
        }
    }

    @Test func `the inline script has the nonce of the policy`() async throws {
        try await withApplication(try shop()) { client in
            let page = try await client.get("/")
            let nonce = try #require(page.text.firstMatch(of: /<script nonce="([^"]+)">/)?.1)
            #expect(page["content-security-policy"]?.contains("script-src 'self' 'nonce-\(nonce)'") == true)
        }
    }

    @Test func `the style sheet is served for ever under the URL that the page has`() async throws {
        try await withApplication(try shop()) { client in
            let url = try #require(try await client.get("/").text.firstMatch(of: /href="([^"]+shop\.css[^"]+)"/)?.1)
            let sheet = try await client.get(String(url))
            #expect(sheet.status == .ok)
            #expect(sheet["cache-control"]?.contains("immutable") == true)
        }
    }
}
