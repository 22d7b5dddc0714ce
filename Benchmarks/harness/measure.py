"""The measurements. Each returns plain values that go into the JSON as they are."""

import json
import os
import re
import resource
import select
import subprocess
import time

from . import machine
from .servers import BUILD, Unavailable, build, path

CLIENTS = 64
BLOCKERS = 64
BURNERS = 8
PROBE_INTERVAL_US = 2000
PROBE_CONNECTIONS = 1000
GRACE = 2.0
FEW, MANY = 2_000, 18_000
OPEN_FILES = 20_000

UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 60e3}


class Failed(Exception):
    """A measurement that gave no figure; the text says why."""


children = []


def load_programs():
    os.makedirs(BUILD, exist_ok=True)
    for name in ("probe", "idle"):
        source = path("load", f"{name}.c")
        build(f"load/{name}.c", "cc", "-O2", "-Wall", "-o", os.path.join(BUILD, name), source, timeout=60)


def spawn(cores, *command, **options):
    child = subprocess.Popen(
        ["taskset", "-c", cores, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    children.append(child)
    return child


def finish(child, timeout):
    try:
        out, errors = child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise Failed(f"{os.path.basename(child.args[3])} did not end within {timeout:.0f} s") from None
    finally:
        if child in children:
            children.remove(child)
    if child.returncode:
        raise Failed(errors.strip() or f"{os.path.basename(child.args[3])} ended with status {child.returncode}")
    return out


def stop_all():
    for child in list(children):
        child.kill()
        child.wait()


def wrk(port, target, cores, seconds):
    url = f"http://127.0.0.1:{port}{target}"
    child = spawn(cores, "wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "--latency", "--timeout", "5s", url)
    text = finish(child, seconds + 15)

    def percentile(name):
        value, unit = re.search(rf"^\s+{name}%\s+([\d.]+)(us|ms|s|m)\s*$", text, re.M).groups()
        return float(value) * UNITS[unit]

    total = re.search(r"(\d+) requests in", text)
    if not total or int(total[1]) == 0:
        raise Failed("wrk got no answers")
    errors = sum(int(n) for n in re.findall(r"(?:connect|read|write|timeout) (\d+)", text))
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return {
        "requests": int(total[1]),
        "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
        "p50": percentile(50),
        "p99": percentile(99),
        "errors": errors + (int(refused[1]) if refused else 0),
    }


def hello(server, options):
    return load(server, options, "/")


def small_file(server, options):
    return load(server, options, "/static/1k.bin")


def large_file(server, options):
    return load(server, options, "/static/1m.bin")


def load(server, options, target):
    """CPU per request: the server alone on its core, wrk on the other."""
    with server.start(options.server_core) as instance:
        wrk(instance.port, target, options.load_core, options.warm_up)
        before, began, busy = machine.cpu_seconds(instance.pid), time.monotonic(), machine.busy_seconds()
        used = own_children()
        result = wrk(instance.port, target, options.load_core, options.seconds)
        user, system = (b - a for a, b in zip(before, machine.cpu_seconds(instance.pid)))
        elapsed, busy = time.monotonic() - began, machine.busy_seconds() - busy
        others = busy - (user + system) - (own_children() - used)
    result["user"] = user * 1e6 / result["requests"]
    result["system"] = system * 1e6 / result["requests"]
    result["cpu"] = result["user"] + result["system"]
    # What everybody else took of the machine, in cores: how far the figures can be trusted.
    result["others"] = max(0.0, others / elapsed)
    return result


def own_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def start_ping(instance, cores, seconds, start, split=None):
    arguments = [instance.port, "/", seconds, start, PROBE_INTERVAL_US, PROBE_CONNECTIONS, GRACE]
    if split is not None:
        arguments.append(split)
    return spawn(cores, os.path.join(BUILD, "probe"), "ping", *map(str, arguments))


def start_clients(instance, cores, seconds, start, route, count):
    arguments = [instance.port, route, seconds, start, count]
    return spawn(cores, os.path.join(BUILD, "probe"), "clients", *map(str, arguments))


def slow_route(server, options, route, clients, server_cores, load_cores):
    """The fast route's latency: idle, then while clients keep a slow route busy."""
    learning, learned = options.learning, options.learned
    total = learning + learned
    with server.start(server_cores) as instance:
        time.sleep(0.3)
        ping = start_ping(instance, load_cores, options.baseline, 0)
        idle = json.loads(finish(ping, options.baseline + GRACE + 20))
        # Both programs begin at the same moment, the probe with its connections open.
        start = time.monotonic_ns() + 2_000_000_000
        ping = start_ping(instance, load_cores, total, start, learning)
        hammer = start_clients(instance, load_cores, total, start, route, clients)
        try:
            under = json.loads(finish(ping, total + GRACE + 20))
            hammered = json.loads(finish(hammer, 5))
        finally:
            for child in (ping, hammer):
                if child in children:
                    child.kill()
                    child.communicate()
                    children.remove(child)
        if instance.process.poll() is not None:
            raise Failed(f"the server ended with status {instance.process.returncode} under load")
    return {
        "idle": idle["whole"],
        "learning": under["first"],
        "learned": under["second"],
        "whole": under["whole"],
        "hammer": hammered,
        "prompt": under["prompt"],
    }


def freeze(server, options):
    return slow_route(server, options, "/block?ms=2000", BLOCKERS, options.server_core, options.load_core)


def cpu(server, options):
    both = f"{options.server_core},{options.load_core}"
    return slow_route(server, options, "/cpu?ms=200", BURNERS, both, both)


def frozen(phase):
    """More than one request in a hundred never came back: the 99th percentile is only known to be longer."""
    return phase["count"] > 0 and phase["failed"] > 0.01 * phase["count"]


def idle(server, options):
    """Resident memory per idle keep-alive connection, as a slope, so that what a server holds anyway cancels out."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit < OPEN_FILES:
        raise Unavailable(f"the open-file limit is {limit}, and {OPEN_FILES} is needed")
    with server.start(options.server_core) as instance:
        child = spawn(
            options.load_core,
            os.path.join(BUILD, "idle"),
            *map(str, (instance.port, "/", FEW, MANY)),
            stdin=subprocess.PIPE,
        )
        readings = []
        try:
            for _ in (FEW, MANY):
                line = read_line(child, 90)
                time.sleep(options.settle)
                readings.append((json.loads(line)["open"], machine.resident_bytes(instance.pid)))
                child.stdin.write("\n")
                child.stdin.flush()
            last = json.loads(finish(child, 10))
        finally:
            if child in children:
                child.kill()
                child.communicate()
                children.remove(child)
    if last["closed"]:
        raise Failed(f"the server closed {last['closed']} of the idle connections")
    (few, at_few), (many, at_many) = readings
    return {"few": at_few, "many": at_many, "bytes": (at_many - at_few) / (many - few)}


def read_line(child, seconds):
    ready, _, _ = select.select([child.stdout], [], [], seconds)
    line = child.stdout.readline() if ready else ""
    if not line:
        child.kill()
        children.remove(child)
        errors = child.communicate()[1].strip()
        raise Failed(errors or f"the connections were not open within {seconds} s")
    return line
