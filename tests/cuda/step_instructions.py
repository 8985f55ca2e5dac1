#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the steps of a direct forward kernel with a batch tile of 4 to the order that docs/cuda-notebook.md found fast.

    step_instructions.py NVDISASM UNITS CUBIN ...

Between two barriers of its computing warps an LSTM's step on the plain way has five tanh for each of a lane's UNITS; these
steps must have few instructions, none that moves tensors, no exit (fence_schedule of ptx.cuh), no load behind the first tanh,
behind which the barrier would wait, but those of the next step's inputs where they are read early (direct_forward_four.cuh),
and next to nothing else between the last tanh and the barrier. A compiler or a change that puts more there makes a kernel that is
right and slower, which no other test without a GPU would see. Exit status 77 without nvdisasm: skipped.
"""
import re
import sys

from disassembly import check_each

TANHS = 5  # a unit
STEPS = 4  # of a turn of the loop
INPUTS = 4
# By the units of a lane. CUDA 13.0's assembler has 46, 49, 55 and 66 (a turn's first step), or 93, 96, 103 and 109; and up to
# 11 that load nothing after the last tanh of two units.
MOST_INSTRUCTIONS = {1: 80, 2: 120}
MOST_AFTER_TANH = {1: 12, 2: 12}
LATE_LOADS = {1: 0, 2: INPUTS}
MOVING = ("STG", "LDG", "SHFL", "ATOM", "UBLKCP", "SYNCS")


def steps(text, units):
    """The instructions between barriers, as far as they have the tanhs of one step."""
    found, current = [], []
    for line in text.splitlines():
        match = re.search(r"/\*[0-9a-f]{4,}\*/\s+(.*?);", line)
        if not match:
            continue
        instruction = re.sub(r"^@!?U?P\w+\s+", "", match.group(1).strip())
        if instruction.startswith("BAR.SYNC"):
            if sum(i.startswith("MUFU.TANH") for i in current) == TANHS * units:
                found.append(current)
            current = []
        else:
            current.append(instruction)
    return sorted(found, key=len)


def complaints(step, units):
    if len(step) > MOST_INSTRUCTIONS[units]:
        yield f"has {len(step)} instructions: must have at most {MOST_INSTRUCTIONS[units]}"
    moving = [i for i in step if i.startswith(MOVING)]
    if moving:
        yield f"moves tensors itself: {moving[0]}"
    if any(i.startswith("EXIT") for i in step):
        yield "has an exit, across which the assembler moves nothing"
    first = min(k for k, i in enumerate(step) if i.startswith("MUFU.TANH"))
    loads = [i.split()[0] for i in step[first:] if i.startswith("LDS")]
    if loads != ["LDS"] * LATE_LOADS[units]:
        yield f"loads {len(loads)} times from shared memory behind its first tanh ({', '.join(loads)}): must be {LATE_LOADS[units]} words"
    last = max(k for k, i in enumerate(step) if i.startswith("MUFU.TANH"))
    after = sum(not i.startswith("LDS") for i in step[last + 1:])
    if after > MOST_AFTER_TANH[units]:
        yield f"has {after} instructions after its last tanh: must have at most {MOST_AFTER_TANH[units]}"


def is_wrong(cubin, text, units):
    found = steps(text, units)[:STEPS]
    if len(found) < STEPS:
        print(f"{cubin}: {len(found)} steps with {TANHS * units} tanh between two barriers: must be at least {STEPS}")
        return True
    wrong = [c for step in found for c in complaints(step, units)]
    for complaint in wrong:
        print(f"{cubin}: a step {complaint}")
    print(f"{cubin}: steps of {', '.join(str(len(s)) for s in found)} instructions")
    return bool(wrong)


if __name__ == "__main__":
    units = int(sys.argv[2])
    sys.exit(check_each(sys.argv[1], sys.argv[3:], lambda cubin, text: is_wrong(cubin, text, units)))
