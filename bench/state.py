#!/usr/bin/env python3
"""How long does /state take, for 1 to 20 pollers at once?

100 simulated agents x 10 frameworks x 10 tasks, 50 requests a poller, each again as soon as it has
its answer; what the master made for one it tells the next, unless something happened meanwhile,
which "after a change" measures. Pollers share the two cores with the master."""

import statistics
import subprocess

from figures import Figures, options
from processes import Cluster, Keeper, fail

FRAMEWORKS, PER_AGENT = 10, 10
MESOS_SECONDS = {1: 0.10, 20: 0.97}  # Its own benchmark, on four faster cores, by pollers.


def poll(chosen, cluster, path, pollers, requests):
    host, port = cluster.master.split(":")
    done = subprocess.run([chosen.build / "bench/poll", host, port, path, "--pollers", str(pollers),
                           "--requests", str(requests)], check=True, stdout=subprocess.PIPE,
                          text=True)
    words = done.stdout.split()
    return float(words[1]), float(words[3]), int(words[5])


def after_a_change(chosen, cluster, requests):
    """The median where nothing that was made before can be told again."""
    times = []
    for _ in range(requests):
        cluster.post("/teardown", "frameworkId=nobody")
        times.append(poll(chosen, cluster, "/state", 1, 1)[0])
    return statistics.median(times)


def check(cluster, tasks):
    """That what is measured is the whole truth."""
    state = cluster.get("/state")
    ids = {(framework["id"], task["id"]) for framework in state["frameworks"]
           for task in framework["tasks"] if task["state"] == "TASK_RUNNING"}
    if len(ids) != tasks:
        fail(f"/state has {len(ids)} running tasks, not {tasks}")


def main():
    chosen = options(__doc__)
    figures = Figures("state", chosen)
    agents, requests = (2, 2) if chosen.quick else (100, 50)
    sizes = (1, 2) if chosen.quick else (25, 50, 100, 200)
    costs = []
    for size in sizes:
        tasks = size * FRAMEWORKS * PER_AGENT
        with Cluster(chosen.build, size) as cluster, \
                Keeper(cluster, FRAMEWORKS, size * PER_AGENT, PER_AGENT) as keeper:
            keeper.seconds_until("running")
            check(cluster, tasks)
            if size != agents:
                costs.append(after_a_change(chosen, cluster, requests))
                continue
            bare, _, _ = poll(chosen, cluster, "/version", 1, requests)
            for pollers in (1, 2, 5, 10, 20):
                aims = {1: ("value", "at_most", 0.05), 20: ("value", "at_most", 0.5)}
                median, longest, size_ = poll(chosen, cluster, "/state", pollers, requests)
                ratio, peer = None, None
                if pollers == 1:
                    ratio, peer = median / bare, "/version"
                elif pollers in MESOS_SECONDS:
                    ratio, peer = median / MESOS_SECONDS[pollers], "Mesos, 0.97 s published"
                figures.print(f"{tasks:,} tasks, {pollers} at once: median", median, "s", ratio,
                              peer, aims.get(pollers))
                figures.print(f"{tasks:,} tasks, {pollers} at once: longest", longest, "s")
                if pollers == 1:
                    costs.append(after_a_change(chosen, cluster, requests))
                    figures.print(f"{tasks:,} tasks, 1 at once, each after a change: median",
                                  costs[-1], "s", costs[-1] / MESOS_SECONDS[1],
                                  "Mesos, 0.10 s published", ("value", "at_most", 0.05))
                    figures.print(f"{tasks:,} tasks: size of the answer", size_ / 1e6, "MB")
    figures.growth("after a change", sizes, costs)


if __name__ == "__main__":
    main()
