import SquallTemplateCompiler
import Testing

/// Each mistake is told where it was made, in words that say what to do.
@Suite struct ErrorTests {
    @Test(
        arguments: [
            ("{% if a %}\nx", "1:4: error: '{% if %}' is not closed; '{% end %}' is missing"),
            ("a\n  {{ b", "2:3: error: the expression is not closed; '}}' is missing"),
            ("a {% set b = 1", "1:3: error: the tag is not closed; '%}' is missing"),
            ("a {# b }", "1:3: error: the comment is not closed; '#}' is missing"),
            ("{{ }}", "1:1: error: the expression is empty; for the braces themselves write '{{!'"),
            ("{% %}", "1:1: error: the tag is empty; for the characters themselves write '{%!'"),
            ("{% end %}", "1:4: error: '{% end %}' closes nothing"),
            (
                "{% block a %}\n{% if b %}\n{% end block %}",
                "3:4: error: '{% end block %}' would close the 'if' of line 2, which is the innermost tag that is open"
            ),
            ("{% fro x in y %}", "1:4: error: there is no tag 'fro'; did you mean 'for'?"),
            ("{% zzzzzz %}", "1:4: error: there is no tag 'zzzzzz'"),
            ("{% = x %}", "1:4: error: a tag begins with its name; '= x' does not"),
            ("{{ f(a }}", "1:8: error: '}' stands where ')' should"),
            ("{{ f(a", "1:5: error: '(' is not closed; ')' is missing"),
            ("{{ a) }}", "1:5: error: ')' closes nothing"),
            ("{{ \"a }}", "1:4: error: the string is not closed; '\"' is missing"),
            ("{{ \"a\n\" }}", "1:4: error: the string is not closed in its line; '\"' is missing"),
            ("{{ a /* b }}", "1:6: error: the comment is not closed; '*/' is missing"),
            (
                "{{ a // b }}",
                "1:6: error: a comment to the line's end would hide what closes this; write /* … */ or {# … #}"
            ),
            ("{{ a; b }}", "1:5: error: one expression is expected; put each into braces of its own"),
            (
                "{{ a, b }}",
                "1:5: error: one expression is expected, and here is a comma; put each into braces of its own"
            ),
            ("{% raw %}", "1:4: error: 'raw' needs an expression, as in {% raw page.markup %}"),
            ("{% from a import b %}", "1:4: error: in Swift this is written {% import struct Foundation.Date %}"),
        ]) func `the syntax`(_ text: String, _ message: String)
    {
        #expect(error(text) == message)
    }

    @Test(
        arguments: [
            "{% block a %}{% end block %}", "{% block a %}{% end block a %}", "{% for a in b %}{% end for %}",
            "{% if a %}{% elif b %}{% else %}{% end if %}", "{% css %}{% end css %}",
        ]) func `an end may say what it closes`(_ text: String)
    {
        #expect(error(text) == nil)
    }

    @Test(
        arguments: [
            ("{% if %}{% end %}", "1:4: error: 'if' needs a condition, as in {% if items.isEmpty %}"),
            ("{% if a %}{% elif %}{% end %}", "1:14: error: 'elif' needs a condition, as in {% if items.isEmpty %}"),
            ("{% if a %}{% else b %}{% end %}", "1:14: error: 'else' takes no condition; write {% elif … %}"),
            (
                "{% if a %}{% else %}{% elif b %}{% end %}",
                "1:24: error: 'elif' comes after 'else', which is the last part of an {% if %}"
            ),
            ("{% else %}", "1:4: error: 'else' belongs into an {% if %} or {% try %}"),
            (
                "{% for a in b %}{% else %}{% end %}",
                "1:20: error: 'else' belongs to an {% if %} or {% try %}, and the innermost tag that is open is 'for'"
            ),
            ("{% case .a %}", "1:4: error: 'case' belongs into a {% switch %}"),
            ("{% switch a %}{% end %}", "1:4: error: the {% switch %} has no {% case %}"),
            ("{% switch a %}{% case %}{% end %}", "1:18: error: 'case' needs a pattern, as in {% case .open %}"),
            (
                "{% switch a %}b{% case .c %}{% end %}",
                "1:4: error: what stands between {% switch %} and its first {% case %} is never shown; remove it"
            ),
            ("{% try %}{% end %}", "1:4: error: a {% try %} needs an {% except %} or a {% finally %}"),
            (
                "{% try %}{% finally %}{% except %}{% end %}",
                "1:26: error: 'except' comes before 'else' and 'finally'"
            ),
            (
                "{% break %}",
                "1:4: error: 'break' stands in no loop, or in a part of one that it cannot leave (apply, fill, fragment)"
            ),
            (
                "{% for a in b %}{% apply c %}{% continue %}{% end %}{% end %}",
                "1:33: error: 'continue' stands in no loop, or in a part of one that it cannot leave (apply, fill, fragment)"
            ),
            ("{% for %}{% end %}", "1:4: error: 'for' needs a pattern and a sequence, as in {% for item in items %}"),
            ("{% while %}{% end %}", "1:4: error: 'while' needs a condition"),
            ("{% set %}", "1:4: error: 'set' needs a name and its value, as in {% set total = items.count %}"),
            ("{% set a = %}", "1:8: error: 'set' needs a name and its value, as in {% set total = items.count %}"),
            (
                "{% apply %}{% end %}",
                "1:4: error: 'apply' needs a function from String to String, as in {% apply Escape.squeeze %}"
            ),
            ("{% module %}", "1:4: error: 'module' needs a template, as in {% module EntryPage(entry: entry) %}"),
        ]) func `control`(_ text: String, _ message: String)
    {
        #expect(error(text) == message)
    }

