# SPDX-License-Identifier: Apache-2.0
"""Errors of outputs and gradients against float64, and, if wanted, of FlashRNN's own kernels beside ours on the same inputs.

    python3 bindings/python/bench/accuracy.py [--device cuda] [--dtype bfloat16] [--peer CHECKOUT] [PROBLEM...]

Inputs are drawn in float32 and rounded to the dtype; the reference takes the rounded ones and rounds nothing else. Told is
||out - ref|| / ||ref|| of h and, for a loss that weighs h with numbers of the dtype, of the gradients of wx, R and the bias.
"floor" is the error of the reference itself when it is written in the dtype.

--peer: the folder of a checkout of https://github.com/NX-AI/flashrnn. Of its backends `cuda_fused` has LSTM, Elman and sLSTM and
compiles its kernels with nvcc at the first call; `vanilla` is a loop of PyTorch and runs on the CPU, too.
"""
from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

import torch
from torch import Tensor

import pyflashrnn.torch as ours

INPUT_GATES = {"lstm": 4, "slstm": 4, "gru": 3, "elman": 1}
STATES = {"lstm": 2, "slstm": 4, "gru": 1, "elman": 1}
PROBLEMS = ["lstm:b2,t1024,n4,d64", "slstm:b2,t1024,n4,d64", "elman:b2,t1024,n4,d64", "gru:b2,t1024,n4,d64"]
COLUMNS = ["h", "d wx", "d R", "d b"]


def step(cell: str, wx: Tensor, r: Tensor, bias: Tensor, s: list[Tensor]) -> list[Tensor]:
    """One step; wx [B, G, N, D], r [G, N, D, D], states [B, N, D]."""
    recurrent = torch.einsum("gnij,bnj->bgni", r, s[0])
    if cell == "gru":
        candidate = recurrent[:, 2] + bias[3]
        reset = torch.sigmoid(wx[:, 0] + recurrent[:, 0] + bias[0])
        update = torch.sigmoid(wx[:, 1] + recurrent[:, 1] + bias[1])
        new = torch.tanh(wx[:, 2] + bias[2] + reset * candidate)
        return [update * s[0] + (1 - update) * new]
    g = wx + recurrent + bias
    if cell == "elman":
        return [torch.tanh(g[:, 0])]
    i, f, z, o = g.unbind(1)
    if cell == "lstm":
        c = torch.sigmoid(f) * s[1] + torch.sigmoid(i) * torch.tanh(z)
        return [torch.sigmoid(o) * torch.tanh(c), c]
    log_forget = torch.nn.functional.logsigmoid(f) + s[3]
    m = torch.where(s[2] == 0, i, torch.maximum(i, log_forget))
    input_gate, forget_gate = torch.exp(i - m), torch.exp(log_forget - m)
    c = forget_gate * s[1] + input_gate * torch.tanh(z)
    n = torch.clamp(forget_gate * s[2] + input_gate, min=1)
    return [torch.sigmoid(o) * c / n, c, n, m]


def reference(cell: str, wx: Tensor, r: Tensor, bias: Tensor) -> Tensor:
    batch, time, _, heads, units = wx.shape
    states = [torch.zeros(batch, heads, units, dtype=wx.dtype, device=wx.device) for _ in range(STATES[cell])]
    hs = []
    for t in range(time):
        states = step(cell, wx[:, t], r, bias, states)
        hs.append(states[0])
    return torch.stack(hs, 1)


def peer_function(checkout: Path, backend: str):
    sys.path.insert(0, str(checkout))
    from flashrnn import flashrnn  # noqa: PLC0415
    return lambda wx, r, b, cell, dtype: flashrnn(wx, r, b, function=cell, backend=backend, dtype=dtype)


def results(run, inputs: list[Tensor], weigh: Tensor) -> list[Tensor]:
    """h [B, T, N, D] and the gradients."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    h = run(*leaves)
    h.backward(weigh.to(h.dtype))
    return [h.detach()] + [x.grad for x in leaves]


def errors(values: list[Tensor], exact: list[Tensor]) -> dict[str, float]:
    return {name: float((v.double() - e).norm() / e.norm()) for name, v, e in zip(COLUMNS, values, exact)}


def measure(text: str, dtype: torch.dtype, device: str, peer) -> list[dict]:
    match = re.fullmatch(r"(\w+):b(\d+),t(\d+),n(\d+),d(\d+)", text)
    if match is None or match[1] not in INPUT_GATES:
        raise SystemExit(f"{text}: must be CELL:bB,tT,nN,dD with a cell of {', '.join(INPUT_GATES)}")
    cell, (batch, time, heads, units) = match[1], map(int, match.groups()[1:])
    gates = INPUT_GATES[cell]
    make = torch.Generator(device=device).manual_seed(7)
    draw = lambda *shape: torch.randn(*shape, generator=make, device=device)  # noqa: E731
    inputs = [draw(batch, time, gates, heads, units), draw(gates, heads, units, units) / units**0.5,
              draw(gates + (cell == "gru"), heads, units)]
    inputs = [x.to(dtype) for x in inputs]
    weigh = draw(batch, time, heads, units).to(dtype)
    exact = results(lambda *x: reference(cell, *x), [x.double() for x in inputs], weigh)
    rows = [{"problem": text, "who": "floor", **errors([x.to(dtype) for x in exact], exact)},
            {"problem": text, "who": "pyflashrnn",
             **errors(results(lambda wx, r, b: ours.rnn(wx, r, b, cell=cell).h, inputs, weigh), exact)}]
    if peer is not None and cell != "gru":  # whose gates it has in another order
        run = lambda wx, r, b: peer(wx, r, b, cell, str(dtype).removeprefix("torch."))[0][0]  # noqa: E731
        rows.append({"problem": text, "who": "FlashRNN", **errors(results(run, inputs, weigh), exact)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="*", metavar="PROBLEM", default=PROBLEMS)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float16", "float32"])
    parser.add_argument("--peer", type=Path, help="a checkout of FlashRNN")
    parser.add_argument("--peer-backend", default="cuda_fused")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    peer = None if options.peer is None else peer_function(options.peer, options.peer_backend)
    rows = []
    for text in options.problems:
        rows += measure(text, getattr(torch, options.dtype), options.device, peer)
        for row in rows:
            if row["problem"] != text:
                continue
            print(f"{row['problem']:28} {row['who']:20}" + "".join(f" {name} {row[name]:.2e} " for name in COLUMNS),
                  flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
