import Squall
import SquallTemplateCompiler
import SquallTesting
import Testing

/// What templates pass to one another.
@Suite struct CompositionTests {
    @Test func `what a template gives counts in those above it, and can be changed there`() throws {
        #expect(
            try GivenLeafPage().renderString()
                == "\n<h1 lang=\"en\">&lt;LEAF&gt;!</h1>\n<p>&lt;leaf&gt;, w?\n</p>\n<i>&lt;leaf&gt;!</i>\n")
    }

    @Test func `a template gives its parent a parameter that is called as one of its own`() throws {
        #expect(
            try GivenOwnPage(title: "is").renderString()
                == "\n<h1 lang=\"en\">IS HERE</h1>\nIS HERE?\n\n<i>is here</i>\n")
    }

    @Test func `a parameter is given once`() {
        let files = [
            "a.html": "{% parameters title: String %}{{ title }}", "b.html": "{% extends \"a.html\", title: \"b\" %}",
            "c.html": "{% extends \"b.html\", title: \"c\" %}",
        ]
        #expect(errors(files) == ["c.html:1:22: error: 'b.html' gives 'title' to 'a.html' already"])
    }

    @Test func `several names are set at once, and what is passed to an include stays there`() throws {
        #expect(try GivenPairsPage(word: "w").renderString() == "21w?\nw\n")
    }

    @Test func `a component passes on what waits`() async throws {
        let site = try Application {
            Route("/") { handler in try await handler.render(PassedPage { await pause("later") }) }
        }
        try await withApplication(site) { client in
            let text = try await client.get("/").text
            let box = { (text: String) in "<s><div><b>\(text)</b></div><hr>\n</s>\n" }
            #expect(text == box("later") + box("none") + "\n")
        }
    }

    @Test func `a name that a pattern declares is not the request's`() throws {
        #expect(try NamesShadowedPage(requests: ["a", "b"], page: 5).renderString() == "ab\n5\n5\n")
    }

    @Test func `a public template has an initialiser`() throws {
        #expect(try NamesPublicPage(for: "n").renderString() == "a  b 2 n\n")
        #expect(try NamesPublicPage(greeting: "g", format: { "<\($0)>" }, for: "n").renderString() == "g &lt;2&gt; n\n")
    }

    @Test func `a page has a script once that it and its parent ask for`() throws {
        #expect(
            try OncePage().renderString()
                == "<html><head><link rel=\"stylesheet\" href=\"/once.css\">\n</head><body>"
                + "<script src=\"/once.js\"></script>\n</body></html>\n")
    }

    @Test func `a sequence that is waited for once is sent once`() {
        let wait = "try await _o.flushBeforeWaiting()"
        let once = generated(["a.html": "{% for x in try await list() %}{{ x }}{% end %}"])
        #expect(once.split(separator: "\n").count { $0 == wait } == 1)
        let each = generated(["a.html": "{% for try await x in list() %}{{ x }}{% end %}"])
        #expect(each.split(separator: "\n").count { $0 == wait } == 2)
    }

    @Test func `hidden files are no templates`() {
        #expect(["a.html", "b/c.txt"].allSatisfy(TemplateCompiler.isTemplate))
        #expect(![".#a.html", "b/.a.txt", ".html", ".b/a.css"].contains(where: TemplateCompiler.isTemplate))
    }

    @Test func `a page in one line does not become the square of its length`() {
        let text =
            "<p>{{ 1 }}</p>{% if true %}a{% elif false %}b{% end %}{% switch 1 %}{% case 1 %}{% default %}{% end %}"
        let page = String(repeating: text, count: 1_000)
        #expect(generated(["a.html": page]).utf8.count < 20_000_000)
    }
}
