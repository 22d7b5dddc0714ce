import Testing

/// What begins in a branch, a loop or a part ends there.
@Suite struct BranchErrorTests {
    @Test(
        arguments: [
            (
                "<p {% if a %}title=\"{% end %}b\">",
                "1:7: error: the branches end in different places: here in the value of 'title', otherwise in the tag <p>, between attributes; open and close the same in each"
            ),
            (
                "{% if a %}<p {% else %}<b {% end %}title=c>",
                "1:17: error: the branches end in different places: here in the tag <b>, between attributes, otherwise in the tag <p>, between attributes; open and close the same in each"
            ),
            (
                "{% if a %}<p>{% else %}<!-- {% end %}",
                "1:17: error: the branches end in different places: here in a comment, otherwise in text; open and close the same in each"
            ),
            (
                "<p title=\"{% if a %}b\"{% end %} c=\"d\">",
                "1:14: error: the branches end in different places: here in the tag <p>, between attributes, otherwise in the value of 'title'; open and close the same in each"
            ),
            (
                "<p title={{ a }}{% if b %} class=c{% end %}>",
                "1:20: error: the branches end in different places: here in the value of 'class', otherwise in the value of 'title'; open and close the same in each"
            ),
            (
                "<p {% if a %}checked{% end %}b>",
                "1:30: error: an attribute may or may not have come before; put a blank here, or the whole attribute into the branch"
            ),
            (
                "<p {% if a %}checked{% end %}=\"{{ b }}\">",
                "1:30: error: an attribute may or may not have come before; put a blank here, or the whole attribute into the branch"
            ),
            (
                "<scr{% if a %}ipt{% end %}>",
                "1:8: error: the branches end in different places: here in an element's name, otherwise in an element's name; open and close the same in each"
            ),
            (
                "<{% if a %}b{% else %}i{% end %}>",
                "1:16: error: the branches end in different places: here in an element's name, otherwise in an element's name; open and close the same in each"
            ),
            (
                "<a href=\"{% if a %}?{% end %}{{ b }}\">",
                "1:33: error: which part of the URL this is depends on the branches before; make the whole URL in one expression"
            ),
            (
                "<script>{% if a %}\"{% end %}</script>",
                "1:12: error: the branches end in different places: here in a script, in a string, otherwise in a script; open and close the same in each"
            ),
            (
                "<script>f({% if a %}`{% else %}'{% end %})</script>",
                "1:25: error: the branches end in different places: here in a script, in a string, otherwise in a script, in a template literal; open and close the same in each"
            ),
            (
                "<script>{% if a %}</script>{% end %}</script>",
                "1:12: error: the branches end in different places: here in text, otherwise in a script; open and close the same in each"
            ),
            (
                "{% if a %}<script>{% else %}<style>{% end %}",
                "1:22: error: the branches end in different places: here in a style sheet, otherwise in a script; open and close the same in each"
            ),
            (
                "<p {% switch a %}{% case .b %}title=\"a\"{% case .c %}lang='{% end %}>",
                "1:43: error: the branches end in different places: here in the value of 'lang', otherwise in the tag <p>, between attributes; open and close the same in each"
            ),
            (
                "<!-- {% if a %}-->{% end %}",
                "1:9: error: the branches end in different places: here in text, otherwise in a comment; open and close the same in each"
            ),
        ]) func `branches`(_ text: String, _ message: String)
    {
        #expect(error(text) == message)
    }

