#!/usr/bin/env python3
"""How fast is the web server of an executor, and how small? Peers: nginx, Go's net/http.

The real `executor` program, for whom one_agent.cpp plays its agent: what runs is what runs in a
sandbox, and nothing else. Load comes from wrk, which shares the machine with the server; so speed
is counted in requests per CPU second of the server (user and system time)."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from figures import Figures, options

HERE = pathlib.Path(__file__).resolve().parent
BODY = b"Hello from Server"
TICKS = os.sysconf("SC_CLK_TCK")
CONNECTIONS = (1, 64, 512)
PATIENCE = 20


def fail(sentence):
    sys.exit(f"error: {sentence}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_listening(port, process):
    """Until a client gets through."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            fail(f"{process.args[0]} does not listen")
        time.sleep(0.0001)


class Server:
    """A program that serves BODY on a port. Starting it is timed."""

    def __init__(self, name, stack, command, env=None, of_child=False):
        self.name, self.port = name, command[0]
        began = time.monotonic()
        self.process = subprocess.Popen([str(part) for part in command[1:]], env=env)
        stack.callback(self.end)
        wait_until_listening(self.port, self.process)
        self.start_seconds = time.monotonic() - began
        self.check_answer()
        self.pid = self.process.pid
        if of_child:  # There is one, since something has answered.
            self.pid = int(pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text())

    def end(self):
        self.process.terminate()
        self.process.wait(PATIENCE)

    def check_answer(self):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        client.request("GET", "/")
        answer = client.getresponse()
        if answer.status != 200 or answer.read() != BODY:
            fail(f"{self.name} answers something else")
        client.close()

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_megabytes(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
        return fail(f"{self.name} is gone")


def start_executor(build, stack, directory):
    port = free_port()
    agent = subprocess.Popen([build / "bench/one_agent", str(port)], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
    stack.callback(lambda: (agent.stdin.close(), agent.wait(PATIENCE)))
    environment = {
        "MESOS_FRAMEWORK_ID": "bench", "MESOS_EXECUTOR_ID": "web", "MESOS_SANDBOX": directory,
        "MESOS_AGENT_ENDPOINT": f"127.0.0.1:{int(agent.stdout.readline())}"}
    return Server("executor", stack, [port, build / "bin/executor"], env=environment)


def start_nginx(stack, directory):
    port = free_port()
    text = (HERE / "web/nginx.conf.in").read_text()
    config = pathlib.Path(directory, "nginx.conf")
    config.write_text(text.replace("DIRECTORY", directory).replace("PORT", str(port)))
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    return Server("nginx", stack, [port, nginx, "-p", directory, "-e", "stderr", "-c", config],
                  of_child=True)


def start_go(build, stack):
    """Built when its source is newer."""
    source, program = HERE / "web/server.go", build / "bench/go_web_server"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["go", "build", "-o", program, source], check=True,
                       env={**os.environ, "GO111MODULE": "off", "GOFLAGS": "-p=2"})
    port = free_port()
    return Server("Go", stack, [port, program, port])


def wrk(server, connections, keep_alive, seconds):
    """One run of the load; what it reports, checked."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", HERE / "web/report.lua"]
    if not keep_alive:
        command += ["-H", "Connection: close"]
    before = server.cpu_seconds()
    done = subprocess.run([*command, f"http://127.0.0.1:{server.port}/"], check=True,
                          stdout=subprocess.PIPE, text=True)
    result = json.loads(done.stdout.splitlines()[-1])
    result["cpu"] = server.cpu_seconds() - before
    if result["errors"] or not result["requests"]:
        fail(f"{server.name}: not every request was answered: {result}")
    # Every answer is as long as another, so that what was read shows that all were whole.
    each = result["bytes"] / result["requests"]
    server.answer_bytes = getattr(server, "answer_bytes", {})
    expected = server.answer_bytes.setdefault(keep_alive, each)
    if each < len(BODY) or abs(each - expected) > 0.02 * expected:
        fail(f"{server.name}: answers are of {each} bytes, {expected} before")
    return result


def mean(results, key):
    return sum(result[key] for result in results) / len(results)


def per_cpu_second(results):
    return sum(r["requests"] for r in results) / max(sum(r["cpu"] for r in results), 1 / TICKS)


def measure_speed(figures, servers, chosen):
    slices, seconds = (1, 1) if chosen.quick else (3, 2)
    for keep_alive in (True, False):
        for connections in CONNECTIONS:
            results = {server.name: [] for server in servers}
            for _ in range(slices):
                for server in servers:
                    results[server.name].append(wrk(server, connections, keep_alive, seconds))
            print_speed(figures, ("keep-alive" if keep_alive else "a connection each")
                        + f", {connections} at once", results)


def print_speed(figures, work, results):
    ours, nginx, go = (results[name] for name in ("executor", "nginx", "Go"))
    rate = per_cpu_second(ours)
    figures.print(f"{work}: requests a CPU second", rate, "1/s", rate / per_cpu_second(nginx),
                  "nginx", ("ratio", "at_least", 1))
    figures.print(f"{work}: the same, to Go", rate, "1/s", rate / per_cpu_second(go), "Go",
                  ("ratio", "at_least", 2))
    second = [sum(r["requests"] for r in one) / sum(r["microseconds"] for r in one) * 1e6
              for one in (ours, nginx)]
    figures.print(f"{work}: requests a second", second[0], "1/s", second[0] / second[1], "nginx")
    for percentile in ("p50", "p99", "p99.9"):
        figures.print(f"{work}: {percentile}", mean(ours, percentile) / 1000, "ms",
                      mean(ours, percentile) / mean(nginx, percentile), "nginx")


def measure_memory(figures, server, chosen):
    """Whether memory grows with what has been served."""
    first, all_of_them = (20_000, 200_000) if chosen.quick else (100_000, 10_000_000)
    served, seconds, before = 0, 1, None
    while served < all_of_them:
        served += wrk(server, 64, True, seconds)["requests"]
        if before is None and served >= first:
            before, seconds = server.resident_megabytes(), 1 if chosen.quick else 10
    after = server.resident_megabytes()
    figures.print(f"RSS after {all_of_them:,} requests", after, "MB", after / before,
                  f"after {first:,}", ("ratio", "at_most", 1.02))


def measure_start(figures, build, directory):
    """Exec to the first connection that gets through, best of some, one after the other."""
    best = {}
    for _ in range(7):
        with contextlib.ExitStack() as stack:
            for server in (start_executor(build, stack, directory), start_nginx(stack, directory),
                           start_go(build, stack)):
                best[server.name] = min(best.get(server.name, 1e9), server.start_seconds)
    figures.print("start to listening", best["executor"] * 1000, "ms",
                  best["executor"] / best["nginx"], "nginx")


def main():
    chosen = options(__doc__.splitlines()[0])
    build = chosen.build.resolve()
    for program in ("wrk", "go"):
        if not shutil.which(program):
            fail(f"{program} is not installed; bench/run installs it")
    figures = Figures("executor", chosen)
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench_executor_"))
        measure_start(figures, build, directory)
        servers = [start_executor(build, stack, directory), start_nginx(stack, directory),
                   start_go(build, stack)]
        idle = [server.resident_megabytes() for server in servers]
        figures.print("RSS when started", idle[0], "MB", idle[0] / idle[1], "nginx's worker",
                      ("value", "at_most", 3))
        measure_speed(figures, servers, chosen)
        loaded = [server.resident_megabytes() for server in servers]
        figures.print("RSS after 512 connections at once", loaded[0], "MB", loaded[0] / loaded[1],
                      "nginx's worker", ("value", "at_most", 3))
        figures.print("RSS after 512 connections at once, to Go", loaded[0], "MB",
                      loaded[0] / loaded[2], "Go")
        measure_memory(figures, servers[0], chosen)
        for server in servers:
            server.check_answer()
        size = (build / "bin/executor").stat().st_size / 1e6
        figures.print("size of the program", size, "MB",
                      size * 1e6 / (build / "bench/go_web_server").stat().st_size, "Go")


if __name__ == "__main__":
    main()
