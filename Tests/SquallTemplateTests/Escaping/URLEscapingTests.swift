import Squall
import Testing

/// Values in URLs, of which some could run code.
@Suite struct URLEscapingTests {
    /// The values between the quotation marks of each line.
    private func values(_ line: String) -> [String] {
        line.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }

    @Test(arguments: [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "\u{1}javascript:alert(1)",
        "java\tscript:alert(1)", "java\nscript:alert(1)", "javascript\r:alert(1)", "javascript\u{0}:alert(1)",
        "\u{feff}javascript:alert(1)", "\u{a0}javascript:alert(1)", "vbscript:msgbox(1)", "livescript:x",
        "data:text/html,<script>alert(1)</script>", "data:text/html;base64,PHNjcmlwdD4=",
        "data:image/svg+xml;base64,AAAA",
        "data:image/png,<svg>", "data:image/png;base64,AA\"onload=x", "blob:https://a/b", "file:///etc/passwd",
        "view-source:javascript:x", "feed:javascript:alert(1)", "ｊavascript:x", "javaſcript:x", ":javascript:x", "x:y",
        "javascript&colon;x:", "jar:http://a", "filesystem:http://a",
    ]) func `a scheme that may run code is none`(_ url: String) throws {
        let page = try EscapingUrlsPage(value: url).renderString()
        let safe = "about:invalid#unsafe"
        #expect(
            page == """
                <a href="\(safe)">
                <a href='\(safe)'>
                <a href="\(safe)">
                <img src="\(safe)">
                <form action="\(safe)"></form>
                <button formaction="\(safe)"></button>
                <object data="\(safe)"></object>
                <video poster="\(safe)"></video>
                <blockquote cite="\(safe)"></blockquote>
                <p hx-get="\(safe)" data-hx-post="\(safe)">
                <p data-src="\(safe)" data-lazy-src="\(safe)">
                <svg><a xlink:href="\(safe)"></a></svg>
                <math href="\(safe)"></math>
                <meta http-equiv=refresh content="5; URL='\(safe)'">

                """)
    }

    @Test(arguments: [
        ("https://a.org/b?c=d&e=f#g", "https://a.org/b?c=d&amp;e=f#g"), ("HTTP://A", "HTTP://A"), ("/a/b", "/a/b"),
        ("//a.org/b", "//a.org/b"), ("a b\"c'<>\\", "a%20b%22c%27%3C%3E%5C"), ("?a=:", "?a=:"), ("#a:b", "#a:b"),
        ("./a:b", "./a:b"), ("mailto:a@b.org", "mailto:a@b.org"), ("tel:+49-1", "tel:+49-1"), ("", ""),
        ("http://[::1]:8080/", "http://[::1]:8080/"), ("a%20b%zz", "a%20b%25zz"), ("é", "%C3%A9"),
        ("wss://a/b", "wss://a/b"), ("data:image/png;base64,iVBORw0KGgo=", "data:image/png;base64,iVBORw0KGgo="),
        ("a&colon;b", "a&amp;colon;b"), ("javascript", "javascript"), ("a(1)", "a%281%29"),
    ]) func `other URLs stay`(_ url: String, _ safe: String) throws {
        #expect(values(try lines(EscapingUrlsPage(value: url))[0]) == [safe])
    }

    @Test func `parts of a URL cannot leave it, nor become its scheme or host`() throws {
        #expect(
            try lines(EscapingUrlPartsPage(value: "/\\evil.org:1/?a=b&c#d\"' x")) == [
                "<a href=\"/evil.org%3A1/%3Fa=b&amp;c%23d%22%27%20x\">",
                "<a href=/evil.org%3A1/%3Fa=b&amp;c%23d%22%27%20x>",
                "<a href=\"/a//%5Cevil.org%3A1/%3Fa=b&amp;c%23d%22%27%20x\">",
                "<a href=\"a/%5Cevil.org%3A1/%3Fa=b&amp;c%23d%22%27%20x\">",
                "<a href=\"https:///%5Cevil.org%3A1/%3Fa=b&amp;c%23d%22%27%20x/\">",
                "<a href=\"?q=%2F%5Cevil.org%3A1%2F%3Fa%3Db%26c%23d%22%27%20x\">",
                "<a href=\"?q=%2F%5Cevil.org%3A1%2F%3Fa%3Db%26c%23d%22%27%20x&amp;r=%2F%5Cevil.org%3A1%2F%3Fa%3Db%26c%23d%22%27%20x#%2F%5Cevil.org%3A1%2F%3Fa%3Db%26c%23d%22%27%20x\">",
                "<a href=\"#%2F%5Cevil.org%3A1%2F%3Fa%3Db%26c%23d%22%27%20x\">",
                "<a href=\"mailto:/%5Cevil.org%3A1/%3Fa=b&amp;c%23d%22%27%20x\">",
                "<img srcset=\"/%5Cevil.org:1/?a=b&amp;c#d%22%27 x\">",
                "<img srcset=\"/%5Cevil.org:1/?a=b&amp;c#d%22%27 x 2x\">",
                "<img srcset=\"/a//%5Cevil.org%3A1/%3Fa=b&amp;c%23d%22%27%20x 2x\">",
                "<svg><a><animate attributeName=\"href\" values=\"about:invalid#unsafe\" /></a></svg>",
            ])
    }

    @Test func `two expressions make no scheme and no host`() throws {
        #expect(
            try lines(EscapingTwoValuesPage(one: "java", two: "script:alert(1)")) == [
                "<a href=\"javascript%3Aalert%281%29\">", "<a href=\"java/script%3Aalert%281%29\">",
                "<a href=\"/java/script%3Aalert%281%29\">", "<a href=\"javajavascript%3Aalert%281%29\">",
            ])
        #expect(
            try lines(EscapingTwoValuesPage(one: "javascript", two: ":alert(1)"))[0]
                == "<a href=\"javascript%3Aalert%281%29\">")
        #expect(
            try lines(EscapingTwoValuesPage(one: "script:alert(1)", two: ""))[3]
                == "<a href=\"javascript%3Aalert%281%29\">")
        // With nothing, or a slash, in front.
        #expect(
            try lines(EscapingTwoValuesPage(one: "", two: "//evil.org"))[..<3] == [
                "<a href=\"/evil.org\">", "<a href=\"/evil.org\">", "<a href=\"/.///evil.org\">",
            ])
        #expect(
            try lines(EscapingTwoValuesPage(one: "", two: "evil.org"))[..<3] == [
                "<a href=\"evil.org\">", "<a href=\"/evil.org\">", "<a href=\"/./evil.org\">",
            ])
        #expect(
            try lines(EscapingTwoValuesPage(one: "/", two: "\\/evil.org"))[..<3] == [
                "<a href=\"/evil.org\">", "<a href=\"//%5C/evil.org\">", "<a href=\"/./%5C/evil.org\">",
            ])
        // What is honest stays.
        #expect(
            try lines(EscapingTwoValuesPage(one: "https://a.org/b", two: "/c/d"))[..<2] == [
                "<a href=\"https://a.org/b/c/d\">", "<a href=\"https://a.org/b//c/d\">",
            ])
    }

    @Test(arguments: [
        ("a.png 1x, b.png 2x", "a.png 1x, b.png 2x"), ("a.png", "a.png"), ("a,b.png 1x,c", "a,b.png 1x, c"),
        ("javascript:x 1x, data:text/html,y 2x", "about:invalid#unsafe 1x, about:invalid#unsafe 2x"),
        ("a 1x\"onerror=x", "a 1x%22onerror%3Dx"), ("", ""), (" , ,", ""), ("a 100w 50h", "a 100w 50h"),
        ("https://a/b?c=d&e f", "https://a/b?c=d&amp;e f"),
    ]) func `sets of pictures`(_ set: String, _ safe: String) throws {
        #expect(try lines(EscapingUrlPartsPage(value: set))[9] == "<img srcset=\"\(safe)\">")
    }

    @Test(arguments: [
        ("0;1;0", "0;1;0"), ("#fff", "#fff"), ("0 0; 10 10", "0 0; 10 10"), ("#;javascript:x", "about:invalid#unsafe"),
        ("#;java\tscript:x", "about:invalid#unsafe"), ("a\"b", "a&quot;b"),
        ("#;javascript&colon;x", "#;javascript&amp;colon;x"),
    ]) func `what attributes of SVG become in time`(_ value: String, _ safe: String) throws {
        #expect(
            try lines(EscapingUrlPartsPage(value: value))[12]
                == "<svg><a><animate attributeName=\"href\" values=\"\(safe)\" /></a></svg>")
    }

    @Test func `attributes that are URLs, and such that only look so`() {
        #expect(
            contexts("<p data-action=\"{{ a }}\" data-icon='{{ a }}' data-profile={{ a }}>").allSatisfy {
                $0 == "attribute"
            })
        #expect(
            contexts("<iconify-icon icon='{{ a }}' background='{{ a }}'></iconify-icon>") == ["attribute", "attribute"])
        #expect(contexts("<my-a href='{{ a }}' data-href='{{ a }}' url={{ a }}></my-a>") == ["url", "url", "url"])
        #expect(
            contexts("<p hx-target='#{{ a }}' hx-get='/{{ a }}' sse-connect='{{ a }}'>") == [
                "attribute", "urlRoot", "url",
            ])
        #expect(
            contexts("<meta content='{{ a }}'><meta content='{{ a }}; url={{ a }}'>") == [
                "attribute", "attribute", "url",
            ])
        #expect(contexts("<a HREF='{{ a }}'><A/href='{{ a }}'>") == ["url", "url"])
        #expect(contexts("<img src='data:image/png;base64,{{ a }}'>") == ["urlPath"])
    }

    @Test func `a reference is the character that it means`() {
        #expect(error("<a href='javascript&colon;{{ a }}'>") != nil)
        #expect(error("<a href='&#106;avascript&#x3a{{ a }}'>") != nil)
        #expect(error("<a href='j&Tab;avascript&#58;{{ a }}'>") != nil)
        #expect(contexts("<a href='a&quest;{{ a }}'>") == ["urlQuery"])
        #expect(contexts("<a href='?a=1&amp;b={{ a }}&lt={{ a }}'>") == ["urlQuery", "urlQuery"])
    }
}
