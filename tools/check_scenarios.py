#!/usr/bin/env python3
"""Every scenario of the conformance list is a test, and docs/TESTING.md says how many of each group.

Usage: check_scenarios.py [--table | --where]

A scenario of tests/conformance has its number in its name (C019_…); other tests say "Scenario 149"
or "Scenarios 27 and 28" above them. --table prints the table of the docs, --where each number with
the files that cover it."""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE_IN = ROOT / "docs" / "TESTING.md"
GROUPS = [
    (1, 25, "HTTP surface"),
    (26, 31, "RecordIO, streams"),
    (32, 53, "Subscribing"),
    (54, 58, "Capabilities"),
    (59, 71, "Offers"),
    (72, 89, "Accepting, launches"),
    (90, 98, "Updates, acknowledgements"),
    (99, 108, "Kill, reconciliation, agent loss"),
    (109, 124, "Executor API"),
    (125, 132, "Command tasks, checks"),
    (133, 141, "Fetcher, sandbox"),
    (142, 148, "Operator API"),
    (149, 168, "Scheduler driver"),
    (169, 180, "Executor driver"),
    (181, 185, "End to end"),
]
# Number to the reason.
LEFT_OUT = {}


def mentioned(text):
    """The numbers of "Scenario 5", "Scenarios 5, 6 and 8" or "scenarios 5-8"."""
    numbers = set()
    for listed in re.findall(r"\b[Ss]cenarios? (\d+(?:(?:, | and |-)\d+)*)", text):
        for part in re.split(r", | and ", listed):
            first, _, last = part.partition("-")
            numbers.update(range(int(first), int(last or first) + 1))
    return numbers


def find():
    """Number to the files that cover it: those of tests/conformance, and others."""
    judged, tested = collections.defaultdict(set), collections.defaultdict(set)
    for path in sorted((ROOT / "tests" / "conformance").glob("*_test.cpp")):
        for number in re.findall(r"\bC(\d{3})_", path.read_text(encoding="utf-8")):
            judged[int(number)].add(path)
    others = [*(ROOT / "src").rglob("*_test.cpp"), *(ROOT / "framework").rglob("*_test.cpp"),
              *(ROOT / "tests").rglob("*.py"), *(ROOT / "tests" / "simulation").glob("*.cpp")]
    for path in sorted(others):
        for number in mentioned(path.read_text(encoding="utf-8")):
            tested[number].add(path)
    return judged, tested


def ranges(numbers):
    """"1-3, 5" of 1, 2, 3 and 5."""
    parts = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in parts)


def table(judged, tested):
    lines = ["| scenarios | | `conformance` | other tests | left out |", "|---|---|---|---|---|"]
    total = [0, 0, 0]
    for first, last, title in GROUPS:
        numbers = set(range(first, last + 1))
        by_judge = numbers & judged.keys()
        by_test = (numbers & tested.keys()) - by_judge
        left = numbers & LEFT_OUT.keys()
        cells = [f"{len(by_judge)}" if by_judge else "",
                 f"{len(by_test)}: {ranges(by_test)}" if by_test else "",
                 "; ".join(f"{n}: {LEFT_OUT[n]}" for n in sorted(left))]
        total = [total[0] + len(by_judge), total[1] + len(by_test), total[2] + len(left)]
        lines.append(f"| {first}-{last} | {title} | {cells[0]} | {cells[1]} | {cells[2]} |")
    lines.append(f"| {GROUPS[0][0]}-{GROUPS[-1][1]} | all | {total[0]} | {total[1]} | {total[2]} |")
    return [re.sub(r"  +", " ", line) for line in lines]


def main():
    judged, tested = find()
    if "--table" in sys.argv:
        print("\n".join(table(judged, tested)))
        return 0
    everything = range(GROUPS[0][0], GROUPS[-1][1] + 1)
    if "--where" in sys.argv:
        for number in everything:
            files = sorted(judged[number] | tested[number])
            print(number, *(path.relative_to(ROOT) for path in files), LEFT_OUT.get(number, ""))
        return 0
    problems = []
    for number in everything:
        covered = number in judged or number in tested
        if covered == (number in LEFT_OUT):
            problems.append(f"scenario {number} is " + ("both a test and left out" if covered
                                                        else "neither a test nor left out"))
    stray = (judged.keys() | tested.keys()) - set(everything)
    problems += [f"there is no scenario {number}" for number in sorted(stray)]
    if "\n".join(table(judged, tested)) not in TABLE_IN.read_text(encoding="utf-8"):
        problems.append(f"{TABLE_IN.relative_to(ROOT)} lacks what --table prints")
    print("\n".join(problems + [f"check_scenarios: {len(problems)} problem(s)"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
