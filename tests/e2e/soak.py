#!/usr/bin/env python3
"""A cluster under load and faults for a long time: do its programs grow?

Usage: soak.py BIN_DIR [--minutes N] [--rate N] [--seed N] [--only REGEX] [--verbose]

It is the drill without an end, and with requests to every server at a steady rate. What the drill's
kill -9 of the scheduler would end too early to be measured lives on here: the scheduler, and the
servers of one agent. Instead another scheduler comes, and is killed or leaves.

Every few seconds the resident memory and the number of descriptors of every program are read. Of
what a program's life has beyond a warm-up, the median of the last quarter must not exceed that of
the first one by more than the limits below."""

import argparse
import os
import pathlib
import signal
import statistics
import sys
import tempfile
import threading
import time

import drill
import programs_test as e2e

INTERVAL = 3  # Seconds between two looks at the programs.
WARM_UP = 1 / 6  # Of the time that all takes: caches fill, histories reach what they are limited to.
JUDGED = 1 / 3  # A program is judged if it lives for so much of the time after its warm-up.
# Beyond the first quarter: what an allocator's fragments and the moment's connections may take.
GROWTH = 0.05
GROWTH_KIB = 512
GROWTH_DESCRIPTORS = 2


class Load(threading.Thread):
    """Asks every server in turn, so many times a second in all, each time over a new connection."""

    def __init__(self, rate, servers):
        super().__init__(daemon=True)
        self.rate, self.servers = rate, servers
        self.answered = 0
        self.failed = {}  # By task: what was wrong.
        self.ending = threading.Event()

    def run(self):
        began, turn = time.monotonic(), 0
        while not self.ending.wait(max(0.0, began + turn / self.rate - time.monotonic())):
            servers = list(self.servers().items())
            turn += 1
            if servers:
                self.ask(*servers[turn % len(servers)])

    def ask(self, task, port):
        try:
            status, _, body = e2e.fetch(f"http://127.0.0.1:{port}/", timeout=2)
            problem = None if (status, body) == (200, "Hello from Server") else f"{status} {body!r}"
        except drill.TROUBLE as error:
            problem = repr(error)
        if problem is None:
            self.answered += 1
        else:
            self.failed.setdefault(task, []).append(problem)

    def end(self):
        self.ending.set()
        self.join()


