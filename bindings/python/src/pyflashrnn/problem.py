# SPDX-License-Identifier: Apache-2.0
"""What a plan is made for."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Tuple

import ctypes

from . import _declarations as c
from .cells import Cell, cell
from .errors import InvalidArgumentError

DTYPES = {"float32": c.FLASHRNN_FLOAT32, "bfloat16": c.FLASHRNN_BFLOAT16, "float16": c.FLASHRNN_FLOAT16,
          "float64": c.FLASHRNN_FLOAT64, "uint8": c.FLASHRNN_UINT8, "int32": c.FLASHRNN_INT32,
          "int64": c.FLASHRNN_INT64}
DTYPE_NAMES = {value: name for name, value in DTYPES.items()}
MODES = {"training": c.FLASHRNN_MODE_TRAINING, "recompute": c.FLASHRNN_MODE_RECOMPUTE,
         "inference": c.FLASHRNN_MODE_INFERENCE}


def _value_of(table: Dict[str, int], what: str, name: str) -> int:
    try:
        return table[name]
    except (KeyError, TypeError):
        raise InvalidArgumentError(f"{what} is {name!r}: must be one of {', '.join(table)}") from None


@dataclass(frozen=True)
class Problem:
    """Sizes and options of a recurrence, as flashrnn_problem has them.

    Axes: B `batch`, T `time`, N `heads`, D `head_dim`. `dtype` is that of wx, h, states and their gradients,
    `weight_dtype` that of r and bias, `state_dtype` that of initial and last states; the latter two are `dtype`
    unless given. `lengths` and `resets` say that runs take such arrays. Clips of 0 do not clip; `threads` of 0 is as
    many as the device has. `config` forces a configuration ("name=value,..."), `model_path` names a constraint model.
    """

    cell: str
    batch: int
    time: int
    heads: int
    head_dim: int
    dtype: str = "float32"
    weight_dtype: Optional[str] = None
    state_dtype: Optional[str] = None
    mode: str = "training"
    reverse: bool = False
    lengths: bool = False
    resets: bool = False
    cut_recurrent_gradient: bool = False
    allow_tf32: bool = False
    forward_clip: float = 0.0
    recurrent_gradient_clip: float = 0.0
    threads: int = 0
    config: str = ""
    model_path: str = ""

    @property
    def flags(self) -> int:
        bits = ((self.reverse, c.FLASHRNN_REVERSE), (self.lengths, c.FLASHRNN_LENGTHS),
                (self.resets, c.FLASHRNN_RESETS), (self.cut_recurrent_gradient, c.FLASHRNN_CUT_RECURRENT_GRADIENT),
                (self.allow_tf32, c.FLASHRNN_ALLOW_TF32))
        return sum(bit for wanted, bit in bits if wanted)

    def dtype_values(self) -> Tuple[int, int, int]:
        """Of tensors, weights and states."""
        return (_value_of(DTYPES, "dtype", self.dtype),
                _value_of(DTYPES, "weight_dtype", self.weight_dtype or self.dtype),
                _value_of(DTYPES, "state_dtype", self.state_dtype or self.dtype))

    def to_c(self) -> c.flashrnn_problem:
        raw = c.flashrnn_problem(struct_size=ctypes.sizeof(c.flashrnn_problem))
        raw.cell = cell(self.cell).value
        raw.mode = _value_of(MODES, "mode", self.mode)
        for name in ("batch", "time", "heads", "head_dim"):
            size = getattr(self, name)
            if not -2**63 <= size < 2**63:
                raise InvalidArgumentError(f"{name} is {size}: must fit 64 bits")
            setattr(raw, name, size)
        raw.dtype, raw.weight_dtype, raw.state_dtype = self.dtype_values()
        raw.flags = self.flags
        raw.forward_clip = self.forward_clip
        raw.recurrent_gradient_clip = self.recurrent_gradient_clip
        raw.threads = self.threads
        raw.config = self.config.encode() or None
        raw.model_path = self.model_path.encode() or None
        return raw

    def shapes(self) -> Dict[str, Tuple[int, ...]]:
        """The shape of every tensor of a run, by its name in the args structs."""
        kind: Cell = cell(self.cell)
        b, t, n, d, s = self.batch, self.time, self.heads, self.head_dim, len(kind.states)
        gi, gr, gb = len(kind.input_gates), len(kind.recurrent_gates), len(kind.bias_gates)
        shapes = {"wx": (b, t, gi, n, d), "r": (gr, n, d, d), "bias": (gb, n, d), "initial_states": (s, b, n, d),
                  "h": (b, t, n, d), "states": (s, b, t, n, d), "last_states": (s, b, n, d)}
        shapes.update({"d_" + name: shape for name, shape in shapes.items()})
        shapes.update(lengths=(b,), resets=(t, b), step_wx=(b, gi, n, d), step_h=(b, n, d))
        return shapes
