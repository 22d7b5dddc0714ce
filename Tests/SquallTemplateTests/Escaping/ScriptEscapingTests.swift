import Squall
import Testing

/// Values in JavaScript and JSON, in elements and in attributes.
@Suite struct ScriptEscapingTests {
    @Test func `code, strings and template literals`() throws {
        let attack = "</script><!--\"'`${alert(1)}\\\n\u{2028}&"
        let json = #""\u003c/script\u003e\u003c!--\"'`${alert(1)}\\\n\u2028\u0026""#
        let inString =
            #"\u003c\u002fscript\u003e\u003c\u0021--\u0022\u0027\u0060\u0024\u007balert(1)\u007d\u005c\u000a\u2028\u0026"#
        #expect(
            try lines(EscapingScriptsPage(value: attack)) == [
                "<script>let a = \(json);</script>",
                "<script>let b = \"\(inString)\";</script>",
                "<script>let c = '\(inString)';</script>",
                "<script>let d = `\(inString)`;</script>",
                "<script>let e = `${ \(json) }`;</script>",
                "<script>let f = \"<\(inString)>\";</script>",
                "<script type=\"application/json\">{\"a\": \(json), \"b\": \"\(inString)\"}</script>",
                "<script type=\"module\">f(\(json))</script>",
            ])
    }

    @Test func `attributes that are scripts`() throws {
        let attack = "');alert(1)//\"&quot;<"
        let json = "&quot;&#x27;);alert(1)//\\&quot;\\u0026quot;\\u003c&quot;"
        let inString = #"\u0027);alert(1)\u002f\u002f\u0022\u0026quot;\u003c"#
        #expect(
            try lines(EscapingHandlersPage(value: attack)) == [
                "<p onclick=\"f(\(json))\">",
                "<p onclick='f(\(json))'>",
                "<p onclick=\"\(json)\">",
                "<p onclick=\"f('\(inString)')\">",
                "<p onclick=\"f(&quot;\(inString)&#034;)\">",
                "<p x-data=\"{ a: \(json) }\" x-model.number=\"\(json)\">",
                "<p @click=\"f(\(json))\" :class=\"\(json)\" v-if=\"\(json) == 1\">",
                "<p hx-vals='{\"a\": \(json), \"b\": \"\(inString)\"}' hx-on:click=\"f(\(json))\">",
                "<p [title]=\"\(json)\" (click)=\"f('\(inString)')\">",
            ])
    }

    @Test(arguments: [
        ("<script>a = {{ x }} / 2; b = '{{ y }}' / 3</script>", ["script", "scriptString"]),
        ("<script>a = /'/.test({{ x }}); b = \"'\"</script>", ["script"]),
        ("<script>a = /[/']/.test({{ x }})</script>", ["script"]),
        ("<script>a = /\\/'/.test({{ x }})</script>", ["script"]),
        ("<script>a = b / c; d = '{{ x }}' / e</script>", ["scriptString"]),
        ("<script>return /'/.test({{ x }})</script>", ["script"]),
        ("<script>return\u{a0}/'/.test({{ x }})</script>", ["script"]),
        ("<script>return\u{3000}\u{feff}\u{b}/'/.test({{ x }})</script>", ["script"]),
        ("<p onclick='return&nbsp;/&quot;/.test({{ x }})&#xa0;'>", ["scriptAttribute"]),
        ("<script>a.return / '{{ x }}' / 2</script>", ["scriptString"]),
        ("<script>a = b++ / '{{ x }}' / 2</script>", ["scriptString"]),
        ("<script>a = b[0] / '{{ x }}'</script>", ["scriptString"]),
        ("<script>a = (b) / '{{ x }}' / 2</script>", ["scriptString"]),
        ("<script>if (a) /'/.test({{ x }})</script>", ["script"]),
        ("<script>while (f(a)) /'/.test({{ x }})</script>", ["script"]),
        ("<script>a = f(if_(b)) / '{{ x }}'</script>", ["scriptString"]),
        ("<script>a = `b${c ? `${d}'` : {}}` + {{ x }}</script>", ["script"]),
        ("<script>a = `'${{{ x }}}${ '{{ y }}' }`</script>", ["script", "scriptString"]),
        ("<script>// it's\na = {{ x }}</script>", ["script"]),
        ("<script>// it's\ra = `{{ x }}`</script>", ["scriptString"]),
        ("<script>// it's\u{2028}a = `{{ x }}`</script>", ["scriptString"]),
        ("<script>/* it's\n*/ a = {{ x }}</script>", ["script"]),
        ("<script>a = 'b\\\nc {{ x }}'</script>", ["scriptString"]),
        ("<script>a = 'b\\\r\nc {{ x }}'</script>", ["scriptString"]),
        ("<script>a = '\\'{{ x }}'</script>", ["scriptString"]),
        ("<script>a = '\\\\'; b = {{ x }}</script>", ["script"]),
        ("<script>a = b\nc = {{ x }} / 1</script>", ["script"]),
        ("<script>while (n --> 0) f({{ x }})</script>", ["script"]),
        ("<script>a = \"</b>\" + {{ x }}</script>", ["script"]),
        ("<script>a = b < c && '{{ x }}' <{{ y }}</script>", ["scriptString", "script"]),
        ("<script>a = \"</script>\" title=\"{{ x }}\"", ["text"]),
        (
            "<p onclick='a(&bsol;); b(&apos;&#x5c;&apos;, {{ x }}, &#39{{ y }}&#39)'>",
            ["scriptString", "scriptAttribute"]
        ),
        ("<p onclick='&sol;&sol; it&apos;s&NewLine; a({{ x }})'>", ["scriptAttribute"]),
        ("<p onclick='a(&grave;{{ x }}&DiacriticalGrave;)'>", ["scriptString"]),
        ("<p onclick='a(&quot{{ x }}&quot)'>", ["scriptString"]),
        ("<p onclick='a(&eacute;, {{ x }}, &eacute)'>", ["scriptAttribute"]),
        ("<svg><script>a = &apos;{{ x }}&apos;</script></svg>", ["scriptString"]),
        ("<p x-ref='{{ x }}' x-mask='{{ x }}' x-transition:enter='{{ x }}'>", ["attribute", "attribute", "attribute"]),
        ("<p x-intersect.once='{{ x }}' x-mask:dynamic='{{ x }}'>", ["scriptAttribute", "scriptAttribute"]),
        (
            "<p #item='{{ x }}' .value='{{ x }}' *ngIf='{{ x }}' ng-if='{{ x }}'>",
            ["scriptAttribute", "scriptAttribute", "scriptAttribute", "scriptAttribute"]
        ),
        (
            "<p hx-trigger='every {{ x }}s' data-hx-on--load='{{ x }}' onload={{ x }}>",
            ["scriptAttribute", "scriptAttribute", "scriptAttribute"]
        ),
    ]) func `where in a script a place is`(_ text: String, _ expected: [String]) {
        let closed = text.hasSuffix("\"") ? text + "</script>" : text
        #expect(contexts(closed) == expected)
    }

    @Test func `files of JavaScript`() {
        #expect(contexts("a = {{ x }} + '{{ y }}' // it's", "a.js") == ["script", "scriptString"])
        #expect(contexts("a = '<!--</script>{{ x }}'", "a.js") == ["scriptString"])
    }
}
