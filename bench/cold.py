#!/usr/bin/env python3
"""How long from the exec of `scheduler --master=local` to the first page that its server gives?

In that time it starts a master and an agent, registers, takes an offer, serves the executor to the
agent, which makes a sandbox and runs it, and the executor subscribes and listens. The limit beside
it: to start and end both programs, one after the other, without any work (--help)."""

import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

from figures import Figures, options

BODY = b"Hello from Server"
LINE = "Server is running: "
PATIENCE = 20


def fail(sentence):
    sys.exit(f"error: {sentence}")


def cold_seconds(build):
    """One start, to the first answer."""
    began = time.monotonic()
    process = subprocess.Popen([build / "bin/scheduler", "--master=local", "--log-level=error"],
                               stdout=subprocess.PIPE, text=True)
    watchdog = threading.Timer(PATIENCE, process.kill)
    watchdog.start()
    try:
        url = next((line[len(LINE):].strip() for line in process.stdout if line.startswith(LINE)),
                   None)
        if not url:
            fail("the scheduler ended before its server ran")
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            if answer.read() != BODY:
                fail(f"{url} answers something else")
        taken = time.monotonic() - began
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        if process.wait(PATIENCE) != 0:
            fail(f"the scheduler ended with {process.returncode}")
        return taken
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()


def limit_seconds(build):
    began = time.monotonic()
    for program in ("scheduler", "executor"):
        subprocess.run([build / "bin" / program, "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def main():
    chosen = options(__doc__.splitlines()[0])
    build = chosen.build.resolve()
    colds, limits = [], []
    for _ in range(2 if chosen.quick else 15):
        colds.append(cold_seconds(build))
        limits.append(limit_seconds(build))
    figures = Figures("cold", chosen)
    limit = "starting both programs for --help"
    figures.print("exec to the first page", statistics.median(colds) * 1000, "ms",
                  statistics.median(colds) / statistics.median(limits), limit,
                  ("value", "at_most", 100))
    figures.print("exec to the first page, best", min(colds) * 1000, "ms",
                  min(colds) / min(limits), limit)


if __name__ == "__main__":
    main()
