# SPDX-License-Identifier: Apache-2.0
"""Finds libflashrnn and declares its functions. In order:

1. the file that the environment variable FLASHRNN_LIBRARY names;
2. the one that the wheel carries, pyflashrnn/lib/;
3. the one that pkg-config knows as flashrnn;
4. the system's, as the dynamic loader finds it.
"""
from __future__ import annotations

import ctypes
import ctypes.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Iterator

from . import _declarations as c
from .errors import BY_STATUS, FlashRNNError

_BUNDLED = Path(__file__).resolve().parent / "lib"
# Names of libflashrnn on every platform.
_NAMES = ("libflashrnn.so.0", "libflashrnn.so", "libflashrnn.dylib", "flashrnn.dll")


def _candidates() -> Iterator[str]:
    named = os.environ.get("FLASHRNN_LIBRARY")
    if named:
        yield named  # and no other: a mistyped path must not give another library
        return
    yield from (str(_BUNDLED / name) for name in _NAMES if (_BUNDLED / name).exists())
    if shutil.which("pkg-config"):
        found = subprocess.run(["pkg-config", "--variable=libdir", "flashrnn"], capture_output=True, text=True)
        if found.returncode == 0:
            yield from (str(Path(found.stdout.strip()) / name) for name in _NAMES)
    system = ctypes.util.find_library("flashrnn")
    if system:
        yield system


def _load_beside(path: Path) -> None:
    """Loads what a wheel carries for its libflashrnn (hwloc and its like): the loader then finds them by their names."""
    waiting = [other for other in sorted(path.parent.iterdir()) if other != path]
    while waiting:
        left = []
        for other in waiting:
            try:
                ctypes.CDLL(str(other))
            except OSError:
                left.append(other)  # it may need one that comes later
        if len(left) == len(waiting):
            return  # loading libflashrnn says what is missing
        waiting = left


def _load() -> ctypes.CDLL:
    tried = []
    for path in _candidates():
        try:
            return ctypes.CDLL(path)
        except OSError as error:
            tried.append(f"{path}: {error}")
        if Path(path).parent == _BUNDLED:  # the system lacks what it needs
            _load_beside(Path(path))
            try:
                return ctypes.CDLL(path)
            except OSError as error:
                tried.append(f"{path}: {error}")
    raise ImportError(
        "libflashrnn was not found. Set the environment variable FLASHRNN_LIBRARY to its file, install a wheel of "
        "pyflashrnn that carries it, or install it where pkg-config or the loader looks. "
        + ("Tried: " + "; ".join(tried) if tried else "No candidate was there to try."))


lib = _load()
path: str = lib._name

for _name, (_result, _parameters) in c.FUNCTIONS.items():
    try:
        _function = getattr(lib, _name)
    except AttributeError:
        raise ImportError(f"{path} has no {_name}: it is older than this package") from None
    _function.restype = _result
    _function.argtypes = _parameters

_library_version = lib.flashrnn_version()
if _library_version // 1000 != c.FLASHRNN_VERSION_MAJOR * 1000 + c.FLASHRNN_VERSION_MINOR:
    raise ImportError(f"{path} is version {_library_version // 1000000}.{_library_version // 1000 % 1000}, and this "
                      f"package was written for {c.FLASHRNN_VERSION_MAJOR}.{c.FLASHRNN_VERSION_MINOR}")


def last_message() -> str:
    return lib.flashrnn_last_error_message().decode("utf-8", "replace")


def check(status: int) -> None:
    """Raises the exception of a status that is not FLASHRNN_OK, with the library's message."""
    if status:
        raise BY_STATUS.get(status, FlashRNNError)(last_message())


def text_of(function: Any, *arguments: Any) -> str:
    """What a flashrnn_*_describe writes."""
    length = ctypes.c_size_t()
    check(function(*arguments, None, 0, ctypes.byref(length)))
    text = ctypes.create_string_buffer(length.value + 1)
    check(function(*arguments, text, len(text), None))
    return text.value.decode("utf-8")


def version() -> str:
    """The version of the library that is loaded, as "0.1.0"."""
    number = lib.flashrnn_version()
    return f"{number // 1000000}.{number // 1000 % 1000}.{number % 1000}"


def has_feature(name: str) -> bool:
    """Whether the named feature is in the library: a backend, a cell, "recompute", "lengths", "resets", "step",
    "threads"."""
    return bool(lib.flashrnn_has_feature(name.encode()))
