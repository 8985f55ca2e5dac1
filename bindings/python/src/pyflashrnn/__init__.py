# SPDX-License-Identifier: Apache-2.0
"""Fused multi-head recurrent networks: LSTM, GRU, Elman, sLSTM and Light GRU, forward and backward.

    pyflashrnn.forward, step        on NumPy arrays and, through DLPack, on any framework's
    pyflashrnn.flashrnn             for PyTorch, as FlashRNN's function of that name
    pyflashrnn.torch                for PyTorch: `rnn`, and modules that replace torch.nn.LSTM, GRU and RNN
    pyflashrnn.Problem, Plan        plan once, run many

Axes: B batch, T time, G gates, N heads, D head dimension, S states; state 0 is h. NumPy is needed, PyTorch is not.
"""
from __future__ import annotations

from typing import Any

from ._library import has_feature, version
from .arrays import Forward, Gradients, forward, run, step
from .cells import Cell, cell, cells
from .device import Device, DeviceInfo, describe_backends, list_devices
from .errors import (DeviceError, DeviceUnavailableError, FlashRNNError, InfeasibleError, InternalError,
                     InvalidArgumentError, InvalidHandleError, OutOfMemoryError, UnsupportedError)
from .plan import Plan, clear_plan_cache, plan_for
from .problem import Problem

__version__ = "0.1.0"

# What needs PyTorch, which takes a second to import, is found on first use.
_FROM_TORCH = ("flashrnn", "FlashRNNConfig")

__all__ = ["Cell", "Device", "DeviceError", "DeviceInfo", "DeviceUnavailableError", "FlashRNNConfig", "FlashRNNError",
           "Forward", "Gradients", "InfeasibleError", "InternalError", "InvalidArgumentError", "InvalidHandleError",
           "OutOfMemoryError", "Plan", "Problem", "UnsupportedError", "cell", "cells", "clear_plan_cache",
           "describe_backends", "flashrnn", "forward", "has_feature", "list_devices", "plan_for", "run", "step",
           "version"]


def __getattr__(name: str) -> Any:
    if name == "torch" or name in _FROM_TORCH:
        import importlib

        module = importlib.import_module(".torch", __name__)
        return module if name == "torch" else getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
