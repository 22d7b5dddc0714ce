import Squall
import Testing

@Suite struct EscapeTests {
    @Test(arguments: [
        ("<foo>", "&lt;foo&gt;"), ("<>&\"'", "&lt;&gt;&amp;&quot;&#x27;"), ("&amp;", "&amp;amp;"), ("", ""),
        ("<\u{e9}>", "&lt;\u{e9}&gt;"), ("plain", "plain"),
    ])
    func `html escapes what HTML takes for its own, and back`(_ text: String, _ escaped: String) {
        #expect(Escape.html(text) == escaped)
        #expect(Escape.unescapeHTML(escaped) == text)
    }

    @Test(arguments: [
        ("foo&#32;bar", "foo bar"), ("foo&#x20;bar", "foo bar"), ("foo&#X20;bar", "foo bar"),
        ("foo&#xabc;bar", "foo\u{abc}bar"), ("foo&#xyz;bar", "foo&#xyz;bar"), ("foo&#;bar", "foo&#;bar"),
        ("foo&#x;bar", "foo&#x;bar"), ("&#0;", "&#0;"), ("&#xd800;", "&#xd800;"), ("&#x110000;", "&#x110000;"),
        ("&#+32;", "&#+32;"), ("&unknown;", "&unknown;"), ("&", "&"), ("&lt", "&lt"), ("&apos;&nbsp;", "'\u{a0}"),
        ("&&lt;", "&<"), ("&#99999999999999999999;", "&#99999999999999999999;"),
    ])
    func `numbers are unescaped, and what is none is left`(_ text: String, _ unescaped: String) {
        #expect(Escape.unescapeHTML(text) == unescaped)
    }

    @Test(arguments: [
        ("\u{e9}", "%C3%A9"), ("a b", "a+b"), ("a+b%20", "a%2Bb%2520"), ("/~-._", "%2F~-._"), ("", ""),
    ])
    func `url escapes for a query`(_ text: String, _ escaped: String) {
        #expect(Escape.url(text) == escaped)
        #expect(Escape.unescapeURL(escaped) == text)
    }

    @Test func `a space is a plus in queries and not in paths`() {
        #expect(Escape.url("a b+c", plus: false) == "a%20b%2Bc")
        #expect(Escape.unescapeURL("a+b%20c", plus: false) == "a+b c")
        #expect(Escape.unescapeURL("a+b%20c") == "a b c")
        #expect(Escape.unescapeURL("%ff") == nil)
    }

    @Test(arguments: [
        ("sequences     of    whitespace   chars", "sequences of whitespace chars"), ("  a\t\n\0b  ", "a b"), ("", ""),
        (" ", ""),
    ])
    func `squeeze leaves one space`(_ text: String, _ squeezed: String) { #expect(Escape.squeeze(text) == squeezed) }

    @Test func `JSON cannot end the script that it is in`() {
        #expect(Escape.scriptJSON(#"{"a":"</script>","b":"a/b"}"#) == #"{"a":"<\/script>","b":"a/b"}"#)
        for (json, escaped) in [
            ("\"<!--<script\"", "\"\\u003c!--\\u003cscript\""), ("\"<SCRIPT>\"", "\"\\u003cSCRIPT>\""),
            ("\"<</<\"", "\"\\u003c<\\/\\u003c\""), ("<", "\\u003c"), ("\"a<b\"", "\"a\\u003cb\""), ("", ""),
        ] {
            #expect(Escape.scriptJSON(json) == escaped)
        }
    }
}

/// Tornado's table.
@Suite struct LinkifyTests {
    private static func link(_ url: String, _ text: String? = nil, _ extra: String = "") -> String {
        "<a href=\"\(url)\"\(extra)>\(text ?? url)</a>"
    }

