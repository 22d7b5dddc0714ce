import Testing

/// Where what a value would be in the page cannot be decided, the compiler says so, and what to write.
@Suite struct ContextErrorTests {
    @Test(
        arguments: [
            (
                "<{{ x }}>",
                "1:5: error: an element's name cannot come from an expression; write {% if %} with the elements, or {% raw … %} if it is trusted"
            ),
            (
                "</{{ x }}>",
                "1:6: error: an element's name cannot come from an expression; write {% if %} with the elements, or {% raw … %} if it is trusted"
            ),
            (
                "<h{{ x }}>",
                "1:6: error: an element's name cannot come from an expression; write {% if %} with the elements, or {% raw … %} if it is trusted"
            ),
            (
                "<p {{ x }}>",
                "1:7: error: an attribute's name cannot come from an expression; write name=\"{{ … }}\", {% if … %}name{% end %}, or {% raw … %} if it is trusted"
            ),
            (
                "<p {{ x }}=\"a\">",
                "1:7: error: an attribute's name cannot come from an expression; write name=\"{{ … }}\", {% if … %}name{% end %}, or {% raw … %} if it is trusted"
            ),
            (
                "<p data-{{ x }}=\"a\">",
                "1:12: error: an attribute's name cannot come from an expression; write name=\"{{ … }}\", {% if … %}name{% end %}, or {% raw … %} if it is trusted"
            ),
            (
                "<p title{{ x }}>",
                "1:12: error: an attribute's name cannot come from an expression; write name=\"{{ … }}\", {% if … %}name{% end %}, or {% raw … %} if it is trusted"
            ),
            (
                "<p title=\"a\"{{ x }}>",
                "1:16: error: an attribute's name cannot come from an expression; write name=\"{{ … }}\", {% if … %}name{% end %}, or {% raw … %} if it is trusted"
            ),
            (
                "<!DOCTYPE {{ x }}>",
                "1:14: error: an expression cannot stand in a declaration such as <!DOCTYPE>; use {% raw … %} if it is trusted"
            ),
            (
                "<?xml {{ x }}?>",
                "1:10: error: an expression cannot stand in a declaration such as <!DOCTYPE>; use {% raw … %} if it is trusted"
            ),
        ]) func `names`(_ text: String, _ message: String)
    {
        #expect(error(text) == message)
    }

    @Test(
        arguments: [
            ("<p \"a\">", "1:4: error: '\"' in an attribute's name; a quotation mark or '>' is missing before"),
            (
                "<p title=\"a\"\">",
                "1:13: error: '\"' in an attribute's name; a quotation mark or '>' is missing before"
            ),
            ("<p title=a\"b>", "1:11: error: '\"' in a value without quotation marks; put some round the whole value"),
            ("<p title=a<b>", "1:11: error: '<' in a value without quotation marks; put some round the whole value"),
            ("<p a'b>", "1:5: error: ''' in an attribute's name; a quotation mark or '>' is missing before"),
            ("<p onclick=f({{ x }})>", "1:17: error: put quotation marks round the value of 'onclick'"),
            ("<p style=color:{{ x }}>", "1:19: error: put quotation marks round the value of 'style'"),
            (
                "<p _=\"on click put {{ x }}\">",
                "1:23: error: what is safe in '_', which is no JavaScript, cannot be decided; put the value into an attribute such as data-value"
            ),
            (
                "<p {% raw n %}=\"{{ x }}\">",
                "1:20: error: what is safe in an attribute whose name comes from 'raw' cannot be decided; put the value into an attribute such as data-value"
            ),
            (
                "<p h{% raw n %}=\"{{ x }}\">",
                "1:21: error: what is safe in an attribute whose name comes from 'raw' cannot be decided; put the value into an attribute such as data-value"
            ),
        ]) func `attributes`(_ text: String, _ message: String)
    {
        #expect(error(text) == message)
    }

