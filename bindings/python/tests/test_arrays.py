# SPDX-License-Identifier: Apache-2.0
"""Arrays of any kind, without copies."""
import ctypes

import numpy as np
import pytest

import pyflashrnn
from pyflashrnn import Device, Plan, Problem
from pyflashrnn._views import view

B, T, N, D = 2, 5, 3, 4


def inputs(cell="lstm", dtype=np.float64, seed=0):
    kind, random = pyflashrnn.cell(cell), np.random.default_rng(seed)
    return tuple(random.uniform(-0.5, 0.5, shape).astype(dtype) for shape in (
        (B, T, len(kind.input_gates), N, D), (len(kind.recurrent_gates), N, D, D), (len(kind.bias_gates), N, D),
        (len(kind.states), B, N, D)))


class OnlyDLPack:
    """An array of a framework that NumPy knows nothing of."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_an_lstm_is_what_its_equations_say():
    wx, r, bias, states = inputs()
    h, c = states
    for t in range(T):
        i, f, z, o = np.moveaxis(wx[:, t] + np.einsum("gnoi,bni->bgno", r, h) + bias, 1, 0)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(z)
        h = sigmoid(o) * np.tanh(c)
    forward = pyflashrnn.forward(wx, r, bias, states)
    np.testing.assert_allclose(forward.h[:, -1], h, atol=1e-14)
    np.testing.assert_allclose(forward.last_states, [h, c], atol=1e-14)
    assert forward.states is None


def test_dlpack_gives_what_numpy_does():
    wx, r, bias, states = inputs(dtype=np.float32)
    expected = pyflashrnn.forward(wx, r, bias, states)
    wrapped = [OnlyDLPack(array) for array in (wx, r, bias, states)]
    h, last = np.zeros_like(expected.h), np.zeros_like(expected.last_states)
    forward = pyflashrnn.forward(*wrapped, h=OnlyDLPack(h), last_states=OnlyDLPack(last))
    np.testing.assert_array_equal(h, expected.h)
    np.testing.assert_array_equal(last, expected.last_states)
    d_h = np.ones_like(h)
    gradients = forward.backward(d_h=OnlyDLPack(d_h))
    np.testing.assert_array_equal(gradients.d_r, expected.backward(d_h=d_h).d_r)


def test_views_point_at_the_arrays_themselves():
    keep = []
    array = np.zeros((4, 6), np.float32)
    for seen in (array, array[:, ::2], array.T, array[::-1], OnlyDLPack(array[:, ::2])):
        real = seen.array if isinstance(seen, OnlyDLPack) else seen
        address, _, _, *strides = view(seen, real.shape, "it", keep)
        assert address == real.__array_interface__["data"][0]
        packed = strides == [0] * 5
        assert packed == real.flags.c_contiguous or strides[:2] == [s // 4 for s in real.strides]
    assert view(np.zeros((0, 3), np.float32), (0, 3), "it", keep)[3:] == (0,) * 5


def test_one_value_for_all_elements_is_not_taken_as_packed():
    wx, r, bias, states = inputs()
    forward = pyflashrnn.forward(wx, r, bias, states)
    d_h = np.broadcast_to(np.float64(1), forward.h.shape)
    np.testing.assert_array_equal(forward.backward(d_h=d_h).d_wx, forward.backward(d_h=np.ones_like(forward.h)).d_wx)
    with pytest.raises(ValueError, match="stride 0 on every axis"):
        forward.backward(d_h=OnlyDLPack(np.lib.stride_tricks.as_strided(np.ones(1), d_h.shape, (0,) * 4)))


def test_bfloat16_as_uint16():
    wx, r, bias, states = (np.ascontiguousarray(array.astype(np.float32).view(np.uint16)[..., 1::2])
                           for array in inputs())
    forward = pyflashrnn.forward(wx, r, bias, states, dtype="bfloat16")
    assert forward.h.dtype == np.uint16

    def wide(array):
        return (array.astype(np.uint32) << 16).view(np.float32)

    reference = pyflashrnn.forward(wide(wx), wide(r), wide(bias), wide(states))
    assert np.abs(wide(forward.h) - reference.h).max() < 0.01
    assert forward.backward(d_h=forward.h).d_r.dtype == np.uint16


def test_weights_and_states_may_have_dtypes_of_their_own():
    wx, r, bias, states = inputs(dtype=np.float32)
    forward = pyflashrnn.forward(wx.astype(np.float16), r, bias, states)
    assert forward.h.dtype == np.float16 and forward.last_states.dtype == np.float32
    assert forward.backward(d_h=forward.h).d_r.dtype == np.float32


def test_outputs_that_are_given_are_used():
    wx, r, bias, states = inputs()
    space = np.full((T, B, N, D), np.nan)
    forward = pyflashrnn.forward(wx, r, bias, states, h=space.transpose(1, 0, 2, 3), last_states=states)
    assert np.isfinite(space).all()
    np.testing.assert_array_equal(forward.last_states[0], space[-1])


@pytest.mark.parametrize("cell", [cell.name for cell in pyflashrnn.cells()])
def test_steps_make_a_forward_pass(cell):
    wx, r, bias, states = inputs(cell)
    states = np.abs(states) + 1.5 if cell == "slstm" else states
    expected = pyflashrnn.forward(wx, r, bias, states, cell=cell, mode="inference")
    state = states.copy()
    for t in range(T):
        h, state = pyflashrnn.step(wx[:, t], r, bias, state, cell=cell, new_states=state)
        np.testing.assert_allclose(h, expected.h[:, t], atol=1e-13)
    np.testing.assert_allclose(state, expected.last_states, atol=1e-13)


@pytest.mark.parametrize("mode", ["training", "recompute"])
def test_gradients_are_those_of_differences(mode):
    wx, r, bias, states = inputs()
    given = dict(wx=wx, r=r, bias=bias, initial_states=states)
    weight = np.random.default_rng(1).standard_normal((B, T, N, D))
    lengths = np.array([T, 2], np.int32)

    def loss():
        return (pyflashrnn.forward(wx, r, bias, states, lengths=lengths, mode="inference").h * weight).sum()

    gradients = pyflashrnn.forward(wx, r, bias, states, lengths=lengths, mode=mode).backward(d_h=weight)
    for name, array in given.items():
        for place in ((0,) * array.ndim, tuple(size - 1 for size in array.shape)):
            kept, e = array[place], 1e-6
            array[place] = kept + e
            above = loss()
            array[place] = kept - e
            below = loss()
            array[place] = kept
            assert getattr(gradients, "d_" + name)[place] == pytest.approx((above - below) / (2 * e), abs=1e-8), name


def test_absent_inputs_have_no_gradients():
    wx, r, _, _ = inputs()
    gradients = pyflashrnn.forward(wx, r).backward(d_last_states=np.ones((2, B, N, D)))
    assert gradients.d_bias is None and gradients.d_initial_states is None
    assert np.abs(gradients.d_wx).sum() > 0
    only = pyflashrnn.forward(wx, r).backward(d_last_states=np.ones((2, B, N, D)), wanted=("r",))
    assert only.d_wx is None
    np.testing.assert_array_equal(only.d_r, gradients.d_r)


def test_cells_say_their_gates():
    gru = pyflashrnn.cell("gru")
    assert gru.input_gates == ("r", "u", "n") and gru.recurrent_gates == ("r", "u", "g")
    assert gru.bias_gates == ("r", "u", "n", "g") and gru.states == ("h",)


def test_plans_and_devices_describe_themselves():
    plan = Plan(Problem("gru", B, T, N, D))
    described = plan.describe()
    assert described["backend"] == "cpu" and described["config"]
    assert Device.get("cpu").describe()
    assert any(device.backend == "cpu" for device in pyflashrnn.list_devices())
    assert pyflashrnn.describe_backends()
    assert pyflashrnn.has_feature("lstm") and not pyflashrnn.has_feature("no such thing")
    assert pyflashrnn.version().count(".") == 2
    with pytest.raises(ValueError):
        plan.device.stream(12345)  # there is nothing to wrap on the CPU


def test_a_forced_configuration_reaches_the_plan():
    free = Plan(Problem("lstm", B, T, N, D, threads=1)).describe()["config"]
    assert Plan(Problem("lstm", B, T, N, D, threads=1, config=free)).describe()["config"] == free


def test_plans_are_kept():
    problem = Problem("lstm", B, T, N, D)
    plan = pyflashrnn.plan_for(problem)
    assert pyflashrnn.plan_for(Problem("lstm", B, T, N, D)) is plan
    pyflashrnn.clear_plan_cache()
    assert pyflashrnn.plan_for(problem) is not plan
    assert ctypes.c_void_p(plan.handle).value  # still open: someone has it
