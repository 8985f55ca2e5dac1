# SPDX-License-Identifier: Apache-2.0
"""The operators pyflashrnn::forward, backward and step: opaque to PyTorch, with shapes for torch.compile and a
backward for autograd.

All take the same options: state_dtype (of the states at both ends), cell, mode and flags as the header's values, the
two clips, threads and config. A tensor that is not made is returned with the shape [0].
"""
from __future__ import annotations

from typing import List, Optional, Tuple

import torch
from torch import Tensor

from .. import _declarations as c
from .._views import ABSENT
from ..cells import cell_of_value
from ..errors import FlashRNNError, InvalidArgumentError
from ._plans import TORCH_DTYPES, aligned, native_stream, plan_of, view, workspace

_OPTIONS = ("int state_dtype, int cell, int mode, int flags, float forward_clip, float recurrent_gradient_clip, "
            "int threads, str config")
_INPUTS = "Tensor r, Tensor? bias, Tensor? initial_states, Tensor? lengths, Tensor? resets"

# Inductor may change the strides of an operator's inputs, and here those of the outputs follow from them.
_TAGS = (torch.Tag.needs_fixed_stride_order,)
torch.library.define("pyflashrnn::forward", f"(Tensor wx, {_INPUTS}, bool want_states, {_OPTIONS}) -> "
                     "(Tensor h, Tensor states, Tensor last_states, Tensor saved)", tags=_TAGS)
torch.library.define("pyflashrnn::backward", f"(Tensor? d_h, Tensor? d_states, Tensor? d_last_states, Tensor? wx, "
                     f"{_INPUTS}, Tensor h, Tensor saved, bool[] wanted, {_OPTIONS}) -> "
                     "(Tensor d_wx, Tensor d_r, Tensor d_bias, Tensor d_initial_states)", tags=_TAGS)
torch.library.define("pyflashrnn::step", f"(Tensor wx, Tensor r, Tensor? bias, Tensor? states, {_OPTIONS}) -> "
                     "(Tensor h, Tensor new_states)", tags=_TAGS)


def _sequence(like: Tensor, shape: Tuple[int, ...], batch_axis: int) -> Tensor:
    """An empty tensor with the axes B and T from batch_axis on, whichever of them is outside in `like`: h of a
    time-major wx is time-major."""
    if like.stride(0) < like.stride(1) and like.shape[0] > 1 and like.shape[1] > 1:
        swapped = list(shape)
        swapped[batch_axis], swapped[batch_axis + 1] = shape[batch_axis + 1], shape[batch_axis]
        return like.new_empty(swapped).transpose(batch_axis, batch_axis + 1)
    return like.new_empty(shape)


def _outputs(wx: Tensor, want_states: bool, options: Tuple) -> Tuple[Tensor, Tensor, Tensor]:
    batch, time, _, heads, head_dim = wx.shape
    count = len(cell_of_value(options[1]).states)
    h = _sequence(wx, (batch, time, heads, head_dim), 0)
    states = _sequence(wx, (count, batch, time, heads, head_dim), 1) if want_states else wx.new_empty(0)
    last = wx.new_empty((count, batch, heads, head_dim), dtype=TORCH_DTYPES[options[0]])
    return h, states, last


def _forward(wx: Tensor, r: Tensor, bias: Optional[Tensor], initial_states: Optional[Tensor], lengths: Optional[Tensor],
             resets: Optional[Tensor], want_states: bool, *options) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    shape = wx.shape
    if len(shape) != 5:
        raise InvalidArgumentError(f"wx has shape {tuple(shape)}: must be [B, T, G, N, D]")
    device = wx.device
    plan = plan_of(device, shape[:2] + shape[3:], wx.dtype, r.dtype, options)
    shapes, keep = plan.shapes, []
    h, states, last = _outputs(wx, want_states, options)
    saved = torch.empty(plan.saved, dtype=torch.uint8, device=device)
    memory = aligned(saved, plan.alignment) if plan.saved else saved
    plan.run_forward(
        plan.device.stream(native_stream(device)), view(wx, shapes["wx"], "wx", device, keep),
        view(r, shapes["r"], "r", device, keep), view(bias, shapes["bias"], "bias", device, keep),
        view(initial_states, shapes["initial_states"], "initial_states", device, keep),
        view(lengths, shapes["lengths"], "lengths", device, keep), view(resets, shapes["resets"], "resets", device, keep),
        view(h, shapes["h"], "h", device, keep),
        view(states, shapes["states"], "states", device, keep) if want_states else ABSENT,
        view(last, shapes["last_states"], "last_states", device, keep),
        workspace(plan.forward_workspace, plan.alignment, device, keep), plan.forward_workspace,
        memory.data_ptr() if plan.saved else 0, plan.saved)
    if memory is not saved:
        saved.copy_(memory)
    return h, states, last, saved


