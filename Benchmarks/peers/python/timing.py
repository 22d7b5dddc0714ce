"""What the template programs in Python have in common."""

import json
import sys
import time


def added_and_sorted(stored):
    """What a handler does with the rows that it got."""
    fortunes = [*stored, {"id": 0, "message": "Additional fortune added at request time."}]
    fortunes.sort(key=lambda fortune: fortune["message"])
    return fortunes


def main(fortunes, table):
    """`PAGE DATA` prints the page. `PAGE DATA SECONDS` renders it for so much CPU time and prints what it took, as JSON."""
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} fortunes|table DATA [SECONDS]")
    page = fortunes if sys.argv[1] == "fortunes" else table
    with open(sys.argv[2], encoding="utf-8") as file:
        data = json.load(file)
    if len(sys.argv) == 3:
        sys.stdout.buffer.write(page(data))
        return
    seconds = float(sys.argv[3])

    # Warms up, and learns how many renders are worth a look at the clock, which is a system call.
    warm, began = 0, time.process_time()
    while time.process_time() - began < seconds / 5:
        page(data)
        warm += 1
    batch = max(1, warm // 20)

    renders, size, used, began = 0, 0, 0.0, time.process_time()
    while used < seconds:
        for _ in range(batch):
            size += len(page(data))
        renders += batch
        used = time.process_time() - began
    print(json.dumps({"renders": renders, "seconds": used, "bytes": size // renders}))
