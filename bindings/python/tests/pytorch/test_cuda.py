# SPDX-License-Identifier: Apache-2.0
"""On a GPU: the CPU's answers, PyTorch's current stream, CUDA graphs. Skipped where the library or PyTorch has none."""
import pytest
import torch

import pyflashrnn
from helpers import CELLS, inputs
from pyflashrnn.torch import LSTM, functional, rnn, sLSTM, step

BACKEND = "hip" if torch.version.hip else "cuda"
pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch has no GPU here"),
    pytest.mark.skipif(not pyflashrnn.has_feature(BACKEND), reason=f"the library has no backend {BACKEND}"),
]


def on_gpu(tensors):
    return [tensor.detach().cuda().requires_grad_() for tensor in tensors]


def error(got, expected):
    got, expected = got.detach().double().cpu(), expected.detach().double().cpu()
    return ((got - expected).norm() / expected.norm()).item()


def both(tensors, **options):
    out = rnn(*tensors, **options)
    gradients = torch.autograd.grad(out.h.float().sin().sum() + out.last_states.float().sin().sum(), tensors)
    return (out.h, out.last_states) + gradients


@pytest.mark.parametrize("dtype, bound", [(torch.float32, 1e-5), (torch.bfloat16, 0.03), (torch.float16, 0.005)])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("head_dim", [7, 64])
def test_the_cpus_answers(cell, dtype, bound, head_dim):
    tensors = inputs(cell, batch=5, time=9, heads=2, head_dim=head_dim, dtype=dtype)
    tensors[1] = (tensors[1].detach() / head_dim**0.5).requires_grad_()
    for options in ({}, dict(reverse=True, lengths=torch.tensor([3, 9, 0, 1, 7])), dict(recompute=True)):
        gpu = dict(options)
        if "lengths" in gpu:
            gpu["lengths"] = gpu["lengths"].cuda()
        for got, expected in zip(both(on_gpu(tensors), cell=cell, **gpu), both(tensors, cell=cell, **options)):
            assert got.is_cuda and error(got, expected) < bound


def test_steps():
    wx, r, bias, states = (tensor.detach() for tensor in inputs("slstm", dtype=torch.float32))
    h, new = step(wx[:, 0].cuda(), r.cuda(), bias.cuda(), states.cuda(), cell="slstm")
    expected, wanted = step(wx[:, 0], r, bias, states, cell="slstm")
    assert error(h, expected) < 1e-5 and error(new, wanted) < 1e-5


def test_the_current_stream_is_used():
    """The input is made on a side stream that is busy; read on another stream it would not be there yet."""
    wx, r, _, _ = on_gpu(inputs("lstm", batch=8, time=64, heads=4, head_dim=64, dtype=torch.float32))
    expected = rnn(wx * 2, r).h
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    for _ in range(5):
        with torch.cuda.stream(stream):
            late = torch.zeros_like(wx)
            torch.cuda._sleep(20_000_000)
            late.copy_(wx.detach() * 2)
            h = rnn(late, r).h
        stream.synchronize()
        assert torch.equal(h, expected)


def test_cuda_graphs():
    wx, r, bias, _ = on_gpu(inputs("lstm", batch=8, time=32, heads=4, head_dim=64, dtype=torch.float32))
    d_h = torch.ones(8, 32, 4, 64, device="cuda")

    def run():
        h = rnn(wx, r, bias).h
        return (h,) + torch.autograd.grad(h, (wx, r, bias), d_h)

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = run()
    with torch.no_grad():
        wx.copy_(torch.randn_like(wx))
    graph.replay()
    for got, expected in zip(captured, run()):
        assert torch.equal(got, expected)


def test_the_current_stream_is_used_by_backward():
    """Backward runs on forward's stream, whichever is current when it is asked for."""
    wx, r, bias, states = on_gpu(inputs("gru", batch=8, time=64, heads=4, head_dim=64, dtype=torch.float32))
    d_h = torch.randn(8, 64, 4, 64, device="cuda")
    expected = torch.autograd.grad(rnn(wx, r, bias, states, cell="gru").h, (wx, r, bias, states), d_h)
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    for _ in range(5):
        with torch.cuda.stream(stream):
            torch.cuda._sleep(20_000_000)
            h = rnn(wx * 1, r, bias, states, cell="gru").h
        found = torch.autograd.grad(h, (wx, r, bias, states), d_h)  # the engine makes the streams wait for one another
        for one, other in zip(found, expected):
            assert error(one, other) < 1e-5


def has_inductor():
    from torch.utils._triton import has_triton

    return has_triton()


@pytest.mark.parametrize("mode", ["default", "reduce-overhead"])
def test_compile(mode):
    if not has_inductor():
        pytest.skip("torch.compile needs Triton here")
    torch._dynamo.reset()
    module = sLSTM(32, 64, num_heads=2, batch_first=True, device="cuda")
    compiled = torch.compile(module, fullgraph=True, mode=mode)
    parameters = list(module.parameters())
    for _ in range(4):
        torch.compiler.cudagraph_mark_step_begin()  # a graph's results are overwritten by its next run
        x = torch.randn(4, 16, 32, device="cuda")
        y = compiled(x)[0]
        expected = module(x)[0]
        assert error(y, expected) < 1e-5
        wanted = torch.autograd.grad(expected.sin().sum(), parameters)
        for one, other in zip(torch.autograd.grad(y.sin().sum(), parameters), wanted):
            assert error(one, other) < 1e-4


