"""docs/benchmarks/latest.svg: CPU per request, and the fast route's latency while other requests block."""

from math import ceil, floor, log10
from xml.sax.saxutils import escape

from . import report, summary

WIDTH = 800
LEFT, RIGHT = 160, 165  # room for names and for figures
PLOT = WIDTH - LEFT - RIGHT

STYLE = """
  text { font: 14px system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: #1f2328; }
  .paper { fill: #ffffff; }
  .title { font-size: 17px; font-weight: 600; }
  .under, .tick { fill: #59636e; font-size: 12.5px; }
  .tick { text-anchor: middle; }
  .name { text-anchor: end; }
  .ours { font-weight: 600; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .bar, .dot { fill: #8c959f; }
  .link { stroke: #8c959f; stroke-width: 2; }
  .open { fill: #ffffff; stroke: #8c959f; stroke-width: 2; }
  .first { stroke: #8c959f; stroke-width: 2.5; }
  .bar.mine, .dot.mine { fill: #d9480f; }
  .link.mine, .open.mine, .first.mine { stroke: #d9480f; }
  .gap { stroke: #ffffff; stroke-width: 4; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .paper { fill: #0d1117; }
    .under, .tick { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .bar, .dot { fill: #7d8590; }
    .link, .open, .first { stroke: #7d8590; }
    .open { fill: #0d1117; }
    .bar.mine, .dot.mine { fill: #ff8a4c; }
    .link.mine, .open.mine, .first.mine { stroke: #ff8a4c; }
    .gap { stroke: #0d1117; }
  }
"""


class Canvas:
    def __init__(self):
        self.parts, self.y = [], 28

    def add(self, tag, text=None, **attributes):
        inside = " ".join(f'{key.replace("_", "-").replace("cls", "class")}="{value}"' for key, value in attributes.items())
        self.parts.append(f"  <{tag} {inside}/>" if text is None else f"  <{tag} {inside}>{escape(text)}</{tag}>")

    def heading(self, title, under):
        self.add("text", title, x=20, y=self.y, cls="title")
        self.add("text", under, x=20, y=self.y + 21, cls="under")
        self.y += 42

    def name(self, label, mine, y):
        self.add("text", label, x=LEFT - 14, y=y, cls="name ours" if mine else "name")


def ours(name):
    return name.startswith("squall")


def bars(canvas, raw):
    rows = summary.load_rows(raw, "hello")
    costs = sorted(row["cpu"] for row in rows)
    # One bar that dwarfs all others is cut, visibly, so that the others can be compared.
    cut = len(costs) > 2 and costs[-1] > 3 * costs[-2]
    scale = PLOT / (costs[-2] * 1.2 if cut else costs[-1])
    canvas.heading("CPU per request", "Hello world, user + system time in microseconds. Shorter is better.")
    for row in rows:
        mine, y = ours(row["name"]), canvas.y
        length = min(row["cpu"] * scale, PLOT)
        canvas.name(raw["labels"][row["name"]], mine, y + 17)
        canvas.add("rect", x=LEFT, y=y + 2, width=f"{length:.1f}", height=20, rx=2, cls="bar mine" if mine else "bar")
        if row["cpu"] * scale > PLOT:
            canvas.add("line", x1=LEFT + PLOT - 30, y1=y + 26, x2=LEFT + PLOT - 20, y2=y - 2, cls="gap")
        figure = f"{report.figure(row['cpu'])} µs"
        if row["nginx"] is not None and row["name"] != "nginx":
            figure += f" · {row['nginx']:.2f} × nginx" if row["nginx"] < 10 else f" · {row['nginx']:.0f} × nginx"
        canvas.add("text", figure, x=f"{LEFT + length + 8:.1f}", y=y + 17, cls="ours" if mine else "")
        canvas.y += 30
    canvas.y += 30


def decades(rows):
    """The powers of ten around everything that will be drawn, in milliseconds."""
    values = [row[part]["p99"] for row in rows for part in ("idle", "learning", "learned")]
    values = [value for value in values if value > 0] or [1]
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    return low, max(high, low + 1)


