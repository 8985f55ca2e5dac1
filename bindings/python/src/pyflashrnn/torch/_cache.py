# SPDX-License-Identifier: Apache-2.0
"""Large tensors on the CPU whose memory is used again.

The C library gives large blocks back to the system when they are freed, and the next ones come as pages that the kernel
has yet to map and clear: forward and backward together then take up to a third longer than on memory that is there
(bench/autograd.py --fresh shows it). So blocks of 128 KiB and more are kept when their tensor has gone, as PyTorch
itself does on GPUs, up to a limit.
"""
from __future__ import annotations

import ctypes
import os
import threading
from collections import OrderedDict
from functools import lru_cache
from math import prod
from typing import Dict, List, Optional, Sequence, Tuple, Type

import numpy as np
import torch
from torch import Tensor

MINIMUM = 128 << 10
_STEP = 64 << 10  # sizes are rounded up to multiples of it
_ALIGNMENT = 4096


def _default_limit() -> int:
    try:
        return min(1 << 30, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 8)
    except (ValueError, OSError, AttributeError):
        return 256 << 20


class _Blocks:
    """Free blocks by size; the size that has not been asked for the longest goes first when the limit is passed."""

    def __init__(self) -> None:
        self.limit = _default_limit()
        self.held = 0
        self.free: "OrderedDict[int, List[np.ndarray]]" = OrderedDict()
        self.lock = threading.RLock()  # a block may come back while another is taken, through the garbage collector

    def take(self, size: int) -> np.ndarray:
        with self.lock:
            blocks = self.free.get(size)
            if blocks:
                self.free.move_to_end(size)
                self.held -= size
                return blocks.pop()
        space = np.empty(size + _ALIGNMENT, np.uint8)
        start = -space.__array_interface__["data"][0] % _ALIGNMENT
        return space[start:start + size]

    def give(self, memory: np.ndarray) -> None:
        size = memory.nbytes
        with self.lock:
            if size > self.limit:
                return
            self.free.setdefault(size, []).append(memory)
            self.held += size
            self.trim()

    def trim(self) -> None:
        while self.held > self.limit:
            size, blocks = next(iter(self.free.items()))
            if blocks:
                blocks.pop()
                self.held -= size
            else:
                del self.free[size]


_blocks = _Blocks()


class _Loan(ctypes.Structure):
    """Lives as long as the storage of the tensor that was made of it. A subclass is as large as its memory."""

    def __del__(self) -> None:
        if _blocks is not None:
            _blocks.give(self.memory)


@lru_cache(maxsize=1024)
def _loan_of(size: int) -> Type[_Loan]:
    return type("_Loan", (_Loan,), {"_fields_": [("bytes", ctypes.c_char * size)]})


def empty(shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
    """torch.empty, of memory that is used again where that pays."""
    count = prod(shape)
    size = count * dtype.itemsize
    if device.type != "cpu" or size < MINIMUM or not _blocks.limit:
        return torch.empty(shape, dtype=dtype, device=device)
    size = -(-size // _STEP) * _STEP
    memory = _blocks.take(size)
    loan = _loan_of(size).from_buffer(memory)  # type: ignore[arg-type]
    loan.memory = memory
    # resize_ to as many elements as there are: the result is no view, as one by view() would be.
    return torch.frombuffer(loan, dtype=dtype, count=count).resize_(shape)


_templates: Dict[Tuple[torch.dtype, torch.device], Tensor] = {}


def template(dtype: torch.dtype, device: torch.device) -> Tensor:
    """An empty tensor whose new_empty makes others of its kind: it reads its arguments twice as fast as torch.empty
    reads a dtype and a device."""
    found = _templates.get((dtype, device))
    if found is None:
        found = _templates[dtype, device] = torch.empty(0, dtype=dtype, device=device)
    return found


def new_empty(like: Tensor, shape: Sequence[int]) -> Tensor:
    """like.new_empty, of memory that is used again where that pays."""
    if not like.is_cpu or prod(shape) * like.itemsize < MINIMUM:
        return like.new_empty(shape)
    return empty(shape, like.dtype, like.device)


def set_memory_cache(limit: Optional[int] = None) -> None:
    """Bytes that may be kept for use again on the CPU; 0 turns it off and frees what is kept; None: the default, 1 GiB or
    an eighth of the machine's memory."""
    with _blocks.lock:
        _blocks.limit = _default_limit() if limit is None else limit
        _blocks.trim()
