#!/usr/bin/env python3
"""Breaks a cluster of real processes, round after round, under a scheduler that must keep its
servers: neither loses nor doubles one, and leaves nothing behind.

Usage: drill.py BIN_DIR [--rounds N] [--seed N] [--only REGEX] [--verbose]

Three masters contend in a real ZooKeeper, by which the scheduler finds the leading one. A round is
one to three faults, chosen by the seed, in quick succession; then all must come to rest. What must
hold at every moment is watched by a thread of its own. Scenarios 182 and 183."""

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
from masters import Masters
from zookeeper import ZooKeeper

MASTERS = 3
# Room for two servers, so that one agent cannot have them all.
AGENT = "cpus:0.25;mem:1024"
PORTS = 20  # Of an agent. Each next one has those above.
# Mesos' 75 s until an agent is unreachable become 7.5 s.
TIME_SCALE = 10
REST = 180  # Seconds within which a round must come to rest: a limit to end a hang, not to measure.
ZOOKEEPER_AWAY = 3  # Seconds at most; sessions, and so the leading master, live for two.

# What asking a master that comes and goes may raise.
TROUBLE = (OSError, ValueError, KeyError, http.client.HTTPException)


class Broken(Exception):
    """An invariant does not hold."""


class Watch(threading.Thread):
    """Looks at the processes all the time: of one task there is never a second one, and never are
    there more servers than wanted."""

    def __init__(self, drill):
        super().__init__(daemon=True)
        self.drill = drill
        self.looks = 0
        self.seen = set()
        self.most = 0
        self.problem = None
        self.ending = threading.Event()

    def run(self):
        while not self.ending.wait(0.2):
            tasks = list(self.drill.executors().values())
            self.looks += 1
            self.seen.update(tasks)
            self.most = max(self.most, len(tasks))
            twice = [task for task, count in collections.Counter(tasks).items() if count > 1]
            if twice:
                self.problem = f"{twice[0]} has two processes"
            elif len(tasks) > self.drill.SERVERS:
                self.problem = f"{len(tasks)} servers live, {self.drill.SERVERS} are wanted"


def get(address, path):
    return json.loads(e2e.fetch(f"http://{address}{path}")[2])


def port_of(task):
    return task["discovery"]["ports"]["ports"][0]["number"]


