# SPDX-License-Identifier: Apache-2.0
"""Arrays as the library takes them, without copies: NumPy's through the array interface, any other framework's through
DLPack.

A view is the tuple (address, dtype, 0, stride, stride, stride, stride, stride), just the fields of a flashrnn_tensor,
strides in elements and all zero where the array is packed.
"""
from __future__ import annotations

import ctypes
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from . import _declarations as c
from .errors import InvalidArgumentError

View = Tuple[int, ...]
ABSENT: View = (0, 0, 0, 0, 0, 0, 0, 0)

# NumPy has no bfloat16 of its own: uint16 stands for any dtype of 16 bits (0: as the plan says), and a dtype of that
# name (ml_dtypes, JAX) is taken as what it is.
_NUMPY: Dict[Any, int] = {
    np.dtype(np.float32): c.FLASHRNN_FLOAT32, np.dtype(np.float16): c.FLASHRNN_FLOAT16,
    np.dtype(np.float64): c.FLASHRNN_FLOAT64, np.dtype(np.uint8): c.FLASHRNN_UINT8, np.dtype(np.bool_): c.FLASHRNN_UINT8,
    np.dtype(np.int32): c.FLASHRNN_INT32, np.dtype(np.int64): c.FLASHRNN_INT64, np.dtype(np.uint16): 0,
}
_BY_NAME = {"bfloat16": c.FLASHRNN_BFLOAT16}
_address, _first_byte = ctypes.addressof, ctypes.c_char.from_buffer
_PADDING = tuple((0,) * n for n in range(6))


def numpy_dtype_value(dtype: np.dtype, name: str) -> int:
    """The flashrnn_dtype of a NumPy dtype, 0 for uint16."""
    try:
        return _NUMPY[dtype]
    except KeyError:
        if dtype.name in _BY_NAME:
            return _BY_NAME[dtype.name]
        raise InvalidArgumentError(f"{name} has dtype {dtype}: must be float32, float16, float64, bfloat16 (as uint16 or "
                                   "of ml_dtypes), for lengths int32 or int64, for resets uint8 or bool") from None


def check_shape(found: Tuple[int, ...], wanted: Tuple[int, ...], name: str) -> None:
    if tuple(found) != wanted:
        raise InvalidArgumentError(f"{name} has shape {tuple(found)}: must be {wanted}")


def _strides(strides: Tuple[int, ...], shape: Tuple[int, ...], name: str) -> Tuple[int, ...]:
    """Five strides in elements."""
    if not any(strides) and any(size > 1 for size in shape):
        raise InvalidArgumentError(f"{name} has stride 0 on every axis, which would mean packed: must be a copy")
    return tuple(strides) + _PADDING[5 - len(strides)]


class DLDevice(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int32), ("id", ctypes.c_int32)]


class _DLDataType(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class _DLTensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device", DLDevice), ("ndim", ctypes.c_int32), ("dtype", _DLDataType),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
                ("byte_offset", ctypes.c_uint64)]


_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]

# (code, bits): 0 signed, 1 unsigned, 2 IEEE, 4 bfloat, 6 bool.
_DL_DTYPES = {(2, 32): c.FLASHRNN_FLOAT32, (2, 16): c.FLASHRNN_FLOAT16, (2, 64): c.FLASHRNN_FLOAT64,
              (4, 16): c.FLASHRNN_BFLOAT16, (1, 8): c.FLASHRNN_UINT8, (6, 8): c.FLASHRNN_UINT8,
              (0, 32): c.FLASHRNN_INT32, (0, 64): c.FLASHRNN_INT64}
_DL_BACKENDS = {1: "cpu", 2: "cuda", 3: "cpu", 10: "hip", 11: "cpu", 13: "cuda"}


