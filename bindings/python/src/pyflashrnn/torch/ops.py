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
from . import _calls
from ._cache import new_empty
from ._calls import Maker, outputs, sequence, step_outputs
from ._plans import TORCH_DTYPES, aligned, plan_of, stream_of, view, workspace

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


def _backward(d_h: Optional[Tensor], d_states: Optional[Tensor], d_last_states: Optional[Tensor], wx: Optional[Tensor],
              r: Tensor, bias: Optional[Tensor], initial_states: Optional[Tensor], lengths: Optional[Tensor],
              resets: Optional[Tensor], h: Tensor, saved: Optional[Tensor], wanted: List[bool], *options
              ) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    device = h.device
    plan = plan_of(device, h.shape, h.dtype, r.dtype, options)
    shapes = plan.shapes
    keep: list = []
    memory = aligned(saved, plan.alignment) if saved is not None and plan.saved else None
    made = _gradients(new_empty, r, h, wanted, options)
    views = [
        view(wx, shapes["wx"], "wx", device, keep), view(r, shapes["r"], "r", device, keep),
        view(bias, shapes["bias"], "bias", device, keep),
        view(initial_states, shapes["initial_states"], "initial_states", device, keep),
        view(lengths, shapes["lengths"], "lengths", device, keep), view(resets, shapes["resets"], "resets", device, keep),
        view(h, shapes["h"], "h", device, keep), view(d_h, shapes["h"], "d_h", device, keep),
        view(d_states, shapes["states"], "d_states", device, keep),
        view(d_last_states, shapes["last_states"], "d_last_states", device, keep)]
    names = ("d_wx", "d_r", "d_bias", "d_initial_states")
    views += (view(output, shapes[name], name, device, keep) if wish else ABSENT
              for output, name, wish in zip(made, names, wanted))
    plan.run_backward(stream_of(plan, device), views, workspace(plan, plan.backward_workspace, device, keep),
                      0 if memory is None else memory.data_ptr())
    return made


def _gradients(make: Maker, r: Tensor, h: Tensor, wanted: List[bool], options: Tuple
               ) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    batch, time, heads, head_dim = h.shape
    kind = cell_of_value(options[1])
    want_wx, want_r, want_bias, want_initial = wanted
    none = h.new_empty
    return (
        sequence(make, h, (batch, time, len(kind.input_gates), heads, head_dim), 0) if want_wx else none(0),
        make(r, r.shape) if want_r else none(0),
        r.new_empty((len(kind.bias_gates), heads, head_dim)) if want_bias else none(0),
        h.new_empty((len(kind.states), batch, heads, head_dim), dtype=TORCH_DTYPES[options[0]])
        if want_initial else none(0))


def _forward_operator(wx, r, bias, initial_states, lengths, resets, want_states, *options):
    """Operators give tensors only."""
    h, states, last, saved = _calls.forward(wx, r, bias, initial_states, lengths, resets, want_states, options)
    return (h, wx.new_empty(0) if states is None else states, last,
            torch.empty(0, dtype=torch.uint8, device=wx.device) if saved is None else saved)


def _step_operator(wx, r, bias, states, *options):
    return _calls.step(wx, r, bias, states, options)


for _key in ("cpu", "cuda"):
    torch.library.impl("pyflashrnn::forward", _key, _forward_operator)
    torch.library.impl("pyflashrnn::backward", _key, _backward)
    torch.library.impl("pyflashrnn::step", _key, _step_operator)


@torch.library.register_fake("pyflashrnn::forward")
def _forward_fake(wx, r, bias, initial_states, lengths, resets, want_states, *options):
    torch._check(wx.dim() == 5, lambda: f"wx has shape {tuple(wx.shape)}: must be [B, T, G, N, D]")
    h, states, last = outputs(Tensor.new_empty, wx, want_states, options)
    size = None
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
    return _gradients(Tensor.new_empty, r, h, wanted, options)


@torch.library.register_fake("pyflashrnn::step")
def _step_fake(wx, r, bias, states, *options):
    return step_outputs(wx, options)


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
    ctx.mark_non_differentiable(*(t for t in ((saved,) if want_states else (states, saved)) if t is not None))


def _autograd(ctx, d_h, d_states, d_last_states, _):
    wx, r, bias, initial_states, lengths, resets, h, saved = ctx.saved_tensors
    needs = ctx.needs_input_grad
    wanted = [needs[0], needs[1], needs[2] and ctx.has_bias, needs[3] and ctx.has_initial]
    if ctx.options[2] == c.FLASHRNN_MODE_INFERENCE:
        raise InvalidArgumentError("mode is inference, which keeps nothing for backward: must be training or recompute")
    if d_h is None and d_states is None and d_last_states is None:
        return (None,) * len(needs)
    gradients = backward(
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


forward_operator = torch.ops.pyflashrnn.forward.default
backward_operator = torch.ops.pyflashrnn.backward.default
step_operator = torch.ops.pyflashrnn.step.default


class _Eager(torch.autograd.Function):
    """The same without the dispatcher, which takes longer than a small run does. (With a setup_context of its own the
    class would take PyTorch 60 us more a call.)"""

    @staticmethod
    def forward(ctx, *inputs):
        made = _calls.forward(*inputs[:7], inputs[7:])
        _setup_context(ctx, inputs, made)
        return made

    backward = staticmethod(_autograd)


_PLAIN = frozenset((Tensor, torch.nn.Parameter, type(None)))


def _is_plain(*tensors: Optional[Tensor]) -> bool:
    """Whether nothing but autograd looks at the call: no tracing, no transform, no mode, no subclass of Tensor."""
    if torch.compiler.is_compiling() or not _no_modes() or not _PLAIN.issuperset(map(type, tensors)):
        return False
    return not tensors[0].is_meta  # type: ignore[union-attr]


try:
    from torch._C import _len_torch_dispatch_stack, _len_torch_function_stack
    from torch._C._functorch import peek_interpreter_stack

    def _no_modes() -> bool:
        return (_len_torch_dispatch_stack() == 0 and _len_torch_function_stack() == 0
                and peek_interpreter_stack() is None)
except ImportError:  # another version of PyTorch: always the dispatcher
    def _no_modes() -> bool:
        return False


def forward(wx, r, bias, initial_states, lengths, resets, want_states, options):
    if _is_plain(wx, r, bias, initial_states, lengths, resets):
        if options[2] == c.FLASHRNN_MODE_INFERENCE:
            return _calls.forward(wx, r, bias, initial_states, lengths, resets, want_states, options)
        return _Eager.apply(wx, r, bias, initial_states, lengths, resets, want_states, *options)
    return forward_operator(wx, r, bias, initial_states, lengths, resets, want_states, *options)


def backward(d_h, d_states, d_last_states, wx, r, *rest):
    if _is_plain(r, d_h, d_states, d_last_states) and not torch.is_grad_enabled():
        return _backward(d_h, d_states, d_last_states, wx, r, *rest)
    return backward_operator(d_h, d_states, d_last_states, wx, r, *rest)


def step(wx, r, bias, states, options):
    if _is_plain(wx, r, bias, states):
        return _calls.step(wx, r, bias, states, options)
    return step_operator(wx, r, bias, states, *options)
