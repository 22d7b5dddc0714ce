"""The terminal report and docs/benchmarks/latest.md: the same tables, in Markdown that is readable as it stands."""

from . import measure, summary, templates


def table(header, rows, left=1):
    """A Markdown table with its columns lined up; the first `left` columns are text, the others figures."""
    cells = [header, *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]

    def line(row):
        return "| " + " | ".join(c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))) + " |"

    rule = "| " + " | ".join("-" * w if i < left else "-" * (w - 1) + ":" for i, w in enumerate(widths)) + " |"
    return "\n".join([line(header), rule, *map(line, rows)])


def figure(value):
    if value is None:
        return "–"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def latency(value):
    """Milliseconds, as ms or s."""
    return f"{value / 1000:.1f} s" if value >= 1000 else f"{figure(value)} ms"


def tail(phase):
    return f"frozen (> {latency(phase['p99'])})" if phase["frozen"] else latency(phase["p99"])


def times(value):
    return "–" if value is None else f"{value:,.0f} ×" if value >= 100 else f"{value:.2f} ×"


def load_table(raw, test):
    rows = [
        [
            raw["labels"][r["name"]],
            figure(r["cpu"]),
            figure(r["user"]),
            figure(r["system"]),
            f"{r['rps']:,.0f}",
            latency(r["p50"]),
            latency(r["p99"]),
            times(r["nginx"]),
            times(r["go"]),
        ]
        for r in summary.load_rows(raw, test)
    ]
    header = ["Server", "CPU µs/request", "user", "system", "requests/s", "p50", "p99", "CPU to nginx's", "CPU to Go's"]
    return table(header, rows)


def slow_table(raw, key):
    rows = [
        [
            raw["labels"][r["name"]],
            latency(r["idle"]["p50"]),
            latency(r["idle"]["p99"]),
            tail(r["learning"]),
            "–" if r["learned"]["frozen"] else latency(r["learned"]["p50"]),
            tail(r["learned"]),
            "–" if r["whole"]["frozen"] else latency(r["whole"]["max"]),
            "–" if r["whole"]["frozen"] else times(r["ratio"]),
            ", ".join(f"{count} × {status}" for status, count in sorted(r["answers"].items())) or "none",
        ]
        for r in summary.slow_rows(raw, key)
    ]
    seconds = raw["settings"]
    header = [
        "Server",
        "idle p50",
        "idle p99",
        f"p99, first {seconds['learning']:g} s",
        f"p50, next {seconds['learned']:g} s",
        f"p99, next {seconds['learned']:g} s",
        "worst",
        "p99 to idle p99",
        "slow route's answers",
    ]
    return table(header, rows)


def idle_table(raw):
    rows = [
        [
            raw["labels"][name],
            f"{summary.middle(rounds, 'bytes'):,.0f}",
            f"{summary.middle(rounds, 'few') / 2**20:.1f}",
            f"{summary.middle(rounds, 'many') / 2**20:.1f}",
        ]
        for name, rounds in sorted(raw["idle"].items(), key=lambda item: summary.middle(item[1], "bytes"))
    ]
    few, many = (f"MiB with {n:,}" for n in (measure.FEW, measure.MANY))
    return table(["Server", "bytes/connection", few, many], rows)


def template_table(raw):
    rows = [
        [raw["labels"][r["name"]]]
        + [
            text
            for page in templates.PAGES
            for text in (figure(r[page]["cpu"]), times(r[page]["squall"]), f"{r[page]['bytes']:,.0f}")
        ]
        for r in summary.template_rows(raw)
    ]
    header = ["Engine"]
    for page in templates.PAGES:
        header += [f"{page}, CPU µs", "to Squall's", "bytes"]
    return table(header, rows)


def targets_table(raw):
    def shown(value, unit):
        return times(value) if unit == "×" else f"{figure(value)} {unit}"

    rows = [
        [what, "met" if value <= bound else "missed", shown(value, unit), f"{bound:g} {unit}"]
        for what, value, bound, unit in summary.targets(raw)
    ]
    return table(["Target", "", "measured", "at most"], rows, left=2)


