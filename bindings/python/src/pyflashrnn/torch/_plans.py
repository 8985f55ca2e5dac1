# SPDX-License-Identifier: Apache-2.0
"""Plans and views for PyTorch's tensors."""
from __future__ import annotations

import threading
from functools import partial
from typing import Any, Callable, List, Optional, Tuple

import torch
from torch import Tensor

from .. import _declarations as c
from .._views import ABSENT, View
from ..cells import cell_of_value
from ..device import Device
from ..errors import InvalidArgumentError
from ..plan import FrontCache, Plan, plan_for
from ..problem import DTYPE_NAMES, MODES, Problem
from ._cache import template

DTYPES = {torch.float32: c.FLASHRNN_FLOAT32, torch.bfloat16: c.FLASHRNN_BFLOAT16, torch.float16: c.FLASHRNN_FLOAT16,
          torch.float64: c.FLASHRNN_FLOAT64, torch.uint8: c.FLASHRNN_UINT8, torch.bool: c.FLASHRNN_UINT8,
          torch.int32: c.FLASHRNN_INT32, torch.int64: c.FLASHRNN_INT64}
TORCH_DTYPES = {c.FLASHRNN_FLOAT32: torch.float32, c.FLASHRNN_BFLOAT16: torch.bfloat16,
                c.FLASHRNN_FLOAT16: torch.float16, c.FLASHRNN_FLOAT64: torch.float64}
_MODE_NAMES = {value: name for name, value in MODES.items()}
_PADDING = tuple((0,) * n for n in range(6))


def device_for(device: torch.device) -> Device:
    """The library's device of PyTorch's."""
    if device.type == "cpu":
        return Device.get("cpu")
    if device.type == "cuda":
        index = device.index if device.index is not None else torch.cuda.current_device()
        return Device.get("hip" if torch.version.hip else "cuda", index)
    raise InvalidArgumentError(f"the tensors lie on device {device}: must be cpu or cuda")


# What Stream.cuda_stream says, without a Stream being made for it.
_current_stream = getattr(torch._C, "_cuda_getCurrentRawStream",
                          lambda index: torch.cuda.current_stream(index).cuda_stream)


def stream_of(plan: Plan, device: torch.device) -> Optional[int]:
    """The library's handle of PyTorch's current stream, None for the default one."""
    if plan.device.backend == "cpu":
        return None
    return plan.device.stream(_current_stream(device.index))


def dtype_name(dtype: torch.dtype, name: str) -> str:
    try:
        return DTYPE_NAMES[DTYPES[dtype]]
    except KeyError:
        raise InvalidArgumentError(f"{name} has dtype {dtype}: must be float32, bfloat16, float16 or float64") from None


FRONT_CACHE_SIZE = 1024
_plans = FrontCache(FRONT_CACHE_SIZE)


def plan_of(device: torch.device, shape: Tuple[int, ...], dtype: torch.dtype, weight_dtype: torch.dtype,
            options: Tuple[Any, ...]) -> Plan:
    """The plan for the shape of wx [B, T, G, N, D] or of h [B, T, N, D] and the operators' options (see ops.py)."""
    key = (device, shape, dtype, weight_dtype, options)
    plan = _plans.get(key)
    if plan is None:
        state_dtype, cell, mode, flags, forward_clip, recurrent_gradient_clip, threads, config = options
        problem = Problem(
            cell_of_value(cell).name, shape[0], shape[1], shape[-2], shape[-1], dtype_name(dtype, "wx"),
            dtype_name(weight_dtype, "r"), DTYPE_NAMES[state_dtype], _MODE_NAMES[mode], bool(flags & c.FLASHRNN_REVERSE),
            bool(flags & c.FLASHRNN_LENGTHS), bool(flags & c.FLASHRNN_RESETS),
            bool(flags & c.FLASHRNN_CUT_RECURRENT_GRADIENT), bool(flags & c.FLASHRNN_ALLOW_TF32), forward_clip,
            recurrent_gradient_clip, threads, config)
        plan = plan_for(problem, device_for(device))
        _plans.keep(key, plan)
    return plan


def view(tensor: Optional[Tensor], shape: Tuple[int, ...], name: str, device: torch.device, keep: List[Any]) -> View:
    """The view of a tensor for one call, absent for None. A tensor whose strides are all zero (an expanded scalar, as
    sum() gives for a gradient) would be taken as packed and is copied, and so is one whose memory holds the negated
    values (the imaginary part of a conjugate); the copy is appended to `keep`."""
    if tensor is None:
        return ABSENT
    if tensor.shape != shape:
        raise InvalidArgumentError(f"{name} has shape {tuple(tensor.shape)}: must be {shape}")
    if tensor.device != device:
        raise InvalidArgumentError(f"{name} lies on {tensor.device}: must be on {device}, as wx is")
    dtype = DTYPES.get(tensor.dtype)
    if dtype is None:
        raise InvalidArgumentError(f"{name} has dtype {tensor.dtype}: no tensor of the library has it")
    if tensor.is_neg():
        tensor = tensor.resolve_neg()
        keep.append(tensor)
    if tensor.is_contiguous():
        return (tensor.data_ptr(), dtype, 0, 0, 0, 0, 0, 0)
    strides = tensor.stride()
    if not any(strides):
        tensor = tensor.contiguous()
        keep.append(tensor)
        return (tensor.data_ptr(), dtype, 0, 0, 0, 0, 0, 0)
    return (tensor.data_ptr(), dtype, 0) + strides + _PADDING[5 - len(strides)]


class _Workspace(threading.local):
    """On the CPU one workspace for each thread, as large as the largest need so far: fresh memory costs more than a
    small run does. On a GPU the caching allocator hands out memory that is safe on the stream and in a graph."""

    def __init__(self) -> None:
        self.space: Space = (0, None)
        self.size = -1


Space = Tuple[int, Optional[Tensor]]  # an address, and what owns it
_workspace = _Workspace()


def workspace_of(plan: Plan, size: int, device: torch.device) -> Callable[[], Space]:
    """What gives a workspace for one call, to be kept as long as the call runs."""
    alignment = plan.alignment

    def fresh() -> Space:
        memory = make()
        return -(-memory.data_ptr() // alignment) * alignment, memory

    def shared() -> Space:
        mine = _workspace
        if mine.size < size or mine.space[0] % alignment:
            mine.space = fresh()
            mine.size = size
        return mine.space

    make = partial(template(torch.uint8, device).new_empty, size + alignment)
    return shared if plan.device.backend == "cpu" else fresh


def aligned(memory: Tensor, alignment: int) -> Tensor:
    """`memory`, or a copy of it that is aligned. PyTorch's own allocators align enough; one that an application
    plugged in, or a slice of something larger, may not be."""
    if memory.data_ptr() % alignment == 0:
        return memory
    space = torch.empty(memory.numel() + alignment, dtype=torch.uint8, device=memory.device)
    start = -space.data_ptr() % alignment
    return space[start:start + memory.numel()].copy_(memory)
