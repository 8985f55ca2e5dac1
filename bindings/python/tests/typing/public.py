# SPDX-License-Identifier: Apache-2.0
"""What a user's program says, for `mypy --strict`: it is read, not run."""
from __future__ import annotations

from typing import Dict, List, Optional, Tuple

import numpy as np
import torch

import pyflashrnn
from pyflashrnn import Cell, Device, FlashRNNConfig, FlashRNNError, Forward, Gradients, Plan, Problem
from pyflashrnn.torch import (GRU, LSTM, RNN, MultiHeadElman, MultiHeadGRU, MultiHeadLightGRU, MultiHeadLSTM, MultiHeadRNN,
                              RNNOutput, convert, flashrnn, rnn, set_memory_cache, sLSTM, step)


def on_numpy() -> Gradients:
    wx, r = np.ones((1, 2, 4, 1, 3), np.float32), np.ones((4, 1, 3, 3), np.float32)
    forward: Forward = pyflashrnn.forward(wx, r, cell="lstm", threads=1)
    gradients: Gradients = forward.backward(forward.h)
    pyflashrnn.step(wx[:, 0], r, None, None)
    return gradients


def planning() -> Tuple[Plan, Dict[str, object]]:
    kinds: List[Cell] = list(pyflashrnn.cells())
    with Device("cpu") as device:
        plan = Plan(Problem(kinds[0].name, 1, 2, 1, 3), device)
    try:
        plan.close()
    except FlashRNNError as error:
        print(str(error), pyflashrnn.version(), pyflashrnn.has_feature("cuda"))
    return plan, plan.describe()


def on_torch(wx: torch.Tensor, r: torch.Tensor, bias: Optional[torch.Tensor]) -> torch.Tensor:
    out: RNNOutput = rnn(wx, r, bias, cell="slstm", return_states=True, recompute=True, state_dtype=torch.float32)
    h, states = step(wx[:, 0], r, bias, out.last_states)
    every, last = flashrnn(wx, r, bias, config=FlashRNNConfig(function="gru"))
    set_memory_cache(1 << 20)
    moved: Tuple[torch.Tensor, Optional[torch.Tensor]] = convert.gru_from_flashrnn(r, bias)
    return out.h.sum() + h.sum() + states.sum() + every.sum() + last.sum() + moved[0].sum()


def modules() -> List[torch.nn.Module]:
    made: List[torch.nn.Module] = [
        LSTM(3, 4, num_layers=2, bidirectional=True, device="cpu", dtype=torch.float32), GRU(3, 4, batch_first=True),
        RNN(3, 4, nonlinearity="relu"), sLSTM(3, 4, num_heads=2), MultiHeadRNN(3, 4, cell="gru", recompute=True)]
    return made + [one(3, 4, 2) for one in (MultiHeadElman, MultiHeadGRU, MultiHeadLightGRU, MultiHeadLSTM)]
