#!/usr/bin/env python3
"""How long a scheduler is without a subscription when the leading master fails, over many changes.

Usage: resubscription_time.py BIN_DIR [CHANGES]. Prints a line a change and the percentiles."""

import math
import sys
import time

changes = int(sys.argv.pop(2)) if len(sys.argv) > 2 else 100

import failover_test  # It takes BIN_DIR off the command line.
from programs_test import eventually, fetch


def main():
    test = failover_test.FailoverTest("test_masters_fail_one_after_the_other")
    failover_test.FailoverTest.setUpClass()
    test.setUp()
    took = []
    try:
        _, masters = test.masters(3)
        scheduler = test.scheduler("--master", test.url, "--cpus", "0.1", "--mem", "32",
                                   "--failover-timeout", "10mins")
        _, line = scheduler.expect("^Server is running")
        for change in range(changes):
            masters.wait_for_leader()
            asked = time.monotonic()
            test.fail_leader(masters)
            _, line = scheduler.expect("^Scheduler reregistered", line + 1)
            took.append(time.monotonic() - asked)
            print(f"{change + 1}: {took[-1]:.3f} s", flush=True)
            # All are back before the next one fails.
            assert eventually(lambda: all(answers(master) for master in masters))
    finally:
        test.tearDown()
        failover_test.FailoverTest.tearDownClass()
    took.sort()
    at = lambda share: took[max(0, math.ceil(share * len(took)) - 1)]
    print(f"{len(took)} changes: p50 {at(0.5):.3f} s, p99 {at(0.99):.3f} s, most {took[-1]:.3f} s")


def answers(master):
    try:
        return fetch(f"http://{master}/health")[0] == 200
    except OSError:
        return False


if __name__ == "__main__":
    main()
