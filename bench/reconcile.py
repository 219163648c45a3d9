#!/usr/bin/env python3
"""How long does the embedded master take to reconcile N tasks that it does not know?

All in one RECONCILE, from its first byte to the last answer: in protobuf and in JSON by a bare
client, and by the SDK's driver. libmesos defines this benchmark and publishes no number; a real
Mesos 1.12 master on such a machine took 2.0 s for 100,000 in JSON. Every answer is checked."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from figures import Figures, options

SIZES = (1_000, 10_000, 50_000, 100_000)
QUICK_SIZES = (100, 1_000, 2_000, 4_000)
WAYS = {"protobuf": "protobuf", "json": "JSON", "sdk": "protobuf, SDK"}
AIMS = {"protobuf": 0.5, "json": 1}  # Seconds, of 100,000.
MESOS_SECONDS = 2.0
PATIENCE = 120


def fail(sentence):
    sys.exit(f"error: {sentence}")


@contextlib.contextmanager
def cluster(build):
    """The embedded cluster, a process; the address of its master."""
    directory = tempfile.mkdtemp(prefix="bench_reconcile_")
    process = subprocess.Popen(
        [build / "bin/local-cluster", "--port", "0", "--agent-port", "0", "--agents", "0"],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": directory})
    try:
        for line in process.stdout:
            found = re.search(r"^Embedded cluster: masters? ([^, ]+)", line)
            if found:
                yield found.group(1), process.pid
                return
        fail("the embedded cluster does not start")
    finally:
        process.terminate()
        process.wait(PATIENCE)
        process.stdout.close()
        shutil.rmtree(directory, ignore_errors=True)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def client(build, *words):
    command = [str(word) for word in (build / "bench/reconcile_client", *words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=PATIENCE)
    if done.returncode != 0:
        fail(f"{' '.join(command)} ended with {done.returncode}")
    return json.loads(done.stdout)["seconds"]


def main():
    chosen = options(__doc__.splitlines()[0])
    build = chosen.build.resolve()
    figures = Figures("reconcile", chosen)
    sizes = QUICK_SIZES if chosen.quick else SIZES
    with cluster(build) as (address, pid):
        seconds = {way: [] for way in WAYS}
        cpu = {}
        for size in sizes:
            for way in WAYS:
                before = cpu_seconds(pid)
                seconds[way].append(client(build, address, way, size))
                cpu[way] = cpu_seconds(pid) - before
    for way, name in WAYS.items():
        limit = "protobuf" if way == "sdk" else way
        for size, taken in zip(sizes, seconds[way]):
            aim = ("value", "at_most", AIMS[limit]) if size == 100_000 else None
            figures.print(f"{name}: {size:,} tasks", taken, "s",
                          taken / client(build, "limit", limit, size), "building the answers", aim)
        figures.growth(name, sizes, seconds[way])
        if not chosen.quick:
            figures.print(f"{name}: CPU of the master, {sizes[-1]:,} tasks", cpu[way], "s")
    if not chosen.quick:
        taken = seconds["json"][-1]
        figures.print("JSON: 100,000 tasks, to Mesos", taken, "s", taken / MESOS_SECONDS,
                      "Mesos 1.12, 2.0 s measured once")


if __name__ == "__main__":
    main()
