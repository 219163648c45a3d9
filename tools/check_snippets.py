#!/usr/bin/env python3
"""Every ```cpp block of the docs stands, line by line and in order, in a file that is compiled.

A block names its file in the line above it: <!-- from examples/minimal/scheduler.cpp -->. A line
that is only `…` stands for anything left out."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def missing_line(block, source):
    """The first line of `block` that does not follow in `source`; None if all do."""
    position, gap = 0, True
    for line in block:
        text = line.strip()
        if text in ("…", "// …"):
            gap = True
            continue
        if not text:
            continue
        while position < len(source) and not source[position].strip():
            position += 1
        while gap and position < len(source) and source[position].strip() != text:
            position += 1
        if position >= len(source) or source[position].strip() != text:
            return line
        position, gap = position + 1, False
    return None


def main():
    problems = blocks = 0
    for doc in DOCS:
        lines = doc.read_text(encoding="utf-8").splitlines()
        number = 0
        while number < len(lines):
            if lines[number].strip() != "```cpp":
                number += 1
                continue
            start = number
            end = next(i for i in range(start + 1, len(lines)) if lines[i].strip() == "```")
            blocks += 1
            marker = re.match(r"<!-- from (\S+) -->", lines[start - 1].strip())
            where = f"{doc.relative_to(ROOT)}:{start + 1}"
            if not marker or not (ROOT / marker.group(1)).is_file():
                print(f"{where}: a snippet must name its file above it: <!-- from FILE -->")
                problems += 1
            else:
                source = (ROOT / marker.group(1)).read_text(encoding="utf-8").splitlines()
                line = missing_line(lines[start + 1:end], source)
                if line is not None:
                    print(f"{where}: not in {marker.group(1)}: {line}")
                    problems += 1
            number = end + 1
    print(f"check_snippets: {blocks} snippet(s), {problems} problem(s)")
    return 1 if problems or not blocks else 0


if __name__ == "__main__":
    sys.exit(main())