    @Test(
        arguments: [
            ("{% parameters a %}", "1:15: error: a parameter has a name and a type, as in report: Report"),
            ("{% parameters a: %}", "1:15: error: the parameter 'a' has no type"),
            ("{% parameters a: A = %}", "1:15: error: the default of 'a' is missing"),
            (
                "{% parameters class: String %}",
                "1:15: error: 'class' is a word of Swift's own and no parameter's name; call it otherwise"
            ),
            ("{% parameters a: A, a: B %}", "1:21: error: there is a parameter 'a' already"),
            ("{% parameters , a: A %}", "1:15: error: a parameter is missing before the comma"),
            (
                "{% parameters a: A %}{% parameters b: B %}",
                "1:25: error: the parameters are declared already; put them into one tag"
            ),
            (
                "{% if x %}{% parameters a: A %}{% end %}",
                "1:14: error: 'parameters' is about the whole file and stands in no other tag"
            ),
            ("{% import %}", "1:4: error: 'import' needs a module, as in {% import Foundation %}"),
            (
                "{% import a; b %}",
                "1:11: error: 'a; b' is no module; one import, as in {% import struct Foundation.Date %}"
            ),
            ("{% access open %}", "1:4: error: 'access' needs 'public', 'package' or 'internal', not 'open'"),
            ("{% whitespace some %}", "1:4: error: 'whitespace' needs 'all', 'single' or 'oneline', not 'some'"),
            (
                "{% autoescape %}",
                "1:4: error: 'autoescape' needs 'context', 'none' or a function from String to String"
            ),
            (
                "{% css site %}",
                "1:8: error: 'css' needs a file's name in quotation marks, as in {% css \"entry.css\" %}, or text up to {% end %}"
            ),
            (
                "{% javascript %}{{ a }}{% end %}",
                "1:4: error: what is in {% javascript %} goes into the page once, and cannot have expressions or tags"
            ),
            ("{% css %}a</STYLE >{% end %}", "1:10: error: '</style' would end it; write it otherwise"),
            ("{% block %}{% end %}", "1:4: error: 'block' needs a name, as in {% block content %}"),
            ("{% block a b %}{% end %}", "1:10: error: 'a b' is no name: letters, digits and '_' are"),
            (
                "{% block a %}{% end %}{% block a %}{% end %}",
                "1:26: error: there is a block 'a' in this file already"
            ),
            ("{% super %}", "1:4: error: 'super' stands in no block"),
            (
                "{% block a %}{% super %}{% end %}",
                "1:17: error: no parent has a block 'a' that 'super' could stand for"
            ),
            (
                "{% if a %}{% fragment b %}{% end %}{% end %}",
                "1:14: error: a fragment can be rendered alone, so it stands in no other tag than 'block'"
            ),
            (
                "{% include a %}",
                "1:12: error: 'include' needs a template's path in quotation marks, as in {% include \"layout.html\" %}"
            ),
            (
                "{% include \"\\(a).html\" %}",
                "1:12: error: 'include' needs a path that is known before the program runs, without interpolation"
            ),
            (
                "{% include \"a.html\" b: c %}",
                "1:21: error: between the path and what is passed stands a comma, as in {% include \"a.html\", title: name %}"
            ),
            ("{% include \"a.html\", b %}", "1:22: error: what is passed has a name, as in title: report.name"),
        ]) func `declarations`(_ text: String, _ message: String)
    {
        #expect(error(text) == message)
    }

