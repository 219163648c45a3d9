#!/usr/bin/env python3
"""How long until a new master has 100,000 tasks again?

2,000 simulated agents x 5 frameworks x 10 tasks. The time is from the request for the failover to
the metrics of the new master that count all agents, frameworks and tasks. Mesos 1.5 published 4.5 s
for as many tasks, on another machine, its agents without processes as well."""

import http.client
import time

from figures import Figures, options
from processes import PATIENCE, Cluster, Keeper, fail

FRAMEWORKS, PER_AGENT = 5, 10
MESOS_SECONDS = 4.5


def wait_for_another(cluster, before):
    """Until another master than that leads."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if cluster.master_id() != before:
                return
        except (OSError, http.client.HTTPException, ValueError):
            continue  # One has just gone, another is just starting.
    fail("the master was never followed by another")


def wait_for_all(cluster, agents):
    wanted = {"master/slaves_active": agents, "master/frameworks_active": FRAMEWORKS,
              "master/tasks_running": agents * FRAMEWORKS * PER_AGENT}
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            metrics = cluster.get("/metrics/snapshot")
        except (OSError, http.client.HTTPException):
            continue  # It is just starting.
        if all(metrics[name] == value for name, value in wanted.items()):
            return
        time.sleep(0.01)
    fail(f"the new master never had {wanted}")


def measure(chosen, agents):
    """Seconds of time, and of the cluster's CPU."""
    with Cluster(chosen.build, agents) as cluster:
        with Keeper(cluster, FRAMEWORKS, agents * PER_AGENT, PER_AGENT) as keeper:
            keeper.seconds_until("running")
            wait_for_all(cluster, agents)
            before = cluster.master_id()
            cpu, began = cluster.cpu_seconds(), time.monotonic()
            cluster.fail("failover-master")
            wait_for_another(cluster, before)
            wait_for_all(cluster, agents)
            return time.monotonic() - began, cluster.cpu_seconds() - cpu


def main():
    chosen = options(__doc__)
    figures = Figures("failover", chosen)
    sizes = (5, 10) if chosen.quick else (250, 500, 1000, 2000)
    times = {}
    for agents in sizes:
        seconds, cpu = times[agents] = measure(chosen, agents)
        of = f"{agents * FRAMEWORKS * PER_AGENT:,} tasks on {agents:,} agents"
        if agents == 2000:
            figures.print(f"{of}: all back", seconds, "s", seconds / MESOS_SECONDS,
                          f"Mesos 1.5, {MESOS_SECONDS} s published", ("value", "at_most", 3))
        else:
            figures.print(f"{of}: all back", seconds, "s")
        figures.print(f"{of}: cluster, CPU", cpu + 0.01, "s")
    figures.growth("all back", sizes, [times[size][0] for size in sizes])


if __name__ == "__main__":
    main()
