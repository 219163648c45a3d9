"""The programs that benches of a whole cluster start, and what they cost."""

import http.client
import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 300


def fail(sentence):
    sys.exit(f"error: {sentence}")


class Program:
    """Runs until end(); as a context manager until its end."""

    def __init__(self, *command):
        self._process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE,
                                         text=True)
        self.name = pathlib.Path(str(command[0])).name
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            fail(f"{self.name} does not end")

    def match(self, pattern):
        """Of the next line that has it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = self._lines.get(timeout=deadline - time.monotonic())
            except (queue.Empty, ValueError):
                line = None
            if line is None:
                fail(f"{self.name} never printed {pattern!r}")
            if found := re.search(pattern, line):
                return found

    def cpu_seconds(self):
        stat = pathlib.Path(f"/proc/{self._process.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def megabytes(self, what="VmHWM"):
        """VmHWM: the most it ever had resident; VmRSS: now."""
        for line in pathlib.Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1]) * 1024 / 1e6
        return fail(f"{self.name} is gone")


class Cluster(Program):
    """`local-cluster` with simulated agents."""

    def __init__(self, build, simulated_agents, *flags):
        super().__init__(build / "bin/local-cluster", "--port", 0, "--agents", 0,
                         "--simulated-agents", simulated_agents, *flags)
        self.build = build
        self.master = self.match(r"master (\S+?),").group(1)

    def get(self, path):
        connection = http.client.HTTPConnection(self.master, timeout=PATIENCE)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            fail(f"{path} is answered {answer.status}")
        return json.loads(body)

    def post(self, path, body, content_type="application/x-www-form-urlencoded"):
        """What is answered, whatever the status."""
        connection = http.client.HTTPConnection(self.master, timeout=PATIENCE)
        connection.request("POST", path, body, {"Content-Type": content_type})
        body = connection.getresponse().read()
        connection.close()
        return body

    def master_id(self):
        answer = json.loads(self.post("/api/v1", '{"type":"GET_MASTER"}', "application/json"))
        return answer["get_master"]["master_info"]["id"]

    def fail(self, fault):
        subprocess.run([self.build / "bin/local-cluster", "fail", self.master, fault], check=True)


class Keeper(Program):
    """A scheduler that keeps `tasks` of each of its `frameworks` running. `failures`: so many are
    to have been replaced before it says that all are running."""

    def __init__(self, cluster, frameworks, tasks, per_offer, failures=0):
        super().__init__(cluster.build / "bench/keeper", cluster.master, "--frameworks", frameworks,
                         "--tasks", tasks, "--per-offer", per_offer, "--failures", failures)

    def seconds_until(self, what):
        """launched or running: all of them, counted from the registration."""
        return float(self.match(what + r" (\S+)").group(1))
