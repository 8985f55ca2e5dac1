# SPDX-License-Identifier: Apache-2.0
"""Recurrences of several heads: R is block-diagonal, a block for each head."""
from __future__ import annotations

import math
from typing import Any, Optional

import torch
from torch import nn

from ..cells import cell as cell_of
from ..errors import InvalidArgumentError
from ._stack import AnyDevice, RecurrentStack, Weights


class MultiHeadRNN(RecurrentStack):
    """Layers of any cell of the library, by its name.

    Parameters of a layer and direction, N heads of D = hidden_size / N units each:
        weight_ih_l0 [Gi * N * D, I], rows in the order gate, head, unit
        weight_hh_l0 [Gr, N, D, D], the last axis that of h(t-1)
        bias_l0      [Gb, N, D]

    Arguments are torch.nn.LSTM's, with `num_heads` beside them; further ones go to `rnn` (recompute, forward_clip, ...).
    """

    def __init__(self, input_size: int, hidden_size: int, num_heads: int = 1, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, *, cell: str = "lstm",
                 device: AnyDevice = None, dtype: Optional[torch.dtype] = None, **options: Any):
        super().__init__(input_size, hidden_size, num_heads, num_layers, batch_first, dropout, bidirectional, **options)
        kind = cell_of(cell)
        self.cell, self.bias, self.state_count = cell, bias, len(kind.states)
        self.head_dim = hidden_size // num_heads
        for suffix in self.suffixes():
            width = input_size if suffix.startswith("l0") else hidden_size * self.directions
            shapes = [("weight_ih", (len(kind.input_gates) * hidden_size, width)),
                      ("weight_hh", (len(kind.recurrent_gates), num_heads, self.head_dim, self.head_dim))]
            if bias:
                shapes.append(("bias", (len(kind.bias_gates), num_heads, self.head_dim)))
            for name, shape in shapes:
                self.register_parameter(f"{name}_{suffix}", nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As torch.nn has them, by each layer's own widths: h comes from one head's units. The forget gates of an LSTM
        and an sLSTM begin open, over a range of time spans in each head."""
        gates = cell_of(self.cell).bias_gates
        for suffix in self.suffixes():
            w, r = getattr(self, "weight_ih_" + suffix), getattr(self, "weight_hh_" + suffix)
            nn.init.uniform_(w, -1 / math.sqrt(w.shape[1]), 1 / math.sqrt(w.shape[1]))
            nn.init.uniform_(r, -1 / math.sqrt(self.head_dim), 1 / math.sqrt(self.head_dim))
            if self.bias:
                bias = getattr(self, "bias_" + suffix)
                nn.init.zeros_(bias)
                if "f" in gates:
                    with torch.no_grad():
                        bias[gates.index("f")] = torch.linspace(1, 4, self.head_dim, dtype=bias.dtype,
                                                                device=bias.device)

    def weights(self, suffix: str) -> Weights:
        return Weights(getattr(self, "weight_ih_" + suffix), None, getattr(self, "weight_hh_" + suffix),
                       getattr(self, "bias_" + suffix) if self.bias else None)

    def extra_repr(self) -> str:
        return super().extra_repr() + (f", cell={self.cell}" if type(self) is MultiHeadRNN else "")


class _OfOneCell(MultiHeadRNN):
    _cell: str

    def __init__(self, input_size: int, hidden_size: int, num_heads: int = 1, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False,
                 device: AnyDevice = None, dtype: Optional[torch.dtype] = None, **options: Any):
        if "cell" in options:
            raise InvalidArgumentError(f"cell is given to {type(self).__name__}: its cell is {self._cell}, MultiHeadRNN "
                                       "takes any")
        super().__init__(input_size, hidden_size, num_heads, num_layers, bias, batch_first, dropout, bidirectional,
                         cell=self._cell, device=device, dtype=dtype, **options)


class MultiHeadLSTM(_OfOneCell):
    """LSTM of several heads; gates i f z o, states (h, c). See MultiHeadRNN."""

    _cell = "lstm"


class MultiHeadGRU(_OfOneCell):
    """GRU of several heads; input gates r u n, recurrent gates r u g, biases r u n g, state h. See MultiHeadRNN."""

    _cell = "gru"


class MultiHeadElman(_OfOneCell):
    """Elman network (tanh) of several heads; state h. See MultiHeadRNN."""

    _cell = "elman"


class MultiHeadLightGRU(_OfOneCell):
    """Light GRU of several heads; gates u n, state h. See MultiHeadRNN."""

    _cell = "light_gru"


class sLSTM(_OfOneCell):
    """sLSTM of several heads; gates i f z o, states (h, c, n, m). See MultiHeadRNN."""

    _cell = "slstm"