    @Test func `templates that need one another`() {
        #expect(
            errors(["a.html": "{% include \"b.html\" %}", "b.html": "x\n {% include \"a.html\" %}"]) == [
                "a.html:1:4: error: the templates include one another in a circle: b.html → a.html → b.html",
                "b.html:2:5: error: the templates include one another in a circle: a.html → b.html → a.html",
            ])
        #expect(
            errors(["a.html": "{% extends \"b.html\" %}", "b.html": "{% extends \"a.html\" %}"]) == [
                "a.html:1:4: error: the templates extend one another in a circle: b.html → a.html → b.html",
                "b.html:1:4: error: the templates extend one another in a circle: a.html → b.html → a.html",
            ])
        #expect(
            errors(["p/a.html": "{% extends \"layuot.html\" %}", "layout.html": ""]) == [
                "p/a.html:1:4: error: there is no template 'p/layuot.html' or 'layuot.html'; did you mean 'layout.html'?"
            ])
        #expect(
            errors(["p/a.html": "{% include \"../../b.html\" %}"]) == [
                "p/a.html:1:4: error: '../../b.html' leads out of the folder of templates"
            ])
        #expect(
            errors([
                "a.html": "{% extends \"b.html\" %}{% block contnet %}{% end %}",
                "b.html": "{% block content %}{% end %}",
            ])
                == [
                    "a.html:1:26: error: 'b.html' has no block 'contnet'; it has 'content'; did you mean 'content'?"
                ])
        #expect(
            errors(["a.html": "{% extends \"b.html\" %}\n\n x {{ y }}", "b.html": ""]) == [
                "a.html:3:2: error: this is in no block, and a template that extends another shows only its blocks; put it into one"
            ])
        #expect(
            errors(["a.html": "{% extends \"b.html\", titel: 1 %}", "b.html": "{% parameters title: Int %}"]) == [
                "a.html:1:22: error: 'b.html' has no parameter 'titel'; did you mean 'title'?"
            ])
        #expect(
            errors(["a.html": "{% include \"b.html\" %}", "b.html": "{% extends \"c.html\" %}", "c.html": ""]) == [
                "a.html:1:4: error: 'b.html' extends another template and is a page of its own; it cannot be included"
            ])
        #expect(
            errors(["a-b.html": "", "a/b.html": ""]) == [
                "a/b.html:1:1: error: 'a-b.html' and 'a/b.html' would both be called ABPage; rename one"
            ])
    }

    @Test func `components and their slots`() {
        let card = "{% slot %}{% end %}{% slot footer %}{% end %}"
        func use(_ text: String) -> [String] {
            errors(["a.html": text, "card.html": card, "plain.html": "x", "_p.html": ""])
        }
        #expect(use("{% component \"card.html\" %}a{% fill footer %}b{% end %}{% end %}") == [])
        #expect(
            use("{% component \"card.html\" %}{% fill foter %}b{% end %}{% end %}") == [
                "a.html:1:31: error: 'card.html' has no slot 'foter'; it has one without a name, 'footer'; did you mean 'footer'?"
            ])
        #expect(
            use("{% component \"plain.html\" %}text{% end %}") == [
                "a.html:1:4: error: 'plain.html' has no slot without a name, and this component has contents; it has none"
            ])
        #expect(
            use("{% component \"_p.html\" %}{% end %}") == [
                "a.html:1:4: error: '_p.html' is a part of other templates, as its name begins with '_'; rename it, or write {% include %}"
            ])
        #expect(
            use("<p title=\"{% component \"card.html\" %}{% end %}\">") == [
                "a.html:1:14: error: a component is a part of a page's text, and this is in the value of 'title'"
            ])
        #expect(
            use("{% component \"card.html\" %}{% fill footer %}{% end %}{% fill footer %}{% end %}{% end %}") == [
                "a.html:1:57: error: the slot 'footer' is filled already"
            ])
        #expect(error("{% fill a %}{% end %}") == "1:4: error: 'fill' belongs into a {% component %}")
    }

    @Test func `all files are looked at, and one mistake in each is told`() {
        #expect(
            errors(["a.html": "{{", "b.txt": "{% end %}", "_c.html": "{{ }}", "d.html": "fine"]) == [
                "_c.html:1:1: error: the expression is empty; for the braces themselves write '{{!'",
                "a.html:1:1: error: the expression is not closed; '}}' is missing",
                "b.txt:1:4: error: '{% end %}' closes nothing",
            ])
    }

    @Test func `what is not UTF-8 is told where it is`() {
        let bytes = Array("ab\nc".utf8) + [0xff] + Array("d".utf8)
        let (_, errors) = TemplateCompiler([("a.html", bytes)], folder: "T").compile(root: "\"\"")
        #expect(errors.map(\.description) == ["T/a.html:2:2: error: this is not UTF-8"])
    }

    @Test func `nesting has an end`() {
        let open = String(repeating: "{% if a %}", count: 150)
        let close = String(repeating: "{% end %}", count: 150)
        #expect(
            error(open + close)?.hasSuffix("error: tags are nested too deeply, more than 100 in one another") == true)
        let brackets = String(repeating: "(", count: 300)
        #expect(error("{{ \(brackets) }}") == "1:260: error: too many brackets are open")
    }
}
