# SPDX-License-Identifier: Apache-2.0
"""What a call from Python costs over the same call of the C ABI, on a run that is too small to matter (one step of one
head of 8 units, one thread).

    python3 bindings/python/bench/overhead.py [--device cuda]

"over the C ABI" is the time of a call that users make, less that of the C functions within it (called by ctypes with
arguments that were made before, less an empty C function so called).

Training is set beside its "floor" too, what PyTorch takes for any function in Python that has a gradient: a
torch.autograd.Function with as many inputs, outputs and saved tensors, which makes its outputs and gradients and computes
nothing. "our own part" is a call's time less that of such a Function with the C functions called within it: there they
run as in ours, on caches that PyTorch has filled.

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
    """Calls by name, and what is printed: the time of one less that of others."""

    def __init__(self, c_side: dict):
        self.calls = {EMPTY: lambda: lib.flashrnn_dtype_size(1), **c_side}
        self.rows = [(name, name, [EMPTY], "") for name in c_side]

    def add(self, text: str, call, *less: str, kind: str = "over the C ABI") -> None:
        self.calls[text] = call
        self.again(text, text, *less, kind=kind)

    def again(self, text: str, name: str, *less: str, kind: str) -> None:
        self.rows.append((text, name, list(less), kind))

    def show(self, clock: Clock) -> None:
        best = clock.times_of(self.calls)
        for text, name, less, kind in self.rows:
            took = best[name][0] - sum(best[one][0] for one in less)
            took += best[EMPTY][0] * sum(one.startswith("C: ") for one in less)
            events = f"{best[name][1]:12.1f} us by events" if clock.cuda else ""
            print(f"{text:34} {took:7.1f} us {kind:15}{events}")


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


def torch_rows(rows: Rows, device: str, training: CSide) -> None:
    import torch
    from pyflashrnn.torch import _helper, rnn, step

    print("pyflashrnn's compiled helper is " + ("in use" if _helper.helper else "not in use"))
    plain = [torch.zeros(shape, device=device) for shape in SHAPES.values()]
    wx0 = plain[0][:, 0]
    rows.add("torch.rnn, inference", lambda: rnn(*plain, threads=1), "C: forward")
    rows.add("torch.step", lambda: step(wx0, *plain[1:], threads=1), "C: step")

    tensors = [tensor.clone().requires_grad_() for tensor in plain]
    d_h = torch.ones(SIZES, device=device)
    gradients = torch.autograd.grad
    empty, working = floor(device, lambda: None, lambda: None), floor(device, training.forward, training.backward)

    def three(kind: str, call_of, *c_calls: str) -> None:
        """`call_of` makes the call of what stands for rnn."""
        name, empty_one, working_one = f"torch.rnn, {kind}", f"an empty Function, {kind}", f"a Function of C, {kind}"
        rows.add(name, call_of(lambda: rnn(*tensors, threads=1).h), *c_calls)
        rows.add(empty_one, call_of(lambda: empty(*tensors, ())[0]), kind="floor")
        rows.calls[working_one] = call_of(lambda: working(*tensors, ())[0])
        rows.again(f"torch.rnn, {kind}", name, working_one, kind="our own part")

    def backward_of(make):
        h = make()
        return lambda: gradients(h, tensors, d_h, retain_graph=True)

    three("training forward", lambda make: make, "C: training forward")
    three("backward", backward_of, "C: backward")
    three("both", lambda make: lambda: gradients(make(), tensors, d_h), "C: training forward", "C: backward")


def floor(device: str, on_forward, on_backward):
    """A function of tensors as rnn is one for autograd."""
    import torch

    wx_shape, r_shape, bias_shape, states_shape = SHAPES.values()  # separate sizes are read faster than a tuple
    wx = torch.empty(wx_shape, device=device)

    class Floor(torch.autograd.Function):
        @staticmethod
        def forward(ctx, _, r, bias, states, rest):
            h, last, saved = wx.new_empty(*SIZES), wx.new_empty(*SHAPES["initial_states"]), wx.new_empty(64)
            on_forward()
            ctx.set_materialize_grads(False)
            ctx.save_for_backward(r, h, saved, states)
            return h, last

        @staticmethod
        def backward(ctx, *_):
            ctx.saved_tensors
            made = (wx.new_empty(*wx_shape), wx.new_empty(*r_shape), wx.new_empty(*bias_shape),
                    wx.new_empty(*states_shape), None)
            on_backward()
            return made

    return Floor.apply


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
        torch_rows(rows, device, training)
    rows.show(Clock(device))


if __name__ == "__main__":
    main()
