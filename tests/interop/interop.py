"""What the tests of other people's clients share: the cluster, a client's program, the story.

Each client's scheduler takes orders from stdin and says on stdout what it was told
(mesos_go/scheduler/main.go lists both). The story is the same for all."""

import contextlib
import http.client
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
# A limit is there to end a hang, not to measure.
PATIENCE = 60
RESOURCES = "cpus:4;mem:2048;disk:1024;ports:[31000-31099]"


class Program:
    """A process that is told lines, and whose output is read line by line."""

    def __init__(self, *command, cwd=None, env=None):
        self.lines = []
        self.arrived = threading.Condition()
        self.process = subprocess.Popen(
            [str(part) for part in command], cwd=cwd, env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace")
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.arrived:
                self.lines.append(line.rstrip("\n"))
                self.arrived.notify_all()
        with self.arrived:
            self.arrived.notify_all()

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def here(self):
        """For expect(): what was said until now does not count."""
        return len(self.lines)

    def expect(self, pattern, after=0, timeout=PATIENCE):
        """The first match of `pattern` in a line from number `after` on."""
        deadline = time.monotonic() + timeout
        with self.arrived:
            while True:
                for line in self.lines[after:]:
                    match = re.search(pattern, line)
                    if match:
                        return match
                left = deadline - time.monotonic()
                over = self.process.poll() is not None and not self.reader.is_alive()
                if left <= 0 or over:
                    raise AssertionError(f"no line with {pattern!r} in:\n" + self.output())
                self.arrived.wait(min(left, 0.5))

    def count(self, pattern):
        return sum(1 for line in self.lines if re.search(pattern, line))

    def output(self):
        return "\n".join(self.lines)

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(5)
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.returncode


class InteropTest(unittest.TestCase):
    """A cluster for each test; the story that every client is to live through."""

    bin_dir = None  # Where local-cluster is.

    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="mesos-cpp-interop."))
        self.started = []

    def tearDown(self):
        for program in reversed(self.started):
            program.end()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def start(self, *command, **options):
        program = Program(*command, **options)
        self.started.append(program)
        return program

    def start_cluster(self, masters=1):
        cluster = self.start(
            self.bin_dir / "local-cluster", "--port", "0", "--agent-port", "0", "--time-scale", "10",
            "--resources", RESOURCES, "--masters", masters, env={"TMPDIR": str(self.scratch)})
        # The first one leads.
        self.master = cluster.expect(r"^Embedded cluster: masters? ([^, ]+)").group(1)

    def launch(self, scheduler, executor):
        """A task that stays, one that ends, one of the client's own executor."""
        scheduler.expect(r"^subscribed as \S+-0000\b")
        scheduler.tell("command stays exec sleep 1000")
        scheduler.tell("command ends exit 0")
        scheduler.expect(r"^task stays is TASK_RUNNING")
        scheduler.expect(r"^task ends is TASK_FINISHED .* message \"Command exited with status 0\"")
        scheduler.tell("executor own")
        scheduler.expect(r"^task own is TASK_RUNNING .* data \"data of own\"")
        scheduler.tell(f"message {executor} hello there")
        scheduler.expect(rf"^message from {executor}: \"heard hello there\"")

    def reconcile(self, scheduler):
        start = scheduler.here()
        scheduler.tell("reconcile")
        for task in ("stays", "own"):
            scheduler.expect(rf"^task {task} is TASK_RUNNING reason REASON_RECONCILIATION", start)

    def kill(self, scheduler, tasks=("stays", "own")):
        for task in tasks:
            scheduler.tell(f"kill {task}")
            scheduler.expect(rf"^task {task} is TASK_KILLED")

    def tear_down(self, scheduler):
        scheduler.tell("teardown")
        scheduler.expect("^torn down")
        self.assertEqual(scheduler.process.wait(PATIENCE), 0)

    def sandboxes(self):
        """What the tasks wrote, to be read when a test fails."""
        text = ""
        for name in ("stdout", "stderr"):
            for path in self.scratch.rglob(f"runs/*/{name}"):
                if path.parent.name != "latest":
                    text += f"\n--- {path}:\n{path.read_text(errors='replace')}"
        return text

    @contextlib.contextmanager
    def told_with_sandboxes(self):
        try:
            yield
        except AssertionError as error:
            raise AssertionError(str(error) + self.sandboxes()) from error

    def survive(self, fault, scheduler, executor):
        """A new master takes over: the same framework, the same tasks, and new ones. After
        `failover-master` it is where the old one was; after `fail-leader` it is another, to which
        the one that comes back redirects."""
        with self.told_with_sandboxes():
            self.launch(scheduler, executor)
            framework = scheduler.expect(r"^subscribed as (\S+)").group(1)
            after = scheduler.here()
            subprocess.run([self.bin_dir / "local-cluster", "fail", self.master, fault],
                           check=True, stdout=subprocess.DEVNULL)
            scheduler.expect(rf"^subscribed as {framework}\b", after)
            self.assertEqual(self.status_of_master(), 307 if fault == "fail-leader" else 200)
            self.reconcile_until_known(scheduler)
            scheduler.tell("command again exec sleep 1000")
            scheduler.expect("^task again is TASK_RUNNING")
            after = scheduler.here()
            scheduler.tell(f"message {executor} still there")
            scheduler.expect(rf"^message from {executor}: \"heard still there\"", after)
            for task in ("stays", "own"):  # Neither ended nor was started again.
                self.assertEqual(scheduler.count(rf"^task {task} is TASK_RUNNING reason none"), 1,
                                 scheduler.output())
            self.kill(scheduler, ("stays", "own", "again"))
            self.tear_down(scheduler)

    def status_of_master(self):
        """Of the one that the scheduler was told of: 307 if it does not lead."""
        connection = http.client.HTTPConnection(self.master, timeout=PATIENCE)
        try:
            connection.request("GET", "/state")
            return connection.getresponse().status
        finally:
            connection.close()

    def reconcile_until_known(self, scheduler):
        """While agents come back to a new master, it knows nothing of their tasks, or says so."""
        deadline = time.monotonic() + PATIENCE
        for task in ("stays", "own"):
            while True:
                start = scheduler.here()
                scheduler.tell("reconcile")
                try:
                    scheduler.expect(rf"^task {task} is TASK_RUNNING reason REASON_RECONCILIATION",
                                     start, timeout=1)
                    break
                except AssertionError:
                    if time.monotonic() > deadline:
                        raise

    def live(self, scheduler, executor):
        with self.told_with_sandboxes():
            self.live_through(scheduler, executor)

    def live_through(self, scheduler, executor):
        self.launch(scheduler, executor)
        self.reconcile(scheduler)
        # Each state is told once: everything was acknowledged, in time and as Mesos wants it.
        time.sleep(2.5)  # Beyond the first repetition of an unacknowledged update (U11, scaled).
        for task, state in (("stays", "RUNNING"), ("ends", "FINISHED"), ("own", "RUNNING")):
            told = scheduler.count(rf"^task {task} is TASK_{state} reason (?!REASON_RECONCILIATION)")
            self.assertEqual(told, 1, scheduler.output())
        self.kill(scheduler)
        scheduler.expect("^event HEARTBEAT")
        self.tear_down(scheduler)


def main(test_class):
    if len(sys.argv) < 3:
        sys.exit(f"Usage: {sys.argv[0]} BIN_DIR BUILD_DIR [unittest arguments]")
    InteropTest.bin_dir = pathlib.Path(sys.argv.pop(1)).resolve()
    build_dir = pathlib.Path(sys.argv.pop(1)).resolve()
    build_dir.mkdir(parents=True, exist_ok=True)
    test_class.build_dir = build_dir
    unittest.main(verbosity=2)
