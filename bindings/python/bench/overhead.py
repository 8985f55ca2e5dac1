# SPDX-License-Identifier: Apache-2.0
"""What a call from Python costs over the same call of the C ABI, on a run that is too small to matter (one step of one
head of 8 units, one thread).

    python3 bindings/python/bench/overhead.py [--device cuda]

Every row is the time of a call that users make, less that of the C functions within it (called by ctypes with arguments
that were made before, less an empty C function so called). "floor" is what PyTorch takes by itself: an empty
torch.autograd.Function with the same number of inputs and outputs, which makes its outputs and gradients, computes
nothing and saves nothing. A row "over the floor too" is less that as well.

On the CPU times are the process's CPU time. On a GPU they are the time until the calls have been queued; the last column
is then the time by events, of calls in a row.
"""
from __future__ import annotations

import argparse
import time

import numpy as np

import pyflashrnn
from c_side import CSide
from pyflashrnn import Problem
from pyflashrnn._library import lib

SIZES = (1, 1, 1, 8)
SHAPES = {"wx": (1, 1, 4, 1, 8), "r": (4, 1, 8, 8), "bias": (4, 1, 8), "initial_states": (2, 1, 1, 8)}
EMPTY = "an empty C function"


class Clock:
    """Microseconds of one call: the best of many short rounds. Calls are taken in turns: other processes can be in the
    way for seconds."""

    def __init__(self, device: str):
        self.cuda = None
        if device == "cuda":
            import torch
            self.cuda = torch.cuda
        self.now = time.perf_counter if self.cuda else time.process_time

    def time_of(self, call, count: int, rounds: int):
        best, by_events = float("inf"), float("inf")
        for _ in range(rounds):
            if self.cuda:  # few enough that the queue is never full
                begin, end = (self.cuda.Event(enable_timing=True) for _ in range(2))
                self.cuda.synchronize()
                begin.record()
            start = self.now()
            for _ in range(count):
                call()
            best = min(best, self.now() - start)
            if self.cuda:
                end.record()
                self.cuda.synchronize()
                by_events = min(by_events, begin.elapsed_time(end) / 1e3)
        return best / count * 1e6, by_events / count * 1e6

    def times_of(self, calls: dict, turns: int = 6) -> dict:
        best = dict.fromkeys(calls, (float("inf"), float("inf")))
        for _ in range(turns):
            for name, call in calls.items():
                found = self.time_of(call, 50 if self.cuda else 200, 30)
                best[name] = tuple(map(min, best[name], found))
        return best


class Rows:
    def __init__(self, c_side: dict):
        self.calls = {EMPTY: lambda: lib.flashrnn_dtype_size(1), **c_side}
        self.rows: list = []  # name, what it contains, what is taken off besides

    def add(self, name: str, call, *contains: str, floor: str = "") -> None:
        self.calls[name] = call
        self.rows.append((name, contains, floor))

    def show(self, clock: Clock) -> None:
        best = clock.times_of(self.calls)
        events = "{:12.1f} us by events".format if clock.cuda else lambda _: ""
        inside = {name: best[name][0] - best[EMPTY][0] for name in self.calls if name.startswith("C: ")}
        for name, took in inside.items():
            print(f"{name:46} {took:7.1f} us{'':20}{events(best[name][1])}")
        for name, contains, floor in self.rows:
            over = best[name][0] - sum(inside[one] for one in contains) - (best[floor][0] if floor else 0)
            kind = "over the C ABI" if contains else "floor"
            print(f"{name:46} {over:7.1f} us {kind:19}{events(best[name][1])}")


def numpy_rows(rows: Rows) -> None:
    wx, r, bias, states = (np.zeros(shape, np.float32) for shape in SHAPES.values())
    h, last = np.zeros(SIZES, np.float32), np.zeros_like(states)
    plan = pyflashrnn.plan_for(Problem("lstm", *SIZES, mode="inference", threads=1))
    wx0, h0 = wx[:, 0], h[:, 0]
    rows.add("run, plan and outputs given", lambda: pyflashrnn.run(plan, wx, r, bias, states, h=h, last_states=last),
             "C: forward")
    rows.add("forward", lambda: pyflashrnn.forward(wx, r, bias, states, mode="inference", threads=1), "C: forward")
    rows.add("step, in place",
             lambda: pyflashrnn.step(wx0, r, bias, states, new_states=states, h=h0, threads=1), "C: step")


def torch_rows(rows: Rows, device: str) -> None:
    import torch
    from pyflashrnn.torch import rnn, step

    plain = [torch.zeros(shape, device=device) for shape in SHAPES.values()]
    wx0 = plain[0][:, 0]

    rows.add("torch.rnn, inference", lambda: rnn(*plain, threads=1), "C: forward")
    rows.add("torch.step", lambda: step(wx0, *plain[1:], threads=1), "C: step")
    tensors = [tensor.clone().requires_grad_() for tensor in plain]
    d_h = torch.ones(SIZES, device=device)

    wx, shapes = plain[0], tuple(SHAPES.values())

    class Empty(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *_):
            return wx.new_empty(*SIZES), wx.new_empty(*SHAPES["initial_states"])

        @staticmethod
        def backward(ctx, *_):
            return (wx.new_empty(*shapes[0]), wx.new_empty(*shapes[1]), wx.new_empty(*shapes[2]), wx.new_empty(*shapes[3]),
                    None)

    empty, full = Empty.apply(*tensors, ())[0], rnn(*tensors, threads=1).h
    gradients = torch.autograd.grad
    rows.add("an empty Function, forward", lambda: Empty.apply(*tensors, ()))
    rows.add("torch.rnn, training forward", lambda: rnn(*tensors, threads=1), "C: training forward")
    rows.add("torch.rnn, training forward, over the floor too", lambda: rnn(*tensors, threads=1), "C: training forward",
             floor="an empty Function, forward")
    rows.add("an empty Function, backward", lambda: gradients(empty, tensors, d_h, retain_graph=True))
    rows.add("torch.rnn, backward, over the floor too", lambda: gradients(full, tensors, d_h, retain_graph=True),
             "C: backward", floor="an empty Function, backward")
    rows.add("an empty Function, both", lambda: gradients(Empty.apply(*tensors, ())[0], tensors, d_h))
    rows.add("torch.rnn, both, over the floor too",
             lambda: gradients(rnn(*tensors, threads=1).h, tensors, d_h), "C: training forward", "C: backward",
             floor="an empty Function, both")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    device = options.parse_args().device

    def make(shape):
        if device == "cpu":
            return np.zeros(shape, np.float32)
        import torch
        return torch.zeros(shape, device=device)

    inference, training = (CSide(Problem("lstm", *SIZES, mode=mode, threads=1), device,
                                 {name: make(shape) for name, shape in SHAPES.items()}, make)
                           for mode in ("inference", "training"))
    rows = Rows({"C: forward": inference.forward, "C: step": inference.step, "C: training forward": training.forward,
                 "C: backward": training.backward})
    if device == "cpu":
        numpy_rows(rows)
    try:
        import torch  # noqa: F401
    except ImportError:
        print("torch is not installed: its rows are left out")
    else:
        torch_rows(rows, device)
    rows.show(Clock(device))


if __name__ == "__main__":
    main()
