#!/usr/bin/env python3
"""What does it cost to do nothing: a scheduler that follows 10,000 running tasks, and the embedded
master with 1,000 simulated agents?"""

import time

from figures import Figures, options
from processes import Cluster, Keeper


def megabytes_with_little(chosen):
    """Of scheduler and cluster with one task on one agent."""
    with Cluster(chosen.build, 1) as cluster, Keeper(cluster, 1, 1, 1) as keeper:
        keeper.seconds_until("running")
        return {"scheduler": keeper.megabytes("VmRSS"), "cluster": cluster.megabytes("VmRSS")}


def main():
    chosen = options(__doc__)
    figures = Figures("idle", chosen)
    agents, tasks, seconds = (20, 200, 2) if chosen.quick else (1000, 10_000, 60)
    little = megabytes_with_little(chosen)
    with Cluster(chosen.build, agents) as cluster, Keeper(cluster, 1, tasks, 10) as keeper:
        keeper.seconds_until("running")
        time.sleep(1 if chosen.quick else 15)  # Acknowledged, and what was for the start given back.
        programs = {"scheduler": keeper, "cluster": cluster}
        before = {name: program.cpu_seconds() for name, program in programs.items()}
        time.sleep(seconds)
        for name, program in programs.items():
            # A tick of the kernel's accounting more, since none may have been counted.
            share = (program.cpu_seconds() - before[name] + 0.01) / seconds
            figures.print(f"{name}: CPU", 100 * share, "% of a core", aim=("value", "at_most", 1))
            megabytes = program.megabytes("VmRSS")
            figures.print(f"{name}: RSS", megabytes, "MB", megabytes / little[name],
                          "one task on one agent", ("value", "at_most", 60))


if __name__ == "__main__":
    main()
