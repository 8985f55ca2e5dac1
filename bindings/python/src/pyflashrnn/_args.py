# SPDX-License-Identifier: Apache-2.0
"""The args structs as bytes: struct.pack fills one ten times as fast as assigning to the fields of a ctypes structure
does. The formats are read off the generated declarations."""
from __future__ import annotations

import ctypes
import struct
from typing import Any, Dict, Type

from . import _declarations as c

_CODES = {ctypes.c_size_t: "N", ctypes.c_void_p: "N", ctypes.c_int32: "i", ctypes.c_uint32: "I", ctypes.c_int64: "q",
          ctypes.c_uint64: "Q"}


def _format(kind: Any) -> str:
    if kind in _CODES:
        return _CODES[kind]
    if issubclass(kind, ctypes.Array):
        return _format(kind._type_) * kind._length_
    return "".join(_format(field[1]) for field in kind._fields_)


def _packer(kind: Type[ctypes.Structure]) -> struct.Struct:
    packer = struct.Struct("@" + _format(kind))
    if packer.size != ctypes.sizeof(kind):
        raise ImportError(f"{kind.__name__} has {ctypes.sizeof(kind)} bytes and is packed to {packer.size}")
    return packer


FORWARD = _packer(c.flashrnn_forward_args)
BACKWARD = _packer(c.flashrnn_backward_args)
STEP = _packer(c.flashrnn_step_args)


def _words(kind: Type[ctypes.Structure]) -> Dict[str, int]:
    """Where each field starts, counted in words of 8 bytes; for a tensor that is its address."""
    return {name: getattr(kind, name).offset // 8 for name, *_ in kind._fields_}


FORWARD_WORD = _words(c.flashrnn_forward_args)
BACKWARD_WORD = _words(c.flashrnn_backward_args)
STEP_WORD = _words(c.flashrnn_step_args)
