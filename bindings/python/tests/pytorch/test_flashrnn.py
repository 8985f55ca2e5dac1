# SPDX-License-Identifier: Apache-2.0
"""FlashRNN's functional form: what it takes and returns, and its GRU's order of the gates."""
import pytest
import torch

import pyflashrnn
from pyflashrnn import FlashRNNConfig, flashrnn
from pyflashrnn.torch import convert

B, T, N, D = 2, 5, 3, 4


def make(gates, biases, states):
    return (torch.randn(B, T, gates, N, D, dtype=torch.float64) * 0.5,
            torch.randn(gates, N, D, D, dtype=torch.float64) * 0.3,
            torch.randn(biases, N, D, dtype=torch.float64) * 0.5,
            torch.randn(states, B, 1, N, D, dtype=torch.float64) * 0.5)


@pytest.mark.parametrize("function, gates, biases, count", [("lstm", 4, 4, 2), ("gru", 3, 4, 1), ("elman", 1, 1, 1),
                                                            ("slstm", 4, 4, 4)])
def test_shapes(function, gates, biases, count):
    Wx, R, b, _ = make(gates, biases, count)
    states, last = flashrnn(Wx, R, b, function=function, backend="cuda_fused")
    assert states.shape == (count, B, T, N, D) and last.shape == (count, B, 1, N, D)
    assert torch.equal(states[:, :, -1:], last)
    again, _ = flashrnn(Wx[:, :2], R, b, states=last, function=function)
    longer, _ = flashrnn(torch.cat((Wx, Wx[:, :2]), 1), R, b, function=function)
    torch.testing.assert_close(again, longer[:, :, -2:])


def test_lstm():
    Wx, R, b, initial = make(4, 4, 2)
    h, c = initial[:, :, 0]
    states, last = flashrnn(Wx, R, b, initial)
    for t in range(T):
        i, f, z, o = (Wx[:, t] + torch.einsum("gnoi,bni->bgno", R, h) + b).unbind(1)
        c = f.sigmoid() * c + i.sigmoid() * z.tanh()
        h = o.sigmoid() * c.tanh()
        torch.testing.assert_close(states[:, :, t], torch.stack((h, c)))


def test_gru_in_flashrnns_order():
    Wx, R, b, initial = make(3, 4, 1)
    h = initial[0, :, 0]
    states, _ = flashrnn(Wx, R, b, initial, function="gru")
    for t in range(T):
        g, r, z = (torch.einsum("gnoi,bni->bgno", R, h) + b[:3]).unbind(1)
        r, z = (r + Wx[:, t, 0]).sigmoid(), (z + Wx[:, t, 1]).sigmoid()
        h = z * h + (1 - z) * (Wx[:, t, 2] + b[3] + r * g).tanh()
        torch.testing.assert_close(states[0, :, t], h)
    back = convert.gru_to_flashrnn(*convert.gru_from_flashrnn(R, b))
    assert torch.equal(back[0], R) and torch.equal(back[1], b)


def test_gradients_reach_every_input():
    given = [tensor.requires_grad_() for tensor in make(3, 4, 1)]
    assert torch.autograd.gradcheck(lambda *tensors: flashrnn(*tensors, function="gru"), given)


def test_orders_of_the_axes():
    Wx, R, b, initial = make(4, 4, 2)
    expected, last = flashrnn(Wx, R, b, initial)
    config = FlashRNNConfig(function="lstm", input_shape="TBGHD", output_shape="STBHD", recurrent_shape="HPGD",
                            bias_shape="HGD")
    states, end = flashrnn(Wx.transpose(0, 1), R.permute(1, 3, 0, 2), b.transpose(0, 1), initial.transpose(1, 2),
                           config=config)
    torch.testing.assert_close(states, expected.transpose(1, 2))
    torch.testing.assert_close(end, last.transpose(1, 2))


def test_options():
    Wx, R, b, _ = make(4, 4, 2)
    states, _ = flashrnn(Wx, R, b, config=FlashRNNConfig(forward_clipval=0.01))
    assert states[0].abs().max() <= 0.01
    R.requires_grad_(), Wx.requires_grad_()
    cut, = torch.autograd.grad(flashrnn(Wx, R, b, config=FlashRNNConfig(gradient_recurrent_cut=True))[0][0, :, -1].sum(),
                               Wx)
    full, = torch.autograd.grad(flashrnn(Wx, R, b)[0][0, :, -1].sum(), Wx)
    assert not torch.allclose(cut, full)
    states, last = flashrnn(Wx, R, b, dtype="bfloat16")
    assert states.dtype == last.dtype == torch.bfloat16


def test_what_is_refused():
    Wx, R, b, initial = make(4, 4, 2)
    for call, message in ((lambda: flashrnn(Wx, R, b, initial[:, :, 0]), "states has shape"),
                          (lambda: flashrnn(Wx, R, b, function="rnn"), "no cell is called"),
                          (lambda: flashrnn(Wx, R, b, dtype="int"), "dtype is"),
                          (lambda: flashrnn(Wx, R, b, config=FlashRNNConfig(input_shape="BTXHD")), "input_shape")):
        with pytest.raises(pyflashrnn.FlashRNNError, match=message):
            call()
