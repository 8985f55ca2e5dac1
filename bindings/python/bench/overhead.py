# SPDX-License-Identifier: Apache-2.0
"""What a call from Python costs over the same call of the C ABI, on a run that is too small to matter (one step of one
head of 8 units, one thread).

    python3 bindings/python/bench/overhead.py

The floor is the C function called by ctypes with arguments that were made before; the rows are the calls that users
make, less the time that the C function itself takes. Times are the process's CPU time, the best of many short rounds.
"""
from __future__ import annotations

import ctypes
import time

import numpy as np

import pyflashrnn
from pyflashrnn import Problem, _declarations as c
from pyflashrnn._args import FORWARD, STEP
from pyflashrnn._library import lib
from pyflashrnn._memory import workspaces
from pyflashrnn._views import ABSENT, view


def time_of(call, count: int = 200, rounds: int = 30) -> float:
    """Microseconds of one call."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(count):
            call()
        best = min(best, time.process_time() - start)
    return best / count * 1e6


def times_of(calls: dict, turns: int = 6) -> dict:
    """The best of each call, taken in turns: other processes can be in the way for seconds."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(turns):
        for name, call in calls.items():
            best[name] = min(best[name], time_of(call))
    return best


def main() -> None:
    wx = np.zeros((1, 1, 4, 1, 8), np.float32)
    r = np.zeros((4, 1, 8, 8), np.float32)
    bias = np.zeros((4, 1, 8), np.float32)
    states = np.zeros((2, 1, 1, 8), np.float32)
    h = np.zeros((1, 1, 1, 8), np.float32)
    last = np.zeros_like(states)
    plan = pyflashrnn.plan_for(Problem("lstm", 1, 1, 1, 8, mode="inference", threads=1))
    keep: list = []

    def seen(array):
        return view(array, array.shape, "it", keep)

    address = workspaces.get(plan.device, None, max(plan.forward_workspace, plan.step_workspace))
    forward_args = FORWARD.pack(FORWARD.size, 0, *seen(wx), *seen(r), *seen(bias), *seen(states), *ABSENT, *ABSENT,
                                *seen(h), *ABSENT, *seen(last), address, plan.forward_workspace, 0, 0, 0, 0)
    step_args = STEP.pack(STEP.size, 0, *seen(wx[:, 0]), *seen(r), *seen(bias), *seen(states), *seen(states),
                          *seen(h[:, 0]), address, plan.step_workspace, 0, 0)
    in_forward = ctypes.cast(ctypes.c_char_p(forward_args), ctypes.POINTER(c.flashrnn_forward_args))
    in_step = ctypes.cast(ctypes.c_char_p(step_args), ctypes.POINTER(c.flashrnn_step_args))
    handle = plan.handle

    forward_floor, step_floor = "the C function itself: forward", "the C function itself: step"
    empty = "an empty C function"
    calls = {empty: lambda: lib.flashrnn_dtype_size(1), forward_floor: lambda: lib.flashrnn_forward(handle, in_forward),
             step_floor: lambda: lib.flashrnn_step(handle, in_step)}
    floors = {}

    def row(name: str, call, floor: str) -> None:
        calls[name], floors[name] = call, floor

    wx0, h0 = wx[:, 0], h[:, 0]
    row("run, plan and outputs given", lambda: pyflashrnn.run(plan, wx, r, bias, states, h=h, last_states=last),
        forward_floor)
    row("forward", lambda: pyflashrnn.forward(wx, r, bias, states, mode="inference", threads=1), forward_floor)
    row("step, in place", lambda: pyflashrnn.step(wx0, r, bias, states, new_states=states, h=h0, threads=1), step_floor)

    try:
        import torch
    except ImportError:
        print("torch is not installed: its rows are left out")
        best = times_of(calls)
    else:
        from pyflashrnn.torch import rnn, step

        torch_wx, torch_r, torch_bias, torch_states = (torch.from_numpy(a) for a in (wx, r, bias, states))
        torch_wx0 = torch_wx[:, 0]
        row("torch.rnn, inference", lambda: rnn(torch_wx, torch_r, torch_bias, torch_states, threads=1), forward_floor)
        row("torch.step", lambda: step(torch_wx0, torch_r, torch_bias, torch_states, threads=1), step_floor)
        with torch.inference_mode():
            best = times_of(calls)

    # ctypes itself is no part of the C function: what an empty function takes is taken off.
    for floor in (forward_floor, step_floor):
        best[floor] -= best[empty]
        print(f"{floor:44} {best[floor]:7.1f} us")
    for name, floor in floors.items():
        print(f"{name:44} {best[name] - best[floor]:7.1f} us over the C ABI")


if __name__ == "__main__":
    main()
