# SPDX-License-Identifier: Apache-2.0
"""Calls worked out once for each layout of the tensors.

Checking nine tensors and writing down how each lies takes longer than a small run does. All of it follows from the
options and from the shapes, strides, dtypes and devices of the inputs, so the first call of a layout keeps the plan,
the shapes of what is made and the args struct; later ones fill in the addresses.
"""
from __future__ import annotations

from array import array
from typing import Callable, Optional, Sequence, Tuple

import torch
from torch import Tensor

from .._args import FORWARD, FORWARD_WORD, STEP, STEP_WORD

from ..cells import cells
from ..errors import InvalidArgumentError
from ..plan import FrontCache, Plan
from ._cache import MINIMUM, empty, new_empty
from ._plans import FRONT_CACHE_SIZE, TORCH_DTYPES, aligned, plan_of, stream_of, view, workspace

Maker = Callable[[Tensor, Sequence[int]], Tensor]  # new_empty, or for tensors without memory Tensor.new_empty
_STATES = {kind.value: len(kind.states) for kind in cells()}


def _is_time_major(like: Tensor, batch: int, time: int) -> bool:
    return batch > 1 and time > 1 and like.stride(0) < like.stride(1)


def sequence(make: Maker, like: Tensor, shape: Tuple[int, ...], batch_axis: int) -> Tensor:
    """A new tensor with the axes B and T from batch_axis on, whichever of them is outside in `like`: h of a time-major
    wx is time-major."""
    batch, time = shape[batch_axis], shape[batch_axis + 1]
    if _is_time_major(like, batch, time):
        swapped = list(shape)
        swapped[batch_axis], swapped[batch_axis + 1] = time, batch
        return make(like, swapped).transpose(batch_axis, batch_axis + 1)
    return make(like, shape)


def outputs(make: Maker, wx: Tensor, want_states: bool, options: Tuple) -> Tuple[Tensor, Optional[Tensor], Tensor]:
    """h, states (None unless wanted) and the last states."""
    batch, time, _, heads, head_dim = wx.shape
    count = _STATES[options[1]]
    h = sequence(make, wx, (batch, time, heads, head_dim), 0)
    states = sequence(make, wx, (count, batch, time, heads, head_dim), 1) if want_states else None
    last = wx.new_empty((count, batch, heads, head_dim), dtype=TORCH_DTYPES[options[0]])
    return h, states, last


def step_outputs(wx: Tensor, options: Tuple) -> Tuple[Tensor, Tensor]:
    """h and the new states."""
    batch, _, heads, head_dim = wx.shape
    return (wx.new_empty((batch, heads, head_dim)),
            wx.new_empty((_STATES[options[1]], batch, heads, head_dim), dtype=TORCH_DTYPES[options[0]]))


def _saved_memory(size: int, device: torch.device) -> Tensor:
    return empty((size,), torch.uint8, device)


class _Call:
    """The plan, the args struct as words with the addresses left out, and the shapes of small packed outputs (`h` is
    None for any other: those are made the long way)."""

    __slots__ = ("plan", "device", "is_cpu", "words", "h", "last", "last_dtype")

    def __init__(self, plan: Plan, packed: bytes, like: Tensor, h: Tensor, last: Tensor):
        self.plan, self.device, self.words = plan, like.device, array("Q", packed)
        self.is_cpu = plan.device.backend == "cpu"
        small = h.is_contiguous() and h.numel() * h.itemsize < MINIMUM
        self.h: Optional[Tuple[int, ...]] = tuple(h.shape) if small else None
        self.last = tuple(last.shape)
        self.last_dtype = None if last.dtype is like.dtype else last.dtype

    def small_outputs(self, like: Tensor) -> Tuple[Tensor, Tensor]:
        h = like.new_empty(*self.h)  # separate arguments are read faster than a tuple of them
        if self.last_dtype is None:
            return h, like.new_empty(*self.last)
        return h, like.new_empty(self.last, dtype=self.last_dtype)


_calls = FrontCache(FRONT_CACHE_SIZE)


def _layout(tensor: Optional[Tensor]) -> Optional[Tuple]:
    """All that a call depends on, but the address."""
    if tensor is None:
        return None
    return (tensor.shape, tensor.is_contiguous() or tensor.stride(), tensor.dtype, tensor.device, tensor.is_neg())


def _readable(tensor: Optional[Tensor]) -> Optional[Tensor]:
    """The tensor, or a copy where the library could not read its memory as it lies."""
    if tensor is None:
        return None
    tensor = tensor.resolve_neg()
    return tensor if tensor.is_contiguous() or any(tensor.stride()) else tensor.contiguous()


def _are_readable(given: Sequence[Optional[Tensor]], readable: Sequence[Optional[Tensor]]) -> bool:
    return all(one is other for one, other in zip(given, readable))


