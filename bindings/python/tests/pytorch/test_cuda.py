# SPDX-License-Identifier: Apache-2.0
"""On a GPU: the CPU's answers, PyTorch's current stream, CUDA graphs. Skipped where the library or PyTorch has none."""
import pytest
import torch

import pyflashrnn
from helpers import CELLS, inputs
from pyflashrnn.torch import LSTM, rnn, sLSTM, step

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


@pytest.mark.parametrize("mode", ["default", "reduce-overhead"])
def test_compile(mode):
    torch._dynamo.reset()
    module = sLSTM(32, 64, num_heads=2, batch_first=True, device="cuda")
    compiled = torch.compile(module, fullgraph=True, mode=mode)
    x = torch.randn(4, 16, 32, device="cuda")
    for _ in range(4):
        y, _ = compiled(x)
        assert error(y, module(x)[0]) < 1e-5
        y.sum().backward()


def test_in_place_of_cudnn():
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
