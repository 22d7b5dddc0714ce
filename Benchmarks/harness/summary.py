"""From raw results to the figures that are shown: medians over rounds, ratios of pairs, targets met or missed."""

from statistics import median

from .measure import frozen
from .templates import PAGES

# The tests that count CPU per request under wrk.
LOADS = ("hello", "small-file", "large-file")
# The tests that are read as CPU time, and so run all rounds: what runs beside them shows in their figures.
COSTS = (*LOADS, "templates")

# What the raw results are compared with, and by how much at most.
TARGETS = {
    "nginx": 1.15,
    "go": 0.7,
    "files": 1.3,
    "learned": 2.0,
    "learning_ms": 25.0,
    "cpu_ms": 5.0,
    "cpu_go": 0.1,
    "idle_bytes": 1024,
}
# The same for rendering, against each engine's CPU time.
TEMPLATE_TARGETS = {
    "tornado-templates": ("Tornado's", 0.2),
    "jinja": ("Jinja2's", 0.2),
    "go-templates": ("Go's", 0.33),
    "mustache": ("swift-mustache's", 1.0),
    "stencil": ("Stencil's", 1.0),
}


def middle(rounds, key):
    return median(r[key] for r in rounds)


def pair_ratio(results, name, other, value):
    """The median of the ratios taken round by round; None where the two never ran in the same round."""
    others = {r["round"]: value(r) for r in results.get(other, ())}
    ratios = [value(r) / others[r["round"]] for r in results.get(name, ()) if others.get(r["round"])]
    return median(ratios) if ratios else None


def load_rows(raw, test):
    results = raw[test]
    rows = []
    for name, rounds in results.items():
        row = {key: middle(rounds, key) for key in ("cpu", "user", "system", "rps", "p50", "p99")}
        row["name"] = name
        row["errors"] = sum(r["errors"] for r in rounds)
        row["nginx"] = pair_ratio(results, name, "nginx", lambda r: r["cpu"])
        row["go"] = pair_ratio(results, name, "go", lambda r: r["cpu"])
        rows.append(row)
    return sorted(rows, key=lambda row: row["cpu"])


def others(raw):
    """The median share of a core that other processes took while CPU time was measured."""
    shares = [r["others"] for test in COSTS for rounds in raw.get(test, {}).values() for r in rounds]
    return median(shares) if shares else None


def phase(rounds, name):
    """Medians over the rounds; `frozen` when any round was."""
    phases = [r[name] for r in rounds]
    return {
        "p50": median(p["p50"] for p in phases),
        "p99": median(p["p99"] for p in phases),
        "max": max(p["max"] for p in phases),
        "own_p99": median(p["own_p99"] for p in phases),
        "refused": sum(p["refused"] for p in phases),
        "frozen": any(frozen(p) for p in phases),
    }


def slow_rows(raw, key):
    rows = []
    for name, rounds in raw[key].items():
        row = {part: phase(rounds, part) for part in ("idle", "learning", "learned", "whole")}
        answers = {}
        for r in rounds:
            for status, count in r["hammer"]["answers"].items():
                answers[status] = answers.get(status, 0) + count
        row |= {"name": name, "answers": answers, "broken": sum(r["hammer"]["broken"] for r in rounds)}
        row["ratio"] = median(r["learned"]["p99"] / r["idle"]["p99"] for r in rounds)
        row["go"] = pair_ratio(raw[key], name, "go", lambda r: r["whole"]["p99"])
        rows.append(row)
    # Squall first, frozen last; the order of measuring otherwise.
    return sorted(rows, key=lambda r: (not r["name"].startswith("squall"), r["whole"]["frozen"]))


def template_rows(raw):
    results = raw["templates"]
    rows = []
    for name, rounds in results.items():
        row = {"name": name}
        for page in PAGES:
            row[page] = {key: median(r[page][key] for r in rounds) for key in ("cpu", "bytes")}
            row[page]["squall"] = pair_ratio(results, name, "squall-templates", lambda r: r[page]["cpu"])
        rows.append(row)
    return sorted(rows, key=lambda row: row["fortunes"]["cpu"])


def targets(raw):
    """(what, measured, bound, unit) for every target that this run has figures for."""
    found = []
    if "squall" in raw.get("hello", {}):
        row = next(r for r in load_rows(raw, "hello") if r["name"] == "squall")
        for peer, label in (("nginx", "nginx's"), ("go", "Go's")):
            if row[peer] is not None:
                found.append((f"Hello world, CPU per request against {label}", row[peer], TARGETS[peer], "×"))
    for test, size in (("small-file", "1 KiB"), ("large-file", "1 MiB")):
        ratio = pair_ratio(raw.get(test, {}), "squall", "nginx", lambda r: r["cpu"])
        if ratio is not None:
            found.append((f"Static file of {size}, CPU per request against nginx's", ratio, TARGETS["files"], "×"))
    for name, loops in (("squall", "one loop"), ("squall-2", "two loops")):
        if name in raw.get("freeze", {}):
            row = next(r for r in slow_rows(raw, "freeze") if r["name"] == name)
            found += [
                (f"Blocking route, {loops}: p99 while learning", row["learning"]["p99"], TARGETS["learning_ms"], "ms"),
                (f"Blocking route, {loops}: p99 once learned against idle", row["ratio"], TARGETS["learned"], "×"),
            ]
        if name in raw.get("cpu", {}):
            row = next(r for r in slow_rows(raw, "cpu") if r["name"] == name)
            found.append((f"CPU-bound route, {loops}: p99", row["whole"]["p99"], TARGETS["cpu_ms"], "ms"))
            if row["go"] is not None:
                what = f"CPU-bound route, {loops}: p99 against Go's"
                found.append((what, row["go"], TARGETS["cpu_go"], "×"))
    if "squall" in raw.get("idle", {}):
        slope = middle(raw["idle"]["squall"], "bytes")
        found.append(("Idle connection, resident memory", slope, TARGETS["idle_bytes"], "bytes"))
    for page in PAGES:
        for peer, (label, bound) in TEMPLATE_TARGETS.items():
            ratio = pair_ratio(raw.get("templates", {}), "squall-templates", peer, lambda r: r[page]["cpu"])
            if ratio is not None:
                found.append((f"Template {page}, CPU per render against {label}", ratio, bound, "×"))
    return found