    @Test(
        arguments: [
            (
                "<iframe srcdoc=\"<script>{{ x }}</script>\">",
                "1:28: error: what is safe here in 'srcdoc' cannot be decided; make the document a template of its own, and write srcdoc=\"{{ HTML(try NotePage(…).renderString()) }}\""
            ),
            (
                "<iframe srcdoc=\"&lt;p title='{{ x }}'\">",
                "1:33: error: what is safe here in 'srcdoc' cannot be decided; make the document a template of its own, and write srcdoc=\"{{ HTML(try NotePage(…).renderString()) }}\""
            ),
            (
                "<iframe srcdoc=\"<!-- {{ x }} -->\">",
                "1:25: error: what is safe here in 'srcdoc' cannot be decided; make the document a template of its own, and write srcdoc=\"{{ HTML(try NotePage(…).renderString()) }}\""
            ),
        ]) func `srcdoc`(_ text: String, _ message: String)
    {
        #expect(error(text) == message)
    }

    @Test(
        arguments: [
            (
                "<a href=\"javascript:f({{ x }})\">",
                "1:26: error: an expression cannot stand in a URL that is a script, or may be one; use an event's attribute or a <script>"
            ),
            (
                "<a href=\"data:text/html,{{ x }}\">",
                "1:28: error: an expression cannot stand in a URL that is a script, or may be one; use an event's attribute or a <script>"
            ),
            (
                "<a href=\"data:image/svg+xml,{{ x }}\">",
                "1:32: error: an expression cannot stand in a URL that is a script, or may be one; use an event's attribute or a <script>"
            ),
            (
                "<a href=\"data:{{ x }}\">",
                "1:18: error: an expression cannot stand in a URL that is a script, or may be one; use an event's attribute or a <script>"
            ),
            (
                "<a href=\"{{ x }}:{{ y }}\">",
                "1:17: error: ':' after an expression could end a URL's scheme; write the scheme itself, or make the whole URL in one expression"
            ),
            (
                "<a href=\"a{{ x }}:b\">",
                "1:18: error: ':' after an expression could end a URL's scheme; write the scheme itself, or make the whole URL in one expression"
            ),
            (
                "<animate to=\"javascript:{{ x }}\">",
                "1:28: error: an expression cannot stand in a URL that is a script, or may be one; use an event's attribute or a <script>"
            ),
        ]) func `URLs`(_ text: String, _ message: String)
    {
        #expect(error(text) == message)
    }

