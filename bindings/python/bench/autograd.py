# SPDX-License-Identifier: Apache-2.0
"""Forward and backward by PyTorch's autograd, beside the same work through the C ABI.

    python3 bindings/python/bench/autograd.py [--device cuda] [--dtype bfloat16] [--queue N] [PROBLEM...]

The two take turns in one process, so that whatever else the machine does meets both. "more" compares the best of each,
"median" is the middle of what turn by turn the one takes more than the other. The outputs, the saved memory and the
gradients are new tensors in every call of autograd, as in training, and the same memory in the C calls; inputs are the
same. On the CPU one thread works and the process's CPU time counts; --fresh turns the memory cache off, to show what it
is for, and --bench PROGRAM has flashrnn-bench's figure printed too, which is of another process and another moment.

A turn is N calls in a row, waited for once at its end: on a GPU 20, which queue up on the stream as they do in training
(with --queue 1 the kernels of every call start after the work in Python, and nothing hides it); on the CPU 1. Events say
how long the device took for one, and "wall" is the time until all was done, also of one.

"floor" is what PyTorch's engine adds by itself: the same C calls within a torch.autograd.Function that does nothing else,
made of small tensors. It is more than on idle caches, which the C calls have filled with their own.
"outside" is the least part of autograd's time, on the CPU, that passed outside the library's functions (not told where
pyflashrnn's compiled helper is in use, which calls them itself).
"""
from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import time
from pathlib import Path

import torch

import pyflashrnn
from c_side import CSide
from pyflashrnn import Problem
from pyflashrnn.torch import _calls, _helper, rnn, set_memory_cache

PROBLEMS = {"cpu": ["lstm:b16,t256,n12,d64", "gru:b16,t256,n12,d64", "slstm:b16,t256,n12,d64", "lstm:b16,t64,n4,d64"],
            "cuda": ["lstm:b16,t1024,n12,d64", "gru:b16,t1024,n12,d64", "slstm:b16,t1024,n12,d64", "lstm:b16,t256,n4,d64"]}


def of_the_bench(program: Path, problem: str, seconds: float) -> float:
    done = subprocess.run(
        [str(program), "--call", "forward+backward", "--threads", "1", "--clock", "cpu", "--statistic", "best", "--seconds",
         str(seconds), "--samples", "12", "--backend", "cpu", "--json", "-", problem], capture_output=True,
        text=True, check=True)
    return json.loads(done.stdout)["rows"][0]["ms"]


class Inside:
    """Counts the seconds within the library's functions that calls from Python are made of."""

    seconds = 0.0

    def watch(self, name: str) -> None:
        function = getattr(_calls, name)

        def watched(*arguments):
            start = time.process_time()
            status = function(*arguments)
            self.seconds += time.process_time() - start
            return status

        setattr(_calls, name, watched)


def on_cpu(call, count: int):
    """Milliseconds of the process's CPU time for one of `count` calls, twice: there is no other."""
    start = time.process_time()
    for _ in range(count):
        call()
    took = (time.process_time() - start) * 1e3 / count
    return took, took


def on_gpu(call, count: int):
    """Milliseconds for one of `count` calls, between events and until the device was done with all."""
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start = time.perf_counter()
    begin.record()
    for _ in range(count):
        call()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / count, (time.perf_counter() - start) * 1e3 / count


