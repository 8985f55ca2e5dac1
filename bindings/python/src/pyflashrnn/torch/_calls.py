# SPDX-License-Identifier: Apache-2.0
"""Calls worked out once for each layout of the tensors.

Checking a dozen tensors and writing down how each lies takes longer than a small run does. All of it follows from the
options and from the shapes, strides, dtypes and devices of the inputs, so the first call of a layout makes a Call, which
is kept; later ones fill in the addresses.
"""
from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

import torch
from torch import Tensor

from .._args import BACKWARD, BACKWARD_WORD, FORWARD, FORWARD_WORD, STEP, STEP_WORD
from ..errors import InvalidArgumentError
from ..plan import FrontCache, Plan, _backward, _forward, _step
from ._cache import new_empty
from ._call import Call, Maker, keep, run_known
from ._outputs import another, bytes_maker, gradients, outputs, step_outputs
from ._plans import FRONT_CACHE_SIZE, plan_of, view

_calls = FrontCache(FRONT_CACHE_SIZE)

Given = Sequence[Tuple[str, Optional[Tensor]]]


def _readable(tensor: Optional[Tensor]) -> Optional[Tensor]:
    """The tensor, or a copy where the library could not read its memory as it lies."""
    if tensor is None:
        return None
    tensor = tensor.resolve_neg()
    return tensor if tensor.is_contiguous() or any(tensor.stride()) else tensor.contiguous()


def _are_readable(given: Sequence[Optional[Tensor]], readable: Sequence[Optional[Tensor]]) -> bool:
    return all(one is other for one, other in zip(given, readable))


def forward(wx: Tensor, r: Tensor, bias: Optional[Tensor], initial_states: Optional[Tensor], lengths: Optional[Tensor],
            resets: Optional[Tensor], want_states: bool, options: Tuple[Any, ...]
            ) -> Tuple[Tensor, Optional[Tensor], Tensor, Optional[Tensor]]:
    """h, states, last states and saved memory; None for what is not made."""
    key = (options, want_states)
    made = run_known(_calls, key, wx, r, bias, initial_states, lengths, resets)
    if made is not None:
        return made
    given = (wx, r, bias, initial_states, lengths, resets)
    if wx.is_meta and wx.dim() == 5:
        return (*outputs(Tensor.new_empty, wx, want_states, options), wx.new_empty(0, dtype=torch.uint8))
    readable = tuple(map(_readable, given))
    if not _are_readable(given, readable):
        return forward(*readable, want_states, options)  # type: ignore[arg-type, call-arg]
    call = _new_forward(given, want_states, options)
    keep(_calls, key, call, given)
    return call(*given)


def backward(d_h: Optional[Tensor], d_states: Optional[Tensor], d_last_states: Optional[Tensor], wx: Optional[Tensor],
             r: Tensor, bias: Optional[Tensor], initial_states: Optional[Tensor], lengths: Optional[Tensor],
             resets: Optional[Tensor], h: Tensor, saved: Optional[Tensor], wanted: Tuple[bool, ...],
             options: Tuple[Any, ...]
             ) -> Tuple[Optional[Tensor], ...]:
    """The gradients of wx, r, bias and the initial states, None for those that are not wanted. Strides are looked at
    again, forward's too: what saves tensors for a graph may give them back lying otherwise."""
    key = (options, wanted)
    made = run_known(_calls, key, wx, r, bias, initial_states, lengths, resets, h, d_h, d_states, d_last_states, saved)
    if made is not None:
        return made
    if h.is_meta:
        return gradients(Tensor.new_empty, r, h, wanted, options)
    given = (d_h, d_states, d_last_states, wx, r, bias, initial_states, lengths, resets, h)
    readable = tuple(map(_readable, given))
    if not _are_readable(given, readable):
        return backward(*readable, saved, wanted, options)  # type: ignore[arg-type, call-arg]
    inputs = (wx, r, bias, initial_states, lengths, resets, h, d_h, d_states, d_last_states, saved)
    call = _new_backward(inputs, wanted, options)
    keep(_calls, key, call, inputs)
    return call(*inputs)


