#!/usr/bin/env python3
"""A scheduler and an executor on the npm package mesos-framework, against the embedded cluster.

Scenario 185. Usage: npm_test.py BIN_DIR BUILD_DIR [unittest arguments]"""

import shutil
import subprocess
import sys

sys.dont_write_bytecode = True  # Nothing is written beside the sources.
import interop  # noqa: E402

SOURCES = interop.HERE / "npm"


class Npm(interop.InteropTest):
    @classmethod
    def setUpClass(cls):
        installed = cls.build_dir / "installed-lock.json"
        lock = SOURCES / "package-lock.json"
        if installed.exists() and installed.read_bytes() == lock.read_bytes():
            return
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(SOURCES / name, cls.build_dir / name)
        # The lock file has a hash of each package, and no address: any registry will do.
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                       cwd=cls.build_dir, check=True)
        shutil.copyfile(lock, installed)

    def scheduler(self, masters=1):
        self.start_cluster(masters)
        return self.start("node", "--no-deprecation", SOURCES / "scheduler.js", self.master,
                          SOURCES / "executor.js", self.scratch, cwd=self.scratch,
                          env={"NODE_PATH": str(self.build_dir / "node_modules")})

    def test_lives(self):
        self.live(self.scheduler(), "npm-executor")

    def test_survives_a_master_failover(self):
        self.survive("failover-master", self.scheduler(), "npm-executor")

    def test_follows_the_leader(self):
        self.survive("fail-leader", self.scheduler(masters=2), "npm-executor")


if __name__ == "__main__":
    interop.main(Npm)