    @Test(
        arguments: [
            (
                "<script type=\"text/x-template\">{{ x }}</script>",
                "1:35: error: what is safe here cannot be decided: the type of this <script> is not known; write a type of JavaScript or JSON, or {% raw … %}"
            ),
            (
                "<script type=\"{{ t }}\">{{ x }}</script>",
                "1:27: error: what is safe here cannot be decided: the type of this <script> is not known; write a type of JavaScript or JSON, or {% raw … %}"
            ),
            (
                "<script{% if a %} type=module{% else %} type=text/html{% end %}>{{ x }}</script>",
                "1:68: error: what is safe here cannot be decided: the type of this <script> is not known; write a type of JavaScript or JSON, or {% raw … %}"
            ),
            (
                "<script>a = /{{ x }}/</script>",
                "1:17: error: an expression cannot stand in a regular expression of JavaScript; write new RegExp({{ … }})"
            ),
            (
                "<script>// {{ x }}</script>",
                "1:15: error: an expression cannot stand in a comment of JavaScript; use {# … #} for remarks"
            ),
            (
                "<script>/* {{ x }} */</script>",
                "1:15: error: an expression cannot stand in a comment of JavaScript; use {# … #} for remarks"
            ),
            (
                "<script><!--\n{{ x }}\n//--></script>",
                "1:9: error: '<!--' and '-->' are comments in a script, as in HTML; write '\\u003c!--' in a string, and // for a remark"
            ),
            (
                "<script>a = \"<!--\" + {{ x }}</script>",
                "1:14: error: '<!--' and '-->' are comments in a script, as in HTML; write '\\u003c!--' in a string, and // for a remark"
            ),
            (
                "<script>\n--> it's {{ x }}</script>",
                "2:1: error: '<!--' and '-->' are comments in a script, as in HTML; write '\\u003c!--' in a string, and // for a remark"
            ),
            (
                "<script type=\"text/x-template\"><!-- <script></script>",
                "1:37: error: '<!--' and '-->' are comments in a script, as in HTML; write '\\u003c!--' in a string, and // for a remark"
            ),
            (
                "<script>a = \"\\{{ x }}\"</script>",
                "1:18: error: an expression cannot stand behind a backslash; write the backslash twice, or leave it out"
            ),
            (
                "<script>a = \"</scr{{ x }}\"</script>",
                "1:22: error: an expression behind '</scr' could make a tag or a comment of it; put something between"
            ),
            (
                "<script>a = \"</script{{ x }}\"</script>",
                "1:25: error: an expression behind '</script' could make a tag or a comment of it; put something between"
            ),
            (
                "<script>a = \"<!{{ x }}\"</script>",
                "1:19: error: an expression behind '<!' could make a tag or a comment of it; put something between"
            ),
            (
                "<script>a = \"<!-{{ x }}\"</script>",
                "1:20: error: an expression behind '<!-' could make a tag or a comment of it; put something between"
            ),
            (
                "<script>a = \"<{{ x }}!--\"</script>",
                "1:22: error: an expression or tag stands within what belongs together here; write it in one piece"
            ),
            (
                "<script>a = \"<{{ x }}/script>\"</script>",
                "1:22: error: an expression or tag stands within what belongs together here; write it in one piece"
            ),
            (
                "<script>a<{# b #}/script></script>",
                "1:18: error: an expression or tag stands within what belongs together here; write it in one piece"
            ),
            (
                "<script>a /{# b #}/ c\n</script>",
                "1:19: error: an expression or tag stands within what belongs together here; write it in one piece"
            ),
            (
                "<script>/* a *{# b #}/</script>",
                "1:22: error: an expression or tag stands within what belongs together here; write it in one piece"
            ),
            (
                "<script>`$${{ x }}{`</script>",
                "1:19: error: an expression or tag stands within what belongs together here; write it in one piece"
            ),
            (
                "<script>a = {} / {{ x }}</script>",
                "1:16: error: whether '/' divides here or begins a regular expression cannot be decided; put parentheses round what is before it, or a semicolon behind that"
            ),
            (
                "<script>a = 3. / {{ x }}</script>",
                "1:16: error: whether '/' divides here or begins a regular expression cannot be decided; put parentheses round what is before it, or a semicolon behind that"
            ),
            (
                "<script>{% if a %}b ={% else %}b{% end %} /c/ {{ x }}</script>",
                "1:43: error: whether '/' divides here or begins a regular expression cannot be decided; put parentheses round what is before it, or a semicolon behind that"
            ),
            (
                "<script src=\"a.js\"/>",
                "1:19: error: '/>' does not close <script> in HTML, and the page would be a part of it; write </script>"
            ),
            (
                "<title/>",
                "1:7: error: '/>' does not close <title> in HTML, and the page would be a part of it; write </title>"
            ),
            (
                "<p onclick=\"// {{ x }}\">",
                "1:19: error: an expression cannot stand in a comment of JavaScript; use {# … #} for remarks"
            ),
            (
                "<p onclick=\"<!-- {{ x }}\">",
                "1:13: error: '<!--' and '-->' are comments in a script, as in HTML; write '\\u003c!--' in a string, and // for a remark"
            ),
            ("<script>a", "1:9: error: the template ends in a script; close it"),
            (
                "{% javascript %}a = \"<!--\"{% end %}",
                "1:17: error: '<!--' and '-->' are comments in a script, as in HTML; write '\\u003c!--' in a string, and // for a remark"
            ),
        ]) func `scripts`(_ text: String, _ message: String)
    {
        #expect(error(text) == message)
    }

