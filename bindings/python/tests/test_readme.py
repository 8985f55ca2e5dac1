# SPDX-License-Identifier: Apache-2.0
"""What the READMEs show runs as it is written."""
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[3] / "README.md"


def blocks(readme):
    return re.findall(r"^```python\n(.*?)^```", readme.read_text(), re.MULTILINE | re.DOTALL)


def run(code, folder):
    script = folder / "quick_start.py"
    script.write_text(code)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("number", range(2), ids=["numpy", "torch"])
def test_the_quick_start_runs(number, tmp_path):
    if not README.exists():
        pytest.skip("not within the project's tree")
    found = blocks(README)
    assert len(found) == 2
    if "import torch" in found[number]:
        assert number == 1
        pytest.importorskip("torch")
    printed = run(found[number], tmp_path)
    if number == 0:
        assert printed == "(16, 256, 12, 64) (4, 12, 64, 64)"


def test_the_packages_own_example_runs(tmp_path):
    pytest.importorskip("torch")
    example, = blocks(Path(__file__).resolve().parents[1] / "README.md")
    assert run(example, tmp_path) == "torch.Size([16, 100, 12, 64]) torch.Size([4, 12, 64, 64])"
