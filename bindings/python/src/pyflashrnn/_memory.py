# SPDX-License-Identifier: Apache-2.0
"""Workspace and saved memory where no framework brings its own."""
from __future__ import annotations

import ctypes
import threading
from typing import Dict, Optional, Tuple

from ._library import check, lib
from .device import Device


class Buffer:
    """Memory of a device, freed with the object."""

    def __init__(self, device: Device, size: int):
        self.device, self.size, self.address = device, size, 0
        data = ctypes.c_void_p()
        check(lib.flashrnn_memory_allocate(device.handle, size, ctypes.byref(data)))
        self.address = data.value or 0

    def __del__(self) -> None:
        address, self.address = getattr(self, "address", 0), 0
        if address and lib is not None and self.device.handle is not None:
            lib.flashrnn_memory_free(self.device.handle, address)


class _Workspaces(threading.local):
    """One workspace for each thread and stream, as large as the largest need so far: a run keeps nothing in it that
    the next one could miss."""

    def __init__(self) -> None:
        self.buffers: Dict[Tuple[Optional[int], Optional[int]], Buffer] = {}

    def get(self, device: Device, stream: Optional[int], size: int) -> int:
        key = (device.handle, stream)
        buffer = self.buffers.get(key)
        if buffer is None or buffer.size < size or buffer.device is not device:
            self.buffers[key] = buffer = Buffer(device, size)
        return buffer.address


workspaces = _Workspaces()