    @Test(
        arguments: [
            (
                "<style>/* {{ x }} */</style>",
                "1:14: error: an expression cannot stand in a comment of CSS; use {# … #} for remarks"
            ),
            (
                "<style>a { b: \"\\{{ x }}\" }</style>",
                "1:20: error: an expression cannot stand behind a backslash; write the backslash twice, or leave it out"
            ),
            (
                "<style>a { b: url({{ x }}:{{ y }}) }</style>",
                "1:26: error: ':' after an expression could end a URL's scheme; write the scheme itself, or make the whole URL in one expression"
            ),
            (
                "<style></sty{{ x }}</style>",
                "1:16: error: an expression behind '</sty' could make a tag or a comment of it; put something between"
            ),
            (
                "<p style=\"/* {{ x }} */\">",
                "1:17: error: an expression cannot stand in a comment of CSS; use {# … #} for remarks"
            ),
            (
                "<style>a {% if b %}\"{% end %}</style>",
                "1:13: error: the branches end in different places: here in a style sheet, in a string, otherwise in a style sheet; open and close the same in each"
            ),
        ]) func `style sheets`(_ text: String, _ message: String)
    {
        #expect(error(text) == message)
    }

    @Test(
        arguments: [
            (
                "<title><{{ x }}</title>",
                "1:12: error: an expression behind '<' could make a tag or a comment of it; put something between"
            ),
            (
                "<textarea></{{ x }}</textarea>",
                "1:16: error: an expression behind '</' could make a tag or a comment of it; put something between"
            ),
            (
                "<title></titl{# a #}e></title>",
                "1:21: error: an expression or tag stands within what belongs together here; write it in one piece"
            ),
            (
                "<!-{# a #}- b -->",
                "1:4: error: an expression or tag stands within what belongs together here; write it in one piece"
            ),
            (
                "<!--{{ x }}>-->",
                "1:12: error: whether the comment ends here depends on what is before; put a blank before '>'"
            ),
            (
                "<!-- -{{ x }}->-->",
                "1:15: error: whether the comment ends here depends on what is before; put a blank before '>'"
            ),
            (
                "<!-- --{{ x }}>",
                "1:15: error: whether the comment ends here depends on what is before; put a blank before '>'"
            ),
            (
                "<!-- {% if a %}--{% end %}> -->",
                "1:27: error: whether the comment ends here depends on what is before; put a blank before '>'"
            ),
        ]) func `text that cannot be markup, and comments`(_ text: String, _ message: String)
    {
        #expect(error(text) == message)
    }

    @Test(
        arguments: [
            ("<p", "1:2: error: the template ends in an element's name; close it"),
            ("<p title=\"a", "1:11: error: the template ends in the value of 'title'; close it"),
            ("<!-- a", "1:6: error: the template ends in a comment; close it"),
            ("<title>a", "1:8: error: the template ends in <title>; close it"),
            ("<", "1:1: error: the template ends in an element's name; close it"),
        ]) func `what is open at the end`(_ text: String, _ message: String)
    {
        #expect(error(text) == message)
    }

    @Test func `a component that is no markup`() {
        #expect(
            errors([
                "a.html": "{% component \"b.txt\" %}{% end %}", "b.txt": "x",
                "c.txt": "{% component \"b.txt\" %}{% end %}",
            ])
                == [
                    "a.html:1:4: error: 'b.txt' is no markup, and nothing in it is escaped for a page; write {{ try BText(…).renderString() }}"
                ])
    }

    @Test func `a script of XML`() {
        let message =
            "what is safe in a script of XML cannot be decided; put it into an attribute such as data-value, or use {% raw … %}"
        #expect(errors(["a.svg": "<script>{{ x }}</script>"]) == ["a.svg:1:12: error: \(message)"])
        #expect(errors(["a.svg": "<s:script>{{ x }}</s:script>"]) == ["a.svg:1:14: error: \(message)"])
        #expect(
            errors(["a.xml": "<a><![CDATA[{{ x }}]]></a>"]) == [
                "a.xml:1:16: error: what is safe in a CDATA section cannot be decided; write it as text, or {% raw … %} if it is trusted"
            ])
    }
}
