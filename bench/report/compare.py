#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the rows of one results file, or of one of --tune, beside those of another that are of the same problem and call.

Prints the rows that changed by more than the limit, and exits with 1 where one takes longer by more. Of a tuned problem the time is the plan's choice's,
the configuration that the model ranks first.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys


def times_of(path: pathlib.Path) -> dict[str, float]:
    result = json.loads(path.read_text())
    if "problems" in result:
        return {
            problem["problem"]: min(problem["configs"], key=lambda config: config["model_rank"])["ms"]
            for problem in result["problems"]
            if problem["configs"]
        }
    return {f"{row['problem']} {row['call']}": row["ms"] for row in result["rows"] if row["who"] == "flashrnn" and "ms" in row}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=pathlib.Path)
    parser.add_argument("after", type=pathlib.Path)
    parser.add_argument("--limit", type=float, default=1.05, help="how many times as long is no different (1.05)")
    arguments = parser.parse_args()

    before, after = times_of(arguments.before), times_of(arguments.after)
    common = [row for row in before if row in after]
    if not common:
        sys.exit(f"{arguments.before} and {arguments.after} have no row in common")
    worse = 0
    for row in common:
        ratio = after[row] / before[row]
        if max(ratio, 1 / ratio) > arguments.limit:
            worse += ratio > 1
            print(f"{row}: {before[row]:.3f} -> {after[row]:.3f} ms, {ratio:.2f} times")
    print(f"{len(common)} rows, {worse} of which take more than {arguments.limit:g} times as long; {len(before) - len(common)} are not in {arguments.after}")
    return worse > 0


if __name__ == "__main__":
    sys.exit(main())
