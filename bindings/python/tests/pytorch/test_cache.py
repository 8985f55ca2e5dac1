# SPDX-License-Identifier: Apache-2.0
"""Memory that is used again: tensors made of it are like any other, and none is handed out twice."""
import gc

import pytest
import torch

from helpers import inputs
from pyflashrnn.torch import _cache, rnn, set_memory_cache


@pytest.fixture(autouse=True)
def emptied():
    set_memory_cache(0)
    set_memory_cache()
    yield
    set_memory_cache()


def large():
    return inputs("lstm", batch=8, time=64, heads=2, head_dim=64, dtype=torch.float32)


def test_memory_comes_back_and_is_used_again():
    one = _cache.empty((1 << 20,), torch.float32, torch.device("cpu"))
    address = one.data_ptr()
    other = _cache.empty((1 << 20,), torch.float32, torch.device("cpu"))
    assert other.data_ptr() != address and _cache._blocks.held == 0
    seen = one[5:]  # keeps the storage
    del one
    gc.collect()
    assert _cache._blocks.held == 0
    del seen
    gc.collect()
    assert _cache._blocks.held == 4 << 20
    assert _cache.empty((1 << 20,), torch.float32, torch.device("cpu")).data_ptr() == address


def test_the_limit_holds():
    set_memory_cache(3 << 20)
    tensors = [_cache.empty((size << 18,), torch.float32, torch.device("cpu")) for size in (1, 1, 1, 1, 1, 5)]
    del tensors
    gc.collect()
    assert 0 < _cache._blocks.held <= 3 << 20
    set_memory_cache(0)
    assert _cache._blocks.held == 0 and not any(_cache._blocks.free.values())


def test_results_are_tensors_like_any_other():
    wx, r, bias, states = large()
    out = rnn(wx, r, bias, states, return_states=True)
    assert out.states.numel() * 4 >= _cache.MINIMUM and not out.states._is_view() and not out.h._is_view()
    expected = out.h.detach().clone()
    out.states.mul_(2)  # in place, under autograd
    out.states.sum().backward()
    assert torch.equal(out.states[0].detach(), expected * 2)
    with torch.inference_mode():
        assert torch.equal(rnn(wx, r, bias, states).h, expected)


def test_results_that_are_kept_are_not_overwritten():
    wx, r, bias, states = large()
    kept = [(h, h.detach().clone()) for h in (rnn(wx * k, r, bias, states).h for k in range(1, 6))]
    for k in range(5):
        torch.autograd.grad(rnn(wx + k, r, bias, states).h.sum(), (wx, r))
    for h, copy in kept:
        assert torch.equal(h.detach(), copy)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_with_and_without_the_cache(dtype):
    def run():
        torch.manual_seed(0)
        tensors = inputs("gru", batch=8, time=64, heads=2, head_dim=64, dtype=dtype)
        out = rnn(*tensors, cell="gru")
        return (out.h,) + torch.autograd.grad(out.h.sum(), tensors)

    cached = [run() for _ in range(2)]
    set_memory_cache(0)
    fresh = run()
    for results in cached:
        for one, other in zip(results, fresh):
            assert torch.equal(one, other)