class Drill:
    AGENTS = 3
    SERVERS = 4
    FLAGS = ["executor_reregistration_timeout=15secs"]

    def __init__(self, scratch, arguments):
        self.scratch = scratch
        self.faults = {name: fault for name, fault in sorted(self.FAULTS.items())
                       if re.search(arguments.only, name)}
        # Which faults come is the seed's alone; what they meet also depends on the moment.
        self.plan = random.Random(arguments.seed)
        self.random = random.Random(arguments.seed)
        self.verbose = arguments.verbose
        self.first_port = arguments.first_port
        self.fired = collections.Counter()
        self.checked = collections.Counter()
        self.states = collections.Counter()  # Statuses that the schedulers were told.
        self.unreachable = 0  # How often tasks were.
        self.led = set()  # Ids of masters that led when all was at rest.
        self.cluster = self.scheduler = self.zookeeper = None
        self.running = {}  # When last at rest: the port of each task.
        self.spared_agent = None  # It is not lost, nor are its executors killed.

    def note(self, line):
        if self.verbose:
            print(f"  {time.monotonic() - self.began:7.1f} {line}", flush=True)

    # --- The programs.

    def start(self):
        self.began = time.monotonic()
        self.zookeeper = ZooKeeper()
        flags = [part for flag in self.FLAGS for part in ("--flag", flag)]
        ports = f"ports:[{self.first_port}-{self.first_port + PORTS - 1}]"
        self.cluster = e2e.Program(
            self.scratch, "local-cluster", "--port", "0", "--agent-port", "0", "--agents",
            str(self.AGENTS), "--resources", f"{AGENT};{ports}", "--time-scale", str(TIME_SCALE),
            "--masters", str(MASTERS), "--zk", self.zookeeper.url(), *flags)
        self.masters = Masters(self.cluster)
        self.start_scheduler()

    def start_scheduler(self, *more):
        self.scheduler = e2e.Program(
            self.scratch, "scheduler", "--master", self.zookeeper.url(), "--state",
            str(self.scratch / "state"), "--instances", str(self.SERVERS), "--cpus", "0.1", "--mem", "32",
            "--checkpoint", *more)

    def executors(self):
        """The task of each live executor, by its pid."""
        return {pid: environment["MESOS_EXECUTOR_ID"]
                for pid, environment in e2e.processes_naming(str(self.scratch)).items()
                if "MESOS_EXECUTOR_ID" in environment}

    def ask(self, path):
        """What the leading master answers. Raises if none leads just now."""
        leader = self.masters.leader()
        if leader is None:
            raise ConnectionError("no master leads")
        return get(leader, path)

    def count_states(self):
        for line in self.scheduler.lines:
            match = re.search(r"^Status update: task \S+ is in state (\w+)", line)
            if match:
                self.states[match.group(1)] += 1

    # --- The faults.

    def fail(self, fault, **parameters):
        def ask():
            leader, status = self.masters.fail(fault, **parameters)
            if status in (307, 503):
                raise ConnectionError(f"{leader} leads no more")
            return status
        status = self.patiently(ask)
        if status != 200:
            raise Broken(f"the cluster answers {status} to {fault} {parameters}")

    @staticmethod
    def patiently(ask):
        """A master that is failing over answers a little later; on a busy machine, where ZooKeeper's
        sessions expire, much later."""
        deadline = time.monotonic() + REST
        while True:
            try:
                return ask()
            except (AssertionError, *TROUBLE):
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
        live = {pid: task for pid, task in self.executors().items()
                if task not in self.running or self.agent_of(self.running[task]) != self.spared_agent}
        if not live:
            return False
        os.kill(sorted(live, key=live.get)[self.random.randrange(len(live))], signal.SIGKILL)
        return True

    def fail_over_master(self):
        self.fail("failover-master")

    def agent_of(self, port):
        return (port - self.first_port) // PORTS

    def some_agent(self, but=None):
        """One that has servers, if it can be told; not `but`."""
        state = self.patiently(lambda: self.ask("/state"))
        ports = [port_of(task) for framework in state["frameworks"] for task in framework["tasks"]]
        return self.random.choice(sorted({self.agent_of(port) for port in ports} - {but})
                                  or sorted(set(range(self.AGENTS)) - {but}))

    def restart_agent(self):
        self.fail("restart-agent", agent=self.some_agent())

    def partition_agent(self):
        """Shorter than the master would notice."""
        self.fail("partition-agent", agent=self.some_agent(), for_="20secs")
        time.sleep(20 / TIME_SCALE)

    def lose_agent_for_a_while(self):
        """Five pings of 15 s stay unanswered."""
        self.fail("partition-agent", agent=self.some_agent(self.spared_agent), for_="120secs")
        self.unreachable += e2e.eventually(
            lambda: any(framework["unreachable_tasks"] for framework in self.patiently(
                lambda: self.ask("/state"))["frameworks"]), 120 / TIME_SCALE)

    def cut_connections(self):
        self.fail("cut-connections")

    def kill_scheduler_and_master(self):
        self.scheduler.process.kill()
        self.fail("failover-master")
        self.scheduler.process.wait()
        self.count_states()
        self.start_scheduler()

    def restart_zookeeper(self):
        """At times so quickly that sessions outlive it, at times the leading master ends."""
        self.zookeeper.stop()
        time.sleep(self.random.uniform(0, ZOOKEEPER_AWAY))
        self.zookeeper.start()

    FAULTS = {
        "kill -9 of the scheduler": kill_scheduler,
        "kill -9 of an executor": kill_executor,
        "master failover": fail_over_master,
        "agent restart": restart_agent,
        "agent partition": partition_agent,
        "agent unreachable, then back": lose_agent_for_a_while,
        "connections cut": cut_connections,
        "kill -9 of the scheduler together with a master failover": kill_scheduler_and_master,
        "ZooKeeper restart": restart_zookeeper,
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
        state = self.ask("/state")
        self.check("one framework", len(state["frameworks"]) == 1, len(state["frameworks"]))
        self.check("every agent is there", [s["active"] for s in state["slaves"]] == [True] * self.AGENTS,
                   [(s["id"], s["active"]) for s in state["slaves"]])
        framework = state["frameworks"][0]
        running = {task["id"]: task for task in framework["tasks"]}
        states = sorted(task["state"] for task in framework["tasks"])
        # A task that has ended stays here until its end is acknowledged.
        self.check("exactly the wanted servers run, all else is terminal and acknowledged",
                   states == ["TASK_RUNNING"] * self.SERVERS, states)
        self.check("nothing is unreachable", not framework["unreachable_tasks"],
                   [task["id"] for task in framework["unreachable_tasks"]])
        self.check("as many processes, of those tasks",
                   sorted(self.executors().values()) == sorted(running),
                   sorted(self.executors().values()))
        for task in running.values():
            answer = e2e.answers(f"http://127.0.0.1:{port_of(task)}/")
            self.check("every server answers", answer == "Hello from Server", f"{task['id']}: {answer}")
        held = []
        for slave in self.ask("/slaves")["slaves"]:
            agent = get(slave["pid"].split("@")[1], "/state")
            for executor in [e for f in agent["frameworks"] for e in f["executors"]]:
                held.append(executor["executor_id"] if "executor_id" in executor else executor["id"])
        self.check("agents hold these executors and no other", sorted(held) == sorted(running), held)
        self.led.add(state["id"])
        self.running = {name: port_of(task) for name, task in running.items()}

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
        count = self.plan.choice((1, 1, 2, 3))
        for name in self.plan.choices(list(self.faults), k=count):
            self.note(f"round {number}: {name}")
            self.fired[name] += self.faults[name](self) is not False
            time.sleep(self.random.uniform(0, 1))
        self.come_to_rest()
        self.note(f"round {number}: at rest")

    def finish(self):
        """Leaves the servers, comes back to them, tears them down."""
        before = self.executors()
        code = self.scheduler.end()
        self.count_states()
        self.check("a stop is orderly", code == 0, code)
        self.check("a stop leaves the servers", self.executors() == before, before)
        with sqlite3.connect(self.scratch / "state" / "state.db") as database:
            kept = dict(database.execute("SELECT id, intent FROM task"))
        self.check("the state holds these tasks and no other",
                   kept == {task: "running" for task in before.values()}, kept)
        self.start_scheduler("--teardown")
        self.check("the teardown succeeds", self.scheduler.process.wait(30) == 0, self.scheduler.output())
        self.check("no server outlives it", e2e.eventually(lambda: not self.executors()),
                   self.executors())
        self.check("nor the state", not (self.scratch / "state").exists(), "it is there")
        self.check("the cluster ends in good order", self.cluster.end() == 0, self.cluster.output())
        self.check("no process is forgotten", not e2e.processes_naming(str(self.scratch)),
                   e2e.processes_naming(str(self.scratch)))
        left = list(self.scratch.glob("mesos-cpp.*"))
        self.check("no sandbox is forgotten", not left, left)

    def run(self, rounds):
        self.start()
        self.watch = Watch(self)
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
        for pid in self.executors():
            os.kill(pid, signal.SIGKILL)
        if self.zookeeper:
            self.zookeeper.remove()

    def report(self):
        for name in self.faults:
            print(f"fault {name}: {self.fired[name]} times")
        for name, count in self.checked.items():
            print(f"held {name}: {count} times")
        print(f"held at every moment, one process a task, {self.SERVERS} at most: {self.watch.looks} looks, "
              f"{len(self.watch.seen)} tasks")
        print(f"tasks were unreachable {self.unreachable} times; {len(self.led)} masters led")
        print("told " + ", ".join(f"{name} {count}" for name, count in sorted(self.states.items())))


def add_arguments(parser):
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only faults whose name this regular expression matches")
    parser.add_argument("--first-port", type=int, default=31000, help="of the servers; some 100 are used")
    parser.add_argument("--verbose", action="store_true")


def carry_out(drill, run, seed):
    """Runs `run()`, says what broke, and leaves nothing behind. Whether all held."""
    try:
        run()
        return True
    except (Broken, AssertionError, subprocess.TimeoutExpired, *TROUBLE) as problem:
        print(f"BROKEN with --seed {seed}: {problem!r}")
        for name in sorted(drill.faults):
            print(f"fault {name}: {drill.fired[name]} times")
        for name, program in (("cluster", drill.cluster), ("scheduler", drill.scheduler)):
            if program:
                print(f"--- the last of the {name}:")
                print("\n".join(program.lines[-60:]))
        return False
    finally:
        drill.end()
        shutil.rmtree(drill.scratch, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--each-fault", action="store_true",
                        help="fail if one of them was never had in these rounds")
    add_arguments(parser)
    arguments = parser.parse_args()
    drill = Drill(pathlib.Path(tempfile.mkdtemp(prefix="mesos-cpp-drill.")), arguments)
    began = time.monotonic()
    if not carry_out(drill, lambda: drill.run(arguments.rounds), arguments.seed):
        return 1
    drill.report()
    never = [name for name in drill.faults if not drill.fired[name]]
    if arguments.each_fault and never:
        print(f"BROKEN with --seed {arguments.seed}: never had: {', '.join(never)}")
        return 1
    print(f"{arguments.rounds} rounds in {time.monotonic() - began:.0f} s, seed {arguments.seed}: all held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
