# SPDX-License-Identifier: Apache-2.0
"""Cells by name, with their gates and states."""
from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import lru_cache
from typing import Tuple

from . import _declarations as c
from ._library import check, lib
from .errors import InvalidArgumentError


@dataclass(frozen=True)
class Cell:
    """A cell: `input_gates`, `recurrent_gates`, `bias_gates` and `states` are the names along those axes, in order."""

    name: str
    value: int
    input_gates: Tuple[str, ...]
    recurrent_gates: Tuple[str, ...]
    bias_gates: Tuple[str, ...]
    states: Tuple[str, ...]


def _read(value: int) -> Cell:
    info = c.flashrnn_cell_info(struct_size=ctypes.sizeof(c.flashrnn_cell_info))
    check(lib.flashrnn_get_cell_info(value, ctypes.byref(info)))
    names = [tuple(text.decode().split()) for text in (info.input_gate_names, info.recurrent_gate_names,
                                                       info.bias_gate_names, info.state_names)]
    return Cell(info.name.decode(), value, *names)


@lru_cache(maxsize=None)
def cells() -> Tuple[Cell, ...]:
    """Every cell of the library."""
    count = ctypes.c_int32()
    check(lib.flashrnn_list_cells(None, 0, ctypes.byref(count)))
    values = (c.flashrnn_cell * count.value)()
    check(lib.flashrnn_list_cells(values, count.value, ctypes.byref(count)))
    return tuple(_read(value) for value in values)


@lru_cache(maxsize=None)
def cell(name: str) -> Cell:
    """The cell of a name: "lstm", "gru", "elman", "slstm", "elman_relu", "light_gru"."""
    for candidate in cells():
        if candidate.name == name:
            return candidate
    raise InvalidArgumentError(f"no cell is called {name!r}: must be one of "
                               + ", ".join(candidate.name for candidate in cells()))


@lru_cache(maxsize=None)
def cell_of_value(value: int) -> Cell:
    return _read(value)
