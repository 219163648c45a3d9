#!/usr/bin/env python3
"""A scheduler and an executor on mesos-go's v1 library, against the embedded cluster.

Usage: mesos_go_test.py BIN_DIR BUILD_DIR [unittest arguments]"""

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
        for name in ("scheduler", "executor"):
            subprocess.run(["go", "build", "-o", cls.build_dir / name, f"./{name}"],
                           cwd=interop.HERE / "mesos_go", env=env, check=True)

    def scheduler(self, codec):
        return self.start(self.build_dir / "scheduler", "-master", self.master, "-codec", codec,
                          "-executor", self.build_dir / "executor")

    def test_lives_in_protobuf(self):
        self.live(self.scheduler("protobuf"), "go-executor")

    def test_lives_in_json(self):
        self.live(self.scheduler("json"), "go-executor")


if __name__ == "__main__":
    interop.main(MesosGo)