def latencies(canvas, raw, key, title, under):
    rows = summary.slow_rows(raw, key)
    low, high = decades(rows)

    def place(value):
        return LEFT + PLOT * min(1, max(0, (log10(max(value, 10**low)) - low) / (high - low)))

    canvas.heading(title, under)
    legend(canvas, raw)
    top, bottom = canvas.y, canvas.y + 30 * len(rows) + 4
    for power in range(low, high + 1):
        x = f"{place(10**power):.1f}"
        canvas.add("line", x1=x, y1=top, x2=x, y2=bottom, cls="grid")
        label = f"{10**power:g} ms" if power < 3 else f"{10 ** (power - 3):g} s"
        canvas.add("text", label, x=x, y=bottom + 17, cls="tick")
    for row in rows:
        mine, y = ours(row["name"]), canvas.y + 17
        extra = " mine" if mine else ""
        stopped = row["learned"]["frozen"]
        idle, first, then = (place(row[part]["p99"]) for part in ("idle", "learning", "learned"))
        end = LEFT + PLOT if stopped else then
        canvas.name(raw["labels"][row["name"]], mine, y + 5)
        span = [idle, end] + ([] if row["learning"]["frozen"] else [first])
        canvas.add("line", x1=f"{min(span):.1f}", y1=y, x2=f"{max(span):.1f}", y2=y, cls="link" + extra)
        if not row["learning"]["frozen"]:
            canvas.add("line", x1=f"{first:.1f}", y1=y - 8, x2=f"{first:.1f}", y2=y + 8, cls="first" + extra)
        canvas.add("circle", cx=f"{idle:.1f}", cy=y, r=5, cls="open" + extra)
        if stopped:
            tip = LEFT + PLOT
            canvas.add("path", d=f"M{tip - 9} {y - 6} L{tip + 1} {y} L{tip - 9} {y + 6} Z", cls="dot" + extra)
            text = f"frozen > {report.latency(row['learned']['p99'])}"
        else:
            canvas.add("circle", cx=f"{then:.1f}", cy=y, r=6, cls="dot" + extra)
            text = report.latency(row["learned"]["p99"])
        canvas.add("text", text, x=LEFT + PLOT + 16, y=y + 5, cls="ours" if mine else "")
        canvas.y += 30
    canvas.y = bottom + 54


def legend(canvas, raw):
    s, y = raw["settings"], canvas.y + 1
    canvas.add("circle", cx=26, cy=y, r=5, cls="open")
    canvas.add("text", "idle", x=38, y=y + 4, cls="under")
    canvas.add("line", x1=84, y1=y - 7, x2=84, y2=y + 7, cls="first")
    canvas.add("text", f"first {s['learning']:g} s", x=94, y=y + 4, cls="under")
    canvas.add("circle", cx=180, cy=y, r=6, cls="dot")
    canvas.add("text", f"next {s['learned']:g} s", x=193, y=y + 4, cls="under")
    canvas.y += 20


def draw(raw):
    canvas = Canvas()
    if raw.get("hello"):
        bars(canvas, raw)
    if raw.get("freeze"):
        latencies(
            canvas,
            raw,
            "freeze",
            "The fast route while 64 clients block for 2 s at a time",
            "99th percentile of its latency, on a logarithmic scale. Further left is better.",
        )
    if raw.get("cpu"):
        latencies(
            canvas,
            raw,
            "cpu",
            "The fast route while 8 clients burn 200 ms of CPU at a time",
            "99th percentile of its latency on two cores, on a logarithmic scale. Further left is better.",
        )
    m = raw["machine"]
    canvas.add("text", f"{m['date']} · {m['cpu']}, {m['cores']} cores · Linux {m['kernel']}", x=20, y=canvas.y - 8, cls="under")
    height = canvas.y + 10
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
            "  <title>CPU per request, and the fast route's latency while other requests block</title>",
            f"  <style>{STYLE}  </style>",
            f'  <rect class="paper" width="{WIDTH}" height="{height}" rx="6"/>',
            *canvas.parts,
            "</svg>\n",
        ]
    )
