#!/usr/bin/env python3
"""The programs as a person runs them: real processes, sockets, signals.

Usage: programs_test.py BIN_DIR [unittest arguments]"""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

BIN = pathlib.Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None
# Under a sanitizer everything takes longer; a limit is there to end a hang, not to measure.
PATIENCE = 30


class Program:
    """One of our programs, its output read line by line."""

    def __init__(self, scratch, *arguments, **environment):
        self.lines = []
        self.arrived = threading.Condition()
        env = {**os.environ, "TMPDIR": str(scratch), **environment}
        self.process = subprocess.Popen(
            [str(BIN / arguments[0]), *arguments[1:]], env=env, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace")
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.arrived:
                self.lines.append(line.rstrip("\n"))
                self.arrived.notify_all()
        with self.arrived:
            self.arrived.notify_all()

    def expect(self, pattern, after=0, timeout=PATIENCE):
        """The first match of `pattern` in a line from number `after` on, and that line's number."""
        deadline = time.monotonic() + timeout
        seen = after
        with self.arrived:
            while True:
                for number in range(seen, len(self.lines)):
                    match = re.search(pattern, self.lines[number])
                    if match:
                        return match, number
                seen = len(self.lines)
                left = deadline - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self.reader.is_alive()):
                    raise AssertionError(f"no line with {pattern!r} in:\n" + self.output())
                self.arrived.wait(min(left, 0.5))

    def output(self):
        return "\n".join(self.lines)

    def count(self, pattern):
        return sum(1 for line in self.lines if re.search(pattern, line))

    def end(self, how=signal.SIGTERM, timeout=PATIENCE):
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it did not end after signal {how}:\n" + self.output())
        self.reader.join(5)
        return self.process.returncode


def fetch(url, method="GET", timeout=5):
    """Status, headers, body."""
    host, port, path = re.fullmatch(r"http://([^:/]+):(\d+)(/.*)", url).groups()
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def post(url, body):
    """The status."""
    host, port, path = re.fullmatch(r"http://([^:/]+):(\d+)(/.*)", url).groups()
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})
        return connection.getresponse().status
    finally:
        connection.close()


def answers(url):
    try:
        return fetch(url)[2]
    except OSError:
        return None


