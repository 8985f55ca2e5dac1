# SPDX-License-Identifier: Apache-2.0
"""Modules against torch.nn's, and against plain loops."""
import copy

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence

from pyflashrnn.torch import (GRU, LSTM, RNN, MultiHeadElman, MultiHeadGRU, MultiHeadLightGRU, MultiHeadLSTM,
                              MultiHeadRNN, convert, sLSTM)

KINDS = [(LSTM, nn.LSTM, {}), (GRU, nn.GRU, {}), (RNN, nn.RNN, {}), (RNN, nn.RNN, dict(nonlinearity="relu"))]
KIND_IDS = ["lstm", "gru", "rnn_tanh", "rnn_relu"]
STACKS = [dict(), dict(num_layers=2, bidirectional=True), dict(num_layers=3, batch_first=True, bias=False)]


def states_of(kind, count, batch, hidden):
    h = torch.randn(count, batch, hidden, dtype=torch.float64)
    return (h, torch.randn_like(h)) if kind is LSTM else h


def flat(states):
    return states if isinstance(states, tuple) else (states,)


def assert_same(mine, theirs, inputs_mine, inputs_theirs, outputs_mine, outputs_theirs):
    """Outputs, and the gradients of inputs and of all parameters."""
    for one, other in zip(outputs_mine, outputs_theirs):
        torch.testing.assert_close(one, other)
    sum(output.sin().sum() for output in outputs_mine).backward()
    sum(output.sin().sum() for output in outputs_theirs).backward()
    for one, other in zip(inputs_mine, inputs_theirs):
        torch.testing.assert_close(one.grad, other.grad)
    assert [name for name, _ in mine.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    for one, other in zip(mine.parameters(), theirs.parameters()):
        torch.testing.assert_close(one.grad, other.grad)


@pytest.mark.parametrize("stack", STACKS, ids=["one", "both_ways", "batch_first_no_bias"])
@pytest.mark.parametrize("mine, theirs, options", KINDS, ids=KIND_IDS)
def test_in_place_of_torch_nn(mine, theirs, options, stack):
    original = theirs(5, 6, **stack, **options, dtype=torch.float64)
    module = mine(5, 6, **stack, **options, dtype=torch.float64)
    module.load_state_dict(original.state_dict())
    x = torch.randn(4, 3, 5, dtype=torch.float64)
    pair = [x.clone().requires_grad_() for _ in range(2)]
    states = states_of(mine, module.num_layers * module.directions, 4 if module.batch_first else 3, 6)
    y, last = module(pair[0], states)
    z, expected = original(pair[1], states)
    assert y.shape == z.shape
    assert_same(module, original, pair[:1], pair[1:], (y,) + flat(last), (z,) + flat(expected))


@pytest.mark.parametrize("mine, theirs, options", KINDS, ids=KIND_IDS)
def test_packed_sequences(mine, theirs, options):
    original = theirs(5, 6, num_layers=2, bidirectional=True, **options, dtype=torch.float64)
    module = mine.from_torch(original)
    parts = [torch.randn(length, 5, dtype=torch.float64) for length in (2, 5, 3, 5)]
    for enforce_sorted in (False, True):
        given = sorted(parts, key=len, reverse=True) if enforce_sorted else parts
        packs = [pack_sequence([part.clone() for part in given], enforce_sorted=enforce_sorted) for _ in range(2)]
        for pack in packs:
            pack.data.requires_grad_()
        states = states_of(mine, 4, 4, 6)
        y, last = module(packs[0], states)
        z, expected = original(packs[1], states)
        for one, other in zip(pad_packed_sequence(y), pad_packed_sequence(z)):
            torch.testing.assert_close(one, other)
        assert_same(module, original, [packs[0].data], [packs[1].data], (y.data,) + flat(last), (z.data,) + flat(expected))
        module.zero_grad()
        original.zero_grad()


@pytest.mark.parametrize("mine, theirs, options", KINDS, ids=KIND_IDS)
def test_weights_go_both_ways(mine, theirs, options):
    original = theirs(5, 6, num_layers=2, **options)
    module = mine.from_torch(original)
    back = module.to_torch()
    assert set(back.state_dict()) == set(original.state_dict()) == set(module.state_dict())
    for name, tensor in original.state_dict().items():
        assert torch.equal(tensor, module.state_dict()[name]) and torch.equal(tensor, back.state_dict()[name])
    x = torch.randn(3, 2, 5)
    assert torch.equal(back(x)[0], original(x)[0])
    with torch.no_grad():
        module.weight_hh_l0.zero_()
    assert original.weight_hh_l0.abs().sum() > 0  # copies


@pytest.mark.parametrize("mine, theirs, options", KINDS, ids=KIND_IDS)
def test_a_single_sequence(mine, theirs, options):
    original = theirs(5, 6, **options)
    module = mine.from_torch(original)
    x = torch.randn(4, 5)
    y, last = module(x)
    z, expected = original(x)
    torch.testing.assert_close(y, z)
    for one, other in zip(flat(last), flat(expected)):
        torch.testing.assert_close(one, other)
    y, _ = module(x, last)
    z, _ = original(x, expected)
    torch.testing.assert_close(y, z)


def test_lengths_are_packed_sequences_without_the_packing():
    module = GRU(5, 6, batch_first=True, bidirectional=True, dtype=torch.float64)
    parts = [torch.randn(length, 5, dtype=torch.float64) for length in (2, 5, 3)]
    packed, last = module(pack_sequence(parts, enforce_sorted=False))
    padded = nn.utils.rnn.pad_sequence(parts, batch_first=True)
    y, other = module(padded, lengths=torch.tensor([2, 5, 3]))
    torch.testing.assert_close(y, pad_packed_sequence(packed, batch_first=True)[0])
    torch.testing.assert_close(last, other)


def test_dropout_acts_in_training_only():
    module = LSTM(5, 64, num_layers=2, dropout=0.5)
    x = torch.randn(4, 3, 5)
    assert not torch.equal(module(x)[0], module(x)[0])
    module.eval()
    assert torch.equal(module(x)[0], module(x)[0])
    with pytest.warns(UserWarning, match="dropout acts between layers"):
        LSTM(5, 6, dropout=0.5)


def test_what_is_refused():
    with pytest.raises(NotImplementedError, match="proj_size is 3: must be 0"):
        LSTM(5, 6, proj_size=3)
    with pytest.raises(NotImplementedError, match="proj_size is 3"):
        LSTM.from_torch(nn.LSTM(5, 6, proj_size=3))
    with pytest.raises(TypeError, match="must be a torch.nn.GRU"):
        GRU.from_torch(nn.LSTM(5, 6))
    with pytest.raises(ValueError, match="hidden_size is 0"):
        LSTM(5, 0)
    with pytest.raises(ValueError, match="multiple of num_heads"):
        sLSTM(5, 6, num_heads=4)
    with pytest.raises(ValueError, match="nonlinearity"):
        RNN(5, 6, nonlinearity="sigmoid")
    with pytest.raises(ValueError, match="its cell is slstm"):
        sLSTM(5, 6, cell="gru")
    module = LSTM(5, 6)
    with pytest.raises(ValueError, match="the last one of 5"):
        module(torch.zeros(3, 2, 4))
    with pytest.raises(ValueError, match="1 initial states are given: must be 2"):
        module(torch.zeros(3, 2, 5), torch.zeros(1, 2, 6))
    with pytest.raises(ValueError, match=r"must be \(1, 2, 6\)"):
        module(torch.zeros(3, 2, 5), (torch.zeros(1, 3, 6), torch.zeros(1, 3, 6)))
    with pytest.raises(ValueError, match="PackedSequence"):
        module(pack_sequence([torch.zeros(2, 5)]), lengths=torch.tensor([2]))


@pytest.mark.parametrize("kind", [MultiHeadLSTM, MultiHeadGRU, MultiHeadElman, MultiHeadLightGRU, sLSTM])
def test_heads_are_recurrences_side_by_side(kind):
    """Two heads are two modules of one head each, with their rows of the weights."""
    both = kind(5, 8, num_heads=2, batch_first=True, dtype=torch.float64)
    x = torch.randn(3, 6, 5, dtype=torch.float64)
    y, last = both(x)
    for head in range(2):
        one = kind(5, 4, num_heads=1, batch_first=True, dtype=torch.float64)
        with torch.no_grad():
            one.weight_ih_l0.copy_(both.weight_ih_l0.view(-1, 2, 4, 5)[:, head].reshape(-1, 5))
            one.weight_hh_l0.copy_(both.weight_hh_l0[:, head:head + 1])
            one.bias_l0.copy_(both.bias_l0[:, head:head + 1])
        z, expected = one(x)
        torch.testing.assert_close(y[..., 4 * head:4 * head + 4], z)
        for got, wanted in zip(flat(last), flat(expected)):
            torch.testing.assert_close(got[..., 4 * head:4 * head + 4], wanted)


def test_slstm_is_what_its_equations_say():
    module = sLSTM(5, 4, batch_first=True, dtype=torch.float64)
    x = torch.randn(2, 6, 5, dtype=torch.float64)
    wx = (x @ module.weight_ih_l0.T).view(2, 6, 4, 4)
    h = c = n = m = torch.zeros(2, 4, dtype=torch.float64)
    for t in range(6):
        i, f, z, o = (wx[:, t] + torch.einsum("goi,bi->bgo", module.weight_hh_l0[:, 0], h) + module.bias_l0[:, 0]).unbind(1)
        lf = nn.functional.logsigmoid(f) + m
        new = torch.where(n == 0, i, torch.maximum(i, lf))
        scale_i, scale_f = torch.exp(i - new), torch.exp(torch.minimum(lf - new, torch.zeros_like(lf)))
        c, n, m = scale_f * c + scale_i * z.tanh(), torch.clamp(scale_f * n + scale_i, min=1), new
        h = o.sigmoid() * c / n
    y, last = module(x)
    torch.testing.assert_close(y[:, -1], h)
    for got, wanted in zip(last, (h, c, n, m)):
        torch.testing.assert_close(got[0], wanted)


@pytest.mark.parametrize("cell", ["lstm", "gru", "elman", "elman_relu"])
def test_converters(cell):
    theirs = {"lstm": nn.LSTM, "gru": nn.GRU, "elman": nn.RNN, "elman_relu": nn.RNN}[cell]
    options = dict(nonlinearity="relu") if cell == "elman_relu" else {}
    original = theirs(5, 6, batch_first=True, dtype=torch.float64, **options)
    w, r, bias = convert.from_torch(cell, *(getattr(original, name + "_l0") for name in (
        "weight_ih", "weight_hh", "bias_ih", "bias_hh")))
    module = MultiHeadRNN(5, 6, batch_first=True, dtype=torch.float64, cell=cell)
    module.load_state_dict({"weight_ih_l0": w, "weight_hh_l0": r, "bias_l0": bias})
    x = torch.randn(2, 4, 5, dtype=torch.float64)
    torch.testing.assert_close(module(x)[0], original(x)[0])
    back = copy.deepcopy(original)
    back.load_state_dict({name + "_l0": tensor for name, tensor in convert.to_torch(cell, w, r, bias).items()})
    torch.testing.assert_close(back(x)[0], original(x)[0])


def test_dense_makes_one_head_of_several():
    module = MultiHeadGRU(5, 8, num_heads=2, batch_first=True, dtype=torch.float64)
    w, r, bias = convert.dense(module.weight_ih_l0, module.weight_hh_l0, module.bias_l0)
    one = nn.GRU(5, 8, batch_first=True, dtype=torch.float64)
    one.load_state_dict({name + "_l0": tensor for name, tensor in convert.to_torch("gru", w, r, bias).items()})
    x = torch.randn(2, 4, 5, dtype=torch.float64)
    torch.testing.assert_close(one(x)[0], module(x)[0])
    with pytest.raises(ValueError, match="2 heads"):
        convert.to_torch("gru", module.weight_ih_l0, module.weight_hh_l0)


def test_options_reach_the_recurrence():
    module = LSTM(5, 6, batch_first=True, forward_clip=0.05)
    assert module(torch.randn(2, 9, 5) * 9)[0].abs().max().item() == pytest.approx(0.05)
    assert "forward_clip=0.05" in repr(module)
    a, b = LSTM(5, 6, recompute=True), LSTM(5, 6)
    b.load_state_dict(a.state_dict())
    x = torch.randn(3, 2, 5)
    for module in (a, b):
        module(x)[0].sum().backward()
    torch.testing.assert_close(a.weight_hh_l0.grad, b.weight_hh_l0.grad)


def test_modules_compile_without_a_graph_break():
    module = sLSTM(5, 8, num_heads=2, num_layers=2, batch_first=True, bidirectional=True)
    torch._dynamo.reset()
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    x = torch.randn(2, 7, 5)
    torch.testing.assert_close(compiled(x)[0], module(x)[0])
    compiled(x)[0].sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_modules_are_saved_copied_and_moved():
    import io

    module = sLSTM(5, 8, num_heads=2)
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    x = torch.randn(3, 2, 5)
    assert torch.equal(torch.load(file, weights_only=False)(x)[0], module(x)[0])
    assert torch.equal(copy.deepcopy(module)(x)[0], module(x)[0])
    assert module.double()(x.double())[0].dtype == torch.float64


def test_resets_start_again():
    module = MultiHeadLSTM(5, 8, num_heads=2, batch_first=True)
    x = torch.randn(1, 6, 5)
    resets = torch.zeros(6, 1, dtype=torch.bool)
    resets[3] = True
    torch.testing.assert_close(module(x, resets=resets)[0][:, 3:], module(x[:, 3:])[0])
