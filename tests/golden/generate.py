#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden files: small problems of every cell with their outputs and gradients.

Its own equations, in plain Python. No gradient is derived by hand: a step is evaluated at x + i 1e-40, whose imaginary
part is the derivative to full precision (complex step), and the steps are chained backwards. Where the options leave
a true gradient, the whole sequence is differentiated in one piece as well, and both have to agree.

    generate.py            writes the golden files beside this script
    generate.py --check    compares them with what it would write; exit status 1 where they differ

To add a cell: its gates and states in SHAPES, its equations in a function, and run this script.
"""
import cmath
import itertools
import os
import random
import sys

TINY = 1e-40  # its square vanishes, so nothing is cut off
CASES = ("plain", "options", "gradient_clip")

# name: (input gates, recurrent gates, biases, states)
SHAPES = {
    "lstm": (4, 4, 4, 2),
    "gru": (3, 3, 4, 1),
    "elman": (1, 1, 1, 1),
    "slstm": (4, 4, 4, 4),
    "elman_relu": (1, 1, 1, 1),
    "light_gru": (2, 2, 2, 1),
}


def sigmoid(x):
    return 1 / (1 + cmath.exp(-x))


def tanh(x):
    return 2 * sigmoid(2 * x) - 1


def larger(a, b):
    return a if a.real > b.real else b


# An element: wx, rh, b by gate, s the old states by name's order; gives the new states.


def lstm(wx, rh, b, s):
    i, f, z, o = (wx[k] + rh[k] + b[k] for k in range(4))
    c = sigmoid(f) * s[1] + sigmoid(i) * tanh(z)
    return [sigmoid(o) * tanh(c), c]


def gru(wx, rh, b, s):
    r = sigmoid(wx[0] + rh[0] + b[0])
    u = sigmoid(wx[1] + rh[1] + b[1])
    n = tanh(wx[2] + b[2] + r * (rh[2] + b[3]))
    return [u * s[0] + (1 - u) * n]


def elman(wx, rh, b, s):
    return [tanh(wx[0] + rh[0] + b[0])]


def elman_relu(wx, rh, b, s):
    return [larger(wx[0] + rh[0] + b[0], 0j)]


def light_gru(wx, rh, b, s):
    u = sigmoid(wx[0] + rh[0] + b[0])
    n = larger(wx[1] + rh[1] + b[1], 0j)
    return [u * s[0] + (1 - u) * n]


def slstm(wx, rh, b, s):
    i, f, z, o = (wx[k] + rh[k] + b[k] for k in range(4))
    lf = cmath.log(sigmoid(f)) + s[3]
    m = i if s[2] == 0 else larger(i, lf)
    input_gate = cmath.exp(i - m)
    forget_gate = 1 + 0j if lf.real > m.real else cmath.exp(lf - m)  # min(1, ...)
    c = forget_gate * s[1] + input_gate * tanh(z)
    n = larger(forget_gate * s[2] + input_gate, 1 + 0j)
    return [sigmoid(o) * c / n, c, n, m]


class Array:
    """A dense array of numbers with an index of any rank."""

    def __init__(self, *dims, values=None):
        size = 1
        for d in dims:
            size *= d
        self.dims = dims
        self.values = values if values is not None else [0.0] * size

    def at(self, *index):
        k = 0
        for i, d in zip(index, self.dims):
            k = k * d + i
        return k

    def __getitem__(self, index):
        return self.values[self.at(*index)]

    def __setitem__(self, index, value):
        self.values[self.at(*index)] = value


class Problem:
    def __init__(self, cell, case):
        self.cell, self.case = cell, case
        self.gi, self.gr, self.gb, self.s = SHAPES[cell]
        self.b, self.t, self.n, self.d = 2, 4, 2, 3
        self.reverse = case == "options"
        self.cut = case == "options"
        self.forward_clip = 0.25 if case == "options" else 0.0
        self.gradient_clip = 0.125 if case == "gradient_clip" else 0.0
        # Python promises the same random() from the same seed in every version.
        rng = random.Random(cell + case)

        def draw(*dims, scale=1.0):
            a = Array(*dims)
            a.values = [round(scale * (2 * rng.random() - 1), 6) for _ in a.values]
            return a

        b, t, n, d = self.b, self.t, self.n, self.d
        self.inputs = {"wx": draw(b, t, self.gi, n, d, scale=2), "r": draw(self.gr, n, d, d)}
        self.lengths = [t] * b
        self.resets = Array(t, b)
        if case == "options":
            self.lengths = [t - 1, t]
            self.resets.values = [0] * (t * b)
            self.resets[1, 0] = 1
            self.resets[2, 1] = 1
        if case != "plain":
            self.inputs["bias"] = draw(self.gb, n, d)
            self.inputs["initial_states"] = draw(self.s, b, n, d)
            if cell == "slstm":  # a normaliser is zero, for a fresh state, or at least one
                init = self.inputs["initial_states"]
                for i, j, k in itertools.product(range(b), range(n), range(d)):
                    init[2, i, j, k] = 0.0 if (i + j + k) % 3 == 0 else 2 + abs(init[2, i, j, k])
        self.weights = {
            "d_h": draw(b, t, n, d),
            "d_states": draw(self.s, b, t, n, d),
            "d_last_states": draw(self.s, b, n, d),
        }

    def initial(self, inputs, b, n):
        if "initial_states" not in inputs:
            return [[0j] * self.d for _ in range(self.s)]
        return [[complex(inputs["initial_states"][s, b, n, d]) for d in range(self.d)] for s in range(self.s)]

    def order(self, b):
        steps = list(range(self.lengths[b]))
        return steps[::-1] if self.reverse else steps


def step(p, wx, r, bias, states, operand):
    """States [S][D] after a step; operand: h as R reads it."""
    element = globals()[p.cell]
    out = [[0j] * p.d for _ in range(p.s)]
    for d in range(p.d):
        rh = [sum(r[g][d][k] * operand[k] for k in range(p.d)) for g in range(p.gr)]
        now = element([wx[g][d] for g in range(p.gi)], rh, [bias[g][d] for g in range(p.gb)], [x[d] for x in states])
        if p.forward_clip and abs(now[0].real) >= p.forward_clip:
            now[0] = complex(p.forward_clip if now[0].real > 0 else -p.forward_clip)
        for s in range(p.s):
            out[s][d] = now[s]
    return out


def parts(p, inputs, b, t, n):
    wx = [[complex(inputs["wx"][b, t, g, n, d]) for d in range(p.d)] for g in range(p.gi)]
    r = [[[complex(inputs["r"][g, n, d, k]) for k in range(p.d)] for d in range(p.d)] for g in range(p.gr)]
    if "bias" in inputs:
        bias = [[complex(inputs["bias"][g, n, d]) for d in range(p.d)] for g in range(p.gb)]
    else:
        bias = [[0j] * p.d for _ in range(p.gb)]
    return wx, r, bias


def forward(p, inputs):
    out = {
        "h": Array(p.b, p.t, p.n, p.d),
        "states": Array(p.s, p.b, p.t, p.n, p.d),
        "last_states": Array(p.s, p.b, p.n, p.d),
    }
    before = {}
    for b, n in itertools.product(range(p.b), range(p.n)):
        states = self_initial = p.initial(inputs, b, n)
        for t in p.order(b):
            if p.resets[t, b]:
                states = self_initial
            before[b, t, n] = states
            states = step(p, *parts(p, inputs, b, t, n), states, states[0])
            for s, d in itertools.product(range(p.s), range(p.d)):
                out["states"][s, b, t, n, d] = states[s][d]
            for d in range(p.d):
                out["h"][b, t, n, d] = states[0][d]
        for s, d in itertools.product(range(p.s), range(p.d)):
            out["last_states"][s, b, n, d] = states[s][d]
    return out, before


def backward(p):
    """Chains the steps backwards; each step's product with its Jacobian comes from complex steps."""
    _, before = forward(p, p.inputs)
    grad = {
        "d_wx": Array(p.b, p.t, p.gi, p.n, p.d),
        "d_r": Array(p.gr, p.n, p.d, p.d),
        "d_bias": Array(p.gb, p.n, p.d),
        "d_initial_states": Array(p.s, p.b, p.n, p.d),
    }
    w = p.weights
    for b, n in itertools.product(range(p.b), range(p.n)):
        d_now = [[w["d_last_states"][s, b, n, d] for d in range(p.d)] for s in range(p.s)]

        def to_initial(d_state):
            for s, d in itertools.product(range(p.s), range(p.d)):
                grad["d_initial_states"][s, b, n, d] += d_state[s][d]

        for t in reversed(p.order(b)):
            for s, d in itertools.product(range(p.s), range(p.d)):
                d_now[s][d] += w["d_states"][s, b, t, n, d] + (w["d_h"][b, t, n, d] if s == 0 else 0)
            wx, r, bias = parts(p, p.inputs, b, t, n)
            states = [list(x) for x in before[b, t, n]]
            operand = list(states[0])

            def derivative(row, k):
                """Of sum(d_now * states after the step) by row[k]."""
                value = row[k]
                row[k] = value + 1j * TINY
                after = step(p, wx, r, bias, states, operand)
                row[k] = value
                return sum(d_now[s][d] * after[s][d].imag for s in range(p.s) for d in range(p.d)) / TINY

            d_old = [[derivative(states[s], d) for d in range(p.d)] for s in range(p.s)]
            if not p.cut:
                for k in range(p.d):
                    d_old[0][k] += derivative(operand, k)
            if p.gradient_clip:
                d_old[0] = [min(max(x, -p.gradient_clip), p.gradient_clip) for x in d_old[0]]
            for g, d in itertools.product(range(p.gi), range(p.d)):
                grad["d_wx"][b, t, g, n, d] = derivative(wx[g], d)
            for g, d in itertools.product(range(p.gb), range(p.d)):
                grad["d_bias"][g, n, d] += derivative(bias[g], d)
            for g, d, k in itertools.product(range(p.gr), range(p.d), range(p.d)):
                grad["d_r"][g, n, d, k] += derivative(r[g][d], k)
            d_now = d_old
            if p.resets[t, b]:
                to_initial(d_now)
                d_now = [[0.0] * p.d for _ in range(p.s)]
        to_initial(d_now)
    return grad


