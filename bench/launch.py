#!/usr/bin/env python3
"""How fast does local-cluster launch tasks: on executors that run, with executors of their own, as
commands?

Six agents in one process; the tasks' processes are real. The client (launch_client.cpp) launches
all at once and waits for the last TASK_RUNNING; starting what is to run them counts, as does the
fetching of the executor over HTTP. The limit beside the processes: a shell that merely starts as
many of them."""

import contextlib
import functools
import http.server
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

from figures import Figures, options

AGENTS = 6
RESOURCES = "cpus:200;mem:65536;disk:65536;ports:[31000-31005]"
PATIENCE = 120
TICKS = os.sysconf("SC_CLK_TCK")


def fail(sentence):
    sys.exit(f"error: {sentence}")


class Cluster:
    def __init__(self, build, stack):
        self.work_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench_launch_"))
        self.process = subprocess.Popen(
            [build / "bin/local-cluster", "--port=0", "--agent-port=0", f"--agents={AGENTS}",
             f"--resources={RESOURCES}", f"--work-dir={self.work_dir}"], stdout=subprocess.PIPE,
            text=True)
        stack.callback(self.end)
        found = re.match(r"Embedded cluster: master (\S+),", self.process.stdout.readline())
        if not found:
            fail("local-cluster does not say where its master is")
        self.master = found[1]

    def end(self):
        self.process.terminate()
        self.process.stdout.read()
        self.process.wait(PATIENCE)

    def cpu_seconds(self):
        """Its own, without its children's."""
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def complaints(self):
        """What executors and tasks wrote to their stderr."""
        files = pathlib.Path(self.work_dir).rglob("runs/*/stderr")
        return "".join(f"{path}: {path.read_text(errors='replace')}\n" for path in files
                       if not path.parent.is_symlink() and path.stat().st_size > 0)

    def await_quiet(self):
        """Until no process of a task is left."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        deadline = time.monotonic() + PATIENCE
        while any((thread / "children").read_text().strip() for thread in tasks.iterdir()):
            if time.monotonic() > deadline:
                fail("tasks outlive their framework")
            time.sleep(0.02)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def handle(self):
        with contextlib.suppress(ConnectionError):  # A fetch may be called off.
            super().handle()


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # With the usual 5 a fetch may be dropped, and tried again in a second.


def serve(directory, stack):
    """Serves the executor; its address."""
    handler = functools.partial(QuietHandler, directory=directory)
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack.callback(server.shutdown)
    return f"http://127.0.0.1:{server.server_address[1]}/launch_executor"


def launch(cluster, build, kind, tasks, uri):
    """Seconds until all run, CPU seconds of the cluster for it, and seconds until all have ended."""
    before = cluster.cpu_seconds()
    done = subprocess.run([build / "bench/launch_client", cluster.master, str(AGENTS), kind,
                           str(tasks), uri], stdout=subprocess.PIPE, text=True, check=False,
                          timeout=PATIENCE)
    if done.returncode != 0 or not done.stdout:
        fail(f"launch_client {kind} {tasks} ended with {done.returncode}\n{cluster.complaints()}")
    used = cluster.cpu_seconds() - before
    ending = time.monotonic()
    cluster.await_quiet()
    return float(done.stdout), used, time.monotonic() - ending


def shell_seconds(program, count):
    """A shell that starts `program` so often, all at once."""
    script = f'i=0; while [ $i -lt {count} ]; do {program} 2>/dev/null & i=$((i+1)); done; wait'
    began = time.monotonic()
    subprocess.run(["sh", "-c", script], check=True)
    return time.monotonic() - began


def main():
    chosen = options(__doc__.splitlines()[0])
    build = chosen.build.resolve()
    figures = Figures("launch", chosen)
    counts = [50, 100] if chosen.quick else [50, 100, 500, 1000, 2000]
    own, commands = (12, 30) if chosen.quick else (200, 1000)
    with contextlib.ExitStack() as stack:
        cluster = Cluster(build, stack)
        uri = serve(build / "bench", stack)
        for tasks in counts:
            seconds, used, _ = launch(cluster, build, "shared", tasks, uri)
            figures.print(f"{tasks} tasks on {AGENTS} executors", seconds, "s",
                          aim=("value", "at_most", 1) if tasks == 500 else None)
        figures.print(f"{counts[-1]} tasks on {AGENTS} executors, the cluster's CPU time a task",
                      max(used, 1 / TICKS) / counts[-1] * 1000, "ms")
        for what, kind, count, program, aim in (
                ("executors", "own", own, build / "bench/launch_executor", 100),
                ("commands", "command", commands, "sleep 0", 150)):
            limit = shell_seconds(program, count)
            seconds, used, ended = launch(cluster, build, kind, count, uri)
            figures.print(f"{what} a second, {count} at once", count / seconds, "1/s",
                          limit / seconds, "a shell that starts as many",
                          ("value", "at_least", aim))
            figures.print(f"{what}, the cluster's CPU time each",
                          max(used, 1 / TICKS) / count * 1000, "ms")
            figures.print(f"{count} {what} ended", ended, "s")


if __name__ == "__main__":
    main()
