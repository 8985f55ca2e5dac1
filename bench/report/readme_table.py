#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the tables that a page shows of measured results, from the results' JSON.

A page has, around each table, the lines

    <!-- results FILE [CELL] -->
    <!-- end of results -->

with FILE relative to bench/results; with CELL that cell's rows alone. With "claims" for "results" the table is of a suite's claims, with "tuned" of
what --tune found. --check changes nothing and exits with 1 where a page differs.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import sys

RESULTS = pathlib.Path(__file__).resolve().parent.parent / "results"
BLOCK = re.compile(r"(<!-- (results|claims|tuned) (\S+)(?: (\w+))? -->\n).*?(<!-- end of \2 -->)", re.S)


def shape_of(problem: str) -> str:
    cell, rest = problem.split(":")
    items = rest.split(",")
    size = {item[0]: item[1:] for item in items if re.fullmatch(r"[btnd]\d+", item)}
    dtype = next((item for item in items if item in ("bf16", "fp16", "fp32", "fp64")), "fp32")
    asked = [item for item in items if item in ("lengths", "resets")]
    return f"{cell} | {size['d']}×{size['n']} | {size['b']} | {', '.join([dtype, *asked])}"


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
    return "\n".join([*lines, "", origin_of(result)]) + "\n"


def origin_of(result: dict) -> str:
    driver = f", driver {result['driver']}" if "driver" in result else ""
    return f"{result['device']}{driver}, {result['date']}, commit {result['git_commit']}, {result['statistic']} of each row."


def claims_of(path: pathlib.Path) -> str:
    result = json.loads(path.read_text())
    lines = [
        "| claim | measured | verdict | needs, GFLOP/s | floor, GFLOP/s | needs of the floor | has of the floor |",
        "|---|---|---|---|---|---|---|",
    ]
    for claim in result["claims"]:
        measured = f"{claim['measured']:.3g}" if "measured" in claim else ""
        verdict = claim.get("verdict", "not measured")
        reason = claim.get("reason", claim.get("not_measured"))
        standing = " | | | "
        if "floor_gflops" in claim:
            floor = claim["floor_gflops"]
            standing = f"{claim['needed_gflops']:.1f} | {floor:.1f} | {claim['needed_gflops'] / floor:.0%} | {claim['gflops'] / floor:.0%}"
        lines.append(f"| {claim['claim']} | {measured} | {verdict}{f': {reason}' if reason else ''} | {standing} |")
    return "\n".join([*lines, "", origin_of(result)]) + "\n"


def tuned_of(path: pathlib.Path) -> str:
    result = json.loads(path.read_text())
    lines = [
        "| problem and call | configurations | fastest, ms | the plan's, ms | plan's over fastest | the fastest, where it is another |",
        "|---|---|---|---|---|---|",
    ]
    for problem in result["problems"]:
        ran = [config for config in problem["configs"] if "ms" in config]
        chosen = next(config for config in ran if config["model_rank"] == 1)
        fastest, call = ran[0], problem["problem"].split()[-1]
        named = "" if fastest is chosen else short_config(fastest["config"], call)
        lines.append(
            f"| {problem['problem']} | {len(ran)} | {fastest['ms']:.3f} | {chosen['ms']:.3f} | {chosen['ms'] / fastest['ms']:.2f} | {named} |"
        )
    return "\n".join([*lines, "", origin_of(result)]) + "\n"


def short_config(config: str, call: str) -> str:
    """A direction's entries without its name."""
    return ", ".join(item.removeprefix(call + "_") for item in config.split(",") if item.startswith(call + "_"))


def block_of(kind: str, file: str, cell: str | None) -> str:
    if kind == "results":
        return table_of(RESULTS / file, cell)
    return (claims_of if kind == "claims" else tuned_of)(RESULTS / file)


def update(texts: dict[pathlib.Path, str], check: bool) -> int:
    """Writes each file that has another text, or only tells which. The exit status."""
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    if check and stale:
        print(f"not as {pathlib.Path(sys.argv[0]).name} writes them:", *stale, file=sys.stderr)
        return 1
    for path in stale:
        path.write_text(texts[path])
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    parser.add_argument("--check", action="store_true", help="only tell whether the pages are as they would be written")
    options = parser.parse_args()

    def written(page: pathlib.Path) -> str:
        return BLOCK.sub(lambda m: m[1] + block_of(m[2], m[3], m[4]) + m[5], page.read_text())

    return update({page: written(page) for page in options.pages}, options.check)


if __name__ == "__main__":
    sys.exit(main())
