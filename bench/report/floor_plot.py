#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes FILE.svg beside each results file FILE.json: every row's time as a bar, its floor as a line across it.

The floor is what the hardware would need for the recurrences alone (bench/README.md). --check changes nothing and exits with 1 where a plot differs.
"""

from __future__ import annotations

import argparse
import html
import json
import math
import pathlib
import sys

from readme_table import shape_of, update

LEFT, TOP, WIDTH, RIGHT, BAR, TITLE = 30, 84, 560, 250, 15, 24
COLOURS = {"forward": "#0b6e4f", "forward+backward": "#5fa58a"}


def text(x: float, y: float, words: str, style: str = 'class="small"') -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{html.escape(words)}</text>\n'


def scale(ms: float, most: float) -> float:
    """Logarithmic from 0.1 ms on: the rows go over two orders of magnitude."""
    return LEFT + WIDTH * math.log10(max(ms, 0.1) / 0.1) / math.log10(most / 0.1)


def axis(most: float, bottom: float) -> str:
    ticks = [m * 10**e for e in range(-1, 4) for m in (1, 2, 5) if m * 10**e <= most * 1.0001]
    lines = ""
    for tick in ticks:
        x = scale(tick, most)
        lines += f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{bottom:.1f}" stroke="#ddd"/>\n'
        lines += text(x, TOP - 12, f"{tick:g} ms", 'text-anchor="middle" class="small"')
    return lines


def bar(row: dict, y: float, most: float) -> str:
    end, floor = scale(row["ms"], most), row["floor_us"] / 1e3
    drawn = f'<rect x="{LEFT}" y="{y:.1f}" width="{end - LEFT:.1f}" height="{BAR - 3}" fill="{COLOURS[row["call"]]}"/>\n'
    words = f"{row['call']}  {row['ms']:.3f} ms"
    if floor > 0:
        x = scale(floor, most)
        drawn += f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 1:.1f}" y2="{y + BAR - 2:.1f}" stroke="#111" stroke-width="2"/>\n'
        words += f",  {row['ms'] / floor:.2f} × floor"
    return drawn + text(max(end, scale(floor, most)) + 6, y + BAR - 5, words)


def plot_of(result: dict) -> str:
    rows = [row for row in result["rows"] if row["call"] in COLOURS]
    most = max(row["ms"] for row in rows) * 1.1
    bars, y, problem = "", float(TOP), ""
    for row in rows:
        if row["problem"] != problem:
            problem = row["problem"]
            cell, heads, batch, dtype = shape_of(problem).split(" | ")
            bars += text(LEFT, y + TITLE - 8, f"{cell} {heads}, batch {batch}, {dtype}", 'class="case"')
            y += TITLE
        bars += bar(row, y, most)
        y += BAR
    size = f'width="{LEFT + WIDTH + RIGHT}" height="{y + 16:.0f}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {LEFT + WIDTH + RIGHT} {y + 16:.0f}" font-family="sans-serif" font-size="13">\n'
        '<style>.small{font-size:11px} .case{font-weight:bold;font-size:12px} .title{font-weight:bold;font-size:17px}</style>\n'
        '<rect width="100%" height="100%" fill="white"/>\n'
    )
    head += text(LEFT, 28, f"FlashRNN {result['library_version']} on {result['device']}", 'class="title"')
    words = f"1024 steps; {result['statistic']} of each row; the line is the recurrences' floor; {result['date']}, commit {result['git_commit']}"
    return head + text(LEFT, 50, words) + axis(most, y + 4) + bars + "</svg>\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="+", type=pathlib.Path)
    parser.add_argument("--check", action="store_true", help="only tell whether the plots are as they would be written")
    options = parser.parse_args()
    plots = {path.with_suffix(".svg"): plot_of(json.loads(path.read_text())) for path in options.results}
    return update(plots, options.check)


if __name__ == "__main__":
    sys.exit(main())
