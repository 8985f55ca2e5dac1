# SPDX-License-Identifier: Apache-2.0
"""Calls worked out once for each layout of the tensors.

Checking a dozen tensors and writing down how each lies takes longer than a small run does. All of it follows from the
options and from the shapes, strides, dtypes and devices of the inputs, so the first call of a layout keeps the plan,
what makes the outputs and the args struct; later ones fill in the addresses.
"""
from __future__ import annotations

from array import array
from typing import Any, Callable, Iterable, Optional, Sequence, Tuple

import torch
from torch import Tensor

from .._args import BACKWARD, BACKWARD_WORD, FORWARD, FORWARD_WORD, STEP, STEP_WORD
from ..errors import InvalidArgumentError
from ..plan import FrontCache, Plan
from ._cache import new_empty
from ._outputs import another, bytes_maker, gradients, outputs, step_outputs
from ._plans import FRONT_CACHE_SIZE, aligned, plan_of, stream_of, view, workspace

Made = Callable[[], Any]  # a tensor, or None for one that the call does not make
_saved_maker = bytes_maker


def _nothing() -> None:
    return None


class _Call:
    """The plan, the args struct as words with the addresses left out, and what makes the outputs."""

    __slots__ = ("plan", "device", "is_cpu", "words", "make", "make_saved")

    def __init__(self, plan: Plan, device: torch.device, packed: bytes, made: Iterable[Optional[Tensor]]):
        self.plan, self.device, self.words = plan, device, array("Q", packed)
        self.is_cpu = plan.device.backend == "cpu"
        self.make_saved: Made = _saved_maker(plan.saved, device) if plan.saved else _nothing
        self.make: Tuple[Made, ...] = tuple(_nothing if one is None else another(one) for one in made)


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
        if wx.is_meta and wx.dim() == 5:
            return (*outputs(Tensor.new_empty, wx, want_states, options), wx.new_empty(0, dtype=torch.uint8))
        readable = tuple(map(_readable, given))
        if not _are_readable(given, readable):
            return forward(*readable, want_states, options)  # type: ignore[arg-type, call-arg]
        call = _new_forward(given, want_states, options)
        _calls.keep(key, call)
    plan, words = call.plan, call.words[:]
    keep: list = []
    make_h, make_states, make_last = call.make
    h, states, last = make_h(), make_states(), make_last()
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
    words[_FORWARD_WORKSPACE] = workspace(plan, plan.forward_workspace, call.device, keep)
    if not call.is_cpu:
        words[_STREAM] = stream_of(plan, call.device) or 0
    saved = memory = call.make_saved()
    if saved is not None:
        if saved.data_ptr() % plan.alignment:
            memory = aligned(saved, plan.alignment)
        words[_SAVED] = memory.data_ptr()
    plan.run_packed_forward(words.buffer_info()[0])
    if memory is not saved:
        saved.copy_(memory)
    return h, states, last, saved


def backward(d_h: Optional[Tensor], d_states: Optional[Tensor], d_last_states: Optional[Tensor], wx: Optional[Tensor],
             r: Tensor, bias: Optional[Tensor], initial_states: Optional[Tensor], lengths: Optional[Tensor],
             resets: Optional[Tensor], h: Tensor, saved: Optional[Tensor], wanted: Tuple[bool, ...], options: Tuple
             ) -> Tuple[Optional[Tensor], ...]:
    """The gradients of wx, r, bias and the initial states, None for those that are not wanted. Strides are looked at
    again, forward's too: what saves tensors for a graph may give them back lying otherwise."""
    is_usual = wx is bias is lengths is resets is d_states is None
    key = (options, wanted, _layout(d_h), _layout(r), _layout(h), _layout(initial_states), _layout(d_last_states),
           is_usual or tuple(map(_layout, (wx, bias, lengths, resets, d_states))))
    call = _calls.get(key)
    if call is None:
        if h.is_meta:
            return gradients(Tensor.new_empty, r, h, wanted, options)
        given = (d_h, d_states, d_last_states, wx, r, bias, initial_states, lengths, resets, h)
        readable = tuple(map(_readable, given))
        if not _are_readable(given, readable):
            return backward(*readable, saved, wanted, options)  # type: ignore[arg-type, call-arg]
        call = _new_backward((wx, r, bias, initial_states, lengths, resets, h, d_h, d_states, d_last_states), wanted,
                             options)
        _calls.keep(key, call)
    plan, words = call.plan, call.words[:]
    keep: list = []
    make_wx, make_r, make_bias, make_initial = call.make
    made = d_wx, d_r, d_bias, d_initial = make_wx(), make_r(), make_bias(), make_initial()
    words[_BACKWARD_R], words[_BACKWARD_H] = r.data_ptr(), h.data_ptr()
    if d_h is not None:
        words[_D_H] = d_h.data_ptr()
    if initial_states is not None:
        words[_BACKWARD_INITIAL] = initial_states.data_ptr()
    if d_last_states is not None:
        words[_D_LAST] = d_last_states.data_ptr()
    if not is_usual:
        for word, tensor in ((_BACKWARD_WX, wx), (_BACKWARD_BIAS, bias), (_BACKWARD_LENGTHS, lengths),
                             (_BACKWARD_RESETS, resets), (_D_STATES, d_states)):
            if tensor is not None:
                words[word] = tensor.data_ptr()
    if d_wx is not None:
        words[_D_WX] = d_wx.data_ptr()
    if d_r is not None:
        words[_D_R] = d_r.data_ptr()
    if d_bias is not None:
        words[_D_BIAS] = d_bias.data_ptr()
    if d_initial is not None:
        words[_D_INITIAL] = d_initial.data_ptr()
    words[_BACKWARD_WORKSPACE] = workspace(plan, plan.backward_workspace, call.device, keep)
    if not call.is_cpu:
        words[_STREAM] = stream_of(plan, call.device) or 0
    if plan.saved and saved is not None:
        memory = aligned(saved, plan.alignment)
        words[_BACKWARD_SAVED], words[_BACKWARD_SAVED_SIZE] = memory.data_ptr(), memory.numel()
    plan.run_packed_backward(words.buffer_info()[0])
    return made


