#!/usr/bin/env python3
"""Who may and who may not, with the programs as a person runs them.

Usage: security_test.py BIN_DIR [unittest arguments]"""

import json
import os
import pathlib
import re
import resource
import signal
import socket
import ssl
import subprocess
import unittest
import urllib.error
import urllib.request

import programs_test as programs

AUTHORITY = pathlib.Path(__file__).resolve().parent.parent / "support" / "make_authority.sh"
SECRET = "s3cret-of-this-test"


class SecurityTest(unittest.TestCase):
    # The helpers, without the tests.
    start = programs.ProgramsTest.start
    executors = programs.ProgramsTest.executors
    scheduler = programs.ProgramsTest.scheduler
    cluster = programs.ProgramsTest.cluster
    servers = programs.ProgramsTest.servers
    assert_nothing_left = programs.ProgramsTest.assert_nothing_left
    tearDown = programs.ProgramsTest.tearDown

    def setUp(self):
        programs.ProgramsTest.setUp(self)
        self.scratch.chmod(0o755)

    def write(self, name, text):
        path = self.scratch / name
        path.write_text(text)
        return str(path)

    def credentials(self):
        return self.write("credentials.json", json.dumps(
            {"credentials": [{"principal": "web", "secret": SECRET}]}))

    def authority(self):
        directory = self.scratch / "certificates"
        directory.mkdir()
        subprocess.run([AUTHORITY, directory], check=True)
        return lambda name: str(directory / name)

    def assert_kept(self, *programs_run):
        """Nobody could have read the secret."""
        for program in programs_run:
            self.assertNotIn(SECRET, program.output())
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            for file in ("cmdline", "environ"):
                try:
                    self.assertNotIn(SECRET.encode(), (entry / file).read_bytes())
                except OSError:
                    pass
        for path in self.scratch.rglob("*"):
            if path.is_file() and path.name not in ("credentials.json", "secret"):
                self.assertNotIn(SECRET.encode(), path.read_bytes(), path)

    # --- Credentials.

    def test_only_who_knows_the_secret_is_let_in(self):
        cluster, master = self.cluster("--credentials", self.credentials(), "--verbose")
        nobody = self.scheduler("--master", master)
        nobody.expect(r"^scheduler: .*answers 401.*--secret-file")
        self.assertEqual(nobody.process.wait(programs.PATIENCE), 5)
        wrong = self.scheduler("--master", master, "--principal", "web", "--secret-file",
                               self.write("wrong", "guess\n"))
        wrong.expect(r"^scheduler: .*answers 401.*Check the principal and the secret")
        self.assertEqual(wrong.process.wait(programs.PATIENCE), 5)
        program = self.scheduler("--master", master, "--log-level", "debug",
                                 MESOS_CPP_PRINCIPAL="web",
                                 MESOS_CPP_SECRET_FILE=self.write("secret", SECRET + "\n"))
        (url,), _ = self.servers(program, 1)
        self.assertEqual(programs.fetch(url)[2], "Hello from Server")
        self.assert_kept(program, cluster)
        self.assertEqual(programs.fetch(f"http://{master}/state")[0], 401)
        request = urllib.request.Request(f"http://{master}/state")
        request.add_header("Authorization", "Basic " + self.basic("web", SECRET))
        with urllib.request.urlopen(request) as answer:
            (framework,) = json.load(answer)["frameworks"]
        self.assertEqual(framework["principal"], "web")
        self.assertNotIn(SECRET, json.dumps(framework))
        self.assertEqual(program.end(), 0, program.output())
        self.assertEqual(cluster.end(), 0)
        self.assert_nothing_left([url])

    @staticmethod
    def basic(principal, secret):
        import base64
        return base64.b64encode(f"{principal}:{secret}".encode()).decode()

    def test_mistakes_about_secrets_are_told_without_them(self):
        for arguments, sentence in (
                (("--secret-file", "/no/such"), "--principal"),
                (("--principal", "a", "--secret-file", "/no/such"), "/no/such"),
                (("--principal", "a", "--secret-file", self.write("s", SECRET + ":")), "colon")):
            program = self.scheduler(*arguments)
            program.expect(re.escape(sentence))
            self.assertEqual(program.process.wait(programs.PATIENCE), 2)
            self.assertNotIn(SECRET, program.output())
        cluster = self.start("local-cluster", "--port", "0", "--credentials", self.write("c", SECRET))
        cluster.expect("expected JSON")
        self.assertEqual(cluster.process.wait(programs.PATIENCE), 2)
        self.assertNotIn(SECRET, cluster.output())

    # --- Executors.

    def test_executors_have_tokens_and_a_socket_of_their_own(self):
        cluster, master = self.cluster(
            "--flag", "authenticate_http_executors=true",
            "--flag", "jwt_secret_key=" + self.write("secret", SECRET),
            "--flag", "http_executor_domain_sockets=true")
        program = self.scheduler("--master", master)
        (url,), _ = self.servers(program, 1)
        self.assertEqual(programs.fetch(url)[2], "Hello from Server")
        (pid,) = self.executors()
        environment = programs.processes_naming(str(self.scratch))[pid]
        self.assertRegex(environment["MESOS_EXECUTOR_AUTHENTICATION_TOKEN"], r"^[\w-]+\.[\w-]+\.[\w-]+$")
        self.assertTrue(pathlib.Path(environment["MESOS_DOMAIN_SOCKET"]).is_socket())
        port = int(environment["MESOS_AGENT_ENDPOINT"].rsplit(":", 1)[1])
        self.assertEqual(self.tcp_peers(pid, port), 0)
        self.assert_kept(program, cluster)
        # The socket serves nothing else.
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(environment["MESOS_DOMAIN_SOCKET"])
            raw.sendall(b"GET /state HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(raw.recv(4096).startswith(b"HTTP/1.1 403 "))
        self.assertEqual(program.end(), 0, program.output())
        self.assertEqual(cluster.end(), 0)
        self.assert_nothing_left([url])

    @staticmethod
    def tcp_peers(pid, port):
        """How many connections of a process go to this port."""
        inodes = {match.group(1) for match in (
            re.fullmatch(r"socket:\[(\d+)\]", os.readlink(fd))
            for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir()) if match}
        lines = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(1 for line in lines if line[9] in inodes and line[2].endswith(f":{port:04X}"))

    # --- TLS.

    def test_a_cluster_that_speaks_tls(self):
        file = self.authority()
        cluster, master = self.cluster("--tls-cert", file("server.pem"), "--tls-key", file("server.key"),
                                       "--tls-ca", file("ca.pem"))
        self.assertTrue(master.startswith("https://127.0.0.1:"), master)
        program = self.scheduler("--master", master, "--ca-file", file("ca.pem"),
                                 "--artifact-cert-file", file("server.pem"),
                                 "--artifact-key-file", file("server.key"))
        (url,), _ = self.servers(program, 1)
        self.assertEqual(programs.fetch(url)[2], "Hello from Server")
        (pid,) = self.executors()
        self.assertTrue(programs.processes_naming(str(self.scratch))[pid]["LIBPROCESS_SSL_ENABLED"])
        with urllib.request.urlopen(f"{master}/health", context=self.context(file("ca.pem"))) as answer:
            self.assertEqual(answer.status, 200)
        with self.assertRaises(urllib.error.URLError):
            urllib.request.urlopen(f"{master}/health", context=self.context(file("stranger-ca.pem")))
        with self.assertRaises(OSError):
            programs.fetch(master.replace("https", "http") + "/health")
        self.assertEqual(program.end(), 0, program.output())
        distrustful = self.scheduler("--master", master, "--ca-file", file("stranger-ca.pem"))
        distrustful.expect(r"certificate is refused")
        distrustful.end(signal.SIGKILL)
        self.assertEqual(cluster.end(), 0)

    def test_a_cluster_that_wants_certificates_of_its_clients(self):
        file = self.authority()
        cluster, master = self.cluster("--tls-cert", file("server.pem"), "--tls-key", file("server.key"),
                                       "--tls-ca", file("ca.pem"), "--tls-client-ca", file("ca.pem"))
        nobody = self.scheduler("--master", master, "--ca-file", file("ca.pem"))
        nobody.expect(r"TLS fails|closed by the peer|reset")
        nobody.end(signal.SIGKILL)
        program = self.scheduler("--master", master, "--ca-file", file("ca.pem"), "--cert-file",
                                 file("client.pem"), "--key-file", file("client.key"))
        (url,), _ = self.servers(program, 1)
        self.assertEqual(programs.fetch(url)[2], "Hello from Server")
        self.assertEqual(program.end(), 0, program.output())
        self.assertEqual(cluster.end(), 0)
        self.assert_nothing_left([url])

    def test_only_who_may_makes_a_cluster_fail(self):
        file = self.authority()
        cluster, master = self.cluster("--tls-cert", file("server.pem"), "--tls-key", file("server.key"),
                                       "--tls-ca", file("ca.pem"), "--credentials", self.credentials())
        secret = self.write("secret", SECRET + "\n")
        who = ("--principal", "web", "--secret-file", secret)
        trusting = ("--ca-file", file("ca.pem"))
        for arguments, status, sentence in (
                (trusting, 1, "answered 401: --principal and --secret-file say who you are"),
                (who, 1, "certificate is refused"),
                (trusting + who[:2], 2, "--secret-file"),
                (trusting + who, 0, None)):
            asked = self.start("local-cluster", "fail", master, "cut-connections", *arguments)
            self.assertEqual(asked.process.wait(programs.PATIENCE), status, asked.output())
            if sentence:
                asked.expect(re.escape(sentence))
            self.assert_kept(asked)
        self.assertEqual(cluster.end(), 0)

    @staticmethod
    def context(ca):
        return ssl.create_default_context(cafile=ca)

    def test_the_plain_executor_says_that_it_cannot_speak_tls(self):
        program = self.start("executor", MESOS_FRAMEWORK_ID="f", MESOS_EXECUTOR_ID="e",
                             MESOS_AGENT_ENDPOINT="127.0.0.1:1", LIBPROCESS_SSL_ENABLED="1")
        program.expect(r"the agent speaks TLS .*built without TLS")
        self.assertNotEqual(program.process.wait(programs.PATIENCE), 0)

    # --- Floods.

    def test_idle_connections_keep_nobody_out(self):
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))  # As the cluster will have it.
        try:
            cluster, master = self.cluster("--resources", "cpus:2;mem:1024;ports:[31000-32000]")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, before[1]), before[1]))
        host, port = master.split(":")
        flood = [socket.create_connection((host, int(port)), timeout=5) for _ in range(2000)]
        try:
            self.assertEqual(programs.fetch(f"http://{master}/health")[0], 200)
            program = self.scheduler("--master", master)
            (url,), _ = self.servers(program, 1)
            self.assertEqual(programs.fetch(url)[2], "Hello from Server")
            self.assertEqual(program.end(), 0, program.output())
        finally:
            for connection in flood:
                connection.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        self.assertEqual(cluster.end(), 0)
        self.assert_nothing_left([url])


if __name__ == "__main__":
    unittest.main(verbosity=2)
