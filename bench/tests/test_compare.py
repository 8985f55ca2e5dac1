#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What report/compare.py says of results and of tuned problems, and how it exits."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

COMPARE = pathlib.Path(__file__).resolve().parent.parent / "report" / "compare.py"


def results(**ms: float) -> dict:
    rows = [{"problem": name, "call": "forward", "who": "flashrnn", "ms": time} for name, time in ms.items()]
    return {"rows": rows + [{"problem": "a", "call": "forward", "who": "a peer", "ms": 99.0}]}


def tuned(chosen: float, other: float) -> dict:
    configs = [{"model_rank": 2, "ms": other}, {"model_rank": 1, "ms": chosen}]
    return {"problems": [{"problem": "a forward", "configs": configs}]}


class Compare(unittest.TestCase):
    def outcome(self, before: dict, after: dict, *options: str) -> tuple[int, str]:
        with tempfile.TemporaryDirectory() as folder:
            paths = [pathlib.Path(folder) / name for name in ("before.json", "after.json")]
            for path, content in zip(paths, (before, after)):
                path.write_text(json.dumps(content))
            run = subprocess.run([sys.executable, str(COMPARE), *map(str, paths), *options], capture_output=True, text=True)
        return run.returncode, run.stdout + run.stderr

    def test_fails_for_what_got_slower_alone(self) -> None:
        code, text = self.outcome(results(a=1.0, b=1.0, c=1.0), results(a=1.2, b=0.5, c=1.04))
        self.assertEqual(code, 1)
        self.assertIn("a forward: 1.000 -> 1.200 ms, 1.20 times", text)
        self.assertIn("b forward: 1.000 -> 0.500 ms, 0.50 times", text)
        self.assertNotIn("c forward", text)
        self.assertIn("3 rows, 1 of which", text)
        self.assertEqual(self.outcome(results(a=1.0), results(a=1.2), "--limit=1.3")[0], 0)

    def test_takes_the_plans_choice_of_a_tuned_problem(self) -> None:
        code, text = self.outcome(tuned(1.0, 0.9), results(a=1.1))
        self.assertEqual(code, 1)
        self.assertIn("1.000 -> 1.100 ms", text)

    def test_tells_of_rows_that_are_gone_or_failed(self) -> None:
        failed = {"problem": "b", "call": "forward", "who": "flashrnn", "failure": "refused"}
        after = results(a=1.0)
        after["rows"].append(failed)
        code, text = self.outcome(results(a=1.0, b=1.0), after)
        self.assertEqual(code, 0)
        self.assertIn("1 are not in", text)
        self.assertNotEqual(self.outcome(results(a=1.0), results(b=1.0))[0], 0)


if __name__ == "__main__":
    unittest.main()