def both_sides(problem: str, device: str, dtype: str):
    """The calls through the C ABI, through it within an empty Function, and through autograd."""
    cell, sizes = problem.split(":")
    batch, time_, heads, head_dim = (int(re.search(rf"(?:^|,){letter}(\d+)", sizes)[1]) for letter in "btnd")
    kind = pyflashrnn.cell(cell)
    made = dict(dtype=getattr(torch, dtype), device=device)
    wx = torch.randn(batch, time_, len(kind.input_gates), heads, head_dim, **made)
    r = torch.randn(len(kind.recurrent_gates), heads, head_dim, head_dim, **made) / head_dim**0.5
    bias = torch.zeros(len(kind.bias_gates), heads, head_dim, **made)
    d_h = torch.randn(batch, time_, heads, head_dim, **made)
    threads = 1 if device == "cpu" else 0
    tensors = [tensor.clone().requires_grad_() for tensor in (wx, r, bias)]
    c_side = CSide(Problem(cell, batch, time_, heads, head_dim, dtype, threads=threads), device,
                   {"wx": tensors[0].detach(), "r": tensors[1].detach(), "bias": tensors[2].detach(), "d_h": d_h},
                   lambda shape: torch.empty(shape, **made))

    def through_c():
        c_side.forward()
        c_side.backward()

    def through_autograd():
        return torch.autograd.grad(rnn(*tensors, cell=cell, threads=threads).h, tensors, d_h)

    class Floor(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *_):
            c_side.forward()
            return small.new_empty(4), small.new_empty(4)

        @staticmethod
        def backward(ctx, *_):
            c_side.backward()
            return small.new_empty(4), small.new_empty(4), small.new_empty(4)

    small = torch.ones(4, device=device)
    leaves = [small.clone().requires_grad_() for _ in tensors]

    def through_floor():
        return torch.autograd.grad(Floor.apply(*leaves)[0], leaves, small)

    through_c()
    for gradient, name in zip(through_autograd(), ("d_wx", "d_r", "d_bias")):
        torch.testing.assert_close(gradient, c_side.arrays[name])
    return through_c, through_floor, through_autograd


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("problems", nargs="*", help="as flashrnn-bench takes them: cell, b, t, n, d")
    options.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options.add_argument("--dtype", default="float32")
    options.add_argument("--bench", type=Path, help="the program flashrnn-bench (CPU only)")
    options.add_argument("--queue", type=int, metavar="N", help="calls in a turn; by default 20 on a GPU, 1 on the CPU")
    options.add_argument("--seconds", type=float, default=8.0, help="of each problem")
    options.add_argument("--fresh", action="store_true", help="without the memory cache")
    chosen = options.parse_args()
    if chosen.fresh:
        set_memory_cache(0)
    torch.set_num_threads(1)
    gpu = chosen.device == "cuda"
    took_by, queue = on_gpu if gpu else on_cpu, chosen.queue or (20 if gpu else 1)
    inside = None if gpu or _helper.helper else Inside()
    if inside:
        inside.watch("_forward")
        inside.watch("_backward")
    print(f"{'problem':28} {'C ABI, ms':>10} {'autograd, ms':>13} {'more':>7} {'median':>7} {'floor':>7}"
          + (f" {'C wall, ms':>11} {'wall, ms':>9} {'more':>7}" if gpu else f" {'outside':>8}" if inside else ""))
    for problem in chosen.problems or PROBLEMS[chosen.device]:
        through_c, through_floor, through_autograd = both_sides(problem, chosen.device, chosen.dtype)
        c_times, floor_times, own_times = [], [], []
        outside, end = float("inf"), time.monotonic() + chosen.seconds
        while time.monotonic() < end or len(c_times) < 12:
            c_times.append(took_by(through_c, queue))
            floor_times.append(took_by(through_floor, queue))
            if inside:
                inside.seconds = 0.0
            own_times.append(took_by(through_autograd, queue))
            if inside:
                outside = min(outside, 1 - inside.seconds * 1e3 / queue / own_times[-1][0])
        (c, c_wall), (own, own_wall) = (tuple(map(min, zip(*times))) for times in (c_times, own_times))
        floor = min(floor_times)[0] / c - 1
        median = statistics.median(mine[0] / theirs[0] - 1 for mine, theirs in zip(own_times, c_times))
        print(f"{problem:28} {c:10.3f} {own:13.3f} {100 * (own / c - 1):6.1f}% {100 * median:6.1f}% {100 * floor:6.1f}%"
              + (f" {c_wall:11.3f} {own_wall:9.3f} {100 * (own_wall / c_wall - 1):6.1f}%" if gpu
                 else f" {100 * outside:7.1f}%" if inside else ""), flush=True)
        if chosen.bench:
            print(f"{'  by flashrnn-bench':28} {of_the_bench(chosen.bench, problem, chosen.seconds / 4):10.3f}")


if __name__ == "__main__":
    main()
