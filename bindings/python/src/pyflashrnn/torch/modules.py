# SPDX-License-Identifier: Apache-2.0
"""LSTM, GRU and RNN in place of torch.nn's: the same arguments, parameters and state_dict, so that weights go from one to
the other and back by load_state_dict."""
from __future__ import annotations

import math
from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn

from ..errors import InvalidArgumentError, UnsupportedError
from ._stack import AnyDevice, RecurrentStack, Weights


class _LikeTorch(RecurrentStack):
    _gates: int
    _original: Any  # torch.nn's class

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0,
                 device: AnyDevice = None, dtype: Optional[torch.dtype] = None, **options: Any):
        if proj_size:
            raise UnsupportedError(f"proj_size is {proj_size}: must be 0, the recurrence has no projection of h; a linear "
                                   "layer behind it projects the output alone")
        super().__init__(input_size, hidden_size, 1, num_layers, batch_first, dropout, bidirectional, **options)
        self.bias, self.proj_size = bias, 0
        rows = self._gates * hidden_size
        for suffix in self.suffixes():
            width = input_size if suffix.startswith("l0") else hidden_size * self.directions
            shapes: List[Tuple[str, Tuple[int, ...]]] = [
                ("weight_ih", (rows, width)), ("weight_hh", (rows, hidden_size))]
            if bias:
                shapes += [("bias_ih", (rows,)), ("bias_hh", (rows,))]
            for name, shape in shapes:
                self.register_parameter(f"{name}_{suffix}", nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    @property
    def all_weights(self) -> List[List[Tensor]]:
        names = ("weight_ih", "weight_hh") + (("bias_ih", "bias_hh") if self.bias else ())
        return [[getattr(self, f"{name}_{suffix}") for name in names] for suffix in self.suffixes()]

    def _recurrent_bias(self, bias: Tensor) -> Tensor:
        """bias_hh as [Gb, 1, H]."""
        return bias.view(self._gates, 1, self.hidden_size)

    def weights(self, suffix: str) -> Weights:
        # bias_ih goes along with the input projection, and bias_hh is what the recurrence adds.
        w, r = getattr(self, "weight_ih_" + suffix), getattr(self, "weight_hh_" + suffix)
        r = r.view(self._gates, 1, self.hidden_size, self.hidden_size)
        if not self.bias:
            return Weights(w, None, r, None)
        return Weights(w, getattr(self, "bias_ih_" + suffix), r, self._recurrent_bias(getattr(self, "bias_hh_" + suffix)))

    @classmethod
    def from_torch(cls, module: nn.RNNBase, **options: Any) -> "_LikeTorch":
        """A module like one of torch.nn's, with copies of its weights; `options` are further ones of this class."""
        if not isinstance(module, cls._original):
            raise TypeError(f"the module is a {type(module).__name__}: must be a torch.nn.{cls._original.__name__}")
        weight = module.weight_ih_l0
        made = cls(module.input_size, module.hidden_size, **cls._torch_options(module), device=weight.device,
                   dtype=weight.dtype, **options)
        made.load_state_dict(module.state_dict())
        return made.train(module.training)

    def to_torch(self) -> nn.RNNBase:
        """torch.nn's module of the same weights, copied."""
        weight = self.weight_ih_l0
        options = self._torch_options(self)
        options.pop("proj_size", None)
        made = self._original(self.input_size, self.hidden_size, **options, device=weight.device, dtype=weight.dtype)
        made.load_state_dict(self.state_dict())
        return made.train(self.training)

    @staticmethod
    def _torch_options(module: Any) -> Dict[str, Any]:
        return dict(num_layers=module.num_layers, bias=module.bias, batch_first=module.batch_first,
                    dropout=module.dropout, bidirectional=module.bidirectional,
                    proj_size=getattr(module, "proj_size", 0))


class LSTM(_LikeTorch):
    """In place of torch.nn.LSTM. states: (h, c), each [layers * directions, B, H]; gates i f g o in the rows of the
    weights, which are the library's i f z o. Takes the options of `rnn` beside torch.nn's, as recompute=True."""

    cell, state_count, _gates, _original = "lstm", 2, 4, nn.LSTM


class GRU(_LikeTorch):
    """In place of torch.nn.GRU. states: h [layers * directions, B, H]; gates r z n in the rows of the weights, which are
    the library's r u n."""

    cell, state_count, _gates, _original = "gru", 1, 3, nn.GRU

    def _recurrent_bias(self, bias: Tensor) -> Tensor:
        # The library's biases are r u n g: g belongs to R h, within the reset gate, n to the input, whose bias is in wx.
        r_u, g = bias.view(3, 1, self.hidden_size).split((2, 1))
        return torch.cat((r_u, torch.zeros_like(g), g))


class RNN(_LikeTorch):
    """In place of torch.nn.RNN, nonlinearity "tanh" or "relu". states: h [layers * directions, B, H]."""

    state_count, _gates, _original = 1, 1, nn.RNN

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh",
                 bias: bool = True, batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False,
                 device: AnyDevice = None, dtype: Optional[torch.dtype] = None, **options: Any):
        cells = {"tanh": "elman", "relu": "elman_relu"}
        if nonlinearity not in cells:
            raise InvalidArgumentError(f"nonlinearity is {nonlinearity!r}: must be tanh or relu")
        self.cell, self.nonlinearity = cells[nonlinearity], nonlinearity
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device=device,
                         dtype=dtype, **options)

    @staticmethod
    def _torch_options(module: Any) -> Dict[str, Any]:
        options = _LikeTorch._torch_options(module)
        options.pop("proj_size")
        return dict(options, nonlinearity=module.nonlinearity)
