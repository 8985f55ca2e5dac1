# SPDX-License-Identifier: Apache-2.0
"""Weights from one order of the gates to another. `modules` loads torch.nn's state_dict as it is; these are for weights
that are called by `rnn` and for the multi-head modules.

Orders of the gates along the first axis:

    cell    this library                           torch.nn     FlashRNN (NX-AI)
    lstm    i f z o                                i f g o      i f z o
    gru     Wx r u n, R r u g, bias r u n g        r z n        Wx r z n, R g r z, bias g r z n
    slstm   i f z o                                             i f z o
"""
from __future__ import annotations

from typing import Dict, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from ..errors import InvalidArgumentError

_TORCH_GATES = {"lstm": 4, "gru": 3, "elman": 1, "elman_relu": 1}


class Native(NamedTuple):
    """w [Gi * N * D, I], r [Gr, N, D, D], bias [Gb, N, D] or None."""

    w: Tensor
    r: Tensor
    bias: Optional[Tensor]


def from_torch(cell: str, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Optional[Tensor] = None,
               bias_hh: Optional[Tensor] = None) -> Native:
    """torch.nn's weights of a layer as those of one head; the two biases become one."""
    if cell not in _TORCH_GATES:
        raise InvalidArgumentError(f"cell is {cell!r}: torch.nn has {', '.join(_TORCH_GATES)} only")
    gates, hidden = _TORCH_GATES[cell], weight_hh.shape[1]
    if weight_hh.shape[0] != gates * hidden:
        raise InvalidArgumentError(f"weight_hh has shape {tuple(weight_hh.shape)}: must be [{gates} * H, H] for {cell}")
    r = weight_hh.reshape(gates, 1, hidden, hidden)
    if bias_ih is None or bias_hh is None:
        return Native(weight_ih, r, None)
    inner, outer = bias_hh.reshape(gates, 1, hidden), bias_ih.reshape(gates, 1, hidden)
    if cell == "gru":
        return Native(weight_ih, r, torch.cat((inner[:2] + outer[:2], outer[2:], inner[2:])))
    return Native(weight_ih, r, inner + outer)


def to_torch(cell: str, w: Tensor, r: Tensor, bias: Optional[Tensor] = None) -> Dict[str, Tensor]:
    """The weights of one head as torch.nn's, by their names without the layer. The bias goes to bias_ih, but for what
    GRU adds to R h, and bias_hh is zero otherwise."""
    if cell not in _TORCH_GATES:
        raise InvalidArgumentError(f"cell is {cell!r}: torch.nn has {', '.join(_TORCH_GATES)} only")
    if r.shape[1] != 1:
        raise InvalidArgumentError(f"r has {r.shape[1]} heads: must have 1, as torch.nn has no heads; `dense` makes one "
                                   "of several")
    hidden = r.shape[3]
    weights = {"weight_ih": w, "weight_hh": r.reshape(-1, hidden)}
    if bias is not None:
        if cell == "gru":
            weights["bias_ih"] = bias[:3].reshape(-1)
            weights["bias_hh"] = torch.cat((torch.zeros_like(bias[:2]), bias[3:])).reshape(-1)
        else:
            weights["bias_ih"] = bias.reshape(-1)
            weights["bias_hh"] = torch.zeros_like(weights["bias_ih"])
    return weights


def dense(w: Tensor, r: Tensor, bias: Optional[Tensor] = None) -> Native:
    """Several heads as one: r becomes block-diagonal [Gr, 1, N * D, N * D]. The rows of w keep their order."""
    gates, heads, head_dim, _ = r.shape
    r = torch.stack([torch.block_diag(*gate) for gate in r]).reshape(gates, 1, heads * head_dim, heads * head_dim)
    return Native(w, r, None if bias is None else bias.reshape(bias.shape[0], 1, heads * head_dim))


def gru_from_flashrnn(r: Tensor, bias: Optional[Tensor] = None) -> Tuple[Tensor, Optional[Tensor]]:
    """R [3, N, D, D] in the order g r z and bias [4, N, D] in the order g r z n to this library's r u g and r u n g."""
    return r.roll(-1, 0), None if bias is None else bias.roll(-1, 0)


def gru_to_flashrnn(r: Tensor, bias: Optional[Tensor] = None) -> Tuple[Tensor, Optional[Tensor]]:
    """The way back of gru_from_flashrnn."""
    return r.roll(1, 0), None if bias is None else bias.roll(1, 0)
