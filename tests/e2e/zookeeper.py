"""A ZooKeeper for tests: Debian's, on loopback, one server, ticking every 100 ms."""

import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

JAR = "/usr/share/java/zookeeper.jar"


class ZooKeeper:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mesos-cpp-zookeeper."))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = None
        (self.folder / "zoo.cfg").write_text(
            f"tickTime=100\ndataDir={self.folder}/data\nclientPort={self.port}\n"
            "clientPortAddress=127.0.0.1\nadmin.enableServer=false\nmaxClientCnxns=0\n"
            "4lw.commands.whitelist=srvr\n")
        self.start()

    def start(self, timeout=180):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["java", "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                 "-cp", f"{JAR}:{self.folder}",
                 "org.apache.zookeeper.server.ZooKeeperServerMain", str(self.folder / "zoo.cfg")],
                stdout=log, stderr=log)
        deadline = time.monotonic() + timeout
        while not self.answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError("ZooKeeper does not start:\n" + (self.folder / "log").read_text())
            time.sleep(0.05)

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"srvr")
                return connection.recv(9) == b"Zookeeper"
        except OSError:
            return False

    def url(self, path="/mesos", credentials=""):
        return f"zk://{credentials + '@' if credentials else ''}127.0.0.1:{self.port}{path}"

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """Kills it; what it holds is kept."""
        self.process.kill()
        self.process.wait()

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