def sections(raw):
    """(title, what was done, table) for everything that was measured."""
    s = raw["settings"]
    server, load = s["server_core"], s["load_core"]
    titles = {"hello": "Hello world", "small-file": "A static file of 1 KiB", "large-file": "A static file of 1 MiB"}
    for test in filter(raw.get, summary.LOADS):
        yield (
            titles[test],
            f"`taskset -c {load} wrk -t1 -c{measure.CLIENTS} -d{s['seconds']}s --latency` after {s['warm_up']} s of warming up, "
            f"the server alone on core {server}. CPU is user and system time of the server's process tree over the "
            f"requests answered. Medians of {s['rounds']} rounds; every round runs every server, and ratios are medians "
            "of the ratios within a round."
            + ("" if test == "hello" else " nginx with `sendfile` and `tcp_nopush`."),
            load_table(raw, test),
        )
    probing = (
        f"The fast route is asked every {measure.PROBE_INTERVAL_US / 1000:g} ms, on any of {measure.PROBE_CONNECTIONS:,} "
        "keep-alive connections that is free. Latency counts from the moment a request was due, so that a server that "
        "stands still is charged for all that it kept waiting."
    )
    if raw.get("freeze"):
        yield (
            "The freeze test",
            f"{measure.BLOCKERS} clients keep `/block?ms=2000` busy, a handler that sleeps with its thread, for "
            f"{s['learning'] + s['learned']:g} s. {probing} Server on core {server}, load on core {load}.",
            slow_table(raw, "freeze"),
        )
    if raw.get("cpu"):
        yield (
            "CPU-bound handlers",
            f"{measure.BURNERS} clients keep `/cpu?ms=200` busy, a handler with 200 ms of work that no await interrupts, for "
            f"{s['learning'] + s['learned']:g} s. {probing} Server and load share cores {server} and {load}; the probe runs "
            "with real-time priority where it may, because a client elsewhere would not wait for these cores.",
            slow_table(raw, "cpu"),
        )
    if raw.get("idle"):
        yield (
            "Idle connections",
            f"Resident memory (VmRSS of the process tree) per idle keep-alive connection that has made one request: the slope "
            f"between {measure.FEW:,} and {measure.MANY:,} of them.",
            idle_table(raw),
        )
    if raw.get("templates"):
        yield (
            "Templates",
            f"`fortunes` is TechEmpower's page of {len(templates.FORTUNES) + 1} rows, one of them added and all sorted in every "
            f"render; `table` is one of {templates.ROWS:,} × {templates.COLUMNS} texts. Both are escaped and rendered into memory, by "
            f"templates that were parsed before, for {s['render_seconds']:g} s of CPU time on core {server}. CPU is user and system "
            f"time of the process over the renders. Medians of {s['rounds']} rounds; every round runs every engine, and "
            "ratios are medians of the ratios within a round. All pages are the same but for the spelling of entities.",
            template_table(raw),
        )


def notes(raw):
    found = [f"{raw['labels'].get(name, name)}: {reason}" for name, reason in raw["skipped"].items()]
    found += [f"{raw['labels'].get(f['server'], f['server'])}, {f['test']}, round {f['round'] + 1}: {f['reason']}" for f in raw["failed"]]
    busy = summary.others(raw)
    if busy is not None and busy > 0.05:
        found.append(f"Other processes took {busy:.2f} cores while CPU time was measured; the figures are that uncertain.")
    for row in (row for test in filter(raw.get, summary.LOADS) for row in summary.load_rows(raw, test)):
        if row["errors"]:
            found.append(f"{raw['labels'][row['name']]}: {row['errors']} errors under wrk.")
    return found


def terminal(raw):
    parts = []
    for title, _, text in sections(raw):
        parts.append(f"{title}\n\n{text}")
    if summary.targets(raw):
        parts.append(f"Targets\n\n{targets_table(raw)}")
    if notes(raw):
        parts.append("\n".join(f"- {note}" for note in notes(raw)))
    return "\n\n".join(parts)


def markdown(raw):
    m = raw["machine"]
    parts = [
        "# Benchmarks",
        "Written by `make bench`; not by hand. What is measured and how is said in "
        "[Benchmarks](../../Benchmarks/README.md).",
        "![CPU per request, and the fast route's latency while other requests block](latest.svg)",
        f"{m['date']}, {m['cpu']}, {m['cores']} cores, Linux {m['kernel']}, Squall at {m['commit'] or 'an unknown commit'}.",
    ]
    for title, done, text in sections(raw):
        parts += [f"## {title}", done, text]
    if summary.targets(raw):
        parts += ["## Targets", targets_table(raw)]
    versions = [[raw["labels"][name], version or "–"] for name, version in raw["versions"].items()]
    parts += ["## Versions", table(["Server", "Version"], [*versions, ["wrk", m["wrk"]]], left=2)]
    if notes(raw):
        parts += ["## Notes", "\n".join(f"- {note}" for note in notes(raw))]
    parts += [
        "## To repeat",
        "```\nmake bench\n```",
        f"Settings of this run: `{raw['settings']['command']}`. What is not installed is skipped.",
    ]
    return "\n\n".join(parts) + "\n"
