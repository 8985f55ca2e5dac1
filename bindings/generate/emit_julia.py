# SPDX-License-Identifier: Apache-2.0
"""Declarations for Julia's ccall. See __main__.py for what an emitter is."""
from __future__ import annotations

import textwrap

from parse import Callback, Enum, Function, Handle, Header, Macro, Struct, Type

OUTPUT = "bindings/julia/FlashRNN/src/declarations.jl"

_SCALARS = {"char": "Cchar", "int8_t": "Int8", "uint8_t": "UInt8", "int16_t": "Int16", "uint16_t": "UInt16",
            "int32_t": "Int32", "uint32_t": "UInt32", "int64_t": "Int64", "uint64_t": "UInt64", "size_t": "Csize_t",
            "float": "Cfloat", "double": "Cdouble", "void": "Cvoid"}


def _type(type_: Type) -> str:
    # A text that comes in or goes out ends with a zero; one that is written is bytes of the caller's.
    if type_ == Type("char", 1, True):
        return "Cstring"
    text = _SCALARS.get(type_.base, type_.base)
    return "Ptr{" * type_.pointers + text + "}" * type_.pointers


def _field_type(f) -> str:
    return f"NTuple{{{f.count}, {_type(f.type)}}}" if f.count else _type(f.type)


def _comment(text: str, indent: str = "") -> list[str]:
    return [f"{indent}# {line}" for line in textwrap.wrap(text, 110 - len(indent))]


def _zero(header: Header, f) -> str:
    """Zero is every field's default, a struct's own size that of struct_size."""
    structs = {struct.name for struct in header.structs}
    if f.count:
        return f"ntuple(_ -> zero({_type(f.type)}), {f.count})"
    if _type(f.type) == "Cstring":
        return "Cstring(C_NULL)"
    if f.type.pointers or f.type.base in {handle.name for handle in header.handles}:
        return "C_NULL"
    return f"{f.type.base}()" if f.type.base in structs else "0"


def _struct(header: Header, struct: Struct) -> list[str]:
    lines = ["", *_comment(struct.doc), f"struct {struct.name}"]
    for f in struct.fields:
        lines += _comment(f.doc, "    ") + [f"    {f.name}::{_field_type(f)}"]
    lines += ["end", f"function {struct.name}(;"]
    for f in struct.fields:
        default = f"sizeof({struct.name})" if f.name == "struct_size" else _zero(header, f)
        lines.append(f"    {f.name} = {default},")
    names = ", ".join(f.name for f in struct.fields)
    lines += [")"] + textwrap.wrap(f"return {struct.name}({names})", 100, initial_indent="    ",
                                   subsequent_indent="        ", break_on_hyphens=False) + ["end"]
    return lines


def _function(index: int, function: Function) -> list[str]:
    names = ", ".join(p.name for p in function.parameters)
    types = ", ".join(_type(p.type) for p in function.parameters) + ("," if len(function.parameters) == 1 else "")
    arguments = f", {names}" if names else ""
    return ["", *_comment(function.doc), f"function {function.name}({names})",
            f"    return ccall(symbol({index}), {_type(function.result)}, ({types}){arguments})", "end"]


def emit(header: Header) -> str:
    lines = ["# SPDX-License-Identifier: Apache-2.0",
             "# DO NOT EDIT: written by bindings/generate from include/flashrnn/flashrnn.h."]
    for item in header.items:
        if isinstance(item, Macro):
            lines.append(f"const {item.name} = {item.value}")
        elif isinstance(item, Enum):
            lines += ["", *_comment(item.doc)]
            carrier = item.name or _SCALARS[item.type]
            if item.name:
                lines.append(f"const {item.name} = {_SCALARS[item.type]}")
            for value in item.values:
                lines += _comment(value.doc) + [f"const {value.name} = {carrier}({value.value})"]
        elif isinstance(item, (Handle, Callback)):
            kind = "opaque" if isinstance(item, Handle) else "a pointer made by @cfunction"
            lines += [*_comment(item.doc), f"const {item.name} = Ptr{{Cvoid}} # {kind}"]
        elif isinstance(item, Struct):
            lines += _struct(header, item)
    lines += ["", "# In the order of the indices that symbol() is called with below.", "const SYMBOL_NAMES = ("]
    lines += [f"    :{function.name}," for function in header.functions] + [")"]
    for index, function in enumerate(header.functions, 1):
        lines += _function(index, function)
    lines += ["", "# size and offsets of every struct on 64-bit platforms, for the tests", "const LAYOUT = ("]
    for struct in header.structs:
        offsets = ", ".join(str(f.offset) for f in struct.fields)
        lines.append(f"    ({struct.name}, {struct.size}, ({offsets},)),")
    return "\n".join(lines + [")", ""])
