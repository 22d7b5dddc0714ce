"""What the machine is, and what /proc says about a process tree."""

import os
import platform
import re
import subprocess
from datetime import datetime, timezone

TICKS = os.sysconf("SC_CLK_TCK")


def output(*command, cwd=None):
    """The first line that a command prints, or an empty string."""
    try:
        done = subprocess.run(
            command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.strip().splitlines()
    return lines[0] if lines and done.returncode == 0 else ""


def describe(root):
    model = "unknown"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    dirty = " with changes" if output("git", "status", "--porcelain", "--untracked-files=no", cwd=root) else ""
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "commit": output("git", "rev-parse", "--short", "HEAD", cwd=root) + dirty,
        "wrk": (re.search(r"wrk (?:debian/)?([\d.]+)", wrk_version()) or [None, "?"])[1],
    }


def wrk_version():
    # `wrk -v` prints its version and exits with 1.
    try:
        return subprocess.run(["wrk", "-v"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    except OSError:
        return ""


def tree(root):
    """The process and all its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = stat(int(entry))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def stat(pid):
    """The fields of /proc/PID/stat from the state on (field 3 of proc(5) is at index 0), or None."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def cpu_seconds(root):
    """User and system time of a process tree, all threads, those that have ended included."""
    user = system = 0
    for pid in tree(root):
        fields = stat(pid)
        if fields:
            user += int(fields[11])
            system += int(fields[12])
    return user / TICKS, system / TICKS


def resident_bytes(root):
    total = 0
    for pid in tree(root):
        try:
            with open(f"/proc/{pid}/status") as file:
                total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:"))
        except OSError:
            pass
    return total


def busy_seconds():
    """Time that all cores together have spent on anything, time stolen by the host included."""
    with open("/proc/stat") as file:
        user, nice, system, _idle, _wait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS
