# SPDX-License-Identifier: Apache-2.0
"""For PyTorch: `rnn` and `step`, FlashRNN's `flashrnn`, and modules. Needs PyTorch 2.4 or newer."""
from .functional import FlashRNNConfig, RNNOutput, flashrnn, rnn, step

__all__ = ["FlashRNNConfig", "RNNOutput", "flashrnn", "rnn", "step"]