def _backward(d_h: Optional[Tensor], d_states: Optional[Tensor], d_last_states: Optional[Tensor], wx: Optional[Tensor],
              r: Tensor, bias: Optional[Tensor], initial_states: Optional[Tensor], lengths: Optional[Tensor],
              resets: Optional[Tensor], h: Tensor, saved: Tensor, wanted: List[bool], *options
              ) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    device = h.device
    plan = plan_of(device, h.shape, h.dtype, r.dtype, options)
    shapes, keep = plan.shapes, []
    memory = aligned(saved, plan.alignment) if plan.saved else saved
    outputs = _gradients(r, h, wanted, options)
    names = ("d_wx", "d_r", "d_bias", "d_initial_states")
    plan.run_backward(
        plan.device.stream(native_stream(device)), view(wx, shapes["wx"], "wx", device, keep),
        view(r, shapes["r"], "r", device, keep), view(bias, shapes["bias"], "bias", device, keep),
        view(initial_states, shapes["initial_states"], "initial_states", device, keep),
        view(lengths, shapes["lengths"], "lengths", device, keep), view(resets, shapes["resets"], "resets", device, keep),
        view(h, shapes["h"], "h", device, keep), view(d_h, shapes["h"], "d_h", device, keep),
        view(d_states, shapes["states"], "d_states", device, keep),
        view(d_last_states, shapes["last_states"], "d_last_states", device, keep),
        *(view(output, shapes[name], name, device, keep) if wish else ABSENT
          for output, name, wish in zip(outputs, names, wanted)),
        workspace(plan.backward_workspace, plan.alignment, device, keep), plan.backward_workspace,
        memory.data_ptr() if plan.saved else 0, plan.saved)
    return outputs


def _gradients(r: Tensor, h: Tensor, wanted: List[bool], options: Tuple) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    batch, time, heads, head_dim = h.shape
    kind = cell_of_value(options[1])
    want_wx, want_r, want_bias, want_initial = wanted
    none = h.new_empty
    return (
        _sequence(h, (batch, time, len(kind.input_gates), heads, head_dim), 0) if want_wx else none(0),
        r.new_empty(r.shape) if want_r else none(0),
        r.new_empty((len(kind.bias_gates), heads, head_dim)) if want_bias else none(0),
        h.new_empty((len(kind.states), batch, heads, head_dim), dtype=TORCH_DTYPES[options[0]])
        if want_initial else none(0))


def _step(wx: Tensor, r: Tensor, bias: Optional[Tensor], states: Optional[Tensor], *options) -> Tuple[Tensor, Tensor]:
    shape = wx.shape
    if len(shape) != 4:
        raise InvalidArgumentError(f"wx has shape {tuple(shape)}: must be [B, G, N, D]")
    device = wx.device
    plan = plan_of(device, (shape[0], 1, shape[2], shape[3]), wx.dtype, r.dtype, options)
    shapes, keep = plan.shapes, []
    h, new_states = _step_outputs(wx, options)
    plan.run_step(
        plan.device.stream(native_stream(device)), view(wx, shapes["step_wx"], "wx", device, keep),
        view(r, shapes["r"], "r", device, keep), view(bias, shapes["bias"], "bias", device, keep),
        view(states, shapes["initial_states"], "states", device, keep),
        view(new_states, shapes["last_states"], "new_states", device, keep),
        view(h, shapes["step_h"], "h", device, keep),
        workspace(plan.step_workspace, plan.alignment, device, keep), plan.step_workspace)
    return h, new_states


