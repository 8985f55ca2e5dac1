# SPDX-License-Identifier: Apache-2.0
"""What it costs that CTAs round their partial gradients of h to the dtype (docs/accuracy.md).

    python3 bindings/python/bench/partial_gradients.py

An LSTM in float64 that rounds to the dtype what the kernels round: h, saved values, slots' gradients; and, or not, the parts
of R^T dG. Told is ||out - ref|| / ||ref|| of the slots' gradients, the reference rounding nothing, for a gradient of h at
every step or at the last alone.
"""
from __future__ import annotations

import torch
from torch import Tensor

BATCH = 2


def rounded(x: Tensor, dtype: torch.dtype | None) -> Tensor:
    return x if dtype is None else x.to(dtype).to(x.dtype)


def forward(wx: Tensor, r: Tensor, dtype: torch.dtype | None) -> list[tuple[Tensor, ...]]:
    """wx [T, G, B, D], r [G, D, D]; gives what each step saves."""
    h = c = torch.zeros(wx.shape[2:], dtype=wx.dtype)
    saved = []
    for x in wx:
        i, f, z, o = x + torch.einsum("bi,goi->gbo", rounded(h, dtype), r)
        i, f, z, o, before = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(z), torch.sigmoid(o), c
        c = f * c + i * z
        h = o * torch.tanh(c)
        saved.append(tuple(rounded(v, dtype) for v in (i, f, z, o, before, c)))
    return saved


def backward(saved: list, d_h: Tensor, r: Tensor, dtype: torch.dtype | None, parts: int) -> Tensor:
    """Gradients of the slots; `parts` of 0: the product is not rounded."""
    gates, units = r.shape[:2]
    dh = dc = torch.zeros(d_h.shape[1:], dtype=d_h.dtype)
    out = []
    for (i, f, z, o, before, c), given in zip(reversed(saved), reversed(d_h)):
        dh = dh + given
        tanh = torch.tanh(c)
        dc = dc + dh * o * (1 - tanh * tanh)
        d = [dc * z * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - z * z), dh * tanh * o * (1 - o)]
        out.append(rounded(torch.stack(d), dtype))
        dc = dc * f
        if parts == 0:
            dh = torch.einsum("gbo,goi->bi", out[-1], r)
        else:
            of_parts = out[-1].reshape(gates, BATCH, parts, units // parts), r.reshape(gates, parts, units // parts, units)
            dh = rounded(torch.einsum("gbpo,gpoi->pbi", *of_parts), dtype).sum(0)
    return torch.stack(out)


def main() -> None:
    print(f"{'dtype':>8} {'D':>4} {'T':>4} {'parts':>5} {'R times':>7} {'d h':>5}   {'as they are':>11} {'rounded parts':>13}")
    for dtype, units, time, parts, scale, last in (
        (torch.bfloat16, 64, 256, 4, 1, False),
        (torch.bfloat16, 256, 256, 16, 1, False),
        (torch.float16, 256, 256, 16, 1, False),
        (torch.bfloat16, 128, 64, 8, 3, False),
        (torch.bfloat16, 128, 64, 8, 3, True),
    ):
        generator = torch.Generator().manual_seed(0)
        r = (torch.rand(4, units, units, generator=generator, dtype=torch.float64) * 2 - 1) * scale / units**0.5
        wx = torch.randn(time, 4, BATCH, units, generator=generator, dtype=torch.float64)
        d_h = torch.randn(time, BATCH, units, generator=generator, dtype=torch.float64)
        r, wx, d_h = (rounded(x, dtype) for x in (r, wx, d_h))
        if last:
            d_h[:-1] = 0
        reference = backward(forward(wx, r, None), d_h, r, None, 0)
        saved = forward(wx, r, dtype)
        whole, apart = (((backward(saved, d_h, r, dtype, p) - reference).norm() / reference.norm()).item() for p in (0, parts))
        name = str(dtype).removeprefix("torch.")
        print(f"{name:>8} {units:>4} {time:>4} {parts:>5} {scale:>7} {'last' if last else 'all':>5}   {whole:11.3e} {apart:13.3e}", flush=True)


if __name__ == "__main__":
    main()
