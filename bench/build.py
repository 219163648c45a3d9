#!/usr/bin/env python3
"""What does building cost?

A copy of the sources is built twice in directories of its own: the programs alone (what ./run
builds) and all with the tests (what ./test builds); the second again after touching one leaf source
and one header of the protocol. What a source costs is the time that its object took beside one
other; what a header costs, the CPU time of a source that includes nothing else."""

import concurrent.futures
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

from figures import Figures, options

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ["scheduler", "executor", "executor-tls", "local-cluster"]
COSTLIEST = 5


def fail(sentence):
    sys.exit(f"error: {sentence}")


def run(command, cwd):
    """Wall and CPU seconds."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if done.returncode != 0:
        fail(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (time.monotonic() - began,
            after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


class Tree:
    """A copy of the sources, and its build directories."""

    def __init__(self, place):
        self.source = pathlib.Path(place) / "source"
        shutil.copytree(ROOT, self.source, ignore=shutil.ignore_patterns("build", ".git"))

    def configure(self, name, tests):
        directory = self.source / "build" / name
        run(["cmake", "--preset", "release", "-B", directory, f"-DMESOS_TESTS={tests}"], self.source)
        return directory

    def build(self, directory, targets):
        return run(["ninja", "-j", str(os.cpu_count()), "-C", directory, *targets], self.source)

    def rebuild(self, directory, touched, targets):
        """After a change of that file."""
        time.sleep(0.01)
        os.utime(self.source / touched)
        return self.build(directory, targets)


def costliest_objects(directory):
    """The seconds that objects took, most first."""
    took = {}
    for line in (directory / ".ninja_log").read_text().splitlines()[1:]:
        start, end, _, output, _ = line.split("\t")
        if output.endswith(".o"):
            took[output] = (int(end) - int(start)) / 1000
    return sorted(took.items(), key=lambda item: -item[1])


def readable(tree, directory, output):
    """Which sources an object is made of."""
    unit = directory / output.removesuffix(".o")
    target = re.search(r"CMakeFiles/([^/]+)\.dir", output).group(1)
    if "/Unity/" not in output:
        return f"{unit.name} of {target}"
    sources = re.findall(r'#include "(.*)"', unit.read_text())
    folder = os.path.relpath(os.path.dirname(sources[0]), tree.source)
    stems = ", ".join(pathlib.Path(source).stem for source in sources)
    return f"{folder}/{{{stems}}} of {target}"


def costliest_headers(tree, directory):
    """The CPU seconds of a file that includes only that header."""
    flags = ["-std=c++20", "-fsyntax-only", "-w", "-x", "c++", "-Iinclude", "-Isrc", "-Iframework",
             "-isystem", directory / "proto/generated"]
    headers = [header for folder in ("include", "src", "framework")
               for header in sorted((tree.source / folder).rglob("*.hpp"))]

    def cost(header):
        compiler = subprocess.Popen(["g++", *flags, header], cwd=tree.source)
        _, status, usage = os.wait4(compiler.pid, 0)
        compiler.returncode = os.waitstatus_to_exitcode(status)
        if compiler.returncode != 0:
            fail(f"{header} does not compile alone")
        return str(header.relative_to(tree.source)), usage.ru_utime + usage.ru_stime

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return sorted(pool.map(cost, headers), key=lambda item: -item[1])


def main():
    chosen = options(__doc__.splitlines()[0])
    figures = Figures("build", chosen)
    with tempfile.TemporaryDirectory(prefix="mesos-build-") as place:
        tree = Tree(place)
        if chosen.quick:  # One small library.
            directory, leaf, header = tree.configure("tests", "OFF"), "base/base64.cpp", "base/uuid.hpp"
            programs = everything = ["mesos_base"]
        else:
            directory, leaf, header = None, "cluster/cors.cpp", "protocol/scheduler_session.hpp"
            programs, everything = PROGRAMS, ["all"]
            wall, cpu = tree.build(tree.configure("programs", "OFF"), programs)
            figures.print("the programs, clean", wall, "s", aim=("value", "at_most", 240))
            figures.print("the programs, clean: CPU", cpu, "s")
            directory = tree.configure("tests", "ON")
        wall, cpu = tree.build(directory, everything)
        figures.print("all with the tests, clean", wall, "s")
        figures.print("all with the tests, clean: CPU", cpu, "s")
        objects = costliest_objects(directory)
        for what, touched in (("one leaf source", leaf), ("one header", header)):
            for name, targets in (("the programs", programs), ("all", everything)):
                wall, _ = tree.rebuild(directory, "src/" + touched, targets)
                if wall < 0.05:
                    fail(f"nothing was built after src/{touched} was touched")
                figures.print(f"{name} after touching {what}, src/{touched}", wall, "s")
        for output, seconds in objects[:COSTLIEST]:
            figures.print(f"compiling {readable(tree, directory, output)}", seconds, "s")
        if not chosen.quick:
            for header, seconds in costliest_headers(tree, directory)[:COSTLIEST]:
                figures.print(f"including {header}", seconds, "s")


if __name__ == "__main__":
    main()
