#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fits the coefficients in math-inl.h; needs numpy. Prints them with the largest relative error of the fit.

Lawson's algorithm: least squares, reweighted until the error is level (C. L. Lawson 1961; for rationals with the
denominator of the previous round as a weight, as Loeb did).
"""

import numpy as np


def fit(function, points, numerator, denominator, rounds=400):
    """Relative minimax of P/Q with Q(0) = 1; returns (error, P, Q), lowest power first."""
    f = function(points)
    scale = np.max(np.abs(points))
    u = points / scale
    weight = np.ones_like(u)
    q_values = np.ones_like(u)
    best = None
    for _ in range(rounds):
        columns = [u**i for i in range(numerator + 1)] + [-f * u**i for i in range(1, denominator + 1)]
        row = np.sqrt(weight) / np.abs(q_values * f)
        solution = np.linalg.lstsq(np.stack(columns, 1) * row[:, None], f * row, rcond=None)[0]
        p = solution[: numerator + 1]
        q = np.concatenate([[1.0], solution[numerator + 1 :]])
        q_values = np.polyval(q[::-1], u)
        error = np.abs(np.polyval(p[::-1], u) / q_values / f - 1)
        if best is None or error.max() < best[0]:
            best = (error.max(), p / scale ** np.arange(len(p)), q / scale ** np.arange(len(q)))
        weight *= error / error.max() + 1e-3
        weight /= weight.mean()
    return best


def show(name, result):
    error, p, q = result
    print(f"{name}: largest relative error {error:.2e}")
    print("  P", ", ".join(f"{c:.9e}f" for c in p))
    if len(q) > 1:
        print("  Q", ", ".join(f"{c:.9e}f" for c in q))


nodes = np.cos(np.pi * (np.arange(4000) + 0.5) / 4000)
show("2^r on [-1/2, 1/2]", fit(np.exp2, nodes / 2, 5, 0))
# tanh(x) = x P(x^2) / Q(x^2); beyond |x| = 9 it is 1 in float32.
squares = (4.5 * (nodes + 1)) ** 2
show("tanh(x)/x in x^2 on [0, 9]", fit(lambda y: np.tanh(np.sqrt(y)) / np.sqrt(y), squares, 4, 4))
# log1p(e) on [0, 1] as e P(e) / Q(e), for the softplus of log sigmoid.
unit = (nodes + 1) / 2
show("log1p(e)/e on [0, 1]", fit(lambda e: np.log1p(e) / e, unit, 3, 4))
