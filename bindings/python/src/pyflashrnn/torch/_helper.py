# SPDX-License-Identifier: Apache-2.0
"""Finds the compiled part of the package, _compiled.c, which wheels have where they were built with a C compiler. All
that it does is in Python too (here and in _call.py); it takes half the time."""
from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any, Callable, Optional, Tuple

import torch
from torch import Tensor

from .._library import check

try:
    from torch._C import _len_torch_dispatch_stack, _len_torch_function_stack
    from torch._C._functorch import peek_interpreter_stack

    # Each gives 0 or None but where something looks at calls: a mode, or a transform.
    _WATCHERS: Tuple[Callable[[], Any], ...] = (_len_torch_dispatch_stack, _len_torch_function_stack,
                                               peek_interpreter_stack)
except ImportError:  # another version of PyTorch: always as if there were one
    _WATCHERS = (lambda: 1, lambda: 1, lambda: 1)

_first, _second, _third = _WATCHERS
_PLAIN = frozenset((Tensor, torch.nn.Parameter, type(None)))


def _is_plain(one: Any, two: Any, three: Any = None, four: Any = None, five: Any = None, six: Any = None) -> bool:
    """Whether nothing but autograd looks at a call with these tensors: no mode, no transform, no subclass of Tensor.
    (Written out: within autograd, whose code has filled the caches, loops take twice as long.)"""
    return (not _first() and not _second() and _third() is None and type(one) in _PLAIN and type(two) in _PLAIN
            and type(three) in _PLAIN and type(four) in _PLAIN and type(five) in _PLAIN and type(six) in _PLAIN)


def _found() -> Optional[Any]:
    """FLASHRNN_PYTHON_HELPER names the file, or is "none" to do without."""
    named = os.environ.get("FLASHRNN_PYTHON_HELPER")
    if named == "none":
        return None
    name = __package__ + "._compiled"
    try:
        if named:
            spec = importlib.util.spec_from_file_location(name, named)
            assert spec is not None and spec.loader is not None
            module: Any = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(name)
        module.use(Tensor.__dlpack_c_exchange_api__, Tensor.is_neg, check, _WATCHERS, (Tensor, torch.nn.Parameter))
        return module
    except (ImportError, AttributeError):  # not built, not for this Python, or a PyTorch before 2.10
        if named:
            raise
        return None


helper = _found()
is_plain = _is_plain if helper is None else helper.is_plain
