#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds backward's direct tiles of 4 to rounding what goes from step to step.

    step_rounding.py NVDISASM CUBIN...

Their steps have no branch between them where warps send partial gradients, so the compiler may fuse the product that gives c's
gradient of one step with the addition of the next one, in some steps and not in others and not in a build with delays: then bits
depend on it (direct_backward_pairs.cuh). Such an instruction multiplies what a fused product and sum gave, c's whole gradient,
and adds a product that stands for itself. Exit status 77 without nvdisasm: skipped.
"""
import re
import sys

from disassembly import check_each


def sums_across_steps(text):
    # In the order of the program: a wait in the middle of a step is a branch that is not taken.
    writer, found, sums = {}, [], 0
    for line in text.splitlines():
        match = re.search(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?(\S+)\s*(.*?)\s*;", line)
        if not match:
            continue
        name, operands = match.group(1).split(".")[0], [o.removesuffix(".reuse").lstrip("-") for o in match.group(2).split(", ")]
        if name == "FFMA" and re.fullmatch(r"R\d+", operands[3]):
            sums += 1
            if writer.get(operands[3]) == "FMUL" and "sum" in (writer.get(operands[1]), writer.get(operands[2])):
                found.append(match.group(0))
            writer[operands[0]] = "sum"
        elif re.fullmatch(r"R\d+", operands[0]) and not name.startswith("ST"):
            writer[operands[0]] = name
    return found, sums


def is_wrong(cubin, text):
    found, sums = sums_across_steps(text)
    print(f"{cubin}: {sums} fused sums, {len(found)} with a product of the step before")
    if sums == 0 or found:
        print(f"{cubin}: {found[0] if found else 'no sum at all'}: what goes from step to step must be rounded there")
    return sums == 0 or bool(found)


if __name__ == "__main__":
    sys.exit(check_each(sys.argv[1], sys.argv[2:], is_wrong))
