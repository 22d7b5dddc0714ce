import Squall
import SquallTesting
import Testing

/// A module written by hand.
struct Stars: SynchronousTemplate {
    var count: Int
    static let resources = PageResources(
        cssFiles: ["/stars.css", "/card.css"], head: [HTML("<meta name=stars>")], body: [HTML("<!-- stars -->")])

    func render(to output: inout TemplateOutput) throws {
        for _ in 0..<count { output.write("*") }
    }
}

@Suite struct RenderTests {
    @Test func `a page is rendered`() throws {
        #expect(try HelloPage(name: "<World>").renderString() == "<p>Hello, &lt;World&gt;</p>\n")
    }

    @Test func `control is Swift's`() throws {
        let items = [
            Item(name: "a", note: "n"), Item(name: "hidden", price: 0),
            Item(name: "skip", price: 9, state: .sold(to: "")),
            Item(name: "b", price: 6, state: .sold(to: "x")), Item(name: "stop"), Item(name: "c"),
        ]
        let text = try ControlPage(items: items).renderString().split(separator: "\n").joined(separator: "|")
        #expect(text == "note n:|open|a;|dear:|sold|dear:|gone|b;|plain:|open|13|4|2")
    }

    @Test func `an error is caught, and what was put out before it is taken back`() throws {
        #expect(
            try AttemptPage(item: Item(name: "a")).renderString()
                == "<b title=\"xa\">a</b> fine done\n<p title=\"a\">\n")
        #expect(
            try AttemptPage(item: Item(name: "!")).renderString() == "<i>out of &lt;stock&gt;</i> done\n<p>\n")
    }

    @Test func `text is not escaped, and keeps its blanks`() throws {
        #expect(
            try TextText(name: "A & B").renderString()
                == "Dear A & B,\n\n  - a\n  - b\n\n{{ literal %} {% {# #} {A & B} A & B\n")
        #expect(TextText.contentType == "text/plain; charset=UTF-8")
    }

    @Test func `a template extends others`() throws {
        let page = ChildPage(owner: "<O>", items: [Item(name: "a&b"), Item(name: "c", note: "d")])
        #expect(
            try page.renderString()
                == """
                <!doctype html>
                <html lang="en">
                <head><title>Items of &lt;O&gt;</title><meta name="a" content="b"><meta name="c" content="2"></head>
                <body><main><p>a&amp;b</p><small>-</small><p>c</p><small>d</small></main><hr>wide!</body>
                </html>

                """)
        let base = try LayoutsBasePage(title: "T", language: "de").renderString()
        #expect(base.contains("<html lang=\"de\">") && base.contains("<body>nothing<hr></body>"))
    }

    @Test func `a component has its slots filled, and the page what all parts need, once`() throws {
        let page = CardsPage(items: [Item(name: "<a>"), Item(name: "b", price: 2)])
        #expect(
            try page.renderString()
                == """
                <!doctype html><html><head><link rel="stylesheet" href="/card.css">
                <link rel="stylesheet" href="/stars.css">
                <style>
                .card { color: #333 }
                </style>
                <meta name=stars>
                </head><body>
                <details><summary>&lt;a&gt;</summary><b>&lt;a&gt;</b><footer>1 €</footer></details>
                <details open><summary>b</summary><b>b</b><footer>2 €</footer></details>

                <details><summary>bare</summary>empty<footer>none</footer></details>

                <details><summary>module</summary>empty<footer>none</footer></details>

                **
                <script src="/card.js"></script>
                <script>
                console.log("card");
                </script>
                <!-- stars -->
                </body></html>

                """)
    }

    @Test func `filters, and values of many types`() throws {
        #expect(
            try FiltersPage(text: "<x>").renderString()
                == "A &LT;X&GT; B C\n<x><X>&lt;x&gt;\n<b>31.5true&lt;-42\(UInt64.max)\(Int.min)\n")
    }

    @Test func `other files than pages`() throws {
        #expect(
            try FeedsNewsXML(titles: ["a<b", "\"c\""]).renderString()
                == """
                <?xml version="1.0"?>
                <feed><entry title="a&lt;b">a&lt;b</entry><entry title="&quot;c&quot;">&quot;c&quot;</entry></feed>

                """)
        #expect(try AppJavaScript(name: "</script>").renderString() == "const name = \"\\u003c/script\\u003e\";\n")
        #expect(try SiteCSS(colour: "red; x: y").renderString() == "body {\n  color: unset;\n}\n")
        #expect(try DotSVG(radius: 3).renderString().contains("<circle r=\"3\"/>"))
        #expect(FeedsNewsXML.contentType == "application/xml; charset=UTF-8")
        #expect(AppJavaScript.contentType == "text/javascript; charset=UTF-8")
        #expect(SiteCSS.contentType == "text/css; charset=UTF-8")
        #expect(DotSVG.contentType == "image/svg+xml")
    }

    @Test func `what belongs to a request is not there without one`() {
        let error = #expect(throws: TemplateContextError.self) { try NamespacePage().renderString() }
        #expect(
            error?.description
                == "the template asks for 'handler', which belongs to a request; render it by a handler's render or renderString"
        )
    }
}