def _step_outputs(wx: Tensor, options: Tuple) -> Tuple[Tensor, Tensor]:
    batch, _, heads, head_dim = wx.shape
    count = len(cell_of_value(options[1]).states)
    return (wx.new_empty((batch, heads, head_dim)),
            wx.new_empty((count, batch, heads, head_dim), dtype=TORCH_DTYPES[options[0]]))


for _key in ("cpu", "cuda"):
    torch.library.impl("pyflashrnn::forward", _key, _forward)
    torch.library.impl("pyflashrnn::backward", _key, _backward)
    torch.library.impl("pyflashrnn::step", _key, _step)


@torch.library.register_fake("pyflashrnn::forward")
def _forward_fake(wx, r, bias, initial_states, lengths, resets, want_states, *options):
    torch._check(wx.dim() == 5, lambda: f"wx has shape {tuple(wx.shape)}: must be [B, T, G, N, D]")
    h, states, last = _outputs(wx, want_states, options)
    sizes = tuple(h.shape)
    size = None
    if all(type(n) is int for n in sizes):  # with symbolic sizes there is no plan to ask
        try:
            size = plan_of(wx.device, sizes, wx.dtype, r.dtype, options).saved
        except FlashRNNError:  # traced for a device that is not here
            pass
    if size is None:
        size = torch.library.get_ctx().new_dynamic_size()
    return h, states, last, wx.new_empty(size, dtype=torch.uint8)


@torch.library.register_fake("pyflashrnn::backward")
def _backward_fake(d_h, d_states, d_last_states, wx, r, bias, initial_states, lengths, resets, h, saved, wanted,
                   *options):
    return _gradients(r, h, wanted, options)


@torch.library.register_fake("pyflashrnn::step")
def _step_fake(wx, r, bias, states, *options):
    return _step_outputs(wx, options)


def _setup_context(ctx, inputs, output):
    wx, r, bias, initial_states, lengths, resets, want_states, *options = inputs
    h, states, _, saved = output
    recompute = options[2] == c.FLASHRNN_MODE_RECOMPUTE
    ctx.save_for_backward(wx if recompute else None, r, bias if recompute else None, initial_states, lengths, resets, h,
                          saved)
    ctx.options = tuple(options)
    ctx.want_states = want_states
    ctx.has_bias, ctx.has_initial = bias is not None, initial_states is not None
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(*((saved,) if want_states else (states, saved)))


def _autograd(ctx, d_h, d_states, d_last_states, _):
    wx, r, bias, initial_states, lengths, resets, h, saved = ctx.saved_tensors
    needs = ctx.needs_input_grad
    wanted = [needs[0], needs[1], needs[2] and ctx.has_bias, needs[3] and ctx.has_initial]
    if ctx.options[2] == c.FLASHRNN_MODE_INFERENCE:
        raise InvalidArgumentError("mode is inference, which keeps nothing for backward: must be training or recompute")
    if d_h is None and d_states is None and d_last_states is None:
        return (None,) * len(needs)
    gradients = torch.ops.pyflashrnn.backward(
        d_h, d_states if ctx.want_states else None, d_last_states, wx, r, bias, initial_states, lengths, resets, h, saved,
        wanted, *ctx.options)
    made = tuple(gradient if wish else None for gradient, wish in zip(gradients, wanted))
    return made + (None,) * (len(needs) - 4)


def _no_second_order(ctx, *_):
    raise NotImplementedError("flashrnn has no second derivatives: its backward cannot be differentiated")


def _no_gradient(ctx, *_):
    raise NotImplementedError("flashrnn's step has no gradient: use rnn with one step of time")


torch.library.register_autograd("pyflashrnn::forward", _autograd, setup_context=_setup_context)
torch.library.register_autograd("pyflashrnn::backward", _no_second_order)
torch.library.register_autograd("pyflashrnn::step", _no_gradient)
