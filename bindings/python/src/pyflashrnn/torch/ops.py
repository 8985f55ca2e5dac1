# SPDX-License-Identifier: Apache-2.0
"""The operators pyflashrnn::forward, backward and step: opaque to PyTorch, with shapes for torch.compile and a
backward for autograd.

All take the same options: state_dtype (of the states at both ends), cell, mode and flags as the header's values, the
two clips, threads and config. A tensor that is not made is returned with the shape [0].
"""
from __future__ import annotations

from typing import Any, Optional, Tuple

import torch
from torch import Tensor, is_grad_enabled
from torch.compiler import is_compiling

from .. import _declarations as c
from ..errors import FlashRNNError, InvalidArgumentError
from . import _calls
from ._helper import is_plain
from ._outputs import gradients, outputs, step_outputs
from ._plans import plan_of

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


def _forward_operator(wx, r, bias, initial_states, lengths, resets, want_states, *options):
    """Operators give tensors only."""
    h, states, last, saved = _calls.forward(wx, r, bias, initial_states, lengths, resets, want_states, options)
    return (h, wx.new_empty(0) if states is None else states, last,
            torch.empty(0, dtype=torch.uint8, device=wx.device) if saved is None else saved)


def _backward_operator(d_h, d_states, d_last_states, wx, r, bias, initial_states, lengths, resets, h, saved, wanted,
                       *options):
    made = _calls.backward(d_h, d_states, d_last_states, wx, r, bias, initial_states, lengths, resets, h, saved,
                           tuple(wanted), options)
    return tuple(h.new_empty(0) if gradient is None else gradient for gradient in made)


def _step_operator(wx, r, bias, states, *options):
    return _calls.step(wx, r, bias, states, options)


for _key in ("cpu", "cuda"):
    torch.library.impl("pyflashrnn::forward", _key, _forward_operator)
    torch.library.impl("pyflashrnn::backward", _key, _backward_operator)
    torch.library.impl("pyflashrnn::step", _key, _step_operator)


@torch.library.register_fake("pyflashrnn::forward")
def _forward_fake(wx, r, bias, initial_states, lengths, resets, want_states, *options):
    torch._check(wx.dim() == 5, lambda: f"wx has shape {tuple(wx.shape)}: must be [B, T, G, N, D]")
    h, states, last = outputs(Tensor.new_empty, wx, want_states, options)
    size: Any = None
    if all(type(n) is int for n in h.shape):  # with symbolic sizes there is no plan to ask
        device = torch.device("cpu") if wx.is_meta else wx.device  # on meta any size will do
        try:
            size = plan_of(device, tuple(h.shape), wx.dtype, r.dtype, options).saved
        except FlashRNNError:  # traced for a device that is not here
            pass
    if size is None:
        size = torch.library.get_ctx().new_dynamic_size()
    return h, wx.new_empty(0) if states is None else states, last, wx.new_empty(size, dtype=torch.uint8)


@torch.library.register_fake("pyflashrnn::backward")
def _backward_fake(d_h, d_states, d_last_states, wx, r, bias, initial_states, lengths, resets, h, saved, wanted,
                   *options):
    made = gradients(Tensor.new_empty, r, h, wanted, options)
    return tuple(h.new_empty(0) if gradient is None else gradient for gradient in made)


@torch.library.register_fake("pyflashrnn::step")
def _step_fake(wx, r, bias, states, *options):
    return step_outputs(wx, options)


def _kept(wx, r, bias, initial_states, lengths, resets, h, saved, mode: int) -> Tuple[Optional[Tensor], ...]:
    """What backward needs of forward's tensors."""
    if mode != c.FLASHRNN_MODE_RECOMPUTE:
        wx = bias = None
    return r, h, saved, initial_states, lengths, resets, wx, bias


def _setup_context(ctx, inputs, output):
    wx, r, bias, initial_states, lengths, resets, want_states, *options = inputs
    h, states, _, saved = output
    ctx.save_for_backward(*_kept(wx, r, bias, initial_states, lengths, resets, h, saved, options[2]))
    ctx.call = want_states, tuple(options)
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(*((saved,) if want_states else (states, saved)))


def _gradients(ctx, d_h, d_states, d_last_states) -> Tuple[Optional[Tensor], ...]:
    """Of wx, r, bias and the initial states."""
    want_states, options = ctx.call
    if d_h is None and d_states is None and d_last_states is None:
        return None, None, None, None
    r, h, saved, initial_states, *rest = ctx.saved_tensors
    lengths, resets, wx, bias = rest or (None, None, None, None)
    return backward(d_h, d_states if want_states else None, d_last_states, wx, r, bias, initial_states, lengths, resets,
                    h, saved, ctx.needs_input_grad[:4], options)  # False for what is absent


