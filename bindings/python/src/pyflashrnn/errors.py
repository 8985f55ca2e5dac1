# SPDX-License-Identifier: Apache-2.0
"""The library's statuses as exceptions. Each also is the built-in exception that a Python programmer would expect."""
from __future__ import annotations

from . import _declarations as c


class FlashRNNError(RuntimeError):
    """Any failure of the library. `status` is the flashrnn_status; the text is the library's message."""

    status = c.FLASHRNN_INTERNAL


class InvalidArgumentError(FlashRNNError, ValueError):
    """A value breaks the rule that the message states."""

    status = c.FLASHRNN_INVALID_ARGUMENT


class InvalidHandleError(FlashRNNError):
    """A device, plan, stream or event that is closed."""

    status = c.FLASHRNN_INVALID_HANDLE


class UnsupportedError(FlashRNNError, NotImplementedError):
    """Well formed, but no backend or kernel here does it."""

    status = c.FLASHRNN_UNSUPPORTED


class OutOfMemoryError(FlashRNNError, MemoryError):
    """An allocation failed."""

    status = c.FLASHRNN_OUT_OF_MEMORY


class DeviceUnavailableError(FlashRNNError):
    """The backend is not in this build, or its driver or device is missing."""

    status = c.FLASHRNN_DEVICE_UNAVAILABLE


class DeviceError(FlashRNNError):
    """The device's own runtime reported an error."""

    status = c.FLASHRNN_DEVICE_ERROR


class InfeasibleError(FlashRNNError, ValueError):
    """The tiling constraints, with what was forced, admit nothing; the message names the clash."""

    status = c.FLASHRNN_INFEASIBLE


class InternalError(FlashRNNError):
    """A fault of the library."""

    status = c.FLASHRNN_INTERNAL


BY_STATUS = {
    kind.status: kind
    for kind in (InvalidArgumentError, InvalidHandleError, UnsupportedError, OutOfMemoryError, DeviceUnavailableError,
                 DeviceError, InfeasibleError, InternalError)
}