def step(wx: Tensor, r: Tensor, bias: Optional[Tensor], states: Optional[Tensor], options: Tuple[Any, ...]
         ) -> Tuple[Tensor, Tensor]:
    """h and the new states."""
    made = run_known(_calls, options, wx, r, bias, states)
    if made is not None:
        return made
    given = (wx, r, bias, states)
    if wx.is_meta and wx.dim() == 4:
        return step_outputs(wx, options)
    readable = tuple(map(_readable, given))
    if not _are_readable(given, readable):
        return step(*readable, options)  # type: ignore[arg-type, call-arg]
    call = _new_step(given, options)
    keep(_calls, options, call, given)
    return call(*given)


def _new_forward(inputs: Tuple[Optional[Tensor], ...], want_states: bool, options: Tuple[Any, ...]) -> Call:
    wx, r = inputs[:2]
    assert wx is not None and r is not None
    if wx.dim() != 5:
        raise InvalidArgumentError(f"wx has shape {tuple(wx.shape)}: must be [B, T, G, N, D]")
    plan = plan_of(wx.device, wx.shape, wx.dtype, r.dtype, options)
    given = list(zip(("wx", "r", "bias", "initial_states", "lengths", "resets"), inputs))
    made = list(zip(("h", "states", "last_states"), outputs(new_empty, wx, want_states, options)))
    packed = FORWARD.pack(FORWARD.size, 0, *_fields(plan, given + made, wx.device), 0, plan.forward_workspace, 0,
                          plan.saved, 0, 0)
    saved = bytes_maker(plan.saved, wx.device) if plan.saved else None
    return Call(plan, _forward, packed, FORWARD_WORD, wx.device, given, [*_makers(made), ("saved", saved)],
                plan.forward_workspace)


def _new_backward(inputs: Tuple[Optional[Tensor], ...], wanted: Tuple[bool, ...], options: Tuple[Any, ...]) -> Call:
    """`inputs` in the struct's order, wx to d_last_states, then the saved memory."""
    r, h, saved = inputs[1], inputs[6], inputs[-1]
    assert r is not None and h is not None
    plan = plan_of(h.device, h.shape, h.dtype, r.dtype, options)
    given = list(zip(("wx", "r", "bias", "initial_states", "lengths", "resets", "h", "d_h", "d_states",
                      "d_last_states"), inputs))
    made = list(zip(("d_wx", "d_r", "d_bias", "d_initial_states"), gradients(new_empty, r, h, wanted, options)))
    if not plan.saved:
        saved = None
    packed = BACKWARD.pack(BACKWARD.size, 0, *_fields(plan, given + made, h.device), 0, plan.backward_workspace, 0,
                           0 if saved is None else saved.numel(), 0, 0)
    return Call(plan, _backward, packed, BACKWARD_WORD, h.device, [*given, ("saved", saved)], _makers(made),
                plan.backward_workspace)


def _new_step(inputs: Tuple[Optional[Tensor], ...], options: Tuple[Any, ...]) -> Call:
    wx, r = inputs[:2]
    assert wx is not None and r is not None
    if wx.dim() != 4:
        raise InvalidArgumentError(f"wx has shape {tuple(wx.shape)}: must be [B, G, N, D]")
    batch, _, heads, head_dim = wx.shape
    plan = plan_of(wx.device, (batch, 1, heads, head_dim), wx.dtype, r.dtype, options)
    h, new_states = step_outputs(wx, options)
    given = list(zip(("wx", "r", "bias", "states"), inputs))
    shapes = {"wx": "step_wx", "states": "initial_states", "new_states": "last_states", "h": "step_h"}
    packed = STEP.pack(STEP.size, 0, *_fields(plan, [*given, ("new_states", new_states), ("h", h)], wx.device, shapes),
                       0, plan.step_workspace, 0, 0)
    return Call(plan, _step, packed, STEP_WORD, wx.device, given, _makers([("h", h), ("new_states", new_states)]),
                plan.step_workspace)


def _fields(plan: Plan, tensors: Given, device: torch.device, shapes: Dict[str, str] = {}) -> List[Any]:
    """The fields of the tensors, in the struct's order, without their addresses; `shapes` names the shapes that are not
    called as their fields are."""
    fields: List[Any] = []
    for name, tensor in tensors:
        fields += (0, *view(tensor, plan.shapes[shapes.get(name, name)], name, device, [])[1:])
    return fields


def _makers(made: Given) -> Sequence[Tuple[str, Optional[Maker]]]:
    return [(name, None if one is None else another(one)) for name, one in made]
