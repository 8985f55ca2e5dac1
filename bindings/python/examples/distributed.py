# SPDX-License-Identifier: Apache-2.0
"""Trains on several devices with DistributedDataParallel.

    torchrun --nproc-per-node 2 bindings/python/examples/distributed.py                       # two GPUs, or
    torchrun --nproc-per-node 2 bindings/python/examples/distributed.py --device cpu          # two processes

Every process runs its share of the batch: sequences are independent, so nothing of the recurrence is exchanged, only
the gradients, by DDP as with any module. Heads are independent too: `--shard heads` gives each process its heads of
every sequence instead, and the outputs of all are put together for the readout.

The task: the parity of the bits seen so far, after every step.
"""
from __future__ import annotations

import argparse
import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from pyflashrnn.torch import MultiHeadLSTM


class Gathered(torch.autograd.Function):
    """The outputs of all processes' heads side by side. All go on to compute the same loss from them, so the gradient
    of a process's own heads is its part of what comes back."""

    @staticmethod
    def forward(ctx, y):
        y = y.contiguous()  # what is sent must be packed, and so must be where it goes
        parts = [torch.empty_like(y) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, y)
        return torch.cat(parts, -1)

    @staticmethod
    def backward(ctx, gradient):
        return gradient.chunk(dist.get_world_size(), -1)[dist.get_rank()]


class Parity(nn.Module):
    """With `shards` above 1 this process has its share of the heads."""

    HEADS = 4

    def __init__(self, width: int, shards: int = 1):
        super().__init__()
        self.shards = shards
        self.recurrence = MultiHeadLSTM(2, width // shards, self.HEADS // shards, batch_first=True)
        self.readout = nn.Linear(width, 2)

    def forward(self, bits):
        y, _ = self.recurrence(nn.functional.one_hot(bits, 2).float())
        if self.shards > 1:
            y = Gathered.apply(y)
        return self.readout(y)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--device", choices=("cuda", "cpu"), default="cuda" if torch.cuda.is_available() else "cpu")
    options.add_argument("--shard", choices=("batch", "heads"), default="batch")
    options.add_argument("--batch", type=int, default=128, help="sequences of all processes together")
    options.add_argument("--length", type=int, default=16)
    options.add_argument("--steps", type=int, default=300)
    options.add_argument("--goal", type=float, default=0.99, help="an accuracy below it makes the exit status 1")
    chosen = options.parse_args()

    device = torch.device("cpu")
    if chosen.device == "cuda":  # first of all: NCCL takes the current device, and each process must have its own
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        if device.index >= torch.cuda.device_count():
            raise SystemExit(f"process {device.index} has no GPU: there are {torch.cuda.device_count()}")
        torch.cuda.set_device(device)
    else:
        torch.set_num_threads(1)
    dist.init_process_group("nccl" if chosen.device == "cuda" else "gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    if Parity.HEADS % size and chosen.shard == "heads":
        raise SystemExit(f"{size} processes cannot share {Parity.HEADS} heads alike")

    by_heads = chosen.shard == "heads"
    torch.manual_seed(rank if by_heads else 0)
    model = Parity(64, size if by_heads else 1).to(device)
    if by_heads:  # the readout is everybody's, the heads are one's own
        for parameter in model.readout.parameters():
            dist.broadcast(parameter.data, 0)
        trained = model
    else:
        trained = DistributedDataParallel(model, device_ids=None if device.index is None else [device.index])
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    random = torch.Generator().manual_seed(1)  # the same everywhere: each process takes its share of the same batch

    def batch():
        bits = torch.randint(0, 2, (chosen.batch, chosen.length), generator=random).to(device)
        share = slice(None) if by_heads else slice(rank * chosen.batch // size, (rank + 1) * chosen.batch // size)
        return bits[share], (bits.cumsum(1) % 2)[share]

    for step in range(chosen.steps):
        bits, parity = batch()
        loss = nn.functional.cross_entropy(trained(bits).flatten(0, 1), parity.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(model.parameters(), 0.1)  # the same everywhere, as a norm of one's own heads is not
        optimizer.step()
        if rank == 0 and (step + 1) % max(chosen.steps // 6, 1) == 0:
            print(f"step {step + 1:5}  loss {loss.item():.4f}", flush=True)

    with torch.no_grad():
        bits, parity = batch()
        right = (model(bits).argmax(-1) == parity).float().mean()
    dist.all_reduce(right)
    accuracy = right.item() / size
    # What all processes have, they have kept the same.
    shared = model.readout.weight.detach().clone()
    dist.broadcast(shared, 0)
    same = torch.equal(shared, model.readout.weight)
    if rank == 0:
        print(f"{size} processes on {chosen.device}, by {chosen.shard}: accuracy {accuracy:.4f}")
    dist.destroy_process_group()
    raise SystemExit(0 if accuracy >= chosen.goal and same else 1)


if __name__ == "__main__":
    main()
