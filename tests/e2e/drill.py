#!/usr/bin/env python3
"""Breaks a cluster of real processes, round after round, under a scheduler that must keep its
servers: neither loses nor doubles one, and leaves nothing behind.

Usage: drill.py BIN_DIR [--rounds N] [--seed N] [--only REGEX] [--verbose]

A round is one to three faults, chosen by the seed, in quick succession; then all must come to rest.
What must hold at every moment is watched by a thread of its own."""

import argparse
import collections
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import programs_test as e2e  # Takes BIN_DIR from the arguments.

AGENTS = 3
SERVERS = 4
# Room for two servers, so that one agent cannot have them all. Each next one has the ports above.
AGENT = "cpus:0.25;mem:1024;ports:[31000-31019]"
PORTS = 20
# Mesos' 75 s until an agent is unreachable become 7.5 s.
TIME_SCALE = 10
REST = 90  # Seconds within which a round must come to rest.


# What asking a master that comes and goes may raise.
TROUBLE = (OSError, ValueError, KeyError, http.client.HTTPException)


class Broken(Exception):
    """An invariant does not hold."""


class Watch(threading.Thread):
    """Looks at the processes all the time: of one task there is never a second one, and never are
    there more servers than wanted."""

    def __init__(self, scratch):
        super().__init__(daemon=True)
        self.scratch = scratch
        self.looks = 0
        self.seen = set()
        self.most = 0
        self.problem = None
        self.ending = threading.Event()

    def run(self):
        while not self.ending.wait(0.2):
            tasks = list(executors(self.scratch).values())
            self.looks += 1
            self.seen.update(tasks)
            self.most = max(self.most, len(tasks))
            twice = [task for task, count in collections.Counter(tasks).items() if count > 1]
            if twice:
                self.problem = f"{twice[0]} has two processes"
            elif len(tasks) > SERVERS:
                self.problem = f"{len(tasks)} servers live, {SERVERS} are wanted"


def executors(scratch):
    """The task of each live executor, by its pid."""
    return {pid: environment["MESOS_EXECUTOR_ID"]
            for pid, environment in e2e.processes_naming(str(scratch)).items()
            if "MESOS_EXECUTOR_ID" in environment}


def get(address, path):
    return json.loads(e2e.fetch(f"http://{address}{path}")[2])


def port_of(task):
    return task["discovery"]["ports"]["ports"][0]["number"]


