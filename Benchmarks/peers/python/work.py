"""A fixed amount of work, measured once on the idle core. Every peer burns CPU by this rule."""

import time


def run(steps):
    x = 0x7F4A7C15
    for _ in range(steps):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
    return x


def calibrate():
    steps = 10_000
    best = 1.0
    for _ in range(50):
        start = time.perf_counter()
        run(steps)
        best = min(best, time.perf_counter() - start)
    return int(steps / (best * 1000))


PER_MILLISECOND = calibrate()


def burn(milliseconds):
    return str(run(milliseconds * PER_MILLISECOND))
