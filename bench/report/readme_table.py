#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the tables that a page shows of measured results, from the results' JSON.

A page has, around each table, the lines

    <!-- results FILE [CELL] -->
    <!-- end of results -->

with FILE relative to bench/results; with CELL that cell's rows alone. --check changes nothing and exits with 1 where a page differs.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import sys

RESULTS = pathlib.Path(__file__).resolve().parent.parent / "results"
BLOCK = re.compile(r"(<!-- results (\S+)(?: (\w+))? -->\n).*?(<!-- end of results -->)", re.S)


def shape_of(problem: str) -> str:
    cell, rest = problem.split(":")
    items = rest.split(",")
    size = {item[0]: item[1:] for item in items if re.fullmatch(r"[btnd]\d+", item)}
    dtype = next((item for item in items if item in ("bf16", "fp16", "fp32", "fp64")), "fp32")
    return f"{cell} | {size['d']}×{size['n']} | {size['b']} | {dtype}"


def family_of(kernel: str, direction: str) -> str:
    found = re.search(rf"{direction} (\w+) d\d+ c(\d+)", kernel)
    return f"{found[1]}, {found[2]}" if found else "general"


def table_of(path: pathlib.Path, cell: str | None) -> str:
    result = json.loads(path.read_text())
    rows: dict[str, dict[str, dict]] = {}
    for row in result["rows"]:
        if cell is None or row["problem"].startswith(cell + ":"):
            rows.setdefault(row["problem"], {})[row["call"]] = row
    lines = [
        "| cell | head dim × heads | batch | dtype | forward, ms | forward + backward, ms | kernels (family, batch tile) |",
        "|---|---|---|---|---|---|---|",
    ]
    for problem, calls in rows.items():
        kernel = calls["forward"]["kernel"]
        lines.append(
            f"| {shape_of(problem)} | {calls['forward']['ms']:.3f} | {calls['forward+backward']['ms']:.3f}"
            f" | {family_of(kernel, 'forward')} / {family_of(kernel, 'backward')} |"
        )
    lines.append("")
    lines.append(f"{result['device']}, {result['date']}, commit {result['git_commit']}, {result['statistic']} of each row.")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    parser.add_argument("--check", action="store_true", help="only tell whether the pages are as they would be written")
    options = parser.parse_args()
    stale = []
    for page in options.pages:
        text = page.read_text()
        new = BLOCK.sub(lambda m: m[1] + table_of(RESULTS / m[2], m[3]) + m[4], text)
        if new == text:
            continue
        stale.append(page)
        if not options.check:
            page.write_text(new)
    if options.check and stale:
        print("not as bench/report/readme_table.py writes them:", *stale, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
