# SPDX-License-Identifier: Apache-2.0
"""Recurrences on NumPy arrays and, through DLPack, on those of any framework. Nothing is copied, whatever the strides.

Outputs that are not given are made by NumPy, on the CPU; `numpy.from_dlpack`, `torch.from_dlpack` and their like take
them over without a copy too. For arrays on a GPU give the outputs.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from . import _declarations as c
from ._memory import Buffer, workspaces
from ._views import View, device_of, numpy_dtype_value, view
from .cells import cell as cell_of
from .device import Device
from .errors import InvalidArgumentError
from .plan import CACHE_SIZE, FrontCache, Plan, plan_for
from .problem import DTYPE_NAMES, Problem

_NUMPY_DTYPES: Dict[int, np.dtype] = {c.FLASHRNN_FLOAT32: np.dtype(np.float32), c.FLASHRNN_FLOAT16: np.dtype(np.float16),
                 c.FLASHRNN_FLOAT64: np.dtype(np.float64), c.FLASHRNN_BFLOAT16: np.dtype(np.uint16)}


@dataclass
class Gradients:
    """d_wx [B, T, Gi, N, D], d_r [Gr, N, D, D], d_bias [Gb, N, D], d_initial_states [S, B, N, D]; None where not asked
    for."""

    d_wx: Any = None
    d_r: Any = None
    d_bias: Any = None
    d_initial_states: Any = None


@dataclass
class Forward:
    """What a forward pass gave: h [B, T, N, D], states [S, B, T, N, D] (None unless asked for), last_states
    [S, B, N, D]. It holds what backward needs."""

    h: Any
    states: Any
    last_states: Any
    plan: Plan = field(repr=False)
    _inputs: Tuple[Any, ...] = field(repr=False, default=())
    _saved: Optional[Buffer] = field(repr=False, default=None)
    _stream: int = field(repr=False, default=0)

    def backward(self, d_h: Any = None, d_states: Any = None, d_last_states: Any = None, *,
                 wanted: Tuple[str, ...] = ("wx", "r", "bias", "initial_states"),
                 out: Optional[Gradients] = None) -> Gradients:
        """Gradients of all inputs from those of the outputs, each of which may be absent (zero) and has its output's
        shape. `wanted` names the inputs whose gradients are made; those of absent inputs are left out. `out` gives
        arrays to write to instead."""
        plan, stream = self.plan, self.plan.device.stream(self._stream)
        wx, r, bias, initial_states, lengths, resets = self._inputs
        given = {"wx": wx, "r": r, "bias": bias, "initial_states": initial_states}
        unknown = set(wanted) - set(given)
        if unknown:
            raise InvalidArgumentError(f"wanted has {sorted(unknown)}: must be some of {list(given)}")
        shapes = plan.shapes
        keep: List[Any] = []
        if out is None:
            dtypes = {"wx": plan.dtype, "r": plan.weight_dtype, "bias": plan.weight_dtype,
                      "initial_states": plan.state_dtype}
            out = Gradients(**{"d_" + name: _empty(plan, shapes["d_" + name], dtypes[name], like)
                               for name, like in given.items() if name in wanted and like is not None})

        def read(name: str, array: Any) -> View:
            return view(array, shapes[name], name, keep, stream=self._stream)

        def write(name: str) -> View:
            return view(getattr(out, name), shapes[name], name, keep, True, self._stream)

        recompute = plan.problem.mode == "recompute"
        plan.run_backward(stream, (
            read("wx", wx if recompute else None), read("r", r), read("bias", bias if recompute else None),
            read("initial_states", initial_states), read("lengths", lengths), read("resets", resets), read("h", self.h),
            read("d_h", d_h), read("d_states", d_states), read("d_last_states", d_last_states), write("d_wx"),
            write("d_r"), write("d_bias"), write("d_initial_states")),
            workspaces.get(plan.device, stream, plan.backward_workspace), self._saved.address if self._saved else 0)
        return out


def _dtype_name(array: Any, name: str, stated: Optional[str]) -> str:
    if isinstance(array, np.ndarray):
        value = numpy_dtype_value(array.dtype, name)
        if value == 0 and not stated:
            raise InvalidArgumentError(f"{name} has dtype uint16: state which dtype of 16 bits it holds, as "
                                       "dtype=\"bfloat16\"")
        return stated or DTYPE_NAMES[value]
    text = str(getattr(array, "dtype", "")).rsplit(".", 1)[-1]
    return stated or text


def _empty(plan: Plan, shape: Tuple[int, ...], dtype: int, like: Any) -> np.ndarray:
    if plan.device.backend != "cpu":
        raise InvalidArgumentError("outputs must be given for arrays that do not lie on the CPU")
    # Where the input's dtype is bfloat16 by name (ml_dtypes), so is the output's.
    kind = getattr(like, "dtype", None)
    if dtype == c.FLASHRNN_BFLOAT16 and isinstance(kind, np.dtype) and kind.name == "bfloat16":
        return np.empty(shape, kind)
    return np.empty(shape, _NUMPY_DTYPES[dtype])


# Plans of NumPy calls by what they are chosen by.
_plans = FrontCache(CACHE_SIZE)


def _plan(wx: Any, axes: str, r: Any, states: Any, cell: str, dtypes: Tuple[Optional[str], Optional[str], Optional[str]],
          options: Dict[str, Any]) -> Plan:
    key = None
    if type(wx) is np.ndarray and type(r) is np.ndarray:
        key = (wx.shape, wx.dtype, r.dtype, getattr(states, "dtype", None), cell, dtypes, tuple(options.items()))
        plan = _plans.get(key)
        if plan is not None:
            return plan
    plan = plan_for(*_problem(wx, axes, r, states, cell, *dtypes, options))
    if key is not None:
        _plans.keep(key, plan)
    return plan


def _problem(wx: Any, axes: str, r: Any, states: Any, cell: str, dtype: Optional[str],
             weight_dtype: Optional[str], state_dtype: Optional[str], options: Dict[str, Any]) -> Tuple[Problem, Device]:
    shape = tuple(getattr(wx, "shape", ()))
    if len(shape) != len(axes.split()):
        raise InvalidArgumentError(f"wx has shape {shape}: must be [{axes.replace(' ', ', ')}]")
    sizes = dict(zip(axes.split(), (int(size) for size in shape)))
    cell_of(cell)
    name = _dtype_name(wx, "wx", dtype)
    weight = _dtype_name(r, "r", weight_dtype or (name if getattr(r, "dtype", None) == wx.dtype else None))
    state = state_dtype
    if state is None and states is not None:
        state = _dtype_name(states, "states", name if getattr(states, "dtype", None) == wx.dtype else None)
    problem = Problem(cell, sizes["B"], sizes.get("T", 1), sizes["N"], sizes["D"], name, weight, state or name, **options)
    return problem, Device.get(*device_of(wx, "wx"))


def run(plan: Plan, wx: Any, r: Any, bias: Any = None, initial_states: Any = None, *, lengths: Any = None,
        resets: Any = None, h: Any = None, states: Any = None, last_states: Any = None, return_states: bool = False,
        stream: int = 0) -> Forward:
    """A forward pass of a plan: `forward` without the search for the plan. Outputs that are None are made."""
    shapes = plan.shapes
    keep: List[Any] = []
    if h is None:
        h = _empty(plan, shapes["h"], plan.dtype, wx)
    if states is None and return_states:
        states = _empty(plan, shapes["states"], plan.dtype, wx)
    if last_states is None:
        last_states = _empty(plan, shapes["last_states"], plan.state_dtype,
                             wx if initial_states is None else initial_states)
    queue = plan.device.stream(stream)
    saved = Buffer(plan.device, plan.saved) if plan.saved else None
    plan.run_forward(queue, (
        view(wx, shapes["wx"], "wx", keep, stream=stream), view(r, shapes["r"], "r", keep, stream=stream),
        view(bias, shapes["bias"], "bias", keep, stream=stream),
        view(initial_states, shapes["initial_states"], "initial_states", keep, stream=stream),
        view(lengths, shapes["lengths"], "lengths", keep, stream=stream),
        view(resets, shapes["resets"], "resets", keep, stream=stream),
        view(h, shapes["h"], "h", keep, True, stream), view(states, shapes["states"], "states", keep, True, stream),
        view(last_states, shapes["last_states"], "last_states", keep, True, stream)),
        workspaces.get(plan.device, queue, plan.forward_workspace), saved.address if saved else 0)
    return Forward(h, states, last_states, plan, (wx, r, bias, initial_states, lengths, resets), saved, stream)


def forward(wx: Any, r: Any, bias: Any = None, initial_states: Any = None, *, cell: str = "lstm", lengths: Any = None,
            resets: Any = None, mode: str = "training", return_states: bool = False, h: Any = None, states: Any = None,
            last_states: Any = None, dtype: Optional[str] = None, weight_dtype: Optional[str] = None,
            state_dtype: Optional[str] = None, stream: int = 0, **options: Any) -> Forward:
    """A recurrence over all time.

    wx [B, T, Gi, N, D] the input projections, r [Gr, N, D, D] with the axis of h(t-1) last, bias [Gb, N, D],
    initial_states [S, B, N, D], lengths [B] int32 or int64, resets [T, B] uint8 or bool. All arrays lie on one device
    and may have any strides. `h`, `states` and `last_states` are arrays to write to; those that are None are made, states
    only with `return_states`. Dtypes are the arrays' own; uint16 holds bfloat16 where `dtype` says so. `stream` is the
    backend's own (cudaStream_t) as an integer. `mode` is "training", "recompute" or "inference"; `options` are further
    fields of `Problem`: reverse, forward_clip, recurrent_gradient_clip, cut_recurrent_gradient, allow_tf32, threads,
    config.
    """
    options.update(mode=mode, lengths=lengths is not None, resets=resets is not None)
    plan = _plan(wx, "B T G N D", r, initial_states, cell, (dtype, weight_dtype, state_dtype), options)
    return run(plan, wx, r, bias, initial_states, lengths=lengths, resets=resets, h=h,
               states=states, last_states=last_states, return_states=return_states, stream=stream)


def step(wx: Any, r: Any, bias: Any = None, states: Any = None, *, cell: str = "lstm", new_states: Any = None,
         h: Any = None, dtype: Optional[str] = None, weight_dtype: Optional[str] = None,
         state_dtype: Optional[str] = None, stream: int = 0, **options: Any) -> Tuple[Any, Any]:
    """One step for streaming: wx [B, Gi, N, D], r [Gr, N, D, D], bias [Gb, N, D], states [S, B, N, D]. Gives h
    [B, N, D] and the new states; `new_states` may be the array `states`, which is then overwritten."""
    plan = _plan(wx, "B G N D", r, states, cell, (dtype, weight_dtype, state_dtype), dict(options, mode="inference"))
    keep: List[Any] = []
    shapes = plan.shapes
    if h is None:
        h = _empty(plan, shapes["step_h"], plan.dtype, wx)
    if new_states is None:
        new_states = _empty(plan, shapes["last_states"], plan.state_dtype, wx if states is None else states)
    queue = plan.device.stream(stream)
    plan.run_step(queue, (
        view(wx, shapes["step_wx"], "wx", keep, stream=stream), view(r, shapes["r"], "r", keep, stream=stream),
        view(bias, shapes["bias"], "bias", keep, stream=stream),
        view(states, shapes["initial_states"], "states", keep, stream=stream),
        view(new_states, shapes["last_states"], "new_states", keep, True, stream),
        view(h, shapes["step_h"], "h", keep, True, stream)),
        workspaces.get(plan.device, queue, plan.step_workspace))
    return h, new_states