@pytest.mark.parametrize("dtype, bound", [(torch.bfloat16, 0.03), (torch.float16, 0.005)])
def test_autocast(dtype, bound):
    """Weights and states of float32 beside a wx of 16 bits."""
    tensors = inputs("lstm", batch=5, time=9, heads=2, head_dim=64, dtype=torch.float32)
    tensors[1] = (tensors[1].detach() / 8).requires_grad_()

    def run(tensors, device):
        with torch.autocast(device, dtype):
            found = both(tensors)
        assert found[0].dtype == dtype and all(tensor.dtype == torch.float32 for tensor in found[1:])
        return found

    for got, expected in zip(run(on_gpu(tensors), "cuda"), run(tensors, "cpu")):
        assert error(got, expected) < bound


@pytest.mark.parametrize("cell", CELLS)
def test_every_state_and_time_major(cell):
    def run(tensors):
        wx, *rest = tensors
        major = wx.transpose(0, 1).contiguous().transpose(0, 1)
        out = rnn(major, *rest, cell=cell, return_states=True, forward_clip=0.9)
        return (out.states,) + torch.autograd.grad(out.states.sin().sum() + out.h.sum(), tensors)

    tensors = inputs(cell, batch=3, time=6, heads=2, head_dim=16, dtype=torch.float32)
    for got, expected in zip(run(on_gpu(tensors)), run(tensors)):
        assert error(got, expected) < 1e-5


def test_resets():
    resets = torch.rand(9, 5) < 0.3
    tensors = inputs("slstm", batch=5, time=9, heads=2, head_dim=16, dtype=torch.float32)
    found = both(on_gpu(tensors), cell="slstm", resets=resets.cuda())
    for got, expected in zip(found, both(tensors, cell="slstm", resets=resets)):
        assert error(got, expected) < 1e-5


def test_float64_is_refused():
    wx, r, _, _ = inputs("lstm")
    with pytest.raises(NotImplementedError, match="float64"):
        rnn(wx.cuda(), r.cuda())


def test_tf32_by_either_of_pytorchs_settings():
    wx, r, _, _ = on_gpu(inputs("lstm", dtype=torch.float32))
    matmul = torch.backends.cuda.matmul
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("high")
        assert functional._allows_tf32() and error(rnn(wx, r).h, rnn(wx, r, allow_tf32=False).h) < 1e-2
        torch.set_float32_matmul_precision("highest")
        assert not functional._allows_tf32()
        if hasattr(matmul, "fp32_precision"):
            matmul.fp32_precision = "tf32"
            assert functional._allows_tf32()
            rnn(wx, r)
            matmul.fp32_precision = "ieee"
            assert not functional._allows_tf32()
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there is one GPU only")
def test_a_device_that_is_not_the_current_one():
    assert torch.cuda.current_device() == 0
    tensors = inputs("lstm", batch=5, time=9, heads=2, head_dim=64, dtype=torch.float32)
    first = both(on_gpu(tensors))
    second = both([tensor.detach().to("cuda:1").requires_grad_() for tensor in tensors])
    assert torch.cuda.current_device() == 0
    for one, other in zip(first, second):
        assert other.device.index == 1 and error(one, other) < 1e-5
    wx, r, bias, states = (tensor.detach() for tensor in tensors)
    h, _ = step(wx[:, 0].to("cuda:1"), r.to("cuda:1"), bias.to("cuda:1"), states.to("cuda:1"))
    assert h.device.index == 1 and error(h, step(wx[:, 0], r, bias, states)[0]) < 1e-5
    with pytest.raises(ValueError, match="must be on cuda:1"):
        rnn(wx.to("cuda:1"), r.to("cuda:0"))


def test_in_place_of_cudnn(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)  # it is on by default
    original = torch.nn.LSTM(16, 32, num_layers=2, bidirectional=True, device="cuda")
    module = LSTM.from_torch(original)
    x = torch.randn(9, 4, 16, device="cuda")
    assert error(module(x)[0], original(x)[0]) < 1e-4


def test_tensors_on_two_devices_are_refused():
    wx, r, _, _ = inputs("lstm", dtype=torch.float32)
    with pytest.raises(ValueError, match="must be on cuda"):
        rnn(wx.cuda(), r)
    with pytest.raises(ValueError, match="must be on cpu"):
        rnn(wx, r.cuda())


def test_dlpack():
    wx, r, _, _ = (tensor.detach().cuda() for tensor in inputs("lstm", dtype=torch.float32))
    h, last = torch.zeros(2, 4, 2, 3, device="cuda"), torch.zeros(2, 2, 2, 3, device="cuda")
    pyflashrnn.forward(wx, r, h=h, last_states=last)
    torch.cuda.synchronize()
    assert torch.equal(h, rnn(wx, r).h)
    with pytest.raises(ValueError, match="outputs must be given"):
        pyflashrnn.forward(wx, r)