def check_in_one_piece(p, grad):
    """Differentiates the whole loss by every input and compares."""
    for name, array in p.inputs.items():
        for k in range(len(array.values)):
            varied = dict(p.inputs)
            values = list(array.values)
            values[k] = values[k] + 1j * TINY
            varied[name] = Array(*array.dims, values=values)
            out, _ = forward(p, varied)
            loss = 0
            for weight in p.weights:
                for x, y in zip(p.weights[weight].values, out[weight[2:]].values):
                    loss += x * y
            expected = complex(loss).imag / TINY
            got = grad["d_" + name].values[k]
            assert abs(expected - got) < 1e-12 * (1 + abs(got)), (p.cell, name, k, expected, got)


def tensor_text(name, array):
    values = [complex(x).real for x in array.values]
    lines = ["tensor %s %s" % (name, " ".join(str(d) for d in array.dims))]
    for k in range(0, len(values), 6):
        lines.append(" ".join("%.15g" % x for x in values[k : k + 6]))
    return lines


def case_text(p):
    out, _ = forward(p, p.inputs)
    grad = backward(p)
    if not p.cut and not p.gradient_clip:
        check_in_one_piece(p, grad)
    lines = ["case %s" % p.case]
    for key, value in (
        ("batch", p.b), ("time", p.t), ("heads", p.n), ("head_dim", p.d), ("reverse", int(p.reverse)),
        ("cut_recurrent_gradient", int(p.cut)), ("forward_clip", p.forward_clip),
        ("recurrent_gradient_clip", p.gradient_clip),
    ):  # fmt: skip
        lines.append("%s %g" % (key, value))
    if p.case == "options":
        lines += tensor_text("lengths", Array(p.b, values=p.lengths))
        lines += tensor_text("resets", p.resets)
    for group in (p.inputs, out, p.weights, grad):
        for name, array in group.items():
            lines += tensor_text(name, array)
    return lines + ["end"]


def text(cell):
    lines = ["# DO NOT EDIT: written by tests/golden/generate.py", "cell %s" % cell]
    for case in CASES:
        lines += case_text(Problem(cell, case))
    return "\n".join(lines) + "\n"


def same(a, b):
    """Equal but for the last digits of numbers, in which the platforms' exp may differ."""
    if len(a) != len(b):
        return False
    for x, y in zip(a, b):
        if x == y:
            continue
        try:
            if abs(float(x) - float(y)) > 1e-12 * (1 + abs(float(y))):
                return False
        except ValueError:
            return False
    return True


def main():
    folder = os.path.dirname(os.path.abspath(__file__))
    drifted = []
    for cell in SHAPES:
        path = os.path.join(folder, cell + ".golden")
        if "--check" not in sys.argv[1:]:
            with open(path, "w") as f:
                f.write(text(cell))
        elif not os.path.exists(path) or not same(text(cell).split(), open(path).read().split()):
            drifted.append(path)
    for path in drifted:
        print("%s is not what generate.py writes" % path)
    return 1 if drifted else 0


if __name__ == "__main__":
    sys.exit(main())
