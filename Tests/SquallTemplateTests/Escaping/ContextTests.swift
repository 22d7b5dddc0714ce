import SquallTemplateCompiler
import Testing

/// Where a value is, after branches, loops and parts that each lead to the same.
@Suite struct ContextTests {
    @Test(arguments: [
        (
            "<option {% if a %}selected{% end %} value='{{ x }}'{% if a %} class=b{% end %}>{{ y }}",
            ["attribute", "text"]
        ),
        ("<option{% if a %} selected{% end %}>{{ y }}", ["text"]),
        ("<p {% if a %}title='{{ x }}'{% else %}onclick='{{ x }}'{% end %}>", ["attribute", "scriptAttribute"]),
        ("<p title={% if a %}'b'{% else %}{{ x }}{% end %} lang={{ y }}>", ["attribute", "attribute"]),
        ("<p class='{% if a %}b{% elif c %}{{ x }}{% end %} {{ y }}'>", ["attribute", "attribute"]),
        (
            "<p {% for a in b %}data-a='{{ a }}' {% end %}{% switch c %}{% case .d %}id={{ x }}{% default %}{% end %}>{{ y }}",
            ["attribute", "attribute", "text"]
        ),
        ("<a href='{% if a %}https://b.org{% end %}/c/{{ x }}?d={{ y }}'>", ["urlPath", "urlQuery"]),
        ("<a href='{% if a %}/b{% end %}{{ x }}'>", ["url"]),
        ("<a href='{% for a in b %}{{ a }}/{% end %}'>", ["url"]),
        ("<a href='/{% for a in b %}{{ a }}/{% end %}{{ c }}'>", ["urlRoot", "urlRoot"]),
        ("<a href='/a{% for b in c %}/{{ b }}{% end %}?d'>", ["urlPath"]),
        ("<a href='?{% for b in c %}{% if b %}&amp;{% end %}{{ b }}={{ b }}{% end %}'>", ["urlQuery", "urlQuery"]),
        ("<a href='{% try %}{{ a }}{% except %}#{% end %}'>", ["url"]),
        ("<script>{% if a %}b = {{ x }};{% else %}b = 1{% end %}\nc = b / {{ y }}</script>", ["script", "script"]),
        ("<script>a = '{% if b %}{{ x }}{% end %}{{ y }}'</script>", ["scriptString", "scriptString"]),
        (
            "<script>a = {% try %}{{ x }}{% except %}0{% end %} / 2; b = '{{ y }}' / 3</script>",
            ["script", "scriptString"]
        ),
        ("<script>a = [{% for b in c %}{{ b }}, {% end %}]; d = /'/; e = {{ x }}</script>", ["script", "script"]),
        ("<script>a = {% for b in c %}{{ b }} /{% end %} 2</script>", ["script"]),
        ("<style>a { {% if b %}c: {{ x }};{% end %} d: '{{ y }}' }</style>", ["style", "styleString"]),
        ("<ul>{% for a in b %}{% if a %}<li>c{% break %}{% end %}<li>{{ a }}{% end %}</ul>", ["text"]),
        ("<!-- {% if a %}{{ x }}{% end %} -->{{ y }}<!--{{ z }}-->", ["comment", "text", "comment"]),
        ("{% apply f %}<p title='{{ x }}'>{% end %}{{ y }}", ["attribute", "text"]),
        ("<p {% try %}title='{{ x }}'{% except %}{% end %} id='{{ y }}'>", ["attribute", "attribute"]),
        ("{% fragment a %}<p title='{{ x }}'>{% end %}{{ y }}", ["text", "attribute"]),
        // What is trusted moves on, too.
        ("<{% raw t %} href='{{ x }}'>{{ y }}</{% raw t %}>", ["raw", "url", "text", "raw"]),
        ("<a href={% raw t %} title={{ x }} onclick='{{ y }}'>", ["raw", "attribute", "scriptAttribute"]),
        ("<a {% raw t %} href='{{ x }}'>", ["raw", "url"]),
        ("<a data-{% raw t %}='{{ x }}' on{% raw t %}='b'>", ["raw", "attribute", "raw"]),
        ("<a href='{% raw t %}/{{ x }}?{{ y }}'>", ["raw", "urlPath", "urlQuery"]),
        ("<script>a = {% raw t %} / 2; b = '{{ x }}' / 3</script>", ["raw", "scriptString"]),
        ("{% autoescape none %}<a href={{ t }} title={% autoescape context %}{{ x }}>", ["raw", "attribute"]),
    ]) func `branches, loops and parts`(_ text: String, _ expected: [String]) {
        #expect(contexts(text) == expected)
    }

