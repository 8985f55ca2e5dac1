# SPDX-License-Identifier: Apache-2.0
"""For PyTorch: `rnn` and `step` on tensors, FlashRNN's `flashrnn`, and modules. Needs PyTorch 2.4 or newer.

    LSTM, GRU, RNN                             in place of torch.nn's, with the same state_dict
    MultiHeadLSTM, MultiHeadGRU, sLSTM, ...    several heads
    convert                                    weights from one order of the gates to another
"""
from . import convert
from ._cache import set_memory_cache
from .functional import FlashRNNConfig, RNNOutput, flashrnn, rnn, step
from .modules import GRU, LSTM, RNN
from .multihead import MultiHeadElman, MultiHeadGRU, MultiHeadLightGRU, MultiHeadLSTM, MultiHeadRNN, sLSTM

__all__ = ["FlashRNNConfig", "GRU", "LSTM", "MultiHeadElman", "MultiHeadGRU", "MultiHeadLSTM", "MultiHeadLightGRU",
           "MultiHeadRNN", "RNN", "RNNOutput", "convert", "flashrnn", "rnn", "sLSTM", "set_memory_cache", "step"]
