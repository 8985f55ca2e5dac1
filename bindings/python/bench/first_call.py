# SPDX-License-Identifier: Apache-2.0
"""What the first call of a process costs on a GPU: the plan, the kernel's way onto the device, the run.

    python3 bindings/python/bench/first_call.py [--device cuda] [--dtype bfloat16] [PROBLEM...]

Every problem has a process of its own, in which PyTorch has made its context before the clock starts. The kernel comes
from the library, from the disk cache or from NVRTC: run it again with FLASHRNN_CACHE_DIR set to an empty folder to see
the last, and once more to see the cache. Training's first call has PyTorch's autograd start up, too.
"""
from __future__ import annotations

import argparse
import subprocess
import sys
import time

import torch

from pyflashrnn import Device, Problem
from pyflashrnn.torch import rnn

PROBLEMS = ["lstm:b16,t1024,n12,d64", "lstm:b16,t1024,n3,d256", "lstm:b16,t1024,n8,d96", "lstm:b16,t1024,n1,d768"]


def wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def milliseconds(device: str, work) -> float:
    wait(device)
    start = time.perf_counter()
    work()
    wait(device)
    return (time.perf_counter() - start) * 1e3


def measure(text: str, device: str, dtype: torch.dtype) -> str:
    cell, items = text.split(":")
    b, t, n, d = ({item[0]: int(item[1:]) for item in items.split(",")}[axis] for axis in "btnd")
    shapes = Problem(cell=cell, batch=b, time=t, heads=n, head_dim=d).shapes()
    wx = torch.randn(shapes["wx"], device=device).to(dtype)
    r = (torch.randn(shapes["r"], device=device) * 0.5 / d**0.5).to(dtype)
    Device.get(device)

    def infer():
        rnn(wx, r, cell=cell)

    def train():
        rnn(wx.requires_grad_(), r, cell=cell).h.sum().backward()

    times = [milliseconds(device, work) for work in (infer, infer, train, train)]
    return f"{text:28}" + "".join(f"{ms:12.1f}" for ms in times)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("problems", nargs="*", help="as flashrnn-bench takes them: cell, b, t, n, d")
    options.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    options.add_argument("--dtype", default="bfloat16")
    options.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)  # one problem, in this process
    given = options.parse_args()
    if given.alone:
        torch.zeros(1, device=given.device)
        print(measure(given.problems[0], given.device, getattr(torch, given.dtype)))
        return 0
    print(f"{'ms':28}{'inference':>12}{'again':>12}{'training':>12}{'again':>12}", flush=True)
    for text in given.problems or PROBLEMS:
        done = subprocess.run([sys.executable, __file__, "--alone", "--device", given.device, "--dtype", given.dtype, text])
        if done.returncode != 0:
            return done.returncode
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