def step(wx: Tensor, r: Tensor, bias: Optional[Tensor], states: Optional[Tensor], options: Tuple
         ) -> Tuple[Tensor, Tensor]:
    """h and the new states."""
    key = (options, _layout(wx), _layout(r), _layout(bias), _layout(states))
    call = _calls.get(key)
    if call is None:
        given = (wx, r, bias, states)
        if wx.is_meta and wx.dim() == 4:
            return step_outputs(wx, options)
        readable = tuple(map(_readable, given))
        if not _are_readable(given, readable):
            return step(*readable, options)  # type: ignore[arg-type, call-arg]
        call = _new_step(given, options)
        _calls.keep(key, call)
    plan, words = call.plan, call.words[:]
    keep: list = []
    make_h, make_states = call.make
    h, new_states = make_h(), make_states()
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
    made = outputs(new_empty, wx, want_states, options)
    names = ("wx", "r", "bias", "initial_states", "lengths", "resets", "h", "states", "last_states")
    words = _words(plan, zip(names, names, inputs + made), wx.device)
    packed = FORWARD.pack(FORWARD.size, 0, *words, 0, plan.forward_workspace, 0, plan.saved, 0, 0)
    return _Call(plan, wx.device, packed, made)


def _new_backward(inputs: Tuple[Optional[Tensor], ...], wanted: Tuple[bool, ...], options: Tuple) -> _Call:
    """`inputs` in the struct's order, wx to d_last_states."""
    r, h = inputs[1], inputs[6]
    assert r is not None and h is not None
    plan = plan_of(h.device, h.shape, h.dtype, r.dtype, options)
    made = gradients(new_empty, r, h, wanted, options)
    names = ("wx", "r", "bias", "initial_states", "lengths", "resets", "h", "d_h", "d_states", "d_last_states", "d_wx",
             "d_r", "d_bias", "d_initial_states")
    words = _words(plan, zip(names, names, inputs + made), h.device)
    packed = BACKWARD.pack(BACKWARD.size, 0, *words, 0, plan.backward_workspace, 0, plan.saved, 0, 0)
    return _Call(plan, h.device, packed, made)


def _new_step(inputs: Tuple[Optional[Tensor], ...], options: Tuple) -> _Call:
    wx, r = inputs[:2]
    assert wx is not None and r is not None
    if wx.dim() != 4:
        raise InvalidArgumentError(f"wx has shape {tuple(wx.shape)}: must be [B, G, N, D]")
    batch, _, heads, head_dim = wx.shape
    plan = plan_of(wx.device, (batch, 1, heads, head_dim), wx.dtype, r.dtype, options)
    made = h, new_states = step_outputs(wx, options)
    names = ("wx", "r", "bias", "states", "new_states", "h")
    shapes = ("step_wx", "r", "bias", "initial_states", "last_states", "step_h")
    words = _words(plan, zip(names, shapes, inputs + (new_states, h)), wx.device)
    return _Call(plan, wx.device, STEP.pack(STEP.size, 0, *words, 0, plan.step_workspace, 0, 0), made)


def _words(plan: Plan, tensors, device: torch.device) -> list:
    """The fields of the tensors (name, name of the shape, tensor) without their addresses."""
    fields: list = []
    for name, shape, tensor in tensors:
        fields += (0, *view(tensor, plan.shapes[shape], name, device, [])[1:])
    return fields


_WX, _R, _BIAS, _INITIAL, _LENGTHS, _RESETS, _H, _ALL_STATES, _LAST, _FORWARD_WORKSPACE, _SAVED, _STREAM = (
    FORWARD_WORD[name] for name in ("wx", "r", "bias", "initial_states", "lengths", "resets", "h", "states",
                                    "last_states", "workspace", "saved", "stream"))
(_BACKWARD_WX, _BACKWARD_R, _BACKWARD_BIAS, _BACKWARD_INITIAL, _BACKWARD_LENGTHS, _BACKWARD_RESETS, _BACKWARD_H, _D_H,
 _D_STATES, _D_LAST, _D_WX, _D_R, _D_BIAS, _D_INITIAL, _BACKWARD_WORKSPACE, _BACKWARD_SAVED, _BACKWARD_SAVED_SIZE) = (
    BACKWARD_WORD[name] for name in ("wx", "r", "bias", "initial_states", "lengths", "resets", "h", "d_h", "d_states",
                                     "d_last_states", "d_wx", "d_r", "d_bias", "d_initial_states", "workspace", "saved",
                                     "saved_size"))
_STEP_WX, _STEP_R, _STEP_BIAS, _STEP_STATES, _STEP_NEW, _STEP_H, _STEP_WORKSPACE = (
    STEP_WORD[name] for name in ("wx", "r", "bias", "states", "new_states", "h", "workspace"))
if not STEP_WORD["stream"] == BACKWARD_WORD["stream"] == _STREAM:
    raise ImportError("the args structs do not begin alike")
