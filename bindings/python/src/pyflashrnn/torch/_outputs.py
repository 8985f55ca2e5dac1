# SPDX-License-Identifier: Apache-2.0
"""The tensors that calls make: their shapes, dtypes, and how they lie."""
from __future__ import annotations

from functools import partial
from typing import Any, Callable, Optional, Sequence, Tuple

import torch
from torch import Tensor

from ..cells import cell_of_value, cells
from ._cache import MINIMUM, empty, template
from ._plans import TORCH_DTYPES

Maker = Callable[[Tensor, Sequence[int]], Tensor]  # new_empty, or for tensors without memory Tensor.new_empty
_STATES = {kind.value: len(kind.states) for kind in cells()}


def _is_time_major(like: Tensor, batch: int, time: int) -> bool:
    return batch > 1 and time > 1 and like.stride(0) < like.stride(1)


def _sequence(make: Maker, like: Tensor, shape: Tuple[int, ...], batch_axis: int) -> Tensor:
    """A new tensor with the axes B and T from batch_axis on, whichever of them is outside in `like`: h of a time-major
    wx is time-major."""
    batch, time = shape[batch_axis], shape[batch_axis + 1]
    if _is_time_major(like, batch, time):
        swapped = list(shape)
        swapped[batch_axis], swapped[batch_axis + 1] = time, batch
        return make(like, swapped).transpose(batch_axis, batch_axis + 1)
    return make(like, shape)


def outputs(make: Maker, wx: Tensor, want_states: bool, options: Tuple[Any, ...]
            ) -> Tuple[Tensor, Optional[Tensor], Tensor]:
    """h, states (None unless wanted) and the last states."""
    batch, time, _, heads, head_dim = wx.shape
    count = _STATES[options[1]]
    h = _sequence(make, wx, (batch, time, heads, head_dim), 0)
    states = _sequence(make, wx, (count, batch, time, heads, head_dim), 1) if want_states else None
    last = wx.new_empty((count, batch, heads, head_dim), dtype=TORCH_DTYPES[options[0]])
    return h, states, last


def step_outputs(wx: Tensor, options: Tuple[Any, ...]) -> Tuple[Tensor, Tensor]:
    """h and the new states."""
    batch, _, heads, head_dim = wx.shape
    return (wx.new_empty((batch, heads, head_dim)),
            wx.new_empty((_STATES[options[1]], batch, heads, head_dim), dtype=TORCH_DTYPES[options[0]]))


def gradients(make: Maker, r: Tensor, h: Tensor, wanted: Sequence[bool], options: Tuple[Any, ...]
              ) -> Tuple[Optional[Tensor], Optional[Tensor], Optional[Tensor], Optional[Tensor]]:
    """Of wx, r, bias and the initial states, None for those that are not wanted."""
    batch, time, heads, head_dim = h.shape
    kind = cell_of_value(options[1])
    want_wx, want_r, want_bias, want_initial = wanted
    return (
        _sequence(make, h, (batch, time, len(kind.input_gates), heads, head_dim), 0) if want_wx else None,
        make(r, r.shape) if want_r else None,
        r.new_empty((len(kind.bias_gates), heads, head_dim)) if want_bias else None,
        h.new_empty((len(kind.states), batch, heads, head_dim), dtype=TORCH_DTYPES[options[0]]) if want_initial else None)


def another(example: Tensor) -> Callable[[], Tensor]:
    """What makes tensors that lie as `example` does, which is packed but perhaps for two axes next to each other that
    changed places."""
    shape, dtype, device = tuple(example.shape), example.dtype, example.device
    if example.is_contiguous():
        if example.is_cpu and example.numel() * example.itemsize >= MINIMUM:
            return partial(empty, shape, dtype, device)
        return partial(template(dtype, device).new_empty, *shape)  # separate sizes are read faster than a tuple
    for axis in range(len(shape) - 1):
        swapped = example.transpose(axis, axis + 1)
        if swapped.is_contiguous():
            make = another(swapped)
            return lambda: make().transpose(axis, axis + 1)
    raise AssertionError(f"an output has strides {example.stride()}")


def bytes_maker(size: int, device: torch.device) -> Callable[[], Tensor]:
    if device.type == "cpu" and size >= MINIMUM:
        return partial(empty, (size,), torch.uint8, device)
    return partial(template(torch.uint8, device).new_empty, size)
