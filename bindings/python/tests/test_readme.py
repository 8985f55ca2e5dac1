# SPDX-License-Identifier: Apache-2.0
"""The quick start of the project's README runs as it is written."""
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[3] / "README.md"


def blocks():
    return re.findall(r"^```python\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL) if README.exists() else []


@pytest.mark.parametrize("number", range(2), ids=["numpy", "torch"])
def test_the_quick_start_runs(number, tmp_path):
    if not README.exists():
        pytest.skip("not within the project's tree")
    found = blocks()
    assert len(found) == 2
    if "import torch" in found[number]:
        assert number == 1
        pytest.importorskip("torch")
    script = tmp_path / "quick_start.py"
    script.write_text(found[number])
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    if number == 0:
        assert done.stdout.strip() == "(16, 256, 12, 64) (4, 12, 64, 64)"
