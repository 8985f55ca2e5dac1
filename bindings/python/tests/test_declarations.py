# SPDX-License-Identifier: Apache-2.0
"""The generated declarations lie in memory as the compiler lays the header's structs out."""
import ctypes
from pathlib import Path

import pytest

from pyflashrnn import _declarations as c

LAYOUT = Path(__file__).resolve().parents[3] / "tests/abi/layout.txt"


def test_the_layout_is_the_compilers():
    if not LAYOUT.exists():
        pytest.skip("not within the project's tree")
    kind, seen = None, set()
    for line in LAYOUT.read_text().splitlines():
        name, *numbers = line.split()
        if line.startswith(" "):
            field = getattr(kind, name)
            assert (field.offset, field.size) == tuple(int(number) for number in numbers), (kind, name)
            seen.add((kind, name))
        elif name.startswith("FLASHRNN_"):
            assert getattr(c, name) == int(numbers[0]), name
        else:
            kind = getattr(c, name)
            assert ctypes.sizeof(kind) == int(numbers[0]), name
    structs = [kind for kind in vars(c).values() if isinstance(kind, type) and issubclass(kind, ctypes.Structure)]
    assert seen == {(kind, field[0]) for kind in structs for field in kind._fields_}
