import Squall
import Testing

/// Values in a page's text and in attributes that are only text.
@Suite struct TextEscapingTests {
    @Test func `text, and elements in which there is no markup`() throws {
        let attack = "</p></title></textarea></noscript></xmp><script>alert(1)</script>\"'&"
        let safe =
            "&lt;/p&gt;&lt;/title&gt;&lt;/textarea&gt;&lt;/noscript&gt;&lt;/xmp&gt;"
            + "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;"
        #expect(
            try lines(EscapingTextPage(value: attack)) == [
                "<p>\(safe)</p>",
                "<title>\(safe)</title>",
                "<textarea>\(safe)</textarea>",
                "<!-- \(safe) -->",
                "<noscript>\(safe)</noscript>",
                "<xmp>\(safe)</xmp>",
                "<svg><title>\(safe)</title></svg>",
                "<math><mtext>\(safe)</mtext></math>",
            ])
    }

    @Test(arguments: [
        ("-->", "&#45;&#45;&gt;"), ("--!>", "&#45;&#45;!&gt;"), ("--", "&#45;&#45;"), ("->", "&#45;&gt;"),
        ("a-b", "a&#45;b"), ("<!--", "&lt;!&#45;&#45;"), ("", ""),
    ]) func `comments`(_ value: String, _ safe: String) throws {
        #expect(try lines(EscapingTextPage(value: value))[3] == "<!-- \(safe) -->")
    }

    @Test func `attributes`() throws {
        let attack = "a\"'> onfocus=x`&\n="
        let safe = "a&quot;&#x27;&gt; onfocus=x`&amp;\n="
        let page = try EscapingAttributesPage(value: attack).renderString()
        #expect(
            page == """
                <p title="\(safe)">
                <p title='\(safe)'>
                <p title="\(safe)">
                <p title=aa&#34;&#39;&#62;&#32;onfocus&#61;x&#96;&#38;&#10;&#61;b>
                <p class="a \(safe)" data-name="\(safe)" aria-label="\(safe)">
                <meta name=description content="\(safe)">
                <iframe srcdoc="a&amp;quot;&amp;#x27;&amp;gt; onfocus=x`&amp;amp;\n="></iframe>
                <iframe srcdoc="<p class='a'>a&amp;quot;&amp;#x27;&amp;gt; onfocus=x`&amp;amp;\n=</p>"></iframe>

                """)
    }

    @Test func `a value without quotation marks may be anything, and nothing`() throws {
        #expect(try lines(EscapingAttributesPage(value: ""))[2...3] == ["<p title=\"\">", "<p title=ab>"])
        #expect(
            try lines(EscapingAttributesPage(value: "\0\u{1}\t\u{c}\r/+"))[3]
                == "<p title=a&#xfffd;&#1;&#9;&#12;&#13;&#47;&#43;b>")
        #expect(try lines(EscapingAttributesPage(value: "\u{a0}é"))[3] == "<p title=a\u{a0}éb>")
    }

    @Test func `markup that is trusted is so as text, and is a document where one is asked for`() throws {
        #expect(
            try lines(EscapingMarkupPage(value: HTML("<b>\"&amp;</b>"))) == [
                "<p title=\"&lt;b&gt;&quot;&amp;amp;&lt;/b&gt;\"><b>\"&amp;</b></p>",
                "<title>&lt;b&gt;&quot;&amp;amp;&lt;/b&gt;</title>",
                "<iframe srcdoc=\"&lt;b&gt;&quot;&amp;amp;&lt;/b&gt;\"></iframe>",
            ])
    }

    @Test func `numbers are as they are, and do not grow together with what is before`() throws {
        #expect(
            try lines(EscapingNumbersPage(integer: -5, decimal: 1.5, flag: true, none: nil)) == [
                "<p>-5 1.5 true</p>",
                "<script>f(3- -5, 1.5, true, null); function g() { return -5 }</script>",
                "<style>p { width: -5px; height: 1.5em }</style>",
                "<a href=\"/-5?a=-5\" onclick=\"f(-5, null, '-5')\">",
            ])
    }

    // MARK: files that are no pages

    @Test func `feeds and pictures`() throws {
        #expect(
            try lines(EscapingFeedXML(value: "]]><a b='c'>&\"--")) == [
                "<feed xmlns=\"http://www.w3.org/2005/Atom\">",
                "<title>]]&gt;&lt;a b=&#x27;c&#x27;&gt;&amp;&quot;--</title>",
                "<link href=\"]]%3E%3Ca%20b=%27c%27%3E&amp;%22--\"/>",
                "<!-- ]]&gt;&lt;a b=&#x27;c&#x27;&gt;&amp;&quot;&#45;&#45; -->",
                "</feed>",
            ])
        #expect(
            try lines(EscapingPictureSVG(value: "javascript:alert('1')")) == [
                "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:x=\"http://www.w3.org/1999/xlink\">",
                "<text fill=\"javascript:alert(&#x27;1&#x27;)\">javascript:alert(&#x27;1&#x27;)</text>",
                "<a x:href=\"about:invalid#unsafe\" onclick=\"f(&quot;javascript:alert(&#x27;1&#x27;)&quot;)\"/>",
                "<style>text { fill: unset }</style>",
                "</svg>",
            ])
    }

    @Test func `programs, style sheets and plain text`() throws {
        let attack = "</script>`${alert(1)}\\'\"\n"
        #expect(
            try EscapingProgramJavaScript(value: attack).renderString() == #"""
                const a = "\u003c/script\u003e`${alert(1)}\\'\"\n";
                const b = '\u003c\u002fscript\u003e\u0060\u0024\u007balert(1)\u007d\u005c\u0027\u0022\u000a' + `${"\u003c/script\u003e`${alert(1)}\\'\"\n"}`;

                """#)
        #expect(
            try lines(EscapingSheetCSS(value: "\"; } </style>")) == [
                ".a { color: unset; background: url(%22\\3b %20%7D%20%3C\\2f style%3E); }",
                ".a::before { content: \"\\22 \\3b  \\7d  \\3c \\2f style\\3e \"; }",
            ])
        #expect(try EscapingMailText(value: "<\"&'>").renderString() == "Dear <\"&'>, <b>\"<\"&'>\"</b>\n")
    }

    @Test func `plain text as a part of a page is text there`() throws {
        #expect(
            try EscapingMailInPagePage(value: "<script>").renderString()
                == "<pre>Dear &lt;script&gt;, &lt;b&gt;&quot;&lt;script&gt;&quot;&lt;/b&gt;\n</pre>\n")
    }
}
