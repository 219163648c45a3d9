#!/usr/bin/env python3
"""Draws docs/bench.svg from bench/results.json: how many times better than its peer each figure is,
and how costs grow with size."""

import html
import json
import math
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "docs/bench.svg"

WIDTH, ROW, LEFT, GAP = 960, 26, 350, 130
COLOURS = ["#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a", "#bf3989", "#0550ae"]


class Svg:
    def __init__(self):
        self._parts = []

    def add(self, tag, text=None, **attributes):
        words = " ".join(f'{key.replace("_", "-")}="{value}"' for key, value in attributes.items())
        self._parts.append(f"<{tag} {words}/>" if text is None else
                           f"<{tag} {words}>{html.escape(text)}</{tag}>")

    def text(self, x, y, text, size=13, anchor="start", fill="#24292f"):
        self.add("text", text, x=round(x, 1), y=round(y, 1), font_size=size, text_anchor=anchor,
                 fill=fill)

    def line(self, x1, y1, x2, y2, stroke="#d0d7de", **more):
        self.add("line", x1=round(x1, 1), y1=round(y1, 1), x2=round(x2, 1), y2=round(y2, 1),
                 stroke=stroke, **more)

    def write(self, path, height):
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
                'font-family="sans-serif">\n<rect width="100%" height="100%" fill="#ffffff"/>\n')
        path.write_text(head + "\n".join(self._parts) + "\n</svg>\n")


def peers(results):
    """(label, times better) of every figure that has a rival as its peer."""
    rivals = ("mesos-go", "nginx", "Go", "Mesos")
    rows = []
    for figure in results:
        peer = figure.get("peer", "")
        if not peer.startswith(rivals):
            continue
        is_cost = figure["unit"] in ("s", "ms", "µs", "MB", "bytes")
        ratio = 1 / figure["ratio"] if is_cost else figure["ratio"]
        rows.append((f"{figure['bench']}: {figure['name']}", peer.split(",")[0], ratio))
    return rows


def draw_ratios(svg, rows, top):
    low = min(0, math.floor(math.log10(min(ratio for *_, ratio in rows))))
    high = max(1, math.ceil(math.log10(max(ratio for *_, ratio in rows))))
    def at(ratio):
        return LEFT + (math.log10(ratio) - low) / (high - low) * (WIDTH - LEFT - GAP)
    svg.text(20, top, "How many times better than the peer (in the same run; Mesos: as published)", 16)
    bottom = top + 20 + ROW * len(rows)
    for power in range(low, high + 1):
        svg.line(at(10 ** power), top + 14, at(10 ** power), bottom,
                 stroke="#57606a" if power == 0 else "#d0d7de")
        svg.text(at(10 ** power), bottom + 16, f"{10 ** power:g} ×", 11, "middle", "#57606a")
    for row, (name, peer, ratio) in enumerate(rows):
        y = top + 20 + ROW * row
        svg.text(LEFT - 8, y + 15, name if len(name) < 54 else name[:53] + "…", 11, "end")
        start, end = sorted((at(1), at(ratio)))
        svg.add("rect", x=round(start, 1), y=y + 4, width=max(1, round(end - start, 1)),
                height=ROW - 8, fill=COLOURS[0] if ratio >= 1 else COLOURS[1])
        svg.text(end + 4, y + 17, f"{ratio:.2g} × {peer}", 11)
    return bottom + 50


def draw_growth(svg, curves, top):
    size = 360
    widest = max(max(sizes) / min(sizes) for _, sizes, _ in curves)
    highest = max(max(costs) / min(costs) for *_, costs in curves)
    most = max(widest, highest) * 1.2
    def at(x, y):
        return (80 + math.log(x) / math.log(most) * size,
                top + 20 + size - math.log(max(y, 0.5)) / math.log(most) * size)
    svg.text(20, top, "How cost grows with size (both to their smallest; dashed: linear)", 16)
    svg.add("rect", x=80, y=top + 20, width=size, height=size, fill="none", stroke="#d0d7de")
    (x1, y1), (x2, y2) = at(1, 1), at(most, most)
    svg.line(x1, y1, x2, y2, stroke="#57606a", stroke_dasharray="5 4")
    for factor in (2, 5, 10, 20, 50, 100):
        if factor < most:
            x, y = at(factor, factor)
            svg.text(x, top + size + 36, f"×{factor}", 11, "middle", "#57606a")
            svg.text(74, y + 4, f"×{factor}", 11, "end", "#57606a")
    for index, (name, sizes, costs) in enumerate(curves):
        colour = COLOURS[index % len(COLOURS)]
        points = [at(a / sizes[0], b / costs[0]) for a, b in zip(sizes, costs)]
        svg.add("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), fill="none",
                stroke=colour, stroke_width=2)
        svg.line(size + 110, top + 36 + 22 * index, size + 134, top + 36 + 22 * index,
                 stroke=colour, stroke_width=3)
        svg.text(size + 142, top + 40 + 22 * index, name, 12)
    return top + size + 60


def main():
    results = json.loads((HERE / "results.json").read_text())
    svg = Svg()
    top = 36
    if rows := peers(results):
        top = draw_ratios(svg, rows, top)
    curves = [(f"{figure['bench']}: {figure['name'].split(': growth')[0]}, "
               f"exponent {figure['value']:.2f}", figure["sizes"], figure["costs"])
              for figure in results if "costs" in figure]
    if curves:
        top = draw_growth(svg, curves, top)
    svg.write(OUT, top)


if __name__ == "__main__":
    main()
