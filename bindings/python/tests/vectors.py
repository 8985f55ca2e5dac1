# SPDX-License-Identifier: Apache-2.0
"""Reads the test vectors, whose format tests/vectors/README.md tells. FLASHRNN_VECTORS is their folder."""
from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List

import numpy as np

from pyflashrnn import Problem, _declarations as c
from pyflashrnn.cells import cell_of_value
from pyflashrnn.problem import DTYPE_NAMES, MODES

NUMPY = {c.FLASHRNN_FLOAT32: np.float32, c.FLASHRNN_FLOAT64: np.float64, c.FLASHRNN_FLOAT16: np.float16,
         c.FLASHRNN_BFLOAT16: np.uint16, c.FLASHRNN_UINT8: np.uint8, c.FLASHRNN_INT32: np.int32,
         c.FLASHRNN_INT64: np.int64}


@dataclass
class Case:
    name: str
    fields: Dict[str, float] = field(default_factory=dict)
    bounds: Dict[str, float] = field(default_factory=dict)
    # call -> role -> name -> array; bfloat16 as uint16
    tensors: Dict[str, Dict[str, Dict[str, np.ndarray]]] = field(default_factory=dict)

    def given(self, call: str) -> Dict[str, np.ndarray]:
        return self.tensors[call].get("in", {})

    def expected(self, call: str) -> Dict[str, np.ndarray]:
        return self.tensors[call].get("out", {})

    @property
    def problem(self) -> Problem:
        f, flags = self.fields, int(self.fields["flags"])
        modes = {value: name for name, value in MODES.items()}
        return Problem(cell_of_value(int(f["cell"])).name, *(int(f[n]) for n in ("batch", "time", "heads", "head_dim")),
                       *(DTYPE_NAMES[int(f[n])] for n in ("dtype", "weight_dtype", "state_dtype")), modes[int(f["mode"])],
                       bool(flags & c.FLASHRNN_REVERSE), bool(flags & c.FLASHRNN_LENGTHS),
                       bool(flags & c.FLASHRNN_RESETS), bool(flags & c.FLASHRNN_CUT_RECURRENT_GRADIENT),
                       bool(flags & c.FLASHRNN_ALLOW_TF32), f["forward_clip"], f["recurrent_gradient_clip"],
                       int(f["threads"]))


def read() -> List[Case]:
    """No cases where the variable is not set: the tests then report themselves as skipped."""
    if "FLASHRNN_VECTORS" not in os.environ:
        return []
    folder = Path(os.environ["FLASHRNN_VECTORS"])
    data = (folder / "vectors.bin").read_bytes()
    lines = (folder / "vectors.txt").read_text().splitlines()
    assert lines[0] == "flashrnn-vectors 1"
    cases: List[Case] = []
    for line in lines[1:]:
        word, *rest = line.split()
        if word == "case":
            cases.append(Case(rest[0]))
        elif word == "set":
            cases[-1].fields[rest[0]] = float(rest[1])
        elif word == "bound":
            cases[-1].bounds[rest[0]] = float(rest[1])
        elif word == "tensor":
            call, role, name, dtype, offset, *shape = rest
            sizes = tuple(int(size) for size in shape)
            array = np.frombuffer(data, NUMPY[int(dtype)], int(np.prod(sizes)), int(offset)).reshape(sizes)
            cases[-1].tensors.setdefault(call, {}).setdefault(role, {})[name] = array.copy()
        else:
            assert word == "end", line
    return cases


def bits(array: np.ndarray) -> np.ndarray:
    """For comparing bit by bit."""
    return np.ascontiguousarray(array).view(f"u{array.itemsize}")