    @Test(
        arguments: [
            (
                "{% for a in b %}<p title=\"{% end %}",
                "1:4: error: the loop begins in text and ends in the value of 'title'; close in it what is opened in it"
            ),
            (
                "<p title=\"{% for a in b %}{{ a }}\"{% end %}>",
                "1:14: error: the loop begins in the value of 'title' and ends in the tag <p>, between attributes; close in it what is opened in it"
            ),
            (
                "<a href=\"{% for a in b %}{{ a }}?{% end %}\">",
                "1:29: error: which part of the URL this is depends on the branches before; make the whole URL in one expression"
            ),
            (
                "<script>{% for a in b %}\"{% end %}</script>",
                "1:12: error: the loop begins in a script and ends in a script, in a string; close in it what is opened in it"
            ),
            (
                "<script>{% for b in c %} /'/.test({{ b }}); x = {{ b }} {% end %}</script>",
                "1:26: error: whether '/' divides here or begins a regular expression cannot be decided; put parentheses round what is before it, or a semicolon behind that"
            ),
            (
                "<script>`{% for b in c %}${ {% end %}</script>",
                "1:13: error: the loop begins in a script, in a template literal and ends in a script; close in it what is opened in it"
            ),
            (
                "{% while a %}<p>{% if b %}<b title=\"{% break %}{% end %}{% end %}",
                "1:40: error: 'break' leaves the loop in the value of 'title', and it began in text"
            ),
            (
                "<a href=\"/a{% for b in c %}{% if b %}?{% break %}{% end %}{% end %}{{ d }}\">",
                "1:71: error: which part of the URL this is depends on the branches before; make the whole URL in one expression"
            ),
        ]) func `loops`(_ text: String, _ message: String)
    {
        #expect(error(text) == message)
    }

    @Test(
        arguments: [
            (
                "<p {% try %}title=\"a\"{% except %}title=\"{% end %}>",
                "1:25: error: 'except' begins in the tag <p>, between attributes and ends in the value of 'title'; close in it what is opened in it"
            ),
            (
                "<p title=\"{% try %}{{ a }}{% except %}b\"{% end %}>",
                "1:30: error: 'except' begins in the value of 'title' and ends in the tag <p>, between attributes; close in it what is opened in it"
            ),
            (
                "<a href=\"{% try %}{{ a }}{% except %}?{% end %}{{ b }}\">",
                "1:51: error: which part of the URL this is depends on the branches before; make the whole URL in one expression"
            ),
            (
                "{% try %}<!-- {% except %}{% end %}",
                "1:4: error: 'try' begins in text and ends in a comment; close in it what is opened in it"
            ),
            (
                "{% try %}a{% except %}b{% finally %}<p title=\"{% end %}",
                "1:4: error: 'finally' begins in text and ends in the value of 'title'; close in it what is opened in it"
            ),
        ]) func `try`(_ text: String, _ message: String)
    {
        #expect(error(text) == message)
    }

    @Test(
        arguments: [
            (
                "<p title=\"{% fragment a %}{% end %}\">",
                "1:14: error: a fragment is a part of a page's text, and this is in the value of 'title'"
            ),
            (
                "{% fragment a %}<p title=\"{% end %}",
                "1:4: error: the fragment 'a' ends in the value of 'title'; close it in the fragment"
            ),
            (
                "<p {% apply f %}title=\"{% end %}\">",
                "1:13: error: 'apply' begins in the tag <p>, between attributes and ends in the value of 'title'; close in it what is opened in it"
            ),
            (
                "<p title=\"{% module A() %}\">",
                "1:21: error: a module is a part of a page's text, and this is in the value of 'title'"
            ),
            (
                "<script>{% slot %}{% end %}</script>",
                "1:12: error: a slot is a part of a page's text, and this is in a script"
            ),
            (
                "{% slot %}<p {% end %}",
                "1:4: error: the slot begins in text and ends in the tag <p>, between attributes; close in it what is opened in it"
            ),
        ]) func `parts`(_ text: String, _ message: String)
    {
        #expect(error(text) == message)
    }

    @Test func `loops that need to be gone through again do not need long`() {
        let open = String(repeating: "{% for a in b %}", count: 60)
        let close = String(repeating: "{{ a }}{% end %}", count: 60)
        #expect(contexts("<a href='\(open)\(close)'>").allSatisfy { $0 == "url" })
    }
}
