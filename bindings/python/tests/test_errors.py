# SPDX-License-Identifier: Apache-2.0
"""Bad input gives an exception with the value and the rule, and never a crash."""
import os
import subprocess
import sys

import numpy as np
import pytest

import pyflashrnn
from pyflashrnn import Device, Plan, Problem, _declarations as c
from pyflashrnn.errors import BY_STATUS

STATUSES = {"FLASHRNN_" + name for name in (
    "INVALID_ARGUMENT", "INVALID_HANDLE", "UNSUPPORTED", "OUT_OF_MEMORY", "DEVICE_UNAVAILABLE", "DEVICE_ERROR",
    "INFEASIBLE", "INTERNAL")}
B, T, N, D = 2, 3, 2, 4


def arrays(dtype=np.float32):
    return (np.ones((B, T, 4, N, D), dtype), np.ones((4, N, D, D), dtype) / 8, np.zeros((4, N, D), dtype),
            np.zeros((2, B, N, D), dtype))


@pytest.mark.parametrize("change, message", [
    (dict(batch=0), "batch is 0"),
    (dict(batch=-1), "batch is -1"),
    (dict(batch=2**70), "batch is 1180591620717411303424: must fit 64 bits"),
    (dict(time=-1), "time is -1"),
    (dict(head_dim=2**62), "4611686018427387904"),
    (dict(cell="rnn"), "no cell is called 'rnn'"),
    (dict(dtype="float8"), "dtype is 'float8'"),
    (dict(dtype=None), "dtype is None"),
    (dict(mode="train"), "mode is 'train'"),
    (dict(forward_clip=float("nan")), "forward_clip"),
    (dict(recurrent_gradient_clip=-1.0), "recurrent_gradient_clip is -1"),
    (dict(threads=-3), "threads is -3"),
    (dict(config="nonsense"), "config"),
    (dict(model_path="/no/such/file"), "/no/such/file"),
])
def test_impossible_problems(change, message):
    fields = dict(cell="lstm", batch=1, time=1, heads=1, head_dim=4)
    fields.update(change)
    with pytest.raises(pyflashrnn.FlashRNNError) as caught:
        Plan(Problem(**fields))
    assert message in str(caught.value)


def test_errors_are_pythons_own_kinds_too():
    with pytest.raises(ValueError):
        Plan(Problem("lstm", 0, 1, 1, 1))
    with pytest.raises(RuntimeError):
        Plan(Problem("lstm", 0, 1, 1, 1))
    assert issubclass(pyflashrnn.UnsupportedError, NotImplementedError)
    assert issubclass(pyflashrnn.OutOfMemoryError, MemoryError)
    with pytest.raises(ValueError, match="ordinal is 7"):
        Device("cpu", 7)
    with pytest.raises(ValueError, match="backend is 'tpu'"):
        Device("tpu")
    if not pyflashrnn.has_feature("vulkan"):
        with pytest.raises(pyflashrnn.DeviceUnavailableError, match="vulkan"):
            Device("vulkan")
    with pytest.raises(pyflashrnn.InfeasibleError, match="batch_tile"):
        Plan(Problem("lstm", 1, 1, 1, 1, config="batch_tile=12345"))


def test_every_status_has_an_exception():
    statuses = {value for name, value in vars(c).items() if name in STATUSES}
    assert len(statuses) == len(STATUSES) and set(BY_STATUS) == statuses