def _autograd(ctx, d_h, d_states, d_last_states, _):
    if ctx.call[1][2] == c.FLASHRNN_MODE_INFERENCE:
        raise InvalidArgumentError("mode is inference, which keeps nothing for backward: must be training or recompute")
    return (*_gradients(ctx, d_h, d_states, d_last_states), *(None,) * (len(ctx.needs_input_grad) - 4))


def _no_second_order(ctx, *_):
    raise NotImplementedError("flashrnn has no second derivatives: its backward cannot be differentiated")


def _no_gradient(ctx, *_):
    raise NotImplementedError("flashrnn's step has no gradient: use rnn with one step of time")


torch.library.register_autograd("pyflashrnn::forward", _autograd, setup_context=_setup_context)
torch.library.register_autograd("pyflashrnn::backward", _no_second_order)
torch.library.register_autograd("pyflashrnn::step", _no_gradient)


forward_operator = torch.ops.pyflashrnn.forward.default
backward_operator = torch.ops.pyflashrnn.backward.default
step_operator = torch.ops.pyflashrnn.step.default


class _Eager(torch.autograd.Function):
    """The same without the dispatcher, which takes longer than a small run does. Every argument and every saved tensor
    has its price too: what has no gradient comes as one tuple, and only what is there is saved. (With a setup_context
    of its own the class would take PyTorch 60 us more a call.)"""

    @staticmethod
    def forward(ctx, wx, r, bias, initial_states, rest):
        lengths, resets, want_states, options = rest
        h, states, last, saved = _calls.forward(wx, r, bias, initial_states, lengths, resets, want_states, options)
        ctx.set_materialize_grads(False)
        ctx.call = want_states, options
        kept_h = h.detach()  # shares its version, and is given back without being made a part of the graph again
        if lengths is None and resets is None and options[2] == c.FLASHRNN_MODE_TRAINING:
            ctx.save_for_backward(r, kept_h, saved, initial_states)
        else:
            ctx.save_for_backward(*_kept(wx, r, bias, initial_states, lengths, resets, kept_h, saved, options[2]))
        return (h, states, last) if want_states else (h, last)

    @staticmethod
    def backward(ctx, d_h, *d_others):
        return (*_gradients(ctx, d_h, d_others[0] if len(d_others) > 1 else None, d_others[-1]), None)


def forward(wx, r, bias, initial_states, lengths, resets, want_states, options
            ) -> Tuple[Tensor, Optional[Tensor], Tensor]:
    """h, states (None unless wanted) and the last states."""
    if not is_compiling() and is_plain(wx, r, bias, initial_states, lengths, resets):
        if options[2] == c.FLASHRNN_MODE_INFERENCE:
            return _calls.forward(wx, r, bias, initial_states, lengths, resets, want_states, options)[:3]
        made = _Eager.apply(wx, r, bias, initial_states, (lengths, resets, want_states, options))
        return made if want_states else (made[0], None, made[1])
    h, states, last, _ = forward_operator(wx, r, bias, initial_states, lengths, resets, want_states, *options)
    return h, states if want_states else None, last


def backward(d_h, d_states, d_last_states, wx, r, bias, initial_states, lengths, resets, h, saved, wanted, options
             ) -> Tuple[Optional[Tensor], ...]:
    """The gradients of wx, r, bias and the initial states, None for those that are not wanted."""
    if not is_compiling() and not is_grad_enabled() and is_plain(r, d_h, d_states, d_last_states):
        return _calls.backward(d_h, d_states, d_last_states, wx, r, bias, initial_states, lengths, resets, h, saved,
                               wanted, options)
    made = backward_operator(d_h, d_states, d_last_states, wx, r, bias, initial_states, lengths, resets, h, saved,
                             wanted, *options)
    return tuple(gradient if wish else None for gradient, wish in zip(made, wanted))


def step(wx: Tensor, r: Tensor, bias: Optional[Tensor], states: Optional[Tensor], options: Tuple[Any, ...]
         ) -> Tuple[Tensor, Tensor]:
    if not is_compiling() and is_plain(wx, r, bias, states):
        return _calls.step(wx, r, bias, states, options)
    return step_operator(wx, r, bias, states, *options)