class Drill:
    def __init__(self, scratch, seed, only, verbose):
        self.scratch = scratch
        self.faults = {name: fault for name, fault in sorted(self.FAULTS.items())
                       if re.search(only, name)}
        self.random = random.Random(seed)
        self.verbose = verbose
        self.fired = collections.Counter()
        self.checked = collections.Counter()
        self.states = collections.Counter()  # Statuses that the schedulers were told.
        self.unreachable = 0  # How often tasks were.
        self.cluster = self.scheduler = None

    def note(self, line):
        if self.verbose:
            print(f"  {time.monotonic() - self.began:7.1f} {line}", flush=True)

    # --- The programs.

    def start(self):
        self.began = time.monotonic()
        self.cluster = e2e.Program(
            self.scratch, "local-cluster", "--port", "0", "--agent-port", "0", "--agents", str(AGENTS),
            "--resources", AGENT, "--time-scale", str(TIME_SCALE),
            "--flag", "executor_reregistration_timeout=15secs")
        match, _ = self.cluster.expect(r"^Embedded cluster: master ([^,]+),")
        self.master = match.group(1)
        self.start_scheduler()

    def start_scheduler(self, *more):
        self.scheduler = e2e.Program(
            self.scratch, "scheduler", "--master", self.master, "--state", str(self.scratch / "state"),
            "--instances", str(SERVERS), "--cpus", "0.1", "--mem", "32", "--checkpoint", *more)

    def count_states(self):
        for line in self.scheduler.lines:
            match = re.search(r"^Status update: task \S+ is in state (\w+)", line)
            if match:
                self.states[match.group(1)] += 1

    # --- The faults.

    def fail(self, fault, **parameters):
        body = "&".join(f"{name.rstrip('_')}={value}"
                        for name, value in {"fault": fault, **parameters}.items())
        status = self.patiently(lambda: e2e.post(f"http://{self.master}/local/fail", body))
        if status != 200:
            raise Broken(f"the cluster answers {status} to {body}")

    @staticmethod
    def patiently(ask):
        """A master that is failing over answers a little later."""
        deadline = time.monotonic() + 10
        while True:
            try:
                return ask()
            except TROUBLE:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def kill_scheduler(self):
        self.scheduler.process.kill()
        self.scheduler.process.wait()
        self.count_states()
        time.sleep(self.random.uniform(0, 1))
        self.start_scheduler()

    def kill_executor(self):
        live = executors(self.scratch)
        if live:
            os.kill(sorted(live, key=live.get)[self.random.randrange(len(live))], signal.SIGKILL)

    def fail_over_master(self):
        self.fail("failover-master")

    def some_agent(self):
        """One that has servers, if it can be told."""
        state = self.patiently(lambda: get(self.master, "/state"))
        ports = [port_of(task) for framework in state["frameworks"] for task in framework["tasks"]]
        return self.random.choice(sorted({(port - 31000) // PORTS for port in ports}) or range(AGENTS))

    def restart_agent(self):
        self.fail("restart-agent", agent=self.some_agent())

    def partition_agent(self):
        """Shorter than the master would notice."""
        self.fail("partition-agent", agent=self.some_agent(), for_="20secs")
        time.sleep(20 / TIME_SCALE)

    def lose_agent_for_a_while(self):
        """Five pings of 15 s stay unanswered."""
        self.fail("partition-agent", agent=self.some_agent(), for_="120secs")
        self.unreachable += e2e.eventually(
            lambda: any(framework["unreachable_tasks"] for framework in self.patiently(
                lambda: get(self.master, "/state"))["frameworks"]), 120 / TIME_SCALE)

    def cut_connections(self):
        self.fail("cut-connections")

    def kill_scheduler_and_master(self):
        self.scheduler.process.kill()
        self.fail("failover-master")
        self.scheduler.process.wait()
        self.count_states()
        self.start_scheduler()

    FAULTS = {
        "kill -9 of the scheduler": kill_scheduler,
        "kill -9 of an executor": kill_executor,
        "master failover": fail_over_master,
        "agent restart": restart_agent,
        "agent partition": partition_agent,
        "agent unreachable, then back": lose_agent_for_a_while,
        "connections cut": cut_connections,
        "kill -9 of the scheduler together with a master failover": kill_scheduler_and_master,
    }

    # --- What must hold.

    def check(self, name, condition, what):
        if not condition:
            raise Broken(f"not held: {name}: {what}")
        self.checked[name] += 1

    def at_rest(self):
        """Raises what is not as it should be."""
        self.check("the scheduler runs", self.scheduler.process.poll() is None,
                   f"it has ended with {self.scheduler.process.returncode}")
        state = get(self.master, "/state")
        self.check("one framework", len(state["frameworks"]) == 1, len(state["frameworks"]))
        self.check("every agent is there", [s["active"] for s in state["slaves"]] == [True] * AGENTS,
                   [(s["id"], s["active"]) for s in state["slaves"]])
        framework = state["frameworks"][0]
        running = {task["id"]: task for task in framework["tasks"]}
        states = sorted(task["state"] for task in framework["tasks"])
        # A task that has ended stays here until its end is acknowledged.
        self.check("exactly the wanted servers run, all else is terminal and acknowledged",
                   states == ["TASK_RUNNING"] * SERVERS, states)
        self.check("nothing is unreachable", not framework["unreachable_tasks"],
                   [task["id"] for task in framework["unreachable_tasks"]])
        self.check("as many processes, of those tasks",
                   sorted(executors(self.scratch).values()) == sorted(running),
                   sorted(executors(self.scratch).values()))
        for task in running.values():
            answer = e2e.answers(f"http://127.0.0.1:{port_of(task)}/")
            self.check("every server answers", answer == "Hello from Server", f"{task['id']}: {answer}")
        held = []
        for slave in get(self.master, "/slaves")["slaves"]:
            agent = get(slave["pid"].split("@")[1], "/state")
            for executor in [e for f in agent["frameworks"] for e in f["executors"]]:
                held.append(executor["executor_id"] if "executor_id" in executor else executor["id"])
        self.check("agents hold these executors and no other", sorted(held) == sorted(running), held)

    def come_to_rest(self):
        deadline = time.monotonic() + REST
        while True:
            if self.watch.problem:
                raise Broken(self.watch.problem)
            try:
                return self.at_rest()
            except (Broken, *TROUBLE) as error:
                if time.monotonic() > deadline:
                    raise Broken(f"no rest within {REST} s: {error!r}") from error
                time.sleep(0.2)

    def round(self, number):
        count = self.random.choice((1, 1, 2, 3))
        for name in self.random.choices(list(self.faults), k=count):
            self.note(f"round {number}: {name}")
            self.faults[name](self)
            self.fired[name] += 1
            time.sleep(self.random.uniform(0, 1))
        self.come_to_rest()
        self.note(f"round {number}: at rest")

    def finish(self):
        """Leaves the servers, comes back to them, tears them down."""
        before = executors(self.scratch)
        code = self.scheduler.end()
        self.count_states()
        self.check("a stop is orderly", code == 0, code)
        self.check("a stop leaves the servers", executors(self.scratch) == before, before)
        with sqlite3.connect(self.scratch / "state" / "state.db") as database:
            kept = dict(database.execute("SELECT id, intent FROM task"))
        self.check("the state holds these tasks and no other",
                   kept == {task: "running" for task in before.values()}, kept)
        self.start_scheduler("--teardown")
        self.check("the teardown succeeds", self.scheduler.process.wait(30) == 0, self.scheduler.output())
        self.check("no server outlives it", e2e.eventually(lambda: not executors(self.scratch)),
                   executors(self.scratch))
        self.check("nor the state", not (self.scratch / "state").exists(), "it is there")
        self.check("the cluster ends in good order", self.cluster.end() == 0, self.cluster.output())
        self.check("no process is forgotten", not e2e.processes_naming(str(self.scratch)),
                   e2e.processes_naming(str(self.scratch)))
        left = list(self.scratch.glob("mesos-cpp.*"))
        self.check("no sandbox is forgotten", not left, left)

    def run(self, rounds):
        self.start()
        self.watch = Watch(self.scratch)
        self.watch.start()
        self.come_to_rest()
        for number in range(1, rounds + 1):
            self.round(number)
        self.watch.ending.set()
        self.watch.join()
        self.finish()

    def end(self):
        for program in (self.scheduler, self.cluster):
            if program and program.process.poll() is None:
                program.process.kill()
                program.process.wait()
        for pid in executors(self.scratch):
            os.kill(pid, signal.SIGKILL)

    def report(self):
        for name in self.faults:
            print(f"fault {name}: {self.fired[name]} times")
        for name, count in self.checked.items():
            print(f"held {name}: {count} times")
        print(f"held at every moment, one process a task, {SERVERS} at most: {self.watch.looks} looks, "
              f"{len(self.watch.seen)} tasks")
        print(f"tasks were unreachable {self.unreachable} times")
        print("told " + ", ".join(f"{name} {count}" for name, count in sorted(self.states.items())))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only faults whose name this regular expression matches")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="mesos-cpp-drill."))
    drill = Drill(scratch, arguments.seed, arguments.only, arguments.verbose)
    began = time.monotonic()
    try:
        drill.run(arguments.rounds)
    except (Broken, AssertionError, subprocess.TimeoutExpired, *TROUBLE) as problem:
        print(f"BROKEN with --seed {arguments.seed}: {problem!r}")
        for name in sorted(drill.faults):
            print(f"fault {name}: {drill.fired[name]} times")
        for name, program in (("cluster", drill.cluster), ("scheduler", drill.scheduler)):
            if program:
                print(f"--- the last of the {name}:")
                print("\n".join(program.lines[-60:]))
        return 1
    finally:
        drill.end()
        shutil.rmtree(scratch, ignore_errors=True)
    drill.report()
    print(f"{arguments.rounds} rounds in {time.monotonic() - began:.0f} s, seed {arguments.seed}: all held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
