# SPDX-License-Identifier: Apache-2.0
"""Calls that are worked out once for a layout: another layout, of the same shape even, is another call."""
import gc
import weakref

import pytest
import torch

import pyflashrnn
from helpers import CELLS, inputs
from pyflashrnn.torch import _calls, _plans, rnn, step


@pytest.fixture(autouse=True)
def forgotten():
    _calls._calls.clear()
    yield
    _calls._calls.clear()


def plain(cell="lstm", **options):
    return [tensor.detach() for tensor in inputs(cell, **options)]


def layouts(tensor):
    """The same values, lying in several ways."""
    order = list(reversed(range(tensor.dim())))
    yield tensor.clone()
    yield tensor.permute(order).contiguous().permute(order)
    yield torch.stack([tensor, tensor + 1], -1)[..., 0]
    yield torch.complex(tensor, -tensor).conj().imag  # its memory has the other sign


@pytest.mark.parametrize("want_states", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_every_layout_in_every_place(cell, want_states):
    given = plain(cell)
    expected = rnn(*given, cell=cell, return_states=want_states)
    for _ in range(2):  # when the layout is new and when it is known
        for place, tensor in enumerate(given):
            for other in layouts(tensor):
                found = rnn(*given[:place], other, *given[place + 1:], cell=cell, return_states=want_states)
                for one, two in zip(found, expected):
                    assert one is two is None or torch.equal(one, two)


@pytest.mark.parametrize("cell", CELLS)
def test_every_layout_in_every_place_of_a_step(cell):
    wx, *rest = plain(cell)
    given = [wx[:, 1].contiguous(), *rest]
    expected = step(*given, cell=cell)
    for _ in range(2):
        for place, tensor in enumerate(given):
            for other in layouts(tensor):
                found = step(*given[:place], other, *given[place + 1:], cell=cell)
                assert torch.equal(found[0], expected[0]) and torch.equal(found[1], expected[1])


def test_gradients_that_lie_negated():
    wx, r, bias, states = inputs("lstm")
    h = rnn(wx, r, bias, states).h
    d_h = torch.randn_like(h)
    expected = torch.autograd.grad(h, (wx, r), d_h, retain_graph=True)
    for other in layouts(d_h):
        for one, two in zip(torch.autograd.grad(h, (wx, r), other, retain_graph=True), expected):
            assert torch.equal(one, two)


def test_scalars_that_are_expanded():
    wx, r, bias, states = plain()
    scalar = torch.tensor(0.25, dtype=wx.dtype)
    for _ in range(2):
        assert torch.equal(rnn(scalar.expand(wx.shape), r, bias, states).h,
                           rnn(torch.full_like(wx, 0.25), r, bias, states).h)
        assert torch.equal(step(wx[:, 0], r, scalar.expand(bias.shape))[0],
                           step(wx[:, 0], r, torch.full_like(bias, 0.25))[0])


def test_what_is_absent_and_what_changes_in_place():
    wx, r, bias, states = plain()
    zeros = torch.zeros_like(bias), torch.zeros_like(states)
    assert torch.equal(rnn(wx, r, bias).h, rnn(wx, r, bias, zeros[1]).h)
    assert torch.equal(rnn(wx, r, None, states).h, rnn(wx, r, zeros[0], states).h)
    before, wider = rnn(wx, r, bias).h, torch.randn(2, 7, *wx.shape[2:], dtype=wx.dtype)
    wx.set_(wider)  # the same object with another shape
    assert rnn(wx, r, bias).h.shape[1] == 7 and before.shape[1] == 4


def test_states_wanted_and_not():
    """Of a time-major wx, whose states lie in an order of their own."""
    wx, r, bias, states = plain(batch=3, time=5)
    major = wx.transpose(0, 1).contiguous().transpose(0, 1)
    expected = rnn(wx, r, bias, states, return_states=True)
    for wanted in (False, True, False, True):
        found = rnn(major, r, bias, states, return_states=wanted)
        assert torch.equal(found.h, expected.h) and torch.equal(found.last_states, expected.last_states)
        assert torch.equal(found.states, expected.states) if wanted else found.states is None


def test_errors_come_every_time():
    wx, r, bias, states = plain()
    rnn(wx, r, bias, states)
    step(wx[:, 0], r, bias, states)
    for _ in range(2):
        for call in (lambda: rnn(wx, r[:3], bias, states), lambda: rnn(wx, r, bias.float(), states),
                     lambda: rnn(wx, r, bias, states[..., :2]), lambda: step(wx[:, 0], r, bias[:3], states),
                     lambda: step(wx[:, 0], r.to("meta"), bias, states)):
            with pytest.raises(pyflashrnn.FlashRNNError):
                call()


def test_known_layouts_are_bounded(monkeypatch):
    monkeypatch.setattr(_calls._calls, "limit", 3)
    wx, r, _, _ = plain(time=6)
    whole = rnn(wx, r).h
    for time in (1, 2, 3, 4, 5, 6, 1):
        torch.testing.assert_close(rnn(wx[:, :time], r).h, whole[:, :time])
        assert 0 < len(_calls._calls) <= 3


def test_the_plans_of_known_layouts_are_freed_with_the_others():
    pyflashrnn.clear_plan_cache()
    wx, r, bias, states = plain(head_dim=5)
    rnn(wx, r, bias, states)
    step(wx[:, 0], r, bias, states)
    plans = [weakref.ref(plan) for plan in _plans._plans.values()]
    assert len(plans) == 2
    pyflashrnn.clear_plan_cache()
    gc.collect()
    assert not any(plan() for plan in plans)
