# SPDX-License-Identifier: Apache-2.0
"""What the recurrent modules share: layers, directions, dropout, batches of any kind."""
from __future__ import annotations

import warnings
from typing import Any, List, NamedTuple, Optional, Tuple, Union

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from ..errors import InvalidArgumentError
from .functional import rnn

AnyDevice = Union[torch.device, str, int, None]

States = Union[Tensor, Tuple[Tensor, ...]]


class Weights(NamedTuple):
    """Of one layer and direction: w [Gi * N * D, I] and its bias or None, r [Gr, N, D, D], bias [Gb, N, D] or None."""

    w: Tensor
    w_bias: Optional[Tensor]
    r: Tensor
    bias: Optional[Tensor]


class RecurrentStack(nn.Module):
    """Layers and directions of a recurrence with an input projection each. A subclass says what the weights are.

    Input: [T, B, I], with `batch_first` [B, T, I]; [T, I] for a single sequence; or a PackedSequence, whose sequences
    may be of any lengths. `lengths` [B] does the same for a padded batch. Output: [T, B, directions * H], with
    `batch_first` [B, T, directions * H], and the last states of every layer and direction, each
    [layers * directions, B, H]: a tensor for a cell with one state, else a tuple of them in the cell's order. The
    initial states are given in that form too.
    """

    cell: str
    state_count: int

    def __init__(self, input_size: int, hidden_size: int, num_heads: int, num_layers: int, batch_first: bool,
                 dropout: float, bidirectional: bool, **options: Any):
        super().__init__()
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers),
                           ("num_heads", num_heads)):
            if not isinstance(size, int) or size < 1:
                raise InvalidArgumentError(f"{name} is {size!r}: must be an integer of at least 1")
        if hidden_size % num_heads:
            raise InvalidArgumentError(f"hidden_size is {hidden_size}: must be a multiple of num_heads, {num_heads}")
        if not 0 <= dropout <= 1:
            raise InvalidArgumentError(f"dropout is {dropout}: must lie within [0, 1]")
        if dropout > 0 and num_layers == 1:
            warnings.warn("dropout acts between layers, and there is one layer only", stacklevel=3)
        self.input_size, self.hidden_size, self.num_heads = input_size, hidden_size, num_heads
        self.num_layers, self.batch_first = num_layers, batch_first
        self.dropout, self.bidirectional = float(dropout), bidirectional
        # Further options of `rnn`: recompute, forward_clip, ...
        self.options = options

    def weights(self, suffix: str) -> Weights:
        """Of the layer and direction that a suffix names: l0, l0_reverse, l1, ..."""
        raise NotImplementedError

    def flatten_parameters(self) -> None:
        """Nothing to do: there for torch.nn's sake."""

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def suffixes(self) -> List[str]:
        ends = ("", "_reverse")[:self.directions]
        return [f"l{layer}{end}" for layer in range(self.num_layers) for end in ends]

    def _layer(self, x: Tensor, suffix: str, initial: Optional[Tensor], lengths: Optional[Tensor],
               resets: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
        """One layer and direction of x [B, T, I]: h [B, T, H] and the last states [S, B, H]."""
        w, w_bias, r, bias = self.weights(suffix)
        heads, head_dim = self.num_heads, self.hidden_size // self.num_heads
        gates = w.shape[0] // self.hidden_size
        wx = nn.functional.linear(x, w, w_bias).unflatten(-1, (gates, heads, head_dim))
        if initial is not None:
            initial = initial.unflatten(-1, (heads, head_dim))
        h, _, last = rnn(wx, r, bias, initial, cell=self.cell, lengths=lengths, resets=resets,
                         reverse=suffix.endswith("_reverse"), **self.options)
        return h.flatten(-2), last.flatten(-2)

    def _run(self, x: Tensor, states: Optional[Tensor], lengths: Optional[Tensor], resets: Optional[Tensor]
             ) -> Tuple[Tensor, Tensor]:
        """All layers of x [B, T, I]; states [S, layers * directions, B, H]."""
        suffixes, lasts = self.suffixes(), []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = nn.functional.dropout(x, self.dropout, self.training)
            parts = []
            for place in range(layer * self.directions, (layer + 1) * self.directions):
                h, last = self._layer(x, suffixes[place], None if states is None else states[:, place], lengths, resets)
                parts.append(h)
                lasts.append(last)
            x = parts[0] if len(parts) == 1 else torch.cat(parts, -1)
        return x, torch.stack(lasts, 1)

    def _given(self, states: Optional[States], batch: int, batched: bool) -> Optional[Tensor]:
        """Initial states as [S, layers * directions, B, H]."""
        if states is None:
            return None
        parts = (states,) if isinstance(states, Tensor) else tuple(states)
        if len(parts) != self.state_count:
            raise InvalidArgumentError(f"{len(parts)} initial states are given: must be {self.state_count} for "
                                       f"{type(self).__name__}")
        if not batched:
            parts = tuple(part.unsqueeze(1) if part.dim() == 2 else part for part in parts)
        wanted = (self.num_layers * self.directions, batch, self.hidden_size)
        for part in parts:
            if tuple(part.shape) != wanted:
                raise InvalidArgumentError(f"an initial state has shape {tuple(part.shape)}: must be {wanted}")
        return torch.stack(parts)

    def _as_given(self, states: Tensor) -> States:
        return states[0] if self.state_count == 1 else tuple(states.unbind(0))

    def forward(self, x: Union[Tensor, PackedSequence], states: Optional[States] = None, *,
                lengths: Optional[Tensor] = None, resets: Optional[Tensor] = None
                ) -> Tuple[Union[Tensor, PackedSequence], States]:
        if isinstance(x, PackedSequence):
            if lengths is not None or resets is not None:
                raise InvalidArgumentError("lengths or resets are given with a PackedSequence: it has its own lengths")
            return self._forward_packed(x, states)
        if x.dim() not in (2, 3) or x.shape[-1] != self.input_size:
            raise InvalidArgumentError(f"the input has shape {tuple(x.shape)}: must have 2 or 3 axes and the last one of "
                                       f"{self.input_size}")
        batched = x.dim() == 3
        if not batched:
            x = x.unsqueeze(0)
        elif not self.batch_first:
            x = x.transpose(0, 1)
        y, last = self._run(x, self._given(states, x.shape[0], batched), lengths, resets)
        if not batched:
            return y.squeeze(0), self._as_given(last.squeeze(2))
        return y if self.batch_first else y.transpose(0, 1), self._as_given(last)

    def _forward_packed(self, packed: PackedSequence, states: Optional[States]) -> Tuple[PackedSequence, States]:
        data, sizes, order, back = packed
        # In the order that the packing sorted them into; only states are given and returned in the caller's.
        padded, lengths = pad_packed_sequence(PackedSequence(data, sizes), batch_first=True)
        given = self._given(states, padded.shape[0], True)
        if given is not None and order is not None:
            given = given.index_select(2, order)
        y, last = self._run(padded, given, lengths.to(padded.device), None)
        result = pack_padded_sequence(y, lengths, batch_first=True)
        if back is not None:
            last = last.index_select(2, back)
        return PackedSequence(result.data, sizes, order, back), self._as_given(last)

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        for name, default in (("num_heads", 1), ("num_layers", 1), ("batch_first", False), ("dropout", 0.0),
                              ("bidirectional", False)):
            if getattr(self, name) != default:
                parts.append(f"{name}={getattr(self, name)}")
        parts += [f"{name}={value}" for name, value in self.options.items()]
        return ", ".join(parts)
