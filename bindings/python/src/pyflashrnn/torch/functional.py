# SPDX-License-Identifier: Apache-2.0
"""Recurrences as functions of tensors."""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Optional, Tuple

import torch
from torch import Tensor
from torch.compiler import is_compiling

from .. import _declarations as c
from ..cells import cells
from ..errors import InvalidArgumentError
from . import ops
from ._plans import DTYPES
from .convert import gru_from_flashrnn


# A plain dictionary: torch.compile sees through it, as it does not through the library's calls.
_CELLS = {kind.name: kind.value for kind in cells()}


def _cell_value(name: str) -> int:
    if name not in _CELLS:
        raise InvalidArgumentError(f"no cell is called {name!r}: must be one of {', '.join(_CELLS)}")
    return _CELLS[name]


class RNNOutput(NamedTuple):
    """h [B, T, N, D], states [S, B, T, N, D] (None unless asked for), last_states [S, B, N, D]."""

    h: Tensor
    states: Optional[Tensor]
    last_states: Tensor


_tuple = tuple.__new__  # in a third of the time, but nothing that torch.compile follows

_any_autocast = getattr(torch._C, "_is_any_autocast_enabled", lambda: True)  # quicker to ask than which one


def _autocast(wx: Tensor) -> Tensor:
    """Within autocast the input projections, which come out of a linear layer, are of its dtype; weights and states
    keep theirs: the kernels round the operands of the recurrent product themselves."""
    if wx.dtype is torch.float32:
        kind = "cpu" if wx.is_cpu else wx.device.type
        if torch.is_autocast_enabled(kind):
            return wx.to(torch.get_autocast_dtype(kind))
    return wx


@torch.compiler.assume_constant_result  # it is not seen through by torch.compile
def _allows_tf32() -> bool:
    """Newer versions of PyTorch have a setting of three values, whose users may not read the older one."""
    matmul = torch.backends.cuda.matmul
    try:
        return matmul.fp32_precision == "tf32"
    except AttributeError:
        return matmul.allow_tf32


_FLOATS = {dtype: DTYPES[dtype] for dtype in (torch.float32, torch.bfloat16, torch.float16, torch.float64)}


def _float_value(dtype: torch.dtype, name: str) -> int:
    if dtype not in _FLOATS:
        raise InvalidArgumentError(f"{name} is {dtype}: must be float32, bfloat16, float16 or float64")
    return _FLOATS[dtype]


def rnn(wx: Tensor, r: Tensor, bias: Optional[Tensor] = None, initial_states: Optional[Tensor] = None, *,
        cell: str = "lstm", lengths: Optional[Tensor] = None, resets: Optional[Tensor] = None, reverse: bool = False,
        return_states: bool = False, recompute: bool = False, forward_clip: float = 0.0,
        recurrent_gradient_clip: float = 0.0, cut_recurrent_gradient: bool = False, allow_tf32: Optional[bool] = None,
        state_dtype: Optional[torch.dtype] = None, threads: int = 0, config: str = "") -> RNNOutput:
    """A recurrence over all time, differentiable in wx, r, bias and initial_states.

    Args:
        wx: [B, T, Gi, N, D], the input projections; any strides, time-major memory included (h then is time-major too).
        r: [Gr, N, D, D], the last axis that of h(t-1).
        bias: [Gb, N, D], of r's dtype.
        initial_states: [S, B, N, D]; None: zero.
        cell: a name of `pyflashrnn.cells()`, which also gives its gates and states.
        lengths: [B], int32 or int64: the steps of every sequence; h and states are zero from there on.
        resets: [T, B], uint8 or bool: where set, the step starts from the initial states.
        reverse: time runs backwards; outputs stand where their inputs stand.
        return_states: also give every state after every step.
        recompute: keep h only and rebuild the gates in backward.
        forward_clip, recurrent_gradient_clip: bounds on h and on its gradient through time; 0: none.
        cut_recurrent_gradient: drop the gradient that reaches h(t-1) through r.
        allow_tf32: TF32 tensor cores for float32; None: as torch.backends.cuda.matmul has it.
        state_dtype: of the last states (and the initial ones); None: that of initial_states, else wx's.
        threads: on the CPU at most this many; 0: as many as there are.

    Within autocast a float32 wx is cast to the autocast dtype.
    """
    if state_dtype is None:
        state_dtype = wx.dtype if initial_states is None else initial_states.dtype
    elif initial_states is not None:
        initial_states = initial_states.to(state_dtype)
    if _any_autocast():
        wx = _autocast(wx)
    if allow_tf32 is None:
        allow_tf32 = wx.is_cuda and _allows_tf32()
    needs_backward = torch.is_grad_enabled() and (
        wx.requires_grad or r.requires_grad or (bias is not None and bias.requires_grad)
        or (initial_states is not None and initial_states.requires_grad))
    mode = c.FLASHRNN_MODE_INFERENCE if not needs_backward else (
        c.FLASHRNN_MODE_RECOMPUTE if recompute else c.FLASHRNN_MODE_TRAINING)
    flags = ((c.FLASHRNN_REVERSE if reverse else 0) | (c.FLASHRNN_LENGTHS if lengths is not None else 0)
             | (c.FLASHRNN_RESETS if resets is not None else 0) | (c.FLASHRNN_ALLOW_TF32 if allow_tf32 else 0)
             | (c.FLASHRNN_CUT_RECURRENT_GRADIENT if cut_recurrent_gradient else 0))
    made = ops.forward(wx, r, bias, initial_states, lengths, resets, return_states, (
        _FLOATS.get(state_dtype) or _float_value(state_dtype, "state_dtype"), _CELLS.get(cell) or _cell_value(cell), mode,
        flags, float(forward_clip), float(recurrent_gradient_clip), threads, config))
    return RNNOutput(*made) if is_compiling() else _tuple(RNNOutput, made)


