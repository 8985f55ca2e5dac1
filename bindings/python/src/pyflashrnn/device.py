# SPDX-License-Identifier: Apache-2.0
"""Devices and streams."""
from __future__ import annotations

import ctypes
import json
import threading
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from . import _declarations as c
from ._library import check, lib, text_of
from .errors import InvalidArgumentError

BACKENDS = {"best": c.FLASHRNN_BACKEND_BEST, "cpu": c.FLASHRNN_BACKEND_CPU, "cuda": c.FLASHRNN_BACKEND_CUDA,
            "hip": c.FLASHRNN_BACKEND_HIP, "vulkan": c.FLASHRNN_BACKEND_VULKAN}


@dataclass(frozen=True)
class DeviceInfo:
    """What the library says of a device. `backend` is a key of BACKENDS; `ordinal` counts within it."""

    backend: str
    ordinal: int
    name: str
    compute_units: int
    memory_bytes: int


def _info(raw: c.flashrnn_device_info) -> DeviceInfo:
    return DeviceInfo(raw.backend_name.decode(), raw.ordinal, raw.name.decode(errors="replace"), raw.compute_units,
                      raw.memory_bytes)


def list_devices() -> List[DeviceInfo]:
    """Every device that can be opened, the fastest kind first."""
    count = ctypes.c_int32()
    check(lib.flashrnn_list_devices(None, 0, ctypes.byref(count)))
    infos = (c.flashrnn_device_info * max(count.value, 1))()
    infos[0].struct_size = ctypes.sizeof(c.flashrnn_device_info)
    check(lib.flashrnn_list_devices(infos, count.value, ctypes.byref(count)))
    return [_info(infos[i]) for i in range(count.value)]


def describe_backends() -> Dict[str, Any]:
    """Every backend that this version knows, whether it can be used here and if not, why."""
    return json.loads(text_of(lib.flashrnn_describe_backends))


class Device:
    """An open device. `Device.get` gives one that the process shares and never closes, which is what plans use."""

    _shared: Dict[Tuple[str, int], "Device"] = {}
    _lock = threading.Lock()

    def __init__(self, backend: str = "best", ordinal: int = 0):
        if backend not in BACKENDS:
            raise InvalidArgumentError(f"backend is {backend!r}: must be one of {', '.join(BACKENDS)}")
        self.handle: Optional[int] = None
        handle = c.flashrnn_device()
        check(lib.flashrnn_device_open(BACKENDS[backend], ordinal, ctypes.byref(handle)))
        self.handle = handle.value
        self._streams: Dict[int, int] = {}
        raw = c.flashrnn_device_info(struct_size=ctypes.sizeof(c.flashrnn_device_info))
        check(lib.flashrnn_device_get_info(self.handle, ctypes.byref(raw)))
        self.info = _info(raw)
        self.backend = self.info.backend

    @classmethod
    def get(cls, backend: str = "best", ordinal: int = 0) -> "Device":
        key = (backend, ordinal)
        found = cls._shared.get(key)
        if found is None:
            with cls._lock:
                found = cls._shared.get(key)
                if found is None:
                    found = cls._shared[key] = cls(backend, ordinal)
        return found

    def describe(self) -> Dict[str, Any]:
        """Every fact of the device that plans are made by."""
        return json.loads(text_of(lib.flashrnn_device_describe, self.handle))

    def stream(self, native: int) -> Optional[int]:
        """The library's stream for the backend's own (cudaStream_t, hipStream_t) as an integer; None for 0, the
        backend's default stream. It is wrapped once and kept with the device."""
        if not native:
            return None
        found = self._streams.get(native)
        if found is None:
            handle = c.flashrnn_stream()
            check(lib.flashrnn_stream_wrap(self.handle, native, ctypes.byref(handle)))
            made = handle.value or 0
            found = self._streams.setdefault(native, made)
            if found != made:  # another thread was faster
                check(lib.flashrnn_stream_close(handle))
        return found

    def close(self) -> None:
        """Closes the device, and with it the wrapped streams; plans that were made from it stay usable."""
        handle, self.handle = self.handle, None
        for stream in getattr(self, "_streams", {}).values():
            lib.flashrnn_stream_close(stream)
        if handle is not None:
            self._streams = {}
            check(lib.flashrnn_device_close(handle))

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "handle", None) is not None and lib is not None:
            self.close()

    def __repr__(self) -> str:
        return f"Device({self.backend!r}, {self.info.ordinal}, {self.info.name!r})"
