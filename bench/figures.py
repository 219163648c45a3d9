"""What the benches written in Python share: their flags, and the JSON line of a figure."""

import argparse
import json
import math
import pathlib
import subprocess


def options(question):
    """--build, --quick and --seed."""
    parser = argparse.ArgumentParser(description=question)
    parser.add_argument("--build", required=True, type=pathlib.Path,
                        help="the build directory whose programs are measured")
    parser.add_argument("--quick", action="store_true",
                        help="little work: to see that the output is right")
    parser.add_argument("--seed", type=int, default=1, help="of what is random")
    return parser.parse_args()


def exponent(sizes, costs):
    """Of the power of size that cost follows best: 1 is linear."""
    xs, ys = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys)) / sum((a - x) ** 2 for a in xs)


def _cpu():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(": ", 1)[1]
    return "unknown"


def _compiler():
    return "GCC " + subprocess.run(["c++", "-dumpfullversion"], capture_output=True, text=True,
                                   check=False).stdout.strip()


class Figures:
    """Prints the figures of one bench."""

    def __init__(self, bench, chosen):
        self._common = {"bench": bench}
        self._ending = {"seed": chosen.seed, "quick": chosen.quick, "cpu": _cpu(),
                        "compiler": _compiler()}

    def growth(self, name, sizes, costs):
        """How cost grows with size: the exponent, at most 1.1."""
        self.print(f"{name}: growth, exponent", exponent(sizes, costs), "",
                   aim=("value", "at_most", 1.1), sizes=sizes, costs=costs)

    def print(self, name, value, unit, ratio=None, peer=None, aim=None, **more):
        """`ratio`: value divided by that of `peer` in this run. `aim`: ("value" or "ratio",
        "at_least" or "at_most", limit)."""
        line = {**self._common, "name": name, "value": value, "unit": unit, **more}
        if ratio is not None:
            line |= {"ratio": ratio, "peer": peer}
        if aim is not None:
            line |= {"aim_of": aim[0], aim[1]: aim[2]}
        print(json.dumps(line | self._ending), flush=True)
