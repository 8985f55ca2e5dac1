# SPDX-License-Identifier: Apache-2.0
"""The vectors, replayed through the operators and autograd, by the dispatcher and by the shorter way."""
import numpy as np
import pytest
import torch

import vectors
from pyflashrnn.torch import ops, rnn, step

CASES = vectors.read()


def tensor(array, dtype="float32"):
    if array.dtype == np.uint16:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array.copy())


def check(name, got, expected):
    got = got.detach()
    got = got.view(torch.int16).numpy().view(np.uint16) if got.dtype == torch.bfloat16 else got.numpy()
    np.testing.assert_array_equal(vectors.bits(got), vectors.bits(expected), err_msg=name)


@pytest.mark.parametrize("by_the_dispatcher", [False, True])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_answers_have_the_bits_of_the_c_calls(case, by_the_dispatcher, monkeypatch):
    if by_the_dispatcher:
        monkeypatch.setattr(ops, "is_plain", lambda *_: False)
    problem, has_backward = case.problem, "backward" in case.tensors
    given = {name: tensor(array) for name, array in case.given("forward").items()}
    wanted = [name[2:] for name in case.expected("backward")] if has_backward else []
    for name in wanted:
        given[name].requires_grad_()
    out = rnn(given["wx"], given["r"], given.get("bias"), given.get("initial_states"), cell=problem.cell,
              lengths=given.get("lengths"), resets=given.get("resets"), reverse=problem.reverse,
              return_states="states" in case.expected("forward"), recompute=problem.mode == "recompute",
              forward_clip=problem.forward_clip, recurrent_gradient_clip=problem.recurrent_gradient_clip,
              cut_recurrent_gradient=problem.cut_recurrent_gradient, threads=problem.threads,
              state_dtype=getattr(torch, problem.state_dtype))
    for name, array in case.expected("forward").items():
        check(name, getattr(out, name), array)
    if has_backward:
        gradients = case.given("backward")
        pairs = [(getattr(out, name[2:]), tensor(array)) for name, array in gradients.items()]
        found = torch.autograd.grad([output for output, _ in pairs], [given[name] for name in wanted],
                                    [gradient for _, gradient in pairs])
        for name, gradient in zip(wanted, found):
            check("d_" + name, gradient, case.expected("backward")["d_" + name])
    if "step" in case.tensors:
        given = {name: tensor(array) for name, array in case.given("step").items()}
        h, new_states = step(given["wx"], given["r"], given["bias"], given["states"], cell=problem.cell,
                             threads=problem.threads)
        check("h", h, case.expected("step")["h"])
        check("new_states", new_states, case.expected("step")["new_states"])
