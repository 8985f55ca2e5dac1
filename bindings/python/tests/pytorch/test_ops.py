# SPDX-License-Identifier: Apache-2.0
"""The operators within PyTorch: autograd, torch.compile, autocast, modes and errors."""
import gc
import threading

import numpy as np
import pytest
import torch

import pyflashrnn
from helpers import CELLS, inputs
from pyflashrnn.plan import FrontCache
from pyflashrnn.torch import _calls, functional, ops, rnn, step

VARIANTS = {
    "plain": {},
    "lengths": dict(lengths=torch.tensor([3, 4])),
    "resets": dict(resets=torch.tensor([[0, 1], [1, 0], [0, 0], [0, 1]], dtype=torch.bool)),
    "reverse": dict(reverse=True),
    "recompute": dict(recompute=True),
    "clip": dict(forward_clip=10.0, recurrent_gradient_clip=100.0),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("cell", CELLS)
def test_gradcheck(cell, variant):
    def run(*tensors):
        return tuple(rnn(*tensors, cell=cell, return_states=True, **VARIANTS[variant]))

    assert torch.autograd.gradcheck(run, inputs(cell))


@pytest.mark.parametrize("cell", CELLS)
def test_opcheck(cell, monkeypatch):
    """PyTorch's own examination: schema, fake tensors, autograd registration, and AOT dispatch of dynamic shapes."""
    # It compares all outputs, and saved memory has gaps that nothing is written to.
    monkeypatch.setattr(_calls, "bytes_maker",
                        lambda size, device: lambda: torch.zeros(size, dtype=torch.uint8, device=device))
    monkeypatch.setattr(_calls, "_calls", FrontCache(100))
    wx, r, bias, states = inputs(cell)
    value = pyflashrnn.cell(cell).value
    for want_states, lengths in ((False, None), (True, torch.tensor([3, 4]))):
        options = (4, value, 1, 2 if lengths is not None else 0, 0.0, 0.0, 1, "")
        torch.library.opcheck(ops.forward_operator, (wx, r, bias, states, lengths, None, want_states, *options))
    h, _, last, saved = ops.forward_operator(*(tensor.detach() for tensor in (wx, r, bias, states)), lengths, None, True,
                                             *options)
    torch.library.opcheck(ops.backward_operator, (
        torch.ones_like(h), None, torch.ones_like(last), None, r.detach(), None, states.detach(), lengths, None, h, saved,
        [True, True, False, True], *options))


@pytest.mark.parametrize("cell", CELLS)
def test_compile_without_a_graph_break(cell):
    tensors = inputs(cell, dtype=torch.float32)

    def loss(wx, r, bias, states):
        out = rnn(wx * 2, r, bias, states, cell=cell, return_states=True)
        return (out.h.sin() * out.states.cos().sum(0)).sum() + out.last_states.exp().sum()

    expected = torch.autograd.grad(loss(*tensors), tensors)
    torch._dynamo.reset()
    found = torch.autograd.grad(torch.compile(loss, fullgraph=True, backend="aot_eager")(*tensors), tensors)
    for one, other in zip(expected, found):
        torch.testing.assert_close(one, other)


def test_tf32_is_read_within_torch_compile():
    matmul = torch.backends.cuda.matmul
    before = torch.get_float32_matmul_precision()
    try:
        for precision, allowed in (("high", True), ("highest", False)):
            torch.set_float32_matmul_precision(precision)
            torch._dynamo.reset()
            compiled = torch.compile(lambda x: x + functional._allows_tf32(), fullgraph=True, backend="eager")
            assert functional._allows_tf32() is allowed and compiled(torch.zeros(())) == allowed
        if hasattr(matmul, "fp32_precision"):
            matmul.fp32_precision = "tf32"  # from here on PyTorch refuses to tell the older setting
            assert functional._allows_tf32()
            matmul.fp32_precision = "ieee"
            assert not functional._allows_tf32()
    finally:
        torch.set_float32_matmul_precision(before)


def test_compile_with_sizes_that_change():
    torch._dynamo.reset()
    compiled = torch.compile(lambda wx, r: rnn(wx.sin(), r).h.sum(), fullgraph=True, backend="aot_eager", dynamic=True)
    for time in (3, 5, 9):
        wx, r, _, _ = inputs("lstm", time=time)
        expected = torch.autograd.grad(rnn(wx.sin(), r).h.sum(), (wx, r))
        for one, other in zip(expected, torch.autograd.grad(compiled(wx, r), (wx, r))):
            torch.testing.assert_close(one, other)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_shorter_way_gives_the_dispatchers_bits(cell, monkeypatch):
    def run():
        tensors = inputs(cell)
        torch.manual_seed(1)
        out = rnn(*tensors, cell=cell)
        return (out.h, out.last_states) + torch.autograd.grad((out.h ** 2).sum() + out.last_states.sum(), tensors)

    torch.manual_seed(0)
    shorter = run()
    monkeypatch.setattr(ops, "is_plain", lambda *_: False)
    torch.manual_seed(0)
    for one, other in zip(shorter, run()):
        assert torch.equal(one, other)


def test_fake_tensors_and_meta_tensors():
    from torch._subclasses.fake_tensor import FakeTensorMode

    wx, r, bias, _ = inputs("lstm")
    with FakeTensorMode(allow_non_fake_inputs=True):
        out = rnn(torch.empty(2, 4, 4, 2, 3), torch.empty(4, 2, 3, 3), return_states=True)
        assert out.h.shape == (2, 4, 2, 3) and out.states.shape == (2, 2, 4, 2, 3)
    meta = rnn(wx.detach().to("meta"), r.detach().to("meta"))
    assert meta.h.is_meta and meta.last_states.shape == (2, 2, 2, 3)


def test_time_major_in_time_major_out():
    wx, r, bias, states = inputs("lstm", batch=3, time=5)
    moved = wx.detach().transpose(0, 1).contiguous().transpose(0, 1).requires_grad_()
    packed, major = rnn(wx, r, bias, states, return_states=True), rnn(moved, r, bias, states, return_states=True)
    assert major.h.transpose(0, 1).is_contiguous() and major.states.transpose(1, 2).is_contiguous()
    torch.testing.assert_close(packed.h, major.h)
    torch.testing.assert_close(packed.states, major.states)
    one, = torch.autograd.grad(packed.h.sum(), wx)
    other, = torch.autograd.grad(major.h.sum(), moved)
    torch.testing.assert_close(one, other)


def test_strides_of_any_kind():
    wx, r, bias, states = inputs("lstm")
    strange = wx.detach().permute(4, 2, 0, 3, 1).contiguous().permute(2, 4, 1, 3, 0)
    flipped = torch.stack([r.detach(), r.detach()], -1)[..., 0]
    torch.testing.assert_close(rnn(strange, flipped, bias, states).h, rnn(wx, r, bias, states).h)
    broadcast = bias.detach()[:1, :1].expand(4, 2, 3)  # strides of zero on two axes
    torch.testing.assert_close(rnn(wx, r, broadcast).h, rnn(wx, r, broadcast.contiguous()).h)


def test_the_gradient_of_a_sum_is_ones():
    """autograd hands on an expanded scalar, whose strides are all zero."""
    wx, r, _, _ = inputs("lstm")
    h = rnn(wx, r).h
    one, = torch.autograd.grad(h.sum(), wx, retain_graph=True)
    other, = torch.autograd.grad(h, wx, torch.ones_like(h))
    assert torch.equal(one, other)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast(dtype):
    wx, r, bias, states = inputs("lstm", dtype=torch.float32)
    with torch.autocast("cpu", dtype):
        out = rnn(wx, r, bias, states)
    assert out.h.dtype == dtype and out.last_states.dtype == torch.float32
    expected = rnn(wx, r, bias, states)
    torch.testing.assert_close(out.h.float(), expected.h, atol=0.02, rtol=0)
    out.h.float().sum().backward()
    assert wx.grad.dtype == torch.float32 and r.grad.dtype == torch.float32
    with torch.autocast("cpu", dtype):
        assert rnn(wx.double().detach(), r.double()).h.dtype == torch.float64  # float64 is left alone


def test_what_needs_no_gradient_gets_none():
    wx, r, bias, states = inputs("lstm")
    r.requires_grad_(False)
    rnn(wx, r, bias, states).h.sum().backward()
    assert wx.grad is not None and r.grad is None and bias.grad is not None and states.grad is not None
    only, = torch.autograd.grad(rnn(wx.detach(), r.requires_grad_(), bias.detach()).h.sum(), r)
    both = torch.autograd.grad(rnn(wx, r, bias).h.sum(), (wx, r))
    assert torch.equal(only, both[1])
    with torch.no_grad():
        assert not rnn(wx, r).h.requires_grad
    with torch.inference_mode():
        assert rnn(wx, r).h.is_inference()


def test_gradients_by_one_output_only():
    wx, r, bias, states = inputs("slstm")
    out = rnn(wx, r, bias, states, cell="slstm", return_states=True)
    for output in out:
        gradients = torch.autograd.grad(output.sum(), (wx, r), retain_graph=True)
        assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_backward_twice_gives_the_same():
    wx, r, _, _ = inputs("lstm")
    loss = rnn(wx, r).h.sum()
    one, = torch.autograd.grad(loss, r, retain_graph=True)
    other, = torch.autograd.grad(loss, r)
    assert torch.equal(one, other)


def test_a_changed_input_is_noticed():
    wx, r, _, _ = inputs("lstm")
    loss = rnn(wx, r).h.sum()
    with torch.no_grad():
        r.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_a_changed_output_is_noticed():
    wx, r, _, _ = inputs("lstm")
    h = rnn(wx, r).h
    h.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        h.sum().backward()


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("recompute", [False, True])
def test_saved_tensors_may_come_back_lying_otherwise(cell, recompute):
    """Hooks on saved tensors give them back packed, or transposed in memory."""
    def run(pack, unpack):
        torch.manual_seed(0)
        wx, r, bias, states = inputs(cell, batch=3)
        r = r.detach().transpose(2, 3).requires_grad_()
        with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
            out = rnn(wx.detach().transpose(0, 1).contiguous().transpose(0, 1).requires_grad_(), r, bias, states, cell=cell,
                      recompute=recompute)
        return torch.autograd.grad(out.h.sin().sum(), (r, bias, states))

    def transposed(tensor):
        return tensor.transpose(0, -1).contiguous().transpose(0, -1)

    expected = run(lambda x: x, lambda x: x)
    for unpack in (torch.clone, torch.Tensor.contiguous, transposed):
        for one, other in zip(run(lambda x: x.detach().clone(), unpack), expected):
            torch.testing.assert_close(one, other)


def test_results_within_and_after_inference_mode():
    wx, r, bias, states = inputs("lstm", time=11)
    with torch.inference_mode():
        within = rnn(wx, r, bias, states)
    with torch.no_grad():
        after = rnn(wx, r, bias, states)
    assert within.h.is_inference() and within.last_states.is_inference()
    assert not after.h.is_inference() and not after.last_states.is_inference()
    rnn(wx, r, bias, after.last_states).h.sum().backward()
    assert wx.grad is not None


def test_second_derivatives_are_refused():
    wx, r, _, _ = inputs("lstm")
    gradient, = torch.autograd.grad(rnn(wx, r).h.sum(), wx, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate|second derivatives"):
        gradient.sum().backward()


def test_checkpointing():
    from torch.utils.checkpoint import checkpoint

    wx, r, bias, states = inputs("lstm")
    expected = torch.autograd.grad(rnn(wx, r, bias, states).h.sum(), (wx, r))
    out = checkpoint(lambda *tensors: rnn(*tensors).h, wx, r, bias, states, use_reentrant=False)
    for one, other in zip(expected, torch.autograd.grad(out.sum(), (wx, r))):
        assert torch.equal(one, other)


@pytest.mark.parametrize("cell", CELLS)
def test_steps_make_a_forward_pass(cell):
    wx, r, bias, states = (tensor.detach() for tensor in inputs(cell))
    expected = rnn(wx, r, bias, states, cell=cell)
    for t in range(wx.shape[1]):
        h, states = step(wx[:, t], r, bias, states, cell=cell)
        torch.testing.assert_close(h, expected.h[:, t])
    torch.testing.assert_close(states, expected.last_states)


def test_errors_are_the_librarys():
    wx, r, bias, states = inputs("lstm")
    for call, message in (
        (lambda: rnn(wx, r[:3]), r"r has shape \(3, 2, 3, 3\): must be \(4, 2, 3, 3\)"),
        (lambda: rnn(wx[0], r), r"must be \[B, T, G, N, D\]"),
        (lambda: rnn(wx, r, bias.float()), "bias.dtype is 1"),
        (lambda: rnn(wx, r, cell="rnn"), "no cell is called 'rnn'"),
        (lambda: rnn(wx.int(), r), "dtype"),
        (lambda: rnn(wx, r.to(torch.complex64)), "dtype"),
        (lambda: rnn(wx, r, lengths=torch.tensor([5, 1])), "lengths.0. is 5"),
        (lambda: rnn(wx, r, lengths=torch.tensor([1.0, 1.0])), "lengths"),
        (lambda: rnn(wx, r, forward_clip=-1), "forward_clip is -1"),
        (lambda: rnn(wx, r.to("meta")), "on meta"),
        (lambda: rnn(wx, r, state_dtype=torch.int32), "state_dtype is torch.int32"),
        (lambda: step(wx, r), r"must be \[B, G, N, D\]"),
    ):
        with pytest.raises(pyflashrnn.FlashRNNError, match=message):
            call()


def test_dlpack_takes_torch_tensors():
    wx, r, bias, states = (tensor.detach() for tensor in inputs("lstm", dtype=torch.float32))
    h = torch.zeros(2, 4, 2, 3)
    pyflashrnn.forward(wx, r, bias, states, h=h)
    assert torch.equal(h, rnn(wx, r, bias, states).h)
    halves = [tensor.bfloat16() for tensor in (wx, r)]
    low = torch.zeros(2, 4, 2, 3, dtype=torch.bfloat16)
    pyflashrnn.forward(*halves, h=low, last_states=torch.zeros(2, 2, 2, 3, dtype=torch.bfloat16))
    assert torch.equal(low, rnn(*halves).h)


def test_graphs_that_are_dropped_do_not_leak():
    wx, r, _, _ = inputs("lstm", batch=8, time=64, heads=2, head_dim=16)

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    def work():
        rnn(wx, r).h.sum()  # never differentiated
        torch.autograd.grad(rnn(wx, r).h.sum(), wx)
        with pytest.raises(pyflashrnn.FlashRNNError):
            rnn(wx, r[:2])

    for _ in range(50):
        work()
    gc.collect()
    before = resident()
    for _ in range(200):
        work()
    gc.collect()
    assert resident() - before < 16 << 20


def test_threads():
    tensors = inputs("lstm", batch=3, time=8)
    expected = torch.autograd.grad(rnn(*tensors).h.sum(), tensors)
    failures = []

    def work():
        try:
            for _ in range(30):
                for one, other in zip(expected, torch.autograd.grad(rnn(*tensors).h.sum(), tensors)):
                    np.testing.assert_array_equal(one.numpy(), other.numpy())
        except BaseException as error:  # noqa: BLE001  shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
