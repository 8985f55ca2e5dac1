# SPDX-License-Identifier: Apache-2.0
"""The vectors, replayed on NumPy arrays: packed they give the very bits of the C calls, in other layouts the bound's."""
import numpy as np
import pytest

import pyflashrnn
import vectors
from pyflashrnn import Gradients

CASES = vectors.read()


def needs_vectors():
    if not CASES:
        pytest.skip("FLASHRNN_VECTORS is not set")


def strange(array):
    """The same values with the axes the other way round in memory and gaps between the elements."""
    if array.ndim == 0 or array.size == 0:
        return array
    space = np.zeros([2 * size for size in reversed(array.shape)], array.dtype)
    seen = space[tuple(slice(None, None, 2) for _ in array.shape)].transpose()
    seen[...] = array
    return seen


def same(array):
    return array


def as_float(array, dtype):
    if array.dtype == np.uint16:
        return (array.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return array.astype(np.float64)


def check(name, got, expected, bound):
    assert got.shape == expected.shape, name
    if bound is None:
        np.testing.assert_array_equal(vectors.bits(got), vectors.bits(expected), err_msg=name)
        return
    got, expected = as_float(got, None), as_float(expected, None)
    norm = np.linalg.norm(expected)
    error = np.linalg.norm(got - expected) / norm if norm else np.linalg.norm(got)
    assert error <= bound, name


def replay(case, change, exact):
    problem = case.problem
    plan = pyflashrnn.plan_for(problem)
    given = {name: change(array) for name, array in case.given("forward").items()}
    expected = case.expected("forward")
    out = {name: change(np.zeros_like(expected[name])) for name in ("h", "states", "last_states") if name in expected}
    forward = pyflashrnn.run(plan, given["wx"], given["r"], given.get("bias"), given.get("initial_states"),
                             lengths=given.get("lengths"), resets=given.get("resets"), **out)
    bound = None if exact else 2 * case.bounds["outputs"]
    for name, array in expected.items():
        check(name, getattr(forward, name), array, bound)
    if "backward" in case.tensors:
        expected = case.expected("backward")
        gradients = forward.backward(**{name: change(array) for name, array in case.given("backward").items()},
                                     out=Gradients(**{name: change(np.zeros_like(array))
                                                      for name, array in expected.items()}))
        bound = None if exact else 2 * case.bounds["gradients"]
        for name, array in expected.items():
            check(name, getattr(gradients, name), array, bound)
    if "step" in case.tensors:
        given = {name: change(array) for name, array in case.given("step").items()}
        h, new_states = pyflashrnn.step(given["wx"], given["r"], given["bias"], given["states"], cell=problem.cell,
                                        threads=problem.threads, dtype=problem.dtype)
        check("h", h, case.expected("step")["h"], None if exact else 2 * case.bounds["outputs"])
        check("new_states", new_states, case.expected("step")["new_states"],
              None if exact else 2 * case.bounds["outputs"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_packed_arrays_give_the_bits_of_the_c_calls(case):
    replay(case, same, exact=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_other_layouts_give_the_same_answers(case):
    replay(case, strange, exact=False)


def test_the_vectors_hold_every_cell_dtype_and_option():
    needs_vectors()
    problems = [case.problem for case in CASES]
    assert {problem.cell for problem in problems} == {cell.name for cell in pyflashrnn.cells()}
    assert {problem.dtype for problem in problems} == {"float64", "float32", "bfloat16", "float16"}
    assert {problem.mode for problem in problems} == {"training", "recompute", "inference"}
    for option in ("reverse", "lengths", "resets", "cut_recurrent_gradient", "forward_clip", "recurrent_gradient_clip"):
        assert any(getattr(problem, option) for problem in problems), option


def test_a_changed_bit_is_noticed():
    needs_vectors()
    case = vectors.read()[0]
    case.given("forward")["r"].flat[0] += 1e-3
    with pytest.raises(AssertionError):
        replay(case, same, exact=True)
    with pytest.raises(AssertionError):
        replay(case, strange, exact=False)
