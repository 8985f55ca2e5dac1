# SPDX-License-Identifier: Apache-2.0
"""Forward and backward by PyTorch's autograd, beside the same work through the C ABI by flashrnn-bench.

    python3 bindings/python/bench/autograd.py [--bench build/release/bench/flashrnn-bench] [PROBLEM...]

Both run on one thread and are timed by the process's CPU time, so that other processes matter little; of a row's rounds,
taken in turns, the best is reported. FLASHRNN_LIBRARY should name the library of the build that the bench is of. The
outputs, the saved memory and the gradients are new tensors in every round here, as in training, and the same memory
in the C bench. --fresh turns the memory cache off, to show what it is for.
"""
from __future__ import annotations

import argparse
import json
import re
import subprocess
import time
from pathlib import Path

import torch

import pyflashrnn
from pyflashrnn.torch import rnn, set_memory_cache

ROOT = Path(__file__).resolve().parents[3]
PROBLEMS = ["lstm:b16,t256,n12,d64", "gru:b16,t256,n12,d64", "slstm:b16,t256,n12,d64", "lstm:b16,t64,n4,d64"]


def of_the_bench(program: Path, problem: str, seconds: float) -> float:
    done = subprocess.run(
        [str(program), "--call", "forward+backward", "--threads", "1", "--clock", "cpu", "--statistic", "best", "--seconds",
         str(seconds), "--backend", "cpu", "--json", "-", problem], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["rows"][0]["ms"]


def of_autograd(problem: str, seconds: float) -> float:
    cell, sizes = problem.split(":")
    batch, time_, heads, head_dim = (int(re.search(rf"(?:^|,){letter}(\d+)", sizes)[1]) for letter in "btnd")
    kind = pyflashrnn.cell(cell)
    wx = torch.randn(batch, time_, len(kind.input_gates), heads, head_dim, requires_grad=True)
    r = (torch.randn(len(kind.recurrent_gates), heads, head_dim, head_dim) / head_dim**0.5).requires_grad_()
    bias = torch.zeros(len(kind.bias_gates), heads, head_dim, requires_grad=True)
    d_h = torch.randn(batch, time_, heads, head_dim)
    best, end = float("inf"), time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.process_time()
        torch.autograd.grad(rnn(wx, r, bias, cell=cell, threads=1).h, (wx, r, bias), d_h)
        best = min(best, time.process_time() - start)
    return best * 1e3


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("problems", nargs="*", default=PROBLEMS, help="as flashrnn-bench takes them: cell, b, t, n, d")
    options.add_argument("--bench", type=Path, default=ROOT / "build/release/bench/flashrnn-bench")
    options.add_argument("--rounds", type=int, default=4)
    options.add_argument("--seconds", type=float, default=1.0, help="of each round")
    options.add_argument("--fresh", action="store_true", help="without the memory cache")
    chosen = options.parse_args()
    if chosen.fresh:
        set_memory_cache(0)
    torch.set_num_threads(1)
    print(f"{'problem':28} {'C ABI, ms':>10} {'autograd, ms':>13} {'more':>7}")
    for problem in chosen.problems:
        bench, mine = float("inf"), float("inf")
        for _ in range(chosen.rounds):
            bench = min(bench, of_the_bench(chosen.bench, problem, chosen.seconds))
            mine = min(mine, of_autograd(problem, chosen.seconds))
        print(f"{problem:28} {bench:10.3f} {mine:13.3f} {100 * (mine / bench - 1):6.1f}%")


if __name__ == "__main__":
    main()