def forward(wx: Tensor, r: Tensor, bias: Optional[Tensor], initial_states: Optional[Tensor], lengths: Optional[Tensor],
            resets: Optional[Tensor], want_states: bool, options: Tuple
            ) -> Tuple[Tensor, Optional[Tensor], Tensor, Optional[Tensor]]:
    """h, states, last states and saved memory; None for what is not made."""
    key = (options, want_states, _layout(wx), _layout(r), _layout(bias), _layout(initial_states), _layout(lengths),
           _layout(resets))
    call = _calls.get(key)
    if call is None:
        given = (wx, r, bias, initial_states, lengths, resets)
        readable = tuple(map(_readable, given))
        if not _are_readable(given, readable):
            return forward(*readable, want_states, options)  # type: ignore[arg-type]
        call = _new_forward(given, want_states, options)
        _calls.keep(key, call)
    plan, device = call.plan, call.device
    states = saved = memory = None
    if call.h is not None and not want_states:
        h, last = call.small_outputs(wx)
    else:
        h, states, last = outputs(new_empty, wx, want_states, options)
    words, keep = call.words[:], []
    words[_WX], words[_R] = wx.data_ptr(), r.data_ptr()
    if bias is not None:
        words[_BIAS] = bias.data_ptr()
    if initial_states is not None:
        words[_INITIAL] = initial_states.data_ptr()
    if lengths is not None:
        words[_LENGTHS] = lengths.data_ptr()
    if resets is not None:
        words[_RESETS] = resets.data_ptr()
    if states is not None:
        words[_ALL_STATES] = states.data_ptr()
    words[_H], words[_LAST] = h.data_ptr(), last.data_ptr()
    words[_FORWARD_WORKSPACE] = workspace(plan, plan.forward_workspace, device, keep)
    if not call.is_cpu:
        words[_STREAM] = stream_of(plan, device) or 0
    if plan.saved:
        saved = _saved_memory(plan.saved, device)
        memory = aligned(saved, plan.alignment)
        words[_SAVED] = memory.data_ptr()
    plan.run_packed_forward(words.buffer_info()[0])
    if saved is not None and memory is not saved:
        saved.copy_(memory)
    return h, states, last, saved


def step(wx: Tensor, r: Tensor, bias: Optional[Tensor], states: Optional[Tensor], options: Tuple
         ) -> Tuple[Tensor, Tensor]:
    """h and the new states."""
    key = (options, _layout(wx), _layout(r), _layout(bias), _layout(states))
    call = _calls.get(key)
    if call is None:
        given = (wx, r, bias, states)
        readable = tuple(map(_readable, given))
        if not _are_readable(given, readable):
            return step(*readable, options)  # type: ignore[arg-type]
        call = _new_step(given, options)
        _calls.keep(key, call)
    plan, keep = call.plan, []
    h, new_states = step_outputs(wx, options) if call.h is None else call.small_outputs(wx)
    words = call.words[:]
    words[_STEP_WX], words[_STEP_R] = wx.data_ptr(), r.data_ptr()
    if bias is not None:
        words[_STEP_BIAS] = bias.data_ptr()
    if states is not None:
        words[_STEP_STATES] = states.data_ptr()
    words[_STEP_H], words[_STEP_NEW] = h.data_ptr(), new_states.data_ptr()
    words[_STEP_WORKSPACE] = workspace(plan, plan.step_workspace, call.device, keep)
    if not call.is_cpu:
        words[_STREAM] = stream_of(plan, call.device) or 0
    plan.run_packed_step(words.buffer_info()[0])
    return h, new_states


def _new_forward(inputs: Tuple[Optional[Tensor], ...], want_states: bool, options: Tuple) -> _Call:
    wx, r = inputs[:2]
    assert wx is not None and r is not None
    if wx.dim() != 5:
        raise InvalidArgumentError(f"wx has shape {tuple(wx.shape)}: must be [B, T, G, N, D]")
    plan = plan_of(wx.device, wx.shape, wx.dtype, r.dtype, options)
    h, states, last = outputs(new_empty, wx, want_states, options)
    names = ("wx", "r", "bias", "initial_states", "lengths", "resets", "h", "states", "last_states")
    words = _words(plan, zip(names, names, inputs + (h, states, last)), wx.device)
    packed = FORWARD.pack(FORWARD.size, 0, *words, 0, plan.forward_workspace, 0, plan.saved, 0, 0)
    return _Call(plan, packed, wx, h, last)


def _new_step(inputs: Tuple[Optional[Tensor], ...], options: Tuple) -> _Call:
    wx, r = inputs[:2]
    assert wx is not None and r is not None
    if wx.dim() != 4:
        raise InvalidArgumentError(f"wx has shape {tuple(wx.shape)}: must be [B, G, N, D]")
    batch, _, heads, head_dim = wx.shape
    plan = plan_of(wx.device, (batch, 1, heads, head_dim), wx.dtype, r.dtype, options)
    h, new_states = step_outputs(wx, options)
    names = ("wx", "r", "bias", "states", "new_states", "h")
    shapes = ("step_wx", "r", "bias", "initial_states", "last_states", "step_h")
    words = _words(plan, zip(names, shapes, inputs + (new_states, h)), wx.device)
    return _Call(plan, STEP.pack(STEP.size, 0, *words, 0, plan.step_workspace, 0, 0), wx, h, new_states)


def _words(plan: Plan, tensors, device: torch.device) -> list:
    """The fields of the tensors (name, name of the shape, tensor) without their addresses."""
    fields: list = []
    for name, shape, tensor in tensors:
        fields += (0, *view(tensor, plan.shapes[shape], name, device, [])[1:])
    return fields


_WX, _R, _BIAS, _INITIAL, _LENGTHS, _RESETS, _H, _ALL_STATES, _LAST, _FORWARD_WORKSPACE, _SAVED, _STREAM = (
    FORWARD_WORD[name] for name in ("wx", "r", "bias", "initial_states", "lengths", "resets", "h", "states",
                                    "last_states", "workspace", "saved", "stream"))
_STEP_WX, _STEP_R, _STEP_BIAS, _STEP_STATES, _STEP_NEW, _STEP_H, _STEP_WORKSPACE = (
    STEP_WORD[name] for name in ("wx", "r", "bias", "states", "new_states", "h", "workspace"))
if STEP_WORD["stream"] != _STREAM:
    raise ImportError("the args structs do not begin alike")
