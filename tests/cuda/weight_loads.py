#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the fused kernels to reading R at once before their first step.

    weight_loads.py NVDISASM CUBIN...

The loads of a plain R (weights.cuh) stand in one piece of the program without branches, and nothing there waits for the first of
them before several are under way: one answer of memory after the other took as long as dozens of steps (docs/cuda-notebook.md,
"What comes before the first step"), and is right, so no other test without a GPU would see it. Exit status 77 without nvdisasm:
skipped.
"""
import re
import sys

from disassembly import check_each

# Loads of the largest piece, which a head of 32 units has, and those of them that are under way before anything waits for one:
# where weights take most registers, what has come is moved to its place before the last are asked for.
LEAST = 3
LEAST_BEFORE_WAIT = 4
ENDS = ("BRA", "BRX", "EXIT", "RET", "BSYNC", "BAR", "WARPSYNC", "UCGABAR")
WORDS = {"": 1, "64": 2, "128": 4}


def pieces(text):
    """Instructions without branches or labels between them, each as its name and its operands."""
    current = []
    for line in text.splitlines():
        if re.match(r"\s*\.L_", line):
            yield current
            current = []
        match = re.search(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?(\S+)\s*(.*?)\s*;", line)
        if not match:
            continue
        if match.group(1).split(".")[0] in ENDS:
            yield current
            current = []
        else:
            current.append((match.group(1), match.group(2)))
    yield current


def registers(operand):
    return {int(n) for n in re.findall(r"\bR(\d+)", operand)}


def loaded_by(name, operands):
    """The registers that a load of R writes; none of another instruction."""
    match = re.match(r"LDG\.E(?:\.(64|128))?\.CONSTANT", name)
    if not match:
        return set()
    first = int(re.match(r"R(\d+)", operands).group(1))
    return set(range(first, first + WORDS[match.group(1) or ""]))


def read_by(name, operands):
    """Registers that an instruction reads, as far as one operand names one."""
    parts = operands.split(",", 1)
    has_result = not name.startswith(("ST", "RED", "ISETP", "FSETP"))
    return registers(parts[1] if has_result and len(parts) > 1 else operands)


def check(piece):
    """How many loads of R the piece has, and how many of them stand before the first use of what one has loaded."""
    loads, before, loaded = 0, None, set()
    for name, operands in piece:
        if before is None and read_by(name, operands) & loaded:
            before = loads
        loaded |= loaded_by(name, operands)
        loads += bool(loaded_by(name, operands))
    return loads, loads if before is None else before


def is_wrong(cubin, text):
    loads, before = max(check(piece) for piece in pieces(text))
    print(f"{cubin}: {loads} loads of R in a piece without branches, {before} before the first wait")
    if loads < LEAST:
        print(f"{cubin}: {loads} loads of R in a piece without branches: must be at least {LEAST}")
    elif before < min(loads, LEAST_BEFORE_WAIT):
        print(f"{cubin}: waits for R when {before} loads are under way: must be at least {min(loads, LEAST_BEFORE_WAIT)}")
    return loads < LEAST or before < min(loads, LEAST_BEFORE_WAIT)


if __name__ == "__main__":
    sys.exit(check_each(sys.argv[1], sys.argv[2:], is_wrong))