def step(wx: Tensor, r: Tensor, bias: Optional[Tensor] = None, states: Optional[Tensor] = None, *, cell: str = "lstm",
         state_dtype: Optional[torch.dtype] = None, forward_clip: float = 0.0, threads: int = 0) -> Tuple[Tensor, Tensor]:
    """One step for streaming, without gradients: wx [B, Gi, N, D], r [Gr, N, D, D], bias [Gb, N, D],
    states [S, B, N, D]. Gives h [B, N, D] and the new states."""
    if state_dtype is None:
        state_dtype = wx.dtype if states is None else states.dtype
    if _any_autocast():
        wx = _autocast(wx)
    h, new_states = ops.step(
        wx, r, bias, states, (_float_value(state_dtype, "state_dtype"), _cell_value(cell), c.FLASHRNN_MODE_INFERENCE, 0,
                              float(forward_clip), 0.0, threads, ""))
    return h, new_states


@dataclass
class FlashRNNConfig:
    """The options of FlashRNN's configuration that mean something here. Shapes are strings of its letters: B batch,
    T time, S states, G gates, H heads, D head dimension, P the head dimension of the previous h. Every order is read in
    place."""

    function: str = "lstm"
    gradient_recurrent_cut: bool = False
    gradient_recurrent_clipval: Optional[float] = None
    forward_clipval: Optional[float] = None
    input_shape: str = "BTGHD"
    output_shape: str = "SBTHD"
    recurrent_shape: str = "GHDP"
    bias_shape: str = "GHD"
    dtype: Optional[str] = None


def _permuted(tensor: Tensor, have: str, want: str, name: str) -> Tensor:
    if sorted(have) != sorted(want):
        raise InvalidArgumentError(f"{name} is {have!r}: must be an order of the letters {want}")
    return tensor if have == want else tensor.permute([have.index(axis) for axis in want])


def flashrnn(Wx: Tensor, R: Tensor, b: Optional[Tensor] = None, states: Optional[Tensor] = None, function: str = "lstm",
             config: Optional[FlashRNNConfig] = None, backend: Optional[str] = None, dtype: Optional[str] = None
             ) -> Tuple[Tensor, Tensor]:
    """The function of the same name of the package FlashRNN (NX-AI), with what it takes and returns.

    Args:
        Wx: [B, T, G, N, D].
        R: [G, N, D, D], the last axis that of h(t-1).
        b: [G, N, D] (GRU: 4 biases and 3 gates).
        states: [S, B, 1, N, D]; None: zero.
        function: "lstm", "gru", "elman", "slstm", and any other cell of this library.
        config: options; its function is taken.
        backend: taken and not used: the device is that of the tensors.
        dtype: "bfloat16", ...: all tensors are cast to it; None: they are taken as they are.

    GRU's gates are in FlashRNN's order: R has g r z, b has g r z n, Wx has r z n.

    Returns:
        all states [S, B, T, N, D] and the last ones [S, B, 1, N, D].
    """
    config = config or FlashRNNConfig(function=function)
    dtype = dtype or config.dtype
    Wx = _permuted(Wx, config.input_shape, "BTGHD", "input_shape")
    R = _permuted(R, config.recurrent_shape, "GHDP", "recurrent_shape")
    if b is not None:
        b = _permuted(b, config.bias_shape, "GHD", "bias_shape")
    if states is not None:
        states = _permuted(states, config.output_shape, "SBTHD", "output_shape")
        if states.dim() != 5 or states.shape[2] != 1:
            raise InvalidArgumentError(f"states has shape {tuple(states.shape)}: must be [S, B, 1, N, D]")
        states = states[:, :, 0]
    if config.function == "gru":
        R, b = gru_from_flashrnn(R, b)
    if dtype is not None:
        kind = getattr(torch, dtype, None)
        if not isinstance(kind, torch.dtype):
            raise InvalidArgumentError(f"dtype is {dtype!r}: must be bfloat16, float16, float32 or float64")
        Wx, R = Wx.to(kind), R.to(kind)
        b = None if b is None else b.to(kind)
        states = None if states is None else states.to(kind)
    elif b is not None and b.dtype != R.dtype:
        b = b.to(R.dtype)
    result = rnn(Wx, R, b, states, cell=config.function, return_states=True,
                 forward_clip=config.forward_clipval or 0.0,
                 recurrent_gradient_clip=config.gradient_recurrent_clipval or 0.0,
                 cut_recurrent_gradient=config.gradient_recurrent_cut)
    back = [("SBTHD").index(axis) for axis in config.output_shape]
    assert result.states is not None
    return result.states.permute(back), result.last_states.unsqueeze(2).permute(back)
