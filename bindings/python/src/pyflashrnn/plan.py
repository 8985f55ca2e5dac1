# SPDX-License-Identifier: Apache-2.0
"""Plans: made once for a problem, run many times."""
from __future__ import annotations

import ctypes
import json
import threading
from collections import OrderedDict
from itertools import chain
from typing import Any, Dict, List, Optional, Sequence, Tuple

from . import _declarations as c
from ._args import BACKWARD, FORWARD, STEP
from ._library import check, lib, text_of
from ._views import View
from .cells import Cell, cell
from .device import Device
from .problem import Problem


class Plan:
    """A plan of the library: kernel, tiles and memory are decided. It is immutable and may be run by any number of
    threads at once.

    The `run_*` calls take addresses and views (see `_views`) and check nothing that the library checks itself; `forward`
    and its kin in `arrays` and the PyTorch operators stand on them.
    """

    def __init__(self, problem: Problem, device: Optional[Device] = None):
        self.handle: Optional[int] = None
        self.problem = problem
        self.device = device or Device.get("cpu")
        self.cell: Cell = cell(problem.cell)
        self.shapes: Dict[str, Tuple[int, ...]] = problem.shapes()
        self.dtype, self.weight_dtype, self.state_dtype = problem.dtype_values()
        raw = problem.to_c()
        handle = c.flashrnn_plan()
        check(lib.flashrnn_plan_create(self.device.handle, ctypes.byref(raw), ctypes.byref(handle)))
        self.handle = handle.value
        sizes = c.flashrnn_plan_sizes(struct_size=ctypes.sizeof(c.flashrnn_plan_sizes))
        check(lib.flashrnn_plan_get_sizes(self.handle, ctypes.byref(sizes)))
        self.forward_workspace: int = sizes.forward_workspace
        self.backward_workspace: int = sizes.backward_workspace
        self.step_workspace: int = sizes.step_workspace
        self.saved: int = sizes.saved
        self.alignment: int = max(sizes.alignment, 1)

    def run_forward(self, stream: Optional[int], views: Sequence[View], workspace: int, saved: int,
                    run_flags: int = 0) -> None:
        """`views` are all tensors of flashrnn_forward_args in its order, wx to last_states."""
        status = _forward(self.handle, FORWARD.pack(
            FORWARD.size, stream or 0, *chain.from_iterable(views), workspace, self.forward_workspace, saved, self.saved,
            run_flags, 0))
        if status:
            check(status)

    def run_backward(self, stream: Optional[int], views: Sequence[View], workspace: int, saved: int,
                     run_flags: int = 0) -> None:
        """`views` are all tensors of flashrnn_backward_args in its order, wx to d_initial_states."""
        status = _backward(self.handle, BACKWARD.pack(
            BACKWARD.size, stream or 0, *chain.from_iterable(views), workspace, self.backward_workspace, saved,
            self.saved, run_flags, 0))
        if status:
            check(status)

    def run_step(self, stream: Optional[int], views: Sequence[View], workspace: int, run_flags: int = 0) -> None:
        """`views` are all tensors of flashrnn_step_args in its order, wx to h."""
        status = _step(self.handle, STEP.pack(
            STEP.size, stream or 0, *chain.from_iterable(views), workspace, self.step_workspace, run_flags, 0))
        if status:
            check(status)

    def describe(self) -> Dict[str, Any]:
        """Backend, kernel, configuration, predicted time, and what was refused and why."""
        return json.loads(text_of(lib.flashrnn_plan_describe, self.handle))

    def close(self) -> None:
        """Frees the plan; runs of it raise InvalidHandleError from then on."""
        handle, self.handle = self.handle, None
        if handle is not None:
            check(lib.flashrnn_plan_close(handle))

    def __enter__(self) -> "Plan":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "handle", None) is not None and lib is not None:
            lib.flashrnn_plan_close(self.handle)

    def __repr__(self) -> str:
        return f"Plan({self.problem}, {self.device})"


def _taking_bytes(name: str) -> Any:
    """A function of the library with its args struct given as packed bytes or as their address, which saves the cast to
    a pointer."""
    function = lib[name]  # another object than lib.<name>, with argtypes of its own
    function.restype = ctypes.c_int32
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    return function


_forward = _taking_bytes("flashrnn_forward")
_backward = _taking_bytes("flashrnn_backward")
_step = _taking_bytes("flashrnn_step")

# Plans by problem and device, the least recently used first. A plan in use outlives its eviction.
CACHE_SIZE = 256
_cache: "OrderedDict[Tuple[Any, ...], Plan]" = OrderedDict()
_cache_lock = threading.Lock()


def plan_for(problem: Problem, device: Optional[Device] = None) -> Plan:
    """The plan of a problem, made on first use and then kept (the CACHE_SIZE last used ones)."""
    device = device or Device.get("cpu")
    key = (problem, device.handle)
    with _cache_lock:
        plan = _cache.get(key)
        if plan is not None:
            _cache.move_to_end(key)
            return plan
    plan = Plan(problem, device)  # outside the lock: it may take a while
    with _cache_lock:
        plan = _cache.setdefault(key, plan)
        while len(_cache) > CACHE_SIZE:
            _cache.popitem(last=False)
    return plan


class FrontCache(Dict[Any, Any]):
    """A dictionary in front of plan_for, of what is quicker to find by another key than a Problem. It starts afresh
    when `limit` entries are there, and clear_plan_cache empties it too."""

    _all: "List[FrontCache]" = []

    def __init__(self, limit: int):
        super().__init__()
        self.limit = limit
        FrontCache._all.append(self)

    def keep(self, key: Any, value: Any) -> None:
        if len(self) >= self.limit:
            self.clear()
        self[key] = value


def clear_plan_cache() -> None:
    """Forgets all plans; those in use live on until they are not."""
    with _cache_lock:
        _cache.clear()
    for front in FrontCache._all:
        front.clear()
