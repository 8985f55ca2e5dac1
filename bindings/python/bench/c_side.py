# SPDX-License-Identifier: Apache-2.0
"""The library's functions called by ctypes with args structs that were made before: the least that a call from Python
can cost, for the benchmarks beside it to compare with."""
from __future__ import annotations

import ctypes
from typing import Any, Callable, Dict

from pyflashrnn import Device, Plan, Problem, plan as _plan
from pyflashrnn._args import BACKWARD, FORWARD, STEP
from pyflashrnn._memory import Buffer
from pyflashrnn._views import ABSENT, view


class CSide:
    """`arrays` has the inputs by their names in the args structs; `make` gives a new array for a shape. All lie on the
    plan's device, whose default stream is used. Outputs, workspace and saved memory are the same in every call."""

    def __init__(self, problem: Problem, backend: str, arrays: Dict[str, Any], make: Callable[[tuple], Any]):
        self.plan = plan = Plan(problem, Device.get(backend))
        self.arrays = dict(arrays)
        self.keep: list = []
        self.workspace = Buffer(plan.device, max(plan.forward_workspace, plan.backward_workspace, plan.step_workspace))
        self.saved = Buffer(plan.device, plan.saved)

        def seen(name: str, shape: str = ""):
            wanted = plan.shapes[shape or name]
            if name not in self.arrays:
                self.arrays[name] = make(wanted)
            return view(self.arrays[name], wanted, name, self.keep)

        def given(name: str, shape: str = ""):
            return seen(name, shape) if name in self.arrays else ABSENT

        def packed(packer, *words):
            text = ctypes.create_string_buffer(packer.pack(packer.size, 0, *words), packer.size)
            self.keep.append(text)
            return ctypes.addressof(text)

        initial = given("initial_states")
        inputs = (*seen("wx"), *seen("r"), *given("bias"), *initial)
        forward = packed(FORWARD, *inputs, *ABSENT, *ABSENT, *seen("h"), *ABSENT, *seen("last_states"),
                         self.workspace.address, plan.forward_workspace, self.saved.address, plan.saved, 0, 0)
        self.forward = self._caller(_plan._forward, forward)
        if problem.mode == "inference":
            wx, h = seen("step_wx"), seen("step_h")
            step = packed(STEP, *wx, *seen("r"), *given("bias"), *initial, *seen("last_states"), *h,
                          self.workspace.address, plan.step_workspace, 0, 0)
            self.step = self._caller(_plan._step, step)
            return
        wanted = [seen(name) if name[2:] in self.arrays else ABSENT for name in ("d_wx", "d_r", "d_bias",
                                                                                "d_initial_states")]
        backward = packed(BACKWARD, *ABSENT, *seen("r"), *ABSENT, *initial, *ABSENT, *ABSENT, *seen("h"), *seen("d_h"),
                          *ABSENT, *ABSENT, *(word for one in wanted for word in one),
                          self.workspace.address, plan.backward_workspace, self.saved.address, plan.saved, 0, 0)
        self.backward = self._caller(_plan._backward, backward)

    def _caller(self, function, args: int) -> Callable[[], None]:
        handle = self.plan.handle

        def call() -> None:
            if function(handle, args):
                raise RuntimeError(_plan.lib.flashrnn_last_error_message().decode())

        return call
