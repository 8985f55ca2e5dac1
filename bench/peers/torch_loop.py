# SPDX-License-Identifier: Apache-2.0
"""A multi-head RNN as one writes it in PyTorch: a loop over time, one baddbmm a step, autograd for backward.

Everything that costs such a loop needless time was left out: wx is laid out for it ([T, N, B, G D], so that a step is
one unbound view), the bias is taken to be in wx already, and nothing is copied. Called by flashrnn-bench with a JSON
object as its argument; prints one JSON object. By hand:

    python torch_loop.py '{"cell": "lstm", "B": 16, "T": 256, "N": 12, "D": 64, "dtype": "fp32", "threads": 1,
                           "call": "forward", "seconds": 1, "samples": 7}'
"""

import json
import sys
import time

import torch

DTYPES = {"fp32": torch.float32, "fp64": torch.float64, "bf16": torch.bfloat16, "fp16": torch.float16}


def lstm(wx, r, d):
    h = wx.new_zeros(wx.shape[1], wx.shape[2], d)
    c = torch.zeros_like(h)
    out = []
    for x in wx.unbind(0):
        gates = torch.baddbmm(x, h, r)
        i, f, o = torch.sigmoid(gates[..., : 3 * d]).split(d, -1)
        z = torch.tanh(gates[..., 3 * d :])
        c = f * c + i * z
        h = o * torch.tanh(c)
        out.append(h)
    return torch.stack(out)


def gru(wx, r, d):
    h = wx.new_zeros(wx.shape[1], wx.shape[2], d)
    out = []
    for x in wx.unbind(0):
        g = torch.bmm(h, r)
        reset, u = torch.sigmoid(x[..., : 2 * d] + g[..., : 2 * d]).split(d, -1)
        n = torch.tanh(torch.addcmul(x[..., 2 * d :], reset, g[..., 2 * d :]))
        h = torch.lerp(n, h, u)
        out.append(h)
    return torch.stack(out)


def elman(wx, r, d):
    h = wx.new_zeros(wx.shape[1], wx.shape[2], d)
    out = []
    for x in wx.unbind(0):
        h = torch.tanh(torch.baddbmm(x, h, r))
        out.append(h)
    return torch.stack(out)


CELLS = {"lstm": (lstm, 4), "gru": (gru, 3), "elman": (elman, 1)}


def median_ms(call, seconds, samples):
    """Medians of wall time and of the process's CPU time, after two calls of warm-up."""
    call()
    call()
    wall, cpu = [], []
    begin = time.perf_counter()
    while len(wall) < samples or time.perf_counter() - begin < seconds:
        if len(wall) >= 2 and time.perf_counter() - begin > 10 * seconds:
            break  # a machine this busy would keep it for minutes
        w, c = time.perf_counter(), time.process_time()
        call()
        cpu.append(time.process_time() - c)
        wall.append(time.perf_counter() - w)
    wall.sort()
    cpu.sort()

    def at(values, q):
        return 1e3 * values[min(int(q * len(values)), len(values) - 1)]

    return {"ms": at(wall, 0.5), "ms_low": at(wall, 0.1), "ms_high": at(wall, 0.9), "ms_best": at(wall, 0),
            "cpu_ms": at(cpu, 0.5), "cpu_ms_best": at(cpu, 0), "samples": len(wall)}


def main():
    spec = json.loads(sys.argv[1])
    if spec.get("call") == "version":
        print(json.dumps({"version": torch.__version__}))
        return
    torch.set_num_threads(spec["threads"])
    torch.manual_seed(0)
    run, gates = CELLS[spec["cell"]]
    b, t, n, d = (spec[k] for k in "BTND")
    dtype = DTYPES[spec["dtype"]]
    wx = torch.randn(t, n, b, gates * d, dtype=dtype)
    r = torch.randn(n, d, gates * d, dtype=dtype) / d**0.5
    grad = torch.randn(t, n, b, d, dtype=dtype)

    def forward():
        with torch.no_grad():
            run(wx, r, d)

    def both():
        wx.grad = r.grad = None
        run(wx, r, d).backward(grad)

    def forward_for_training():
        run(wx, r, d)

    call = {"forward": forward, "train": forward_for_training, "both": both}[spec["call"]]
    wx.requires_grad_(spec["call"] != "forward")
    r.requires_grad_(spec["call"] != "forward")
    result = median_ms(call, spec["seconds"], spec["samples"])
    result["version"] = torch.__version__
    print(json.dumps(result))


if __name__ == "__main__":
    main()
