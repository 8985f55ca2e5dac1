# SPDX-License-Identifier: Apache-2.0
"""Trains an sLSTM language model, character by character, on a text file and lets it write.

    python3 bindings/python/examples/language_model.py [--text FILE] [--device cuda --dtype bfloat16] [--compile]

The streams of a batch lie side by side in the text, and their states are carried from one window to the next. The last
tenth of the text is held out.
"""
from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import torch
from torch import nn

from pyflashrnn.torch import MultiHeadRNN


GPL = Path("/usr/share/common-licenses/GPL-3")  # Debian and its kin have it


class LanguageModel(nn.Module):
    def __init__(self, kinds: int, width: int, heads: int, layers: int, cell: str):
        super().__init__()
        self.embedding = nn.Embedding(kinds, width)
        self.recurrence = MultiHeadRNN(width, width, heads, layers, batch_first=True, cell=cell)
        self.norm = nn.LayerNorm(width)
        self.readout = nn.Linear(width, kinds)

    def forward(self, tokens, states=None):
        """tokens [B, T] to logits [B, T, kinds], and the states to go on from."""
        y, states = self.recurrence(self.embedding(tokens), states)
        return self.readout(self.norm(y)), states


def detached(states):
    return states.detach() if isinstance(states, torch.Tensor) else tuple(state.detach() for state in states)


def windows(tokens: torch.Tensor, streams: int, length: int):
    """(inputs, targets) [streams, length], each window after the one before."""
    span = (len(tokens) - 1) // streams
    inputs = tokens[:streams * span].view(streams, span)
    targets = tokens[1:streams * span + 1].view(streams, span)
    for start in range(0, span - length + 1, length):
        yield inputs[:, start:start + length], targets[:, start:start + length]


def bits_per_character(model, tokens, length) -> float:
    model.eval()
    total, count, states = 0.0, 0, None
    with torch.inference_mode():
        for inputs, targets in windows(tokens, 1, min(length, len(tokens) - 1)):
            logits, states = model(inputs, states)
            total += nn.functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum").item()
            count += targets.numel()
    model.train()
    return total / count / math.log(2)


def written(model, kinds: str, start: str, length: int, device) -> str:
    model.eval()
    text, states = start, None
    with torch.inference_mode():
        tokens = torch.tensor([[kinds.index(letter) for letter in start]], device=device)
        for _ in range(length):
            logits, states = model(tokens, states)
            tokens = torch.multinomial(torch.softmax(logits[:, -1].float() / 0.8, -1), 1)
            text += kinds[int(tokens)]
    model.train()
    return text


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--text", type=Path, default=GPL if GPL.exists() else Path(__file__).parents[3] / "LICENSE")
    options.add_argument("--cell", default="slstm", help="any cell of pyflashrnn.cells()")
    options.add_argument("--width", type=int, default=256)
    options.add_argument("--heads", type=int, default=4)
    options.add_argument("--layers", type=int, default=1)
    options.add_argument("--streams", type=int, default=16)
    options.add_argument("--length", type=int, default=64, help="characters of a window")
    options.add_argument("--steps", type=int, default=300)
    options.add_argument("--rate", type=float, default=3e-3)
    options.add_argument("--device", default="cpu", help="cuda, cuda:1, ...")
    options.add_argument("--dtype", default="float32", help="bfloat16 or float16: autocast")
    options.add_argument("--compile", action="store_true", help="torch.compile")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()

    torch.manual_seed(chosen.seed)
    text = chosen.text.read_text(errors="replace")
    kinds = "".join(sorted(set(text)))
    tokens = torch.tensor([kinds.index(letter) for letter in text], device=chosen.device)
    held_out, tokens = tokens[len(tokens) * 9 // 10:], tokens[:len(tokens) * 9 // 10]
    model = LanguageModel(len(kinds), chosen.width, chosen.heads, chosen.layers, chosen.cell).to(chosen.device)
    run = torch.compile(model, fullgraph=True) if chosen.compile else model
    count = sum(parameter.numel() for parameter in model.parameters())
    print(f"{chosen.text}: {len(tokens)} characters to train on, {len(held_out)} held out, {len(kinds)} kinds")
    print(f"{chosen.cell}: {chosen.heads} x {chosen.width // chosen.heads} units, layers: {chosen.layers}, "
          f"{count} parameters")

    optimizer = torch.optim.AdamW(model.parameters(), chosen.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, chosen.rate, chosen.steps)
    dtype = getattr(torch, chosen.dtype)
    step, states, began, losses = 0, None, time.perf_counter(), []
    print("   step  bits per character    held out   characters a second")
    while step < chosen.steps:
        states = None
        for inputs, targets in windows(tokens, chosen.streams, chosen.length):
            with torch.autocast(torch.device(chosen.device).type, dtype, enabled=dtype != torch.float32):
                logits, states = run(inputs, states)
            loss = nn.functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            states = detached(states)
            losses.append(loss.item() / math.log(2))
            step += 1
            if step % max(chosen.steps // 6, 1) == 0:
                rate = len(losses) * targets.numel() / (time.perf_counter() - began)
                print(f"{step:7} {sum(losses) / len(losses):19.3f} {bits_per_character(model, held_out, 512):11.3f} "
                      f"{rate:21.0f}")
                losses, began = [], time.perf_counter()
            if step == chosen.steps:
                break
    print("\n" + written(model, kinds, text[0], 300, chosen.device))


if __name__ == "__main__":
    main()