    @Test func `blocks and includes stand where they are placed`() {
        let files = [
            "layout.html": "<p title='{% block a %}{% end %}'><script>b = {% block b %}{% end %}</script>",
            "a.html":
                "{% extends \"layout.html\" %}{% block a %}{{ x }}{% end %}{% block b %}{{ x }} + {% include \"_c.html\" %}{% end %}",
            "_c.html": "'{{ x }}'",
        ]
        let page = generated(files)
        #expect(page.contains("put(x, .attribute)"))
        #expect(page.contains("put(script: x)"))
        #expect(page.contains(", .scriptString)"))
        #expect(
            errors([
                "a.html": "{% extends \"b.html\" %}{% block a %}'{% end %}",
                "b.html": "<p title='{% block a %}{% end %}'>",
            ])
                == ["b.html:1:33: error: ''' in an attribute's name; a quotation mark or '>' is missing before"])
    }

    // MARK: blanks and nonces

    /// The compiled page's text, with `_` where something is between.
    private func text(_ template: String, _ name: String = "a.html") throws -> String {
        let compiler = TemplateCompiler([(name: name, bytes: Array(template.utf8))], folder: "")
        return try compiler.texts(of: name).texts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "_")
    }

    @Test(arguments: [
        ("a  b\t c\n\n  d \n", "a b c\nd\n"), ("a {{ b }}  c", "a _ c"), ("a\u{a0}  b", "a\u{a0} b"),
        ("<p  class=\"a  b\"\n   title='c\n  d'\t>", "<p class=\"a  b\"\ntitle='c\n  d' >"),
        ("<pre>a  b\n\n c</pre>  d", "<pre>a  b\n\n c</pre> d"),
        ("<pre>a <b>b  c</b>  d</pre>", "<pre>a <b>b  c</b>  d</pre>"),
        ("<textarea>a  b\n\n</textarea>", "<textarea>a  b\n\n</textarea>"),
        ("<script>a  =  `b\n\n  c`</script>", "<script_>a  =  `b\n\n  c`</script>"),
        ("<style>a  {\n\n  b: c }</style>", "<style>a  {\n\n  b: c }</style>"),
        ("<title>a  b</title><!-- c\n\n  d -->", "<title>a b</title><!-- c\nd -->"),
        ("{% whitespace oneline %}a  b\n\n c<p\n id=d>", "a b c<p id=d>"),
        ("{% whitespace all %}a  b\n\n c<p\n id=d>", "a  b\n\n c<p\n id=d>"),
        ("{% whitespace oneline %}<pre>a\nb</pre>\n{% whitespace all %}c  d", "<pre>a\nb</pre> c  d"),
    ]) func `blanks in a page`(_ template: String, _ expected: String) throws {
        #expect(try text(template) == expected)
    }

    @Test func `blanks in other files`() throws {
        let kept = "a  b\n\n  c"
        for name in ["a.txt", "a.xml", "a.svg", "a.css"] { #expect(try text(kept, name) == kept) }
        #expect(
            try text("a  =  'b  c'\n\n\n  // d  e\n  f = `g\n\n  h` + /i  j/", "a.js")
                == "a = 'b  c'\n// d  e\n f = `g\n\n  h` + /i  j/")
    }

    @Test(arguments: [
        ("<script>a()</script>", "<script_>a()</script>"),
        ("<script type=\"module\">a()</script>", "<script type=\"module\"_>a()</script>"),
        ("<script type=text/javascript>a()</script>", "<script type=text/javascript_>a()</script>"),
        ("<script type=importmap>{}</script>", "<script type=importmap_>{}</script>"),
        ("<script type=speculationrules>{}</script>", "<script type=speculationrules_>{}</script>"),
        ("<SCRIPT defer >a()</SCRIPT>", "<SCRIPT defer _>a()</SCRIPT>"),
        ("<script defer / >a()</script>", "<script defer / _>a()</script>"),
        ("<script data-src='a'>a()</script>", "<script data-src='a'_>a()</script>"),
        ("<script {% if b %}src=\"/a\"{% end %}></script>", "<script _src=\"/a\"_></script>"),
        ("<script src=\"/a.js\"></script>", "<script src=\"/a.js\"></script>"),
        ("<script src></script>", "<script src></script>"),
        ("<script nonce=\"own\">a()</script>", "<script nonce=\"own\">a()</script>"),
        ("<script type=\"application/json\">{}</script>", "<script type=\"application/json\">{}</script>"),
        ("<script type=\"application/ld+json\">{}</script>", "<script type=\"application/ld+json\">{}</script>"),
        ("<script type=\"text/x-template\"><p></script>", "<script type=\"text/x-template\"><p></script>"),
        ("<svg><script href=\"a\"/></svg>", "<svg><script href=\"a\"/></svg>"),
        ("<style>a{}</style>", "<style>a{}</style>"),
        ("<!-- <script>a()</script> -->", "<!-- <script>a()</script> -->"),
        ("<p title=\"<script>\">", "<p title=\"<script>\">"),
    ]) func `scripts in the page get the nonce of the response`(_ template: String, _ expected: String) throws {
        #expect(try text(template) == expected)
    }
}
