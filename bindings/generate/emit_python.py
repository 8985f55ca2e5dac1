# SPDX-License-Identifier: Apache-2.0
"""Declarations for ctypes. See __main__.py for what an emitter is."""
from __future__ import annotations

import re

from parse import Callback, Enum, Handle, Header, Macro, Struct, Type

OUTPUT = "bindings/python/src/pyflashrnn/_declarations.py"

_SCALARS = {"char": "c_char", "int8_t": "c_int8", "uint8_t": "c_uint8", "int16_t": "c_int16", "uint16_t": "c_uint16",
            "int32_t": "c_int32", "uint32_t": "c_uint32", "int64_t": "c_int64", "uint64_t": "c_uint64",
            "size_t": "c_size_t", "float": "c_float", "double": "c_double"}


def _ctype(header: Header, type_: Type, pointers: int | None = None) -> str:
    pointers = type_.pointers if pointers is None else pointers
    if type_.base == "void":
        if pointers == 0:
            return "None"
        return "ctypes.c_void_p" if pointers == 1 else f"ctypes.POINTER({_ctype(header, type_, pointers - 1)})"
    # A text that comes in or goes out ends with a zero; one that is written is bytes of the caller's.
    if type_.base == "char" and pointers == 1:
        return "ctypes.c_char_p"
    if pointers:
        return f"ctypes.POINTER({_ctype(header, type_, pointers - 1)})"
    if type_.base in _SCALARS:
        return f"ctypes.{_SCALARS[type_.base]}"
    return type_.base


def _tuple(values: list[str]) -> str:
    return "(" + ", ".join(values) + ("," if len(values) == 1 else "") + ")"


def emit(header: Header) -> str:
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        "# DO NOT EDIT: written by bindings/generate from include/flashrnn/flashrnn.h.",
        '"""The C ABI as ctypes sees it; flashrnn.h says what everything means."""',
        "import ctypes",
        "",
    ]
    for item in header.items:
        if isinstance(item, Macro):
            lines.append(f"{item.name} = {item.value}")
        elif isinstance(item, Enum):
            lines.append("")
            if item.name:
                lines.append(f"{item.name} = ctypes.{_SCALARS[item.type]}")
            lines += [f"{value.name} = {value.value}" for value in item.values]
        elif isinstance(item, Handle):
            lines.append(f"{item.name} = ctypes.c_void_p")
        elif isinstance(item, Callback):
            types = [_ctype(header, item.result)] + [_ctype(header, p.type) for p in item.parameters]
            lines += ["", f"{item.name} = ctypes.CFUNCTYPE({', '.join(types)})"]
        elif isinstance(item, Struct):
            lines += ["", "", f"class {item.name}(ctypes.Structure):", "    _fields_ = ["]
            for f in item.fields:
                ctype = _ctype(header, f.type) + (f" * {f.count}" if f.count else "")
                lines.append(f'        ("{f.name}", {ctype}),')
            lines += ["    ]", "", ""]
    lines += ["", "# name: (result, parameters)", "FUNCTIONS = {"]
    for function in header.functions:
        result = _ctype(header, function.result)
        parameters = _tuple([_ctype(header, p.type) for p in function.parameters])
        lines.append(f'    "{function.name}": ({result}, {parameters}),')
    lines += ["}", ""]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines))