    @Test(
        arguments: [
            ("hello http://world.com/!", "hello \(link("http://world.com/"))!"),
            (
                "hello http://world.com/with?param=true&stuff=yes",
                "hello \(link("http://world.com/with?param=true&amp;stuff=yes"))"
            ),
            (
                "http://url.com/w(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                link("http://url.com/w") + "(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            ),
            (
                "http://url.com/withmany.......................",
                link("http://url.com/withmany") + "......................."
            ),
            (
                "http://url.com/withmany((((((((((((((((((((a)",
                link("http://url.com/withmany") + "((((((((((((((((((((a)"
            ),
            ("http://foo.com/blah_blah", link("http://foo.com/blah_blah")),
            ("http://foo.com/blah_blah/", link("http://foo.com/blah_blah/")),
            ("(Something like http://foo.com/blah_blah)", "(Something like \(link("http://foo.com/blah_blah")))"),
            ("http://foo.com/blah_blah_(wikipedia)", link("http://foo.com/blah_blah_(wikipedia)")),
            ("http://foo.com/blah_(blah)_(wikipedia)_blah", link("http://foo.com/blah_(blah)_(wikipedia)_blah")),
            ("http://foo.com/blah_blah.", link("http://foo.com/blah_blah") + "."),
            ("http://foo.com/blah_blah/.", link("http://foo.com/blah_blah/") + "."),
            ("<http://foo.com/blah_blah>", "&lt;\(link("http://foo.com/blah_blah"))&gt;"),
            ("<http://foo.com/blah_blah/>", "&lt;\(link("http://foo.com/blah_blah/"))&gt;"),
            ("http://foo.com/blah_blah,", link("http://foo.com/blah_blah") + ","),
            ("http://www.example.com/wpstyle/?p=364.", link("http://www.example.com/wpstyle/?p=364") + "."),
            ("http://userid:password@example.com:8080", link("http://userid:password@example.com:8080")),
            ("http://userid:password@example.com:8080/", link("http://userid:password@example.com:8080/")),
            ("http://userid@example.com", link("http://userid@example.com")),
            ("http://\u{27a1}.ws/\u{4a39}", link("http://\u{27a1}.ws/\u{4a39}")),
            ("<tag>http://example.com</tag>", "&lt;tag&gt;\(link("http://example.com"))&lt;/tag&gt;"),
            ("Just a www.example.com link.", "Just a \(link("http://www.example.com", "www.example.com")) link."),
            (
                "A file:///passwords.txt and http://web.com link",
                "A file:///passwords.txt and \(link("http://web.com")) link"
            ),
            ("javascript:alert(1) http:// www. x", "javascript:alert(1) http:// www. x"),
            ("'http://a.b/'onclick='x'", "&#x27;\(link("http://a.b/"))&#x27;onclick=&#x27;x&#x27;"),
            ("", ""), ("no link & none", "no link &amp; none"),
        ] as [(String, String)])
    func `URLs become links`(_ text: String, _ html: String) {
        #expect(Escape.linkify(text) == html)
    }

    @Test func `only permitted protocols are linked to`() {
        #expect(Escape.linkify("rdar://1234", protocols: ["http", "rdar"]) == Self.link("rdar://1234"))
        #expect(Escape.linkify("rdar:/1234", protocols: ["rdar"]) == Self.link("rdar:/1234"))
        #expect(
            Escape.linkify("message://%3c330e@mail.gmail.com%3e", protocols: ["http", "message"])
                == Self.link("message://%3c330e@mail.gmail.com%3e"))
        #expect(
            Escape.linkify("A file:///passwords.txt and http://web.com link", protocols: ["file"])
                == "A \(Self.link("file:///passwords.txt")) and http://web.com link")
        #expect(
            Escape.linkify("Just a www.example.com link.", requiringProtocol: true) == "Just a www.example.com link.")
    }

    @Test func `long URLs are shown shortened`() {
        let long = "http://reallylong.com/link/that/exceedsthelenglimit.html"
        #expect(
            Escape.linkify("A " + long, shortening: true, requiringProtocol: true)
                == "A " + Self.link(long, "http://reallylong.com/link...", " title=\"\(long)\""))
        let host = "http://reallylongdomainnamethatwillbetoolong.com/hi"
        #expect(
            Escape.linkify("A \(host)!", shortening: true)
                == "A " + Self.link(host, "http://reallylongdomainnametha...", " title=\"\(host)\"") + "!")
        #expect(Escape.linkify("http://short.com/", shortening: true) == Self.link("http://short.com/"))
    }

    @Test func `links have the attributes that they are given`() {
        let url = "http://www.external-link.com"
        let expected = Self.link(url, "www.external-link.com", " rel=\"nofollow\" class=\"external\"")
        #expect(
            Escape.linkify("www.external-link.com", attributes: { _ in "  rel=\"nofollow\" class=\"external\" " })
                == expected)
        let html = Escape.linkify("www.external-link.com and www.internal-link.com/blogs extra") { href in
            href.hasPrefix("http://www.internal-link.com")
                ? "class=\"internal\"" : "rel=\"nofollow\" class=\"external\""
        }
        let second = Self.link(
            "http://www.internal-link.com/blogs", "www.internal-link.com/blogs", " class=\"internal\"")
        #expect(html == "\(expected) and \(second) extra")
    }

    /// Tornado's table for `url_concat`.
    @Test(arguments: [
        ("https://localhost/path", "https://localhost/path?y=y&z=z"),
        ("https://localhost/path?", "https://localhost/path?y=y&z=z"),
        ("https://localhost/path?x", "https://localhost/path?x=&y=y&z=z"),
        ("https://localhost/path?x&", "https://localhost/path?x=&y=y&z=z"),
        ("https://localhost/path?a=1&b=2", "https://localhost/path?a=1&b=2&y=y&z=z"),
        ("https://localhost/path?r=%2F#tab", "https://localhost/path?r=%2F&y=y&z=z#tab"),
        ("https://localhost/path#tab", "https://localhost/path?y=y&z=z#tab"), ("/#?", "/?y=y&z=z#?"), ("", "?y=y&z=z"),
    ])
    func `Arguments are added to a URL`(_ url: String, _ result: String) {
        #expect(Escape.url(url, adding: [("y", "y"), ("z", "z")]) == result)
        #expect(Escape.url(url, adding: []) == url)
    }

    @Test func `Arguments that are added are escaped`() {
        #expect(Escape.url("/path", adding: [("y", "/y"), ("z", "a b&c=\u{e9}")]) == "/path?y=%2Fy&z=a+b%26c%3D%C3%A9")
    }
}
