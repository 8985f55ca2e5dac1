# SPDX-License-Identifier: Apache-2.0
"""The examples run, and learn."""
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import pyflashrnn

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(*command):
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


BACKEND = "hip" if torch.version.hip else "cuda"
GPUS = torch.cuda.device_count() if pyflashrnn.has_feature(BACKEND) else 0
on_a_gpu = pytest.mark.skipif(GPUS < 1, reason="no GPU here, or none that the library has")


@pytest.mark.parametrize("options", [(), pytest.param(("--device", "cuda"), marks=on_a_gpu),
                                     pytest.param(("--device", "cuda", "--dtype", "bfloat16"), marks=on_a_gpu)])
def test_language_model(tmp_path, options):
    text = tmp_path / "text"
    text.write_text("she sells sea shells by the sea shore. " * 200)
    out = run(EXAMPLES / "language_model.py", "--text", text, "--width", 32, "--steps", 60, "--length", 32, "--rate", 0.02,
              *(options or ("--device", "cpu")))
    losses = [float(line.split()[1]) for line in out.splitlines() if re.match(r"\s+\d+ +\d", line)]
    assert len(losses) == 6 and losses[-1] < losses[0] / 2


@pytest.mark.skipif(not torch.distributed.is_available() or not torch.distributed.is_gloo_available(), reason="no gloo")
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(
    GPUS < 2, reason="fewer than two GPUs here, or the library has none"))])
@pytest.mark.parametrize("shard", ["batch", "heads"])
def test_distributed(shard, device):
    out = run("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2, EXAMPLES / "distributed.py", "--device",
              device, "--shard", shard, "--steps", 200)
    assert f"2 processes on {device}, by {shard}: accuracy" in out
