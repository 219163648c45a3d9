#!/usr/bin/env python3
"""A scheduler, an executor and an operator's tool on mesos-go's v1 library, against the embedded
cluster.

Scenario 185. Usage: mesos_go_test.py BIN_DIR BUILD_DIR [unittest arguments]"""

import os
import subprocess
import sys

sys.dont_write_bytecode = True  # Nothing is written beside the sources.
import interop  # noqa: E402

# Debian's golang-github-mesos-mesos-go-dev lies here; it has no modules.
GO = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "-p=2"}


class MesosGo(interop.InteropTest):
    @classmethod
    def setUpClass(cls):
        env = {**os.environ, **GO, "GOCACHE": str(cls.build_dir / "cache")}
        for name in ("scheduler", "executor", "operator"):
            subprocess.run(["go", "build", "-o", cls.build_dir / name, f"./{name}"],
                           cwd=interop.HERE / "mesos_go", env=env, check=True)

    def scheduler(self, codec, masters=1):
        self.start_cluster(masters)
        return self.start(self.build_dir / "scheduler", "-master", self.master, "-codec", codec,
                          "-executor", self.build_dir / "executor")

    def test_lives_in_protobuf(self):
        self.live(self.scheduler("protobuf"), "go-executor")

    def test_lives_in_json(self):
        self.live(self.scheduler("json"), "go-executor")

    def test_survives_a_master_failover_in_protobuf(self):
        self.survive("failover-master", self.scheduler("protobuf"), "go-executor")

    def test_survives_a_master_failover_in_json(self):
        self.survive("failover-master", self.scheduler("json"), "go-executor")

    def test_follows_the_leader_in_protobuf(self):
        self.survive("fail-leader", self.scheduler("protobuf", masters=2), "go-executor")

    def test_follows_the_leader_in_json(self):
        self.survive("fail-leader", self.scheduler("json", masters=2), "go-executor")

    def test_an_operator_watches(self):
        # In protobuf alone: the JSON of this library, which is of Mesos 1.4, cannot read the
        # capabilities of agents since then.
        scheduler = self.scheduler("protobuf")
        self.launch(scheduler, "go-executor")
        operator = self.start(self.build_dir / "operator", "-master", self.master)
        for answer in ("GET_HEALTH", "GET_FLAGS", "GET_VERSION", "GET_METRICS", "GET_LOGGING_LEVEL",
                       "GET_FRAMEWORKS", "GET_EXECUTORS", "GET_ROLES", "GET_MASTER", "GET_AGENTS",
                       "GET_TASKS", "GET_STATE"):
            operator.expect(f"^answer {answer}$")
        operator.expect("^agent .*-S0 active true$")
        operator.expect("^event SUBSCRIBED$")
        self.assertEqual(operator.count("^task (stays|own) is TASK_RUNNING on .*-S0$"), 4,
                         operator.output())
        self.kill(scheduler)
        for task in ("stays", "own"):
            operator.expect(f"^event TASK_UPDATED {task} TASK_KILLED$")
        self.tear_down(scheduler)
        operator.expect("^event FRAMEWORK_REMOVED$")
        operator.expect("^event (HEARTBEAT|9)$")  # Which this library has no name for.


if __name__ == "__main__":
    interop.main(MesosGo)
