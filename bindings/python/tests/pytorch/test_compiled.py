# SPDX-License-Identifier: Apache-2.0
"""The compiled part and what says the same in Python: one answer, no reference lost or kept, errors in the middle."""
import gc
import os
import sys
import threading
import weakref

import pytest
import torch

import pyflashrnn
from helpers import CELLS, inputs
from pyflashrnn.torch import _call, _calls, _helper, rnn, step

compiled = pytest.mark.skipif(_helper.helper is None, reason="without the compiled part")


@pytest.fixture(autouse=True)
def forgotten():
    pyflashrnn.clear_plan_cache()
    yield
    pyflashrnn.clear_plan_cache()


def everything(cell, **options):
    torch.manual_seed(2)
    tensors = inputs(cell)
    out = rnn(*tensors, cell=cell, return_states=True, **options)
    loss = out.h.square().sum() + out.states.sum() + out.last_states.sum()
    wx, *rest = (tensor.detach() for tensor in tensors)
    return (*out, *torch.autograd.grad(loss, tensors), *step(wx[:, 0], *rest, cell=cell))


def in_python(monkeypatch):
    monkeypatch.setattr(_calls, "run_known", _call._run_known)
    monkeypatch.setattr(_calls, "keep", lambda calls, key, call, tensors: calls.keep((key, _call._layout(*tensors)), call))


def test_it_is_in_use_where_a_file_is_named():
    named = os.environ.get("FLASHRNN_PYTHON_HELPER", "none")
    assert named == "none" or _helper.helper.__file__ == named


@compiled
@pytest.mark.parametrize("cell", CELLS)
def test_both_give_the_same_bits(cell, monkeypatch):
    first, again = everything(cell), everything(cell)
    in_python(monkeypatch)
    _calls._calls.clear()
    for found in zip(first, again, everything(cell), everything(cell)):
        assert all(torch.equal(found[0], other) for other in found[1:])


@compiled
def test_both_say_which_calls_nothing_looks_at():
    from torch.utils._python_dispatch import TorchDispatchMode

    class Mode(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            return function(*args, **(kwargs or {}))

    class Subclass(torch.Tensor):
        pass

    plain, parameter = torch.zeros(2), torch.nn.Parameter(torch.zeros(2))
    other = plain.as_subclass(Subclass)
    for ask in (_helper.is_plain, _helper._is_plain):
        assert ask(plain, parameter, None) and not ask(plain, other) and not ask(plain, None, 3)
        with Mode():
            assert not ask(plain, plain)
        seen = []
        torch.func.vmap(lambda one: seen.append(ask(plain, plain)) or one)(plain)
        assert seen == [False]


def test_saved_memory_that_is_not_aligned(monkeypatch):
    expected = everything("lstm")
    monkeypatch.setattr(_calls, "bytes_maker",
                        lambda size, device: lambda: torch.empty(size + 1, dtype=torch.uint8, device=device)[1:])
    _calls._calls.clear()
    for _ in range(2):
        for one, other in zip(everything("lstm"), expected):
            assert torch.equal(one, other)


def test_a_plan_that_was_closed_is_told_every_time():
    wx, r, bias, states = (tensor.detach() for tensor in inputs("lstm"))
    options = dict(cell="lstm", threads=1)
    h = rnn(wx, r, bias, states, **options).h
    plan, = pyflashrnn.plan._cache.values()
    plan.close()
    for _ in range(3):
        with pytest.raises(pyflashrnn.InvalidHandleError):
            rnn(wx, r, bias, states, **options)
    pyflashrnn.clear_plan_cache()
    assert torch.equal(rnn(wx, r, bias, states, **options).h, h)


def test_nothing_is_kept_and_nothing_is_lost(monkeypatch):
    """References to what goes in and comes out, over many calls that end well and many that do not."""
    tensors = inputs("lstm")
    plain = [tensor.detach() for tensor in tensors]
    working, failing, made = _calls.another, [False], []

    def another(example):
        make = working(example)

        def sometimes():
            if failing[0]:
                raise RuntimeError("no memory")
            return make()
        return sometimes

    monkeypatch.setattr(_calls, "another", another)

    def calls():
        failing[0] = False
        step(plain[0][:, 0], *plain[1:])
        out = rnn(*tensors)
        made.extend(map(weakref.ref, (out.h, out.last_states, *torch.autograd.grad(out.h.sum(), tensors))))
        failing[0] = True
        for call in (lambda: rnn(*plain), lambda: step(plain[0][:, 0], *plain[1:])):
            with pytest.raises(RuntimeError, match="no memory"):
                call()

    failing[0] = False
    rnn(*plain)
    calls()
    counted = [*tensors, *plain, None, *(value for key in _calls._calls for value in key), *_calls._calls.values()]
    gc.collect()
    before = [sys.getrefcount(one) for one in counted]
    for _ in range(200):
        calls()
    gc.collect()
    after = [sys.getrefcount(one) for one in counted]
    assert not any(one() is not None for one in made)
    assert all(abs(one - other) < 50 for one, other in zip(before, after)), (before, after)


def test_calls_of_many_threads():
    expected, found = everything("gru"), []
    plain = [tensor.detach() for tensor in inputs("gru")]

    def work():
        results = [rnn(*plain, cell="gru", threads=1).h for _ in range(200)]
        found.append(all(torch.equal(results[0], other) for other in results))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        pyflashrnn.clear_plan_cache()  # while they run
    for thread in threads:
        thread.join()
    assert found == [True] * 4
    for one, other in zip(everything("gru"), expected):
        assert torch.equal(one, other)


@compiled
def test_wrong_use_is_an_exception():
    helper, wx = _helper.helper, torch.zeros(2)
    with pytest.raises(TypeError):
        helper.run_known({})
    with pytest.raises(SystemError):
        helper.run_known([], "key", wx)
    with pytest.raises(TypeError):
        helper.run_known({}, [], wx)  # a key that has no hash
    with pytest.raises(ValueError):
        helper.run_known({("key", helper.layout(wx)): "no call"}, "key", wx)
    assert helper.run_known({}, "key", wx) is None
    assert helper.layout(wx, 3) is None and helper.layout(*[wx] * 99) is None
    assert helper.layout(torch.complex(wx, wx).conj().imag) is None
    with pytest.raises(TypeError):
        helper.call(1, 2, 3)
    place = b"\xff\x00\x00\x00"
    with pytest.raises(ValueError):
        helper.call(None, None, 1, b"12345678", place, b"", (), None, None, (0, 0, 0), 64)