def processes_naming(text):
    """Pids of processes whose environment holds `text`, with that environment."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if text in environment:
                found[int(entry.name)] = dict(
                    item.split("=", 1) for item in environment.split("\0") if "=" in item)
    return found


def eventually(condition, timeout=PATIENCE):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ProgramsTest(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="mesos-cpp-e2e."))
        self.started = []

    def tearDown(self):
        for program in self.started:
            if program.process.poll() is None:
                program.process.kill()
                program.process.wait()
            program.process.stdout.close()
        left = self.executors()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def start(self, *arguments, **environment):
        program = Program(self.scratch, *arguments, **environment)
        self.started.append(program)
        return program

    def executors(self):
        """Pid of each executor of this test, by its task id."""
        return {pid: env["MESOS_EXECUTOR_ID"] for pid, env in processes_naming(str(self.scratch)).items()
                if "MESOS_EXECUTOR_ID" in env}

    def scheduler(self, *arguments, **environment):
        return self.start("scheduler", *arguments, **environment)

    def cluster(self, *arguments):
        cluster = self.start("local-cluster", "--port", "0", "--agent-port", "0", *arguments)
        match, _ = cluster.expect(r"^Embedded cluster: master ([^,]+),")
        return cluster, match.group(1)

    def servers(self, program, count, after=0):
        """The urls of `count` servers, and the number of the last one's line."""
        urls = []
        for _ in range(count):
            match, after = program.expect(r"^Server is running: (\S+)", after)
            urls.append(match.group(1))
            after += 1
        return urls, after

    def assert_nothing_left(self, urls=()):
        self.assertEqual(processes_naming(str(self.scratch)), {})
        self.assertEqual(list(self.scratch.glob("mesos-cpp.*")), [])
        for url in urls:
            self.assertIsNone(answers(url))

    # --- The main job.

    def test_the_main_job_says_hello_and_leaves_nothing(self):
        program = self.scheduler()
        (url,), _ = self.servers(program, 1)
        self.assertEqual(fetch(url)[2], "Hello from Server")
        for promised in (
                r"^Embedded cluster: master 127\.0\.0\.1:\d+, 1 agent \(cpus [\d.]+, mem \d+, ports 31000-32000\)",
                r"^Scheduler registered with master 127\.0\.0\.1:\d+ as framework [0-9a-f-]{36}-0000$",
                r"^Received offer <[0-9a-f-]{36}-O0> with cpus=[\d.]+ mem=\d+ port=\d+ from localhost$",
                r"^Prepared task web-\S+ with offer <[0-9a-f-]{36}-O0>$",
                r"^Status update: task web-\S+ is in state TASK_STARTING",
                r"^Status update: task web-\S+ is in state TASK_RUNNING",
                r"^Server is running: http://127\.0\.0\.1:\d+/$"):
            self.assertEqual(program.count(promised), 1, promised + "\n" + program.output())
        self.assertEqual(program.end(signal.SIGINT), 0, program.output())
        program.expect(r"is in state TASK_KILLED")
        self.assert_nothing_left([url])

    def test_three_instances_serve_on_three_ports_and_a_killed_one_is_replaced(self):
        program = self.scheduler("--instances", "3", "--cpus", "0.1", "--mem", "32")
        urls, after = self.servers(program, 3)
        self.assertEqual(len(set(urls)), 3)
        before = self.executors()
        self.assertEqual(len(before), 3)
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        killed = time.monotonic()
        (url,), _ = self.servers(program, 1, after)
        self.assertLess(time.monotonic() - killed, 5)
        program.expect(rf"{before[victim]}.*TASK_FAILED", after)
        alive = self.executors()
        self.assertEqual(len(alive), 3)
        self.assertEqual(set(before) - {victim}, set(before) & set(alive))
        self.assertEqual(fetch(url)[2], "Hello from Server")
        self.assertEqual(sum(answers(u) == "Hello from Server" for u in {*urls, url}),
                         len({*urls, url}) - (0 if url in urls else 1))
        self.assertEqual(program.end(), 0)
        self.assert_nothing_left([*urls, url])

    def test_two_runs_side_by_side_both_serve(self):
        one, two = self.scheduler("--content", "one"), self.scheduler("--content", "two")
        (first,), _ = self.servers(one, 1)
        (second,), _ = self.servers(two, 1)
        self.assertEqual(fetch(first)[2], "one")
        self.assertEqual(fetch(second)[2], "two")
        self.assertEqual(one.end(), 0)
        self.assertEqual(fetch(second)[2], "two")
        self.assertEqual(two.end(), 0)
        self.assert_nothing_left([first, second])

    def test_a_port_that_somebody_took_is_left_for_another(self):
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            cluster, master = self.cluster("--resources", f"cpus:2;mem:1024;ports:[{port}-{port + 9}]")
            program = self.scheduler("--master", master)
            program.expect(rf"TASK_FAILED.*\b{port}\b")
            (url,), _ = self.servers(program, 1)
            # The next one, unless somebody else of this machine has just taken that, too.
            self.assertIn(url, [f"http://127.0.0.1:{port + n}/" for n in range(1, 10)])
            self.assertEqual(fetch(url)[2], "Hello from Server")
            self.assertEqual(program.end(), 0)
            self.assertEqual(cluster.end(), 0)

    # --- Failover.

    def test_a_killed_scheduler_comes_back_to_the_same_servers(self):
        cluster, master = self.cluster()
        flags = ("--master", master, "--state", str(self.scratch / "state"),
                 "--instances", "2", "--cpus", "0.1", "--mem", "32")
        program = self.scheduler(*flags)
        urls, _ = self.servers(program, 2)
        before = self.executors()
        program.process.kill()
        program.process.wait()
        self.assertEqual([answers(url) for url in urls], ["Hello from Server"] * 2)
        again = self.scheduler(*flags)
        again.expect(r"registered with master")
        told, after = self.servers(again, 2)
        self.assertEqual(set(told), set(urls))
        # Long enough for an offer to be taken, were one wanted.
        time.sleep(3)
        self.assertEqual(again.count(r"^Prepared task"), 0, again.output())
        self.assertEqual(self.executors(), before)
        # What it came back to, it also keeps: a server that dies now is replaced.
        os.kill(min(before), signal.SIGKILL)
        self.servers(again, 1, after)
        self.assertEqual(len(self.executors()), 2)
        # A stop is a failover: the servers live on.
        self.assertEqual(again.end(), 0, again.output())
        time.sleep(0.5)
        self.assertEqual(len(self.executors()), 2)
        # An uninstall is what ends them.
        uninstall = self.scheduler("--master", master, "--state", str(self.scratch / "state"),
                                   "--teardown")
        self.assertEqual(uninstall.process.wait(PATIENCE), 0, uninstall.output())
        self.assertTrue(eventually(lambda: not self.executors()))
        self.assertFalse((self.scratch / "state").exists())
        self.assertEqual(cluster.end(), 0)
        self.assert_nothing_left(urls)

    def test_one_state_has_one_scheduler(self):
        cluster, master = self.cluster()
        flags = ("--master", master, "--state", str(self.scratch / "state"))
        first = self.scheduler(*flags)
        self.servers(first, 1)
        second = self.scheduler(*flags)
        self.assertEqual(second.process.wait(PATIENCE), 2)
        second.expect(rf"another scheduler \(pid {first.process.pid}\) uses the state in")
        self.assertEqual(first.end(), 0)

        (self.scratch / "state" / "state.db").write_bytes(b"torn")
        damaged = self.scheduler(*flags)
        self.assertEqual(damaged.process.wait(PATIENCE), 2)
        damaged.expect(r"state\.db is not a database, or damaged .* move it away")
        self.assertEqual(cluster.end(), 0)

    def test_a_framework_that_was_removed_ends_with_3_and_is_cleared_by_a_teardown(self):
        cluster, master = self.cluster()
        flags = ("--master", master, "--state", str(self.scratch / "state"))
        first = self.scheduler(*flags)
        framework = first.expect(r"as framework (\S+)")[0].group(1)
        self.servers(first, 1)
        first.process.kill()
        first.process.wait()
        self.assertEqual(post(f"http://{master}/teardown", f"frameworkId={framework}"), 200)
        second = self.scheduler(*flags)
        self.assertEqual(second.process.wait(PATIENCE), 3, second.output())
        second.expect(r"the master has removed this framework.*--teardown")
        clear = self.scheduler(*flags, "--teardown")
        self.assertEqual(clear.process.wait(PATIENCE), 0, clear.output())
        third = self.scheduler(*flags)
        self.servers(third, 1)
        self.assertEqual(third.end(), 0)
        self.assertEqual(cluster.end(), 0)

    def test_a_scheduler_whose_framework_another_takes_over_ends_with_4(self):
        cluster, master = self.cluster()
        flags = ("--master", master, "--state", str(self.scratch / "state"))
        first = self.scheduler(*flags)
        urls, _ = self.servers(first, 1)
        # As after a restore of yesterday's copy on another machine.
        shutil.copytree(self.scratch / "state", self.scratch / "copy")
        second = self.scheduler("--master", master, "--state", str(self.scratch / "copy"))
        self.assertEqual(first.process.wait(PATIENCE), 4, first.output())
        first.expect(r"another scheduler has taken this framework over")
        self.assertEqual(self.servers(second, 1)[0], urls)
        self.assertEqual(len(self.executors()), 1)
        self.assertEqual(second.end(), 0)
        self.assertEqual(cluster.end(), 0)

    # --- The ways to name a master, and masters that are not there.

    def test_a_master_may_be_named_by_a_file_and_by_the_environment(self):
        cluster, master = self.cluster()
        (self.scratch / "master").write_text(master + "\n")
        for flags, environment in ((["--master", f"file://{self.scratch}/master"], {}),
                                   ([], {"MESOS_MASTER": master, "MESOS_CPP_CONTENT": "from the environment"})):
            program = self.scheduler(*flags, **environment)
            (url,), _ = self.servers(program, 1)
            self.assertEqual(fetch(url)[2], environment.get("MESOS_CPP_CONTENT", "Hello from Server"))
            self.assertEqual(program.count(r"^Embedded cluster"), 0)
            self.assertEqual(program.end(), 0)
        self.assertEqual(cluster.end(), 0)

    def test_a_master_that_is_not_there_is_waited_for_aloud(self):
        program = self.scheduler("--master", f"127.0.0.1:{free_port()}")
        match, line = program.expect(r"127\.0\.0\.1:\d+.*[Cc]onnection refused")
        program.expect(r"[Cc]onnection refused", line + 1)
        self.assertEqual(program.end(), 0, program.output())

    def test_bad_flags_are_named_with_what_is_accepted(self):
        for flags, words in (
                (["--master", "zk://127.0.0.1:2181"], ["--master", "names no node"]),
                (["--master", "http//nonsense"], ["--master", "http//nonsense", "HOST:PORT"]),
                (["--cpus", "many"], ["--cpus", "many"]),
                (["--mem", "-5"], ["--mem", "-5"]),
                (["--instances", "1.5"], ["--instances", "1.5"]),
                (["--executor", "/nowhere/executor"], ["--executor", "/nowhere/executor"]),
                (["--no-such-flag"], ["--no-such-flag"]),
                (["--teardown"], ["--teardown", "--state"]),
                (["--framework-id-file", "f"], ["--framework-id-file", "--state DIR"]),
                (["--master", "10.0.0.1:5050"], ["--artifact-address", "--executor-uri"])):
            program = self.scheduler(*flags)
            self.assertEqual(program.process.wait(PATIENCE), 2, f"{flags}: {program.output()}")
            program.reader.join(5)
            for word in words:
                self.assertIn(word, program.output())

    def test_help_is_worth_reading(self):
        for name in ("scheduler", "local-cluster"):
            program = self.start(name, "--help")
            self.assertEqual(program.process.wait(PATIENCE), 0)
            program.reader.join(5)
            self.assertGreater(len(program.lines), 15)

    # --- Executors that do not work.

    def test_an_executor_that_cannot_be_fetched_is_told_and_tried_again(self):
        program = self.scheduler("--executor-uri", f"http://127.0.0.1:{free_port()}/executor")
        _, line = program.expect(r"TASK_FAILED.*Failed to fetch")
        program.expect(r"TASK_FAILED.*Failed to fetch", line + 1)
        self.assertEqual(program.end(), 0)
        self.assert_nothing_left()

    def test_an_executor_that_dies_at_once_is_told_and_tried_again(self):
        program = self.scheduler("--executor", "/bin/false")
        _, line = program.expect(r"TASK_FAILED.*Executor terminated")
        program.expect(r"TASK_FAILED.*Executor terminated", line + 1)
        self.assertEqual(program.end(), 0)
        self.assert_nothing_left()

    # --- The server itself.

    def test_the_server_speaks_http(self):
        program = self.scheduler("--content", "<!doctype html><p>hello")
        (url,), _ = self.servers(program, 1)
        status, headers, body = fetch(url)
        self.assertEqual((status, body), (200, "<!doctype html><p>hello"))
        self.assertEqual(headers["Content-Length"], str(len(body)))
        self.assertTrue(headers["Content-Type"].startswith("text/html"))
        status, headers, body = fetch(url, "HEAD")
        self.assertEqual((status, headers["Content-Length"], body), (200, "23", ""))
        self.assertEqual(fetch(url + "nowhere")[0], 404)
        status, headers, _ = fetch(url, "DELETE")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))

        port = int(url.split(":")[2].rstrip("/"))
        with socket.create_connection(("127.0.0.1", port), timeout=5) as pipelined:
            pipelined.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n"
                              b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            received = b""
            while chunk := pipelined.recv(65536):
                received += chunk
            self.assertEqual(re.findall(rb"HTTP/1.1 (\d+)", received), [b"200", b"404", b"200"])
        for request, expected in ((b"GET / HTTP/1.1\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", b"431"),
                                  (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
                                  (b"nonsense\r\n\r\n", b"400")):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
                try:
                    raw.sendall(request)
                    answer = raw.recv(65536)
                except ConnectionError:
                    answer = b""
                self.assertIn(b"HTTP/1.1 " + expected, answer)
        self.assertEqual(fetch(url)[0], 200)
        self.assertEqual(program.end(), 0)

    # --- The cluster alone.

    def test_a_busy_port_of_the_cluster_is_said_in_a_sentence(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            program = self.start("local-cluster", "--port", str(port))
            self.assertEqual(program.process.wait(PATIENCE), 1, program.output())
            program.reader.join(5)
            self.assertIn(str(port), program.output())
            self.assertIn("in use", program.output())

    def test_the_cluster_fails_on_request(self):
        cluster, master = self.cluster("--time-scale", "10")

        def fail(*arguments):
            program = self.start("local-cluster", "fail", *arguments)
            code = program.process.wait(PATIENCE)
            program.reader.join(5)
            return code, program.output()

        def master_id():
            return json.loads(urllib.request.urlopen(f"http://{master}/state").read())["id"]

        before = master_id()
        self.assertEqual(fail(master, "failover-master"), (0, ""))
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if master_id() != before:
                    break
            except OSError:  # Between the one and the other.
                pass
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertEqual(fail(master, "partition-agent", "--agent", "0", "--for", "100ms"), (0, ""))
        self.assertEqual(fail(master, "kill-agent", "--agent", "0"), (0, ""))
        for arguments, expected, words in (
                ((master, "kill-agent", "--agent", "0"), 1, "The agent 0 is gone"),
                ((master, "kill-agent"), 1, "needs an 'agent'"),
                ((master, "earthquake"), 1, "Unknown fault 'earthquake'"),
                ((f"127.0.0.1:{free_port()}", "failover-master"), 1, "refused"),
                (("nonsense", "failover-master"), 2, "nonsense"),
                ((), 2, "MASTER")):
            code, output = fail(*arguments)
            self.assertEqual(code, expected, output)
            self.assertIn(words, output)
        self.assertEqual(cluster.end(), 0, cluster.output())

    def test_the_cluster_survives_arbitrary_bytes(self):
        cluster, master = self.cluster()
        host, port = master.split(":")
        noise = bytes(range(256)) * 64
        pieces = [noise, b"\r\n\r\n" * 1000, b"GET " + noise, b"POST /api/v1/scheduler HTTP/1.1\r\n",
                  b"POST /api/v1/scheduler HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                  b"Content-Length: 5\r\n\r\n{\"a\":",
                  b"POST /api/v1/scheduler HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\n"
                  b"Content-Length: 4096\r\n\r\n" + noise[:4096],
                  b"POST /api/v1/scheduler HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]
        for piece in pieces:
            with socket.create_connection((host, int(port)), timeout=5) as raw:
                try:
                    raw.sendall(piece)
                    raw.settimeout(0.2)
                    raw.recv(65536)
                except OSError:
                    pass
        self.assertEqual(fetch(f"http://{master}/health")[0], 200)
        program = self.scheduler("--master", master)
        self.servers(program, 1)
        self.assertEqual(program.end(), 0)
        self.assertEqual(cluster.end(), 0)
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main(verbosity=2)
