import Squall
import Testing

/// Values in style sheets and in `style`.
@Suite struct StyleEscapingTests {
    @Test(arguments: [
        ("red", "red"), ("#ff00aa", "#ff00aa"), ("10px", "10px"), ("-1.5em", "-1.5em"), ("100%", "100%"),
        ("Georgia, serif", "Georgia, serif"), ("red !important", "red !important"), ("größer", "größer"),
        ("", "unset"), ("red; background: url(x)", "unset"), ("url(x)", "unset"), ("expression(alert(1))", "unset"),
        ("ex/**/pression", "unset"), ("e-x-p-r-e-s-s-i-o-n", "unset"), ("-moz-binding", "unset"), ("</style>", "unset"),
        ("red}", "unset"), ("\"", "unset"), ("\\72 ed", "unset"), ("a\nb", "unset"), ("/*", "unset"),
        ("@import", "unset"),
        ("a:b", "unset"), ("<!--", "unset"), ("a=b", "unset"), ("a&b", "unset"),
    ]) func `values are words, numbers and colours`(_ value: String, _ safe: String) throws {
        let page = try lines(EscapingStylesPage(value: value))
        #expect(page[0] == "<style>p { color: \(safe) }</style>")
        #expect(page[5] == "<style>.\(safe) { color: red }</style>")
        #expect(page[6] == "<p style=\"color: \(safe)\">")
    }

    @Test(arguments: [
        ("it's", "it\\27 s"), ("\"}</style>", "\\22 \\7d \\3c \\2f style\\3e "), ("\\", "\\5c "), ("a\nb", "a\\a b"),
        ("\0", "\\fffd "), ("(;:)", "\\28 \\3b \\3a \\29 "), ("&quot;", "\\26 quot\\3b "), ("", ""), ("a b", "a b"),
    ]) func `strings`(_ value: String, _ safe: String) throws {
        let page = try lines(EscapingStylesPage(value: value))
        #expect(page[1] == "<style>p { content: \"\(safe)\" }</style>")
        #expect(page[7] == "<p style=\"font-family: '\(safe)'\">")
        #expect(page[8] == "<p style=\"font-family: &quot;\(safe)&quot;\">")
    }

    @Test(arguments: [
        ("/a/b.png", "\\2f a\\2f b.png"), ("javascript:alert(1)", "about\\3a invalid#unsafe"),
        (")}</style>", "%29%7D%3C\\2f style%3E"), ("a'\"b", "a%27%22b"),
        ("https://a/?b=c&d", "https\\3a \\2f \\2f a\\2f ?b=c\\26 d"),
        ("data:image/svg+xml,<svg onload=x>", "about\\3a invalid#unsafe"), ("a b", "a%20b"), ("\\29", "%5C29"),
    ]) func `URLs`(_ value: String, _ safe: String) throws {
        let page = try lines(EscapingStylesPage(value: value))
        #expect(page[2] == "<style>p { background: url(\(safe)) }</style>")
        #expect(page[3] == "<style>p { background: url(\"\(safe)\") }</style>")
        #expect(page[9] == "<p style=\"background: url(\(safe))\">")
    }

    @Test func `a part of a URL`() throws {
        #expect(
            try lines(EscapingStylesPage(value: "../a) b"))[4]
                == "<style>p { background: url(/a/..%2Fa%29%20b.png) }</style>")
    }

    @Test(arguments: [
        ("<style>/* it's */ a { b: {{ x }} }</style>", ["style"]),
        ("<style>a { b: 'c\\'{{ x }}' }</style>", ["styleString"]),
        ("<style>a { b: 'c\\\r\n{{ x }}' }</style>", ["styleString"]),
        ("<style>a { b: 'c\r{{ x }} }</style>", ["style"]),
        ("<style>a { b: URL( '{{ x }}' ) {{ y }} }</style>", ["styleURL", "style"]),
        ("<style>a { b: url(c.png) url(d?{{ x }}) }</style>", ["urlQuery"]),
        ("<style>@import '{{ x }}';</style>", ["styleString"]),
        ("<p style='a: url(&apos;{{ x }}&apos;)'>", ["styleURL"]),
        ("<p style='a: &#x27{{ x }}&#39;'>", ["styleString"]),
        ("<p data-style='{{ x }}'>", ["attribute"]),
        ("<svg><style>a { b: {{ x }} }</style></svg>", ["style"]),
    ]) func `where in a style sheet a place is`(_ text: String, _ expected: [String]) {
        #expect(contexts(text) == expected)
    }
}
