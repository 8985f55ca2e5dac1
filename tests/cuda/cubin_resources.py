#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads registers and local memory of the kernels in cubins, and fails where a kernel has local memory.

    cubin_resources.py --spilling CUBIN CUBIN...

Spilled registers and arrays that no register can hold both live in a thread's stack frame, so a frame of 0 bytes means
neither. --spilling names a cubin that has a frame: the reader is wrong if it sees none there. A cubin is an ELF file; its
section .nv.info lists per function EIATTR_FRAME_SIZE (0x11) and EIATTR_REGCOUNT (0x2f), each as a symbol and a number, which
is what cuobjdump --dump-resource-usage prints as STACK and REG. Exit status 77 without cubins: skipped.
"""
import struct
import sys

FRAME_SIZE, REGISTER_COUNT = 0x11, 0x2F
FORMAT_SIZED = 4  # the other formats have their value in the 16 bits that hold the size here


def sections(data):
    if data[:4] != b"\x7fELF" or data[4] != 2:
        raise ValueError("not a 64-bit ELF file")
    start, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    heads = []
    for i in range(count):
        name, kind, _, _, offset, length, link = struct.unpack_from("<IIQQQQI", data, start + i * size)
        heads.append((name, kind, offset, length, link))
    return [(text(data, heads[names][2] + h[0]),) + h[1:] for h in heads]


def text(data, offset):
    return data[offset:data.index(b"\0", offset)].decode()


def resources(data):
    """{kernel: {attribute: value}}"""
    heads = sections(data)
    symbols = next(h for h in heads if h[1] == 2)
    strings = heads[symbols[4]]

    def symbol(index):
        name, = struct.unpack_from("<I", data, symbols[2] + 24 * index)
        return text(data, strings[2] + name)

    found = {}
    _, _, offset, length, _ = next(h for h in heads if h[0] == ".nv.info")
    end = offset + length
    while offset + 4 <= end:
        form, attribute, size = struct.unpack_from("<BBH", data, offset)
        offset += 4
        if form != FORMAT_SIZED:
            continue
        if attribute in (FRAME_SIZE, REGISTER_COUNT):
            index, value = struct.unpack_from("<II", data, offset)
            found.setdefault(symbol(index), {})[attribute] = value
        offset += size
    return found


def frames(path):
    with open(path, "rb") as file:
        found = resources(file.read())
    if not found or any(FRAME_SIZE not in r or REGISTER_COUNT not in r for r in found.values()):
        raise ValueError(f"{path}: frame size or register count is missing: {found}")
    return {name: (r[FRAME_SIZE], r[REGISTER_COUNT]) for name, r in found.items()}


def main():
    if len(sys.argv) < 3 or sys.argv[1] != "--spilling":
        sys.exit(__doc__)
    spilling = frames(sys.argv[2])
    if not all(frame > 0 for frame, _ in spilling.values()):
        sys.exit(f"{sys.argv[2]} spills, but this is what was read: {spilling}")
    if len(sys.argv) == 3:
        print("skipped: this build has no fused kernels")
        sys.exit(77)
    bad = 0
    for path in sys.argv[3:]:
        for name, (frame, registers) in frames(path).items():
            print(f"{path.rsplit('/', 1)[-1]}: {name}: {registers} registers, {frame} bytes of local memory")
            bad += frame > 0
    if bad:
        sys.exit(f"{bad} kernels have local memory: they must have none")


main()
