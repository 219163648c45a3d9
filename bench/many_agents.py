#!/usr/bin/env python3
"""How long until 100,000 tasks run on 1,000 and on 10,000 agents, while one in ten fails?

The agents are simulated; master and scheduler are `local-cluster` and a scheduler on the SDK, two
processes that speak HTTP. The time is from the scheduler's registration to the moment at which all
tasks run at once, a tenth of them having failed, 1 to 10 s after their start, and been replaced."""

from figures import Figures, options
from processes import Cluster, Keeper

FAILURE_SECONDS = 10


def main():
    chosen = options(__doc__)
    figures = Figures("many-agents", chosen)
    tasks = 2000 if chosen.quick else 100_000
    for agents in (20,) if chosen.quick else (1000, 10_000):
        with Cluster(chosen.build, agents, "--simulated-failures", 0.1, "--seed",
                     chosen.seed) as cluster:
            with Keeper(cluster, 1, tasks, 2 * tasks // agents, tasks // 10) as keeper:
                launched = keeper.seconds_until("launched")
                running = keeper.seconds_until("running")
                of = f"{tasks:,} tasks on {agents:,} agents"
                figures.print(f"{of}: launched", launched, "s")
                figures.print(f"{of}: all running", running, "s", running / FAILURE_SECONDS,
                              f"the last failure, {FAILURE_SECONDS} s after its start",
                              ("value", "at_most", 60))
                figures.print(f"{of}: cluster, peak RSS", cluster.megabytes(), "MB",
                              aim=("value", "at_most", 500))
                figures.print(f"{of}: scheduler, peak RSS", keeper.megabytes(), "MB",
                              aim=("value", "at_most", 500))
                figures.print(f"{of}: cluster, CPU", cluster.cpu_seconds(), "s")
                figures.print(f"{of}: scheduler, CPU", keeper.cpu_seconds(), "s")
                keeper.end()
                replaced = int(keeper.match(r"replaced (\d+)").group(1))
                figures.print(f"{of}: failed and replaced", replaced, "tasks",
                              aim=("value", "at_least", tasks // 10))


if __name__ == "__main__":
    main()
