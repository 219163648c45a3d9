#!/usr/bin/env python3
"""Leading masters that fail, with a real ZooKeeper: what the scheduler and its servers make of it.

Usage: failover_test.py BIN_DIR [unittest arguments]"""

import os
import signal
import threading
import time
import unittest

import programs_test
from masters import Masters
from programs_test import answers, eventually, fetch
from zookeeper import ZooKeeper


class Visitor:
    """Asks a server again and again, and counts what it does not answer."""

    def __init__(self, url):
        self.url, self.answered, self.failed = url, 0, []
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ending.wait(0.01):
            try:
                status, _, body = fetch(self.url)
                good = status == 200 and body == "Hello from Server"
            except OSError as error:
                good, body = False, repr(error)
            if good:
                self.answered += 1
            else:
                self.failed.append(body)

    def end(self):
        self.ending.set()
        self.thread.join()


class FailoverTest(unittest.TestCase):
    start = programs_test.ProgramsTest.start
    executors = programs_test.ProgramsTest.executors
    scheduler = programs_test.ProgramsTest.scheduler
    servers = programs_test.ProgramsTest.servers

    @classmethod
    def setUpClass(cls):
        cls.zookeeper = ZooKeeper()

    @classmethod
    def tearDownClass(cls):
        cls.zookeeper.remove()

    def setUp(self):
        programs_test.ProgramsTest.setUp(self)
        self.visitors = []
        self.url = self.zookeeper.url(f"/{self._testMethodName}/mesos", "user:hidden")

    def tearDown(self):
        for visitor in self.visitors:
            visitor.end()
        programs_test.ProgramsTest.tearDown(self)

    def masters(self, count, zookeeper=True):
        """A cluster with so many masters, and where they are."""
        contend = ["--zk", self.url] if zookeeper else []
        cluster = self.start("local-cluster", "--port", "0", "--agent-port", "0", "--masters",
                             str(count), "--verbose", *contend)
        return cluster, Masters(cluster)

    def fail_leader(self, masters):
        leader, status = masters.fail("fail-leader")
        self.assertEqual(status, 200)
        return leader

    def visit(self, urls):
        self.visitors = [Visitor(url) for url in urls]
        self.assertTrue(eventually(lambda: all(each.answered > 3 for each in self.visitors)))

    def run_servers(self, count, master=None):
        scheduler = self.scheduler("--master", master or self.url, "--instances", str(count), "--cpus", "0.1",
                                   "--mem", "32", "--failover-timeout", "10mins")
        urls, _ = self.servers(scheduler, count)
        self.visit(urls)
        # A port may have been taken by somebody else, and another task been tried.
        self.prepared = scheduler.count("^Prepared task")
        return scheduler

    def test_the_next_master_takes_over_and_no_request_fails(self):
        cluster, masters = self.masters(3)
        scheduler = self.run_servers(2)
        before = self.executors()
        failed = self.fail_leader(masters)
        _, line = scheduler.expect("^Scheduler reregistered")
        leader = masters.wait_for_leader(but=failed)
        self.assertNotEqual(leader, failed)
        self.assertTrue(eventually(lambda: '"activated_slaves":1' in fetch(f"http://{leader}/state")[2]))
        time.sleep(1)
        self.assertEqual(self.executors(), before)
        self.assertEqual(scheduler.count("^Prepared task"), self.prepared)
        # What ends from now on is replaced by way of the new master.
        victim = next(iter(before))
        known = set(before)
        for visitor in self.visitors:
            visitor.end()
        self.assertEqual([visitor.failed for visitor in self.visitors], [[], []])
        killed = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        _, line = scheduler.expect("^Server is running", line)
        self.assertLess(time.monotonic() - killed, 5)
        self.assertEqual(len(set(self.executors()) - known), 1)
        self.assertEqual(scheduler.count("^Prepared task"), self.prepared + 1)
        self.assertEqual(scheduler.end(), 0)
        self.assertEqual(cluster.end(), 0)
        self.assertNotIn("hidden", scheduler.output() + cluster.output())

    def test_masters_fail_one_after_the_other(self):
        _, masters = self.masters(2)
        scheduler = self.run_servers(1)
        before, line = self.executors(), 0
        for _ in range(3):
            failed = self.fail_leader(masters)
            _, line = scheduler.expect("^Scheduler reregistered", line)
            line += 1
            masters.wait_for_leader(but=failed)
        self.assertEqual(self.executors(), before)
        self.assertEqual(self.visitors[0].failed, [])

    def test_a_pause_of_zookeeper_ends_nothing(self):
        _, masters = self.masters(2)
        scheduler = self.run_servers(1)
        leader = masters.wait_for_leader()
        self.zookeeper.pause()
        time.sleep(0.5)
        self.zookeeper.resume()
        time.sleep(3)
        self.assertEqual(masters.leader(), leader)
        self.assertEqual(scheduler.count("subscription is lost"), 0)
        self.assertEqual(self.visitors[0].failed, [])

    def test_a_restart_of_zookeeper_costs_no_server(self):
        _, masters = self.masters(2)
        scheduler = self.run_servers(1)
        before = self.executors()
        self.zookeeper.stop()
        time.sleep(4)  # Twice as long as sessions live: the leading master ends (fact T37).
        self.zookeeper.start()
        masters.wait_for_leader()
        scheduler.expect("^Scheduler reregistered")
        self.assertEqual(self.executors(), before)
        self.assertEqual(scheduler.count("^Prepared task"), self.prepared)
        self.assertEqual(self.visitors[0].failed, [])

    def test_masters_agree_among_themselves_without_zookeeper(self):
        _, masters = self.masters(2, zookeeper=False)
        scheduler = self.run_servers(1, next(iter(masters)))
        before, line = self.executors(), 0
        for _ in range(2):
            self.fail_leader(masters)
            _, line = scheduler.expect("^Scheduler reregistered", line)
            line += 1
        self.assertEqual(self.executors(), before)
        self.assertEqual(scheduler.count("^Prepared task"), self.prepared)
        self.assertEqual(self.visitors[0].failed, [])

    def test_standbys_redirect(self):
        _, masters = self.masters(3)
        leader = masters.wait_for_leader()
        port = leader.rsplit(":", 1)[1]
        for standby in masters:
            if standby == leader:
                continue
            self.assertTrue(eventually(lambda: fetch(f"http://{standby}/state")[0] == 307))
            status, headers, body = fetch(f"http://{standby}/api/v1/scheduler", "POST")
            self.assertEqual((status, body), (307, ""))
            self.assertRegex(headers["Location"], f"^//[^/]+:{port}/master/api/v1/scheduler$")
            self.assertEqual(fetch(f"http://{standby}/health")[0], 200)
        # A scheduler that is given a standby finds the leader by itself.
        standby = next(each for each in masters if each != leader)
        scheduler = self.scheduler("--master", standby, "--cpus", "0.1", "--mem", "32")
        urls, _ = self.servers(scheduler, 1)
        self.assertEqual(answers(urls[0]), "Hello from Server")

    def test_the_scheduler_waits_for_a_leader_and_says_so(self):
        scheduler = self.scheduler("--master", self.url)
        scheduler.expect(r"No master .*zk://127\.0\.0\.1.*waiting")
        self.masters(1)
        scheduler.expect("^Server is running")
        self.assertNotIn("hidden", scheduler.output())


if __name__ == "__main__":
    unittest.main()