def _from_dlpack(array: Any, shape: Tuple[int, ...], name: str, keep: List[Any], stream: Optional[int]) -> View:
    kind = array.__dlpack_device__()[0]
    # A producer with streams makes the data ready on the stream named: 1 is CUDA's default, 0 ROCm's.
    capsule = array.__dlpack__() if _DL_BACKENDS.get(int(kind)) == "cpu" else array.__dlpack__(
        stream=stream or (0 if int(kind) == 10 else 1))
    keep.append(capsule)  # it is not consumed, so that its end frees what it holds
    tensor = _DLTensor.from_address(_capsule_pointer(capsule, b"dltensor"))
    found = tuple(tensor.shape[i] for i in range(tensor.ndim))
    check_shape(found, shape, name)
    dtype = _DL_DTYPES.get((tensor.dtype.code, tensor.dtype.bits))
    if dtype is None or tensor.dtype.lanes != 1:
        raise InvalidArgumentError(f"{name} has the DLPack dtype code {tensor.dtype.code} of {tensor.dtype.bits} bits: "
                                   "must be a float of 16, 32 or 64 bits or bfloat16, for lengths int32 or int64, for "
                                   "resets uint8 or bool")
    strides = _PADDING[5]
    if tensor.strides:
        strides = _strides(tuple(tensor.strides[i] for i in range(tensor.ndim)), found, name)
    return ((tensor.data or 0) + tensor.byte_offset, dtype, 0) + strides


def device_of(array: Any, name: str) -> Tuple[str, int]:
    """Backend and ordinal of the device that an array lies on."""
    if isinstance(array, np.ndarray):
        return "cpu", 0
    try:
        kind, ordinal = array.__dlpack_device__()
    except AttributeError:
        raise TypeError(f"{name} is a {type(array).__name__}: must be a NumPy array or have __dlpack__") from None
    try:
        backend = _DL_BACKENDS[int(kind)]
    except KeyError:
        raise InvalidArgumentError(f"{name} lies on a device of DLPack's type {int(kind)}: must be 1 (CPU), 2 (CUDA) "
                                   "or 10 (ROCm)") from None
    return backend, 0 if backend == "cpu" else int(ordinal)


def view(array: Any, shape: Tuple[int, ...], name: str, keep: List[Any], written: bool = False,
         stream: Optional[int] = None) -> View:
    """The view of an array, whose shape must be `shape`; absent for None. What must live as long as the view is
    appended to `keep`."""
    if array is None:
        return ABSENT
    if type(array) is not np.ndarray:
        if not isinstance(array, np.ndarray):
            if not hasattr(array, "__dlpack__"):
                raise TypeError(f"{name} is a {type(array).__name__}: must be a NumPy array or have __dlpack__")
            return _from_dlpack(array, shape, name, keep, stream)
        array = np.asarray(array)
        keep.append(array)
    if array.shape != shape:
        check_shape(array.shape, shape, name)
    dtype = _NUMPY.get(array.dtype)
    if dtype is None:
        dtype = numpy_dtype_value(array.dtype, name)
    flags = array.flags
    if flags.c_contiguous:
        if flags.writeable:
            try:  # three times as fast as the array interface
                return (_address(_first_byte(array)), dtype, 0, 0, 0, 0, 0, 0)
            except (TypeError, ValueError, BufferError):  # no bytes at all, or a dtype unknown to the buffer protocol
                pass
        elif written:
            raise InvalidArgumentError(f"{name} is read-only: must be writeable, it is an output")
        return (array.__array_interface__["data"][0], dtype, 0, 0, 0, 0, 0, 0)
    if written and not flags.writeable:
        raise InvalidArgumentError(f"{name} is read-only: must be writeable, it is an output")
    size = array.itemsize
    if any(stride % size for stride in array.strides):
        raise InvalidArgumentError(f"{name} has strides of {array.strides} bytes: must be multiples of its element of "
                                   f"{size} bytes")
    strides = tuple(stride // size for stride in array.strides)
    if not written and not any(strides):
        array = np.ascontiguousarray(array)  # a single value for all elements
        keep.append(array)
        return (array.__array_interface__["data"][0], dtype, 0, 0, 0, 0, 0, 0)
    return (array.__array_interface__["data"][0], dtype, 0) + _strides(strides, array.shape, name)
