"""The template engines: what they render, how each is built, whether they agree, what a render costs."""

import html
import json
import os
import re
import shutil
import subprocess
import time

from . import machine, measure
from .servers import BUILD, PythonServer, Unavailable, build, path, swift_pins, swift_product

PAGES = ("fortunes", "table")
DATA = os.path.join(BUILD, "templates")

# The table of TechEmpower's fortunes test. The program adds a row to it in every render, as that test demands.
FORTUNES = [
    "fortune: No such file or directory",
    "A computer scientist is someone who fixes things that aren't broken.",
    "After enough decimal places, nobody gives a damn.",
    "A bad random number generator: 1, 1, 1, 1, 1, 4.33e+67, 1, 1, 1",
    "A computer program does what you tell it to do, not what you want it to do.",
    "Emacs is a nice operating system, but I prefer UNIX. — Tom Christaensen",
    "Any program that runs right is obsolete.",
    "A list is only as strong as its weakest link. — Donald Knuth",
    "Feature: A bug with seniority.",
    "Computers make very fast, very accurate mistakes.",
    '<script>alert("This should not be displayed in a browser alert box.");</script>',
    "フレームワークのベンチマーク",
]
ADDED = "Additional fortune added at request time."
ROWS, COLUMNS = 1000, 10


def fortunes():
    return [{"id": number, "message": message} for number, message in enumerate(FORTUNES, 1)]


def cell(row, column):
    """Numbers in the odd columns, short texts in the even ones, 400 of which need escaping."""
    if column % 2:
        return str(row * column)
    return "a&b <i>" if row % 10 == column else f"r{row}c{column}"


def rows():
    return [[cell(row, column) for column in range(1, COLUMNS + 1)] for row in range(1, ROWS + 1)]


def write_data():
    """Every program reads the same data from here, outside of what is timed."""
    os.makedirs(DATA, exist_ok=True)
    for page, data in zip(PAGES, (fortunes(), rows())):
        with open(data_file(page), "w", encoding="utf-8") as file:
            json.dump(data, file, ensure_ascii=False)


def data_file(page):
    return os.path.join(DATA, f"{page}.json")


def expected(page):
    """The page as no engine has made it, so that an engine's fault is not blamed on the one it is compared with."""
    if page == "fortunes":
        lines = sorted([*fortunes(), {"id": 0, "message": ADDED}], key=lambda fortune: fortune["message"])
        body = "<tr><th>id</th><th>message</th></tr>"
        body += "".join(f"<tr><td>{line['id']}</td><td>{html.escape(line['message'])}</td></tr>" for line in lines)
    else:
        body = "".join("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in rows())
    title = page.capitalize()
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body><table>{body}</table></body></html>"


def canonical(text):
    """One spelling for each entity, and no white space between tags. What need not be escaped may be: Go escapes `+`."""

    def spelled(match):
        character = html.unescape(match[0])
        return f"&#{ord(character)};" if character in tuple("&<>\"'") else character

    return re.sub(r">\s+<", "><", re.sub(r"&[#\w]+;", spelled, text)).strip()


class Engine:
    """A program that renders pages. It is named on the command line like a server, but is run and not connected to."""

    name = label = ""

    def build(self):
        """Builds what is needed; raises Unavailable."""

    def words(self):
        """The command, without its arguments."""
        raise NotImplementedError

    def prepare(self):
        self.build()
        self.bytes = {}
        for page in PAGES:
            text = self.page(page)
            self.bytes[page] = len(text)
            found, wanted = canonical(text.decode("utf-8", "replace")), canonical(expected(page))
            if found != wanted:
                # The end, where one is the beginning of the other.
                at = next((i for i, (a, b) in enumerate(zip(found, wanted)) if a != b), min(len(found), len(wanted)))
                raise Unavailable(f"its page {page} has {found[at:at + 30]!r} where {wanted[at:at + 30]!r} belongs")

    def page(self, page):
        try:
            done = subprocess.run([*self.words(), page, data_file(page)], capture_output=True, timeout=60)
        except subprocess.TimeoutExpired:
            raise Unavailable(f"it did not render {page} within 60 s") from None
        if done.returncode:
            reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise Unavailable(f"it cannot render {page}: {reason[-1] if reason else done.returncode}")
        return done.stdout


class Squall(Engine):
    name, label = "squall-templates", "Squall templates"

    def build(self):
        self.program = swift_product("TemplatesSquall", path("Templates"))

    def words(self):
        return [self.program]

    def version(self):
        return machine.output("swift", "--version")


class Go(Engine):
    name, label = "go-templates", "Go html/template"

    def build(self):
        if not shutil.which("go"):
            raise Unavailable("go is not installed")
        self.program = os.path.join(BUILD, "templates-go")
        build("the Go templates", "go", "build", "-o", self.program, "./templates", cwd=path("peers", "go"))

    def words(self):
        return [self.program]

    def version(self):
        return machine.output("go", "version").replace("go version ", "")


class PythonEngine(Engine, PythonServer):
    def build(self):
        PythonServer.prepare(self)

    def words(self):
        return self.python(self.script)


class Tornado(PythonEngine):
    name, label, packages, script = "tornado-templates", "Tornado templates", ("tornado",), "tornado_templates.py"


class Jinja(PythonEngine):
    name, label, script = "jinja", "Jinja2", "jinja_templates.py"
    packages = ("jinja2", "markupsafe")


class SwiftPeer(Engine):
    product = package = ""

    def build(self):
        self.program = swift_product(self.product, path("TemplatePeers"))

    def words(self):
        return [self.program]

    def version(self):
        return swift_pins(path("TemplatePeers"), self.package)


class Mustache(SwiftPeer):
    name, label, product, package = "mustache", "swift-mustache", "TemplatesMustache", "swift-mustache"


class Stencil(SwiftPeer):
    name, label, product, package = "stencil", "Stencil", "TemplatesStencil", "stencil"


ALL = [Squall(), Go(), Mustache(), Stencil(), Jinja(), Tornado()]


def render(engine, options):
    """CPU time per render of each page, the engine alone on its core."""
    began, busy, used = time.monotonic(), machine.busy_seconds(), measure.own_children()
    result = {}
    for page in PAGES:
        words = [*engine.words(), page, data_file(page), str(options.render_seconds)]
        # The clock that ends it is the CPU's, and the core may be shared.
        took = json.loads(measure.finish(measure.spawn(options.server_core, *words), 30 + 20 * options.render_seconds))
        if took["bytes"] != engine.bytes[page]:
            raise measure.Failed(f"{page} had {took['bytes']} bytes on average, and {engine.bytes[page]} at first")
        result[page] = {**took, "cpu": took["seconds"] * 1e6 / took["renders"]}
    elapsed, busy = time.monotonic() - began, machine.busy_seconds() - busy
    result["others"] = max(0.0, (busy - (measure.own_children() - used)) / elapsed)
    return result
