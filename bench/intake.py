#!/usr/bin/env python3
"""How fast does a scheduler take in events? Peers: mesos-go, bare protobuf.

A replay master (intake/replay.cpp) writes events that were encoded before, as fast as the socket
takes them: the client is what is measured, by the CPU seconds of its whole process. The run ends
when the last acknowledgement is back; every one is checked, and what the client has counted."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from figures import Figures, options

HERE = pathlib.Path(__file__).resolve().parent
# Debian's golang-github-mesos-mesos-go-dev lies here; it has no modules.
GO = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "-p=2"}
KINDS = {"updates": ("UPDATEs", 200_000), "offers": ("OFFERS of 100", 2_000)}
QUICK = {"updates": 8_000, "offers": 400}


def fail(sentence):
    sys.exit(f"error: {sentence}")


def peer_of(build):
    """mesos-go's client, built when its source is newer."""
    source, program = HERE / "intake/client.go", build / "bench/go_intake_client"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        if not shutil.which("go"):
            fail("go is not installed; bench/run installs it")
        subprocess.run(["go", "build", "-o", program, source], check=True,
                       env={**os.environ, **GO})
    return program


class Runs:
    """Runs of one build's programs; what each said."""

    def __init__(self, build):
        self.replay = build / "bench/intake_replay"

    def run(self, *words):
        done = subprocess.run([str(word) for word in (self.replay, *words)], check=False,
                              stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            fail(f"{' '.join(map(str, words))} ended with {done.returncode}")
        return json.loads(done.stdout)


def mean(results, key):
    return sum(result[key] for result in results) / len(results)


def measure(kind, events, runs, clients, figures):
    ours, theirs, limits = [], [], []
    for _ in range(2):
        ours.append(runs.run("client", kind, events, clients[0]))
        limits.append(runs.run("limit", kind, events))
        theirs.append(runs.run("client", kind, events, clients[1]))
    name, limit = KINDS[kind][0], mean(limits, "cpu")
    cpu, others = mean(ours, "cpu"), mean(theirs, "cpu")
    figures.print(f"{name}: events a CPU second", events / cpu, "1/s", others / cpu, "mesos-go",
                  ("ratio", "at_least", 5))
    figures.print(f"{name}: events a second", events / mean(ours, "wall"), "1/s",
                  mean(theirs, "wall") / mean(ours, "wall"), "mesos-go")
    if kind == "offers":
        figures.print(f"{name}: events a CPU second, to the limit", events / cpu, "1/s",
                      limit / cpu, "bare parsing into one message", ("ratio", "at_least", 0.5))
    else:
        figures.print(f"{name}: CPU of one, to the limit", cpu / events * 1e6, "µs", cpu / limit,
                      "parsing, acknowledgements, one write a batch", ("ratio", "at_most", 3))
    figures.print(f"{name}: most memory", mean(ours, "rss") / 1e6, "MB",
                  mean(ours, "rss") / mean(theirs, "rss"), "mesos-go")


def measure_growth(kind, events, runs, client, figures):
    sizes = [events // part for part in (8, 4, 2, 1)]
    costs = [runs.run("client", kind, size, client)["cpu"] for size in sizes]
    figures.growth(f"{KINDS[kind][0]}: CPU", sizes, costs)


def main():
    chosen = options(__doc__.splitlines()[0])
    build = chosen.build.resolve()
    figures, runs = Figures("intake", chosen), Runs(build)
    clients = [build / "bench/intake_client", peer_of(build)]
    for kind, (_, events) in KINDS.items():
        events = QUICK[kind] if chosen.quick else events
        measure(kind, events, runs, clients, figures)
        measure_growth(kind, events, runs, clients[0], figures)


if __name__ == "__main__":
    main()
