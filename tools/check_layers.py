#!/usr/bin/env python3
"""Fails on an include that crosses the layers of docs/ARCHITECTURE.md, or on a clock, socket or
thread below the line of the pure rows."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Folder: the folders it may include from, besides itself. "mesos" is include/mesos.
ALLOWED = {
    "include/mesos": {"mesos"},
    "src/base": {"mesos"},
    "src/resources": {"mesos", "base"},
    "src/protocol": {"mesos", "base"},
    "src/cluster": {"mesos", "base", "resources", "protocol"},
    "src/transport": {"mesos", "base", "protocol"},
    "src/driver": {"mesos", "base", "resources", "protocol", "transport"},
    "src/local": {"mesos", "base", "resources", "protocol", "cluster", "transport"},
    "framework/fleet": {"mesos", "base", "fleet"},
    "framework/store": {"mesos", "fleet", "store"},
    "framework/api": {"mesos", "base", "protocol", "transport", "fleet", "api"},
    "framework/scheduler": {"mesos", "base", "protocol", "transport", "fleet", "store", "api",
                            "scheduler"},
    "framework/executor": {"mesos", "base", "protocol", "transport", "fleet", "executor"},
    "examples/minimal": {"mesos"},
    "apps": {"mesos", "base", "protocol", "transport"},
}
# What the classic headers above may be asked for by pure code: no drivers, no cluster.
PURE_PUBLIC = {"types.hpp", "resources.hpp", "result.hpp", "reconciler.hpp"}
PURE = ["src/base", "src/resources", "src/protocol", "src/cluster", "framework/fleet"]
IMPURE_WORDS = re.compile(
    r"boost/asio|boost/beast|::now\(|random_device|std::thread|std::mutex|<thread>|<mutex>"
    r"|\bgetenv\b|\bsleep(_for|_until)?\(|spdlog|<sys/socket\.h>|<unistd\.h>")
HEAVY = re.compile(r"#include <(boost/(asio|beast)|spdlog|CLI|openssl|rapidjson|archive|sqlite3)[/.>]")
# The only readers of a clock.
CLOCK = re.compile(r"(steady_clock|system_clock)::now\(")
CLOCK_READERS = {"src/transport/event_loop.cpp"}


def sources(folder):
    base = ROOT / folder
    return sorted(p for p in base.rglob("*") if p.suffix in (".hpp", ".cpp"))


def main():
    problems = []

    def report(path, number, text):
        problems.append(f"{path.relative_to(ROOT)}:{number}: {text}")

    for folder, allowed in ALLOWED.items():
        own = folder.split("/")[-1]
        for path in sources(folder):
            test = path.name.endswith(("_test.cpp", "_fixture.hpp"))
            lines = path.read_text(encoding="utf-8").splitlines()
            for number, line in enumerate(lines, 1):
                match = re.match(r'#include (["<])([^">]+)[">]', line)
                if match:
                    target = match.group(2)
                    top = target.split("/")[0]
                    if match.group(1) == '"' and top != own and top not in allowed:
                        if not (test and top == "tests"):
                            report(path, number, f"{folder} may not include {target}")
                    if match.group(1) == "<" and top == "mesos" and "v1/" not in target:
                        pure = folder in PURE or folder == "src/transport"
                        if pure and not test and target.split("/")[1] not in PURE_PUBLIC:
                            report(path, number, f"{folder} may not include <{target}>")
                if path.suffix == ".hpp" and HEAVY.search(line):
                    report(path, number, "heavy header in a header; keep it in the .cpp")
                if folder in PURE and not test and IMPURE_WORDS.search(line):
                    report(path, number, f"impure word in a pure row: {line.strip()}")
                if CLOCK.search(line) and not test:
                    if str(path.relative_to(ROOT)) not in CLOCK_READERS:
                        report(path, number, "clock read outside of transport's currentTime()")
    for problem in problems:
        print(problem)
    print(f"check_layers: {len(problems)} problem(s)")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