class Usage:
    """What one process took, over its life."""

    def __init__(self, name):
        self.name = name
        self.samples = []  # (time, KiB, descriptors)

    def take(self, pid):
        """Not if it has just ended."""
        try:
            pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
            descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            return
        if pages:
            self.samples.append((time.monotonic(), pages * os.sysconf("SC_PAGE_SIZE") // 1024, descriptors))

    def lived(self):
        return self.samples[-1][0] - self.samples[0][0]

    def quarters(self, total):
        """Medians of the first and last quarter, (KiB, descriptors) each; None if it lived too
        short to be judged."""
        kept = [each for each in self.samples if each[0] - self.samples[0][0] >= WARM_UP * total]
        if not kept or kept[-1][0] - kept[0][0] < JUDGED * total:
            return None
        count = max(1, len(kept) // 4)
        return [[statistics.median(each[i] for each in part) for i in (1, 2)]
                for part in (kept[:count], kept[-count:])]

    def growth(self, total):
        """What is wrong with it, if anything."""
        (memory, descriptors), (memory_now, descriptors_now) = self.quarters(total)
        if memory_now > memory + max(GROWTH * memory, GROWTH_KIB):
            return "its memory GROWS"
        return "its descriptors GROW" if descriptors_now > descriptors + GROWTH_DESCRIPTORS else None


class Sampler(threading.Thread):
    """Looks at every program again and again."""

    def __init__(self, programs):
        super().__init__(daemon=True)
        self.programs = programs
        self.usages = {}  # By pid.
        self.ending = threading.Event()

    def run(self):
        while not self.ending.wait(INTERVAL):
            for pid, name in self.programs().items():
                self.usages.setdefault(pid, Usage(name)).take(pid)

    def end(self):
        self.ending.set()
        self.join()

    def lately(self, programs):
        """What these took when last looked at."""
        return [f"{name.split()[0]} {self.usages[pid].samples[-1][1]} KiB {self.usages[pid].samples[-1][2]}"
                for pid, name in programs.items() if pid in self.usages and self.usages[pid].samples]

    def report(self, total):
        """Prints a table. What is wrong, in sentences."""
        usages = [(pid, usage) for pid, usage in self.usages.items() if usage.samples]
        judged = [(pid, usage) for pid, usage in usages if usage.quarters(total)]
        print(f"{'':34}{'':>7}{'':>8}{'RSS, KiB: medians of':>26}{'':>8}{'descriptors':>18}")
        print(f"{'program':34}{'pid':>7}{'minutes':>8}{'first 1/4':>13}{'last 1/4':>13}{'most':>8}"
              f"{'first':>7}{'last':>6}{'most':>5}")
        wrong = []
        for pid, usage in judged:
            (memory, descriptors), (memory_now, descriptors_now) = usage.quarters(total)
            print(f"{usage.name:34}{pid:7}{usage.lived() / 60:8.1f}{memory:13.0f}{memory_now:13.0f}"
                  f"{max(s[1] for s in usage.samples):8}{descriptors:7.0f}{descriptors_now:6.0f}"
                  f"{max(s[2] for s in usage.samples):5}")
            if problem := usage.growth(total):
                wrong.append(f"{usage.name} ({pid}): {problem}")
        short = [usage for _, usage in usages if not usage.quarters(total)]
        if short:
            print(f"{len(short)} more lived too short to be judged: "
                  f"{max(s[1] for u in short for s in u.samples)} KiB and "
                  f"{max(s[2] for u in short for s in u.samples)} descriptors at most")
        for needed in ("local-cluster", "scheduler", "executor"):
            if not any(usage.name.startswith(needed) for _, usage in judged):
                wrong.append(f"no {needed} lived long enough to be judged")
        return wrong


class Soak(drill.Drill):
    AGENTS = 4  # Room for the servers, another's one, and those of a lost agent.
    SERVERS = 5
    # So that histories are full when the warm-up is over.
    FLAGS = drill.Drill.FLAGS + [
        "max_completed_frameworks=3", "max_completed_tasks_per_framework=5",
        "max_unreachable_tasks_per_framework=5", "max_completed_executors_per_framework=3"]

    def visit(self):
        """Another scheduler runs a server, and is killed or leaves. Both remove its framework."""
        visitor = e2e.Program(self.scratch, "scheduler", "--master", self.zookeeper.url(), "--name",
                              "visitor", "--cpus", "0.1", "--mem", "32", "--checkpoint")
        try:
            # Launched on an agent that falls silent just then, its task is asked after a minute
            # after it was called unreachable, and only then known to be gone.
            visitor.expect("^Server is running", timeout=180)
            self.served += 1
        finally:
            if self.random.random() < 0.5:
                visitor.process.kill()
            visitor.end()
            visitor.process.stdout.close()

    FAULTS = {**{name: fault for name, fault in drill.Drill.FAULTS.items()
                 if "of the scheduler" not in name}, "another scheduler comes and goes": visit}

    def start(self):
        super().start()
        self.served = self.torn_down = 0
        self.framework = self.scheduler.expect(r"^Scheduler registered .* as framework (\S+)")[0].group(1)

    def executors(self):
        return {pid: environment["MESOS_EXECUTOR_ID"]
                for pid, environment in e2e.processes_naming(str(self.scratch)).items()
                if environment.get("MESOS_FRAMEWORK_ID") == self.framework}

    def at_rest(self):
        """A framework that left while the master failed over stays, as only agents know of it (fact
        S53), until its operator tears it down."""
        for framework in self.ask("/state")["frameworks"]:
            if framework["recovered"] and framework["id"] != self.framework:
                e2e.post(f"http://{self.masters.leader()}/teardown", f"frameworkId={framework['id']}")
                self.torn_down += 1
        super().at_rest()

    def programs(self):
        return {self.cluster.process.pid: "local-cluster", self.scheduler.process.pid: "scheduler",
                **{pid: f"executor {task}" for pid, task in self.executors().items()}}

    def run(self, minutes, rate):
        self.start()
        self.watch = drill.Watch(self)
        self.watch.start()
        self.come_to_rest()
        self.spared_agent = self.agent_of(min(self.running.values()))
        self.load, self.sampler = Load(rate, lambda: self.running), Sampler(self.programs)
        self.load.start()
        self.sampler.start()
        began, self.rounds = time.monotonic(), 0
        while time.monotonic() - began < minutes * 60:
            self.rounds += 1
            self.round(self.rounds)
            self.note(", ".join(self.sampler.lately(self.programs())))
        self.total = time.monotonic() - began
        self.load.end()
        self.sampler.end()
        for task, problems in self.load.failed.items():
            if self.is_spared(task):
                raise drill.Broken(f"{task}, which nothing befell, did not answer: {problems[:3]}")
        self.watch.ending.set()
        self.watch.join()
        self.finish()

    def is_spared(self, task):
        return task in self.running and self.agent_of(self.running[task]) == self.spared_agent

    def report(self):
        super().report()
        failed = sum(len(problems) for problems in self.load.failed.values())
        print(f"other schedulers ran {self.served} servers, {self.torn_down} times one was torn down")
        print(f"{self.rounds} rounds; {self.load.answered + failed} requests, {self.load.answered} answered "
              f"well; {failed} failed, all to {len(self.load.failed)} servers that were killed or lost")
        return self.sampler.report(self.total)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=100, help="requests a second, to all servers together")
    drill.add_arguments(parser)
    arguments = parser.parse_args()
    soak = Soak(pathlib.Path(tempfile.mkdtemp(prefix="mesos-cpp-soak.")), arguments)
    if not drill.carry_out(soak, lambda: soak.run(arguments.minutes, arguments.rate), arguments.seed):
        return 1
    wrong = soak.report()
    for sentence in wrong:
        print(f"BROKEN: {sentence}")
    if not wrong:
        print(f"{arguments.minutes:g} minutes, seed {arguments.seed}: nothing grows")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