@pytest.mark.parametrize("place, bad, message", [
    (0, np.ones((B, T, 3, N, D), np.float32), "wx has shape (2, 3, 3, 2, 4): must be (2, 3, 4, 2, 4)"),
    (0, np.ones((B, 4, N, D), np.float32), "must be [B, T, G, N, D]"),
    (1, np.ones((4, N, D, D + 1), np.float32), "r has shape"),
    (1, np.ones((4, N, D, D), np.float64), "float64"),
    (2, np.ones((3, N, D), np.float32), "bias has shape"),
    (2, np.ones((4, N, D), np.float64), "bias.dtype is 4 (float64)"),
    (3, np.ones((1, B, N, D), np.float32), "initial_states has shape"),
    (1, np.ones((4, N, D, D), ">f4"), "dtype >f4"),
    (1, np.ones((4, N, D, D), np.complex64), "dtype complex64"),
    (2, np.array(["x"] * (4 * N * D)).reshape(4, N, D), "dtype <U1"),
])
def test_wrong_arrays(place, bad, message):
    given = list(arrays())
    given[place] = bad
    with pytest.raises(pyflashrnn.FlashRNNError) as caught:
        pyflashrnn.forward(*given)
    assert message in str(caught.value)


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("bad", [[1, 2, 3], "text", 7, object()], ids=repr)
def test_what_is_no_array(place, bad):
    given = list(arrays())
    given[place] = bad
    with pytest.raises((TypeError, ValueError)):
        pyflashrnn.forward(*given)


def test_wrong_options():
    wx, r, bias, states = arrays()
    with pytest.raises(ValueError, match="lengths.0. is 9"):
        pyflashrnn.forward(wx, r, lengths=np.array([9, 1]))
    with pytest.raises(ValueError, match="lengths has shape"):
        pyflashrnn.forward(wx, r, lengths=np.array([1]))
    with pytest.raises(ValueError, match="lengths.dtype"):
        pyflashrnn.forward(wx, r, lengths=np.ones(B, np.float32))
    with pytest.raises(ValueError, match="resets has shape"):
        pyflashrnn.forward(wx, r, resets=np.zeros((B, T), bool))
    with pytest.raises(TypeError):
        pyflashrnn.forward(wx, r, backwards=True)
    with pytest.raises(ValueError, match="state which dtype"):
        pyflashrnn.forward(wx.view(np.uint16)[..., ::2], r)


def test_wrong_outputs():
    wx, r, bias, states = arrays()
    h = np.zeros((B, T, N, D), np.float32)
    fixed = h.copy()
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="h is read-only"):
        pyflashrnn.forward(wx, r, h=fixed)
    with pytest.raises(ValueError, match="h is read-only"):
        pyflashrnn.forward(wx, r, h=np.broadcast_to(np.float32(0), h.shape))
    with pytest.raises(ValueError, match="distinct"):
        pyflashrnn.forward(wx, r, h=np.lib.stride_tricks.as_strided(h, h.shape, (0,) + h.strides[1:]))
    with pytest.raises(ValueError, match="overlap"):
        pyflashrnn.forward(wx, r, h=wx[:, :, 0])
    assert (wx == 1).all()
    odd = np.zeros(h.nbytes + 4, np.uint8)[1:h.nbytes + 1].view(np.float32).reshape(h.shape)
    with pytest.raises(ValueError, match="aligned"):
        pyflashrnn.forward(wx, r, h=odd)


def test_backward_of_wrong_things():
    wx, r, bias, states = arrays()
    forward = pyflashrnn.forward(wx, r, bias, states)
    with pytest.raises(ValueError, match="d_h has shape"):
        forward.backward(d_h=np.zeros((B, T, N), np.float32))
    with pytest.raises(ValueError, match="wanted has"):
        forward.backward(d_h=forward.h, wanted=("w",))
    with pytest.raises(ValueError):
        pyflashrnn.forward(wx, r, mode="inference").backward(d_h=np.zeros_like(forward.h))


def test_a_closed_plan_is_refused():
    plan = Plan(Problem("lstm", B, T, N, D))
    wx, r, bias, states = arrays()
    pyflashrnn.run(plan, wx, r)
    plan.close()
    plan.close()
    with pytest.raises(pyflashrnn.InvalidHandleError):
        pyflashrnn.run(plan, wx, r)
    with pytest.raises(pyflashrnn.InvalidHandleError):
        plan.describe()


def test_a_library_that_is_not_there():
    code = "import pyflashrnn"
    environment = dict(os.environ, FLASHRNN_LIBRARY="/no/such/libflashrnn.so")
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert run.returncode == 1
    assert "ImportError: libflashrnn was not found" in run.stderr and "/no/such/libflashrnn.so" in run.stderr
