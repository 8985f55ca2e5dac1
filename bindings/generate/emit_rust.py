# SPDX-License-Identifier: Apache-2.0
"""Declarations for Rust's FFI. See __main__.py for what an emitter is."""
from __future__ import annotations

import re
import textwrap

from parse import Callback, Enum, Function, Handle, Header, Macro, Struct, Type

OUTPUT = "bindings/rust/flashrnn-sys/src/declarations.rs"

_SCALARS = {"char": "c_char", "int8_t": "i8", "uint8_t": "u8", "int16_t": "i16", "uint16_t": "u16", "int32_t": "i32",
            "uint32_t": "u32", "int64_t": "i64", "uint64_t": "u64", "size_t": "usize", "float": "f32",
            "double": "f64", "void": "c_void"}


def _type(type_: Type) -> str:
    text = _SCALARS.get(type_.base, type_.base)
    for depth in range(type_.pointers):
        text = ("*const " if type_.const and depth == 0 else "*mut ") + text
    return text


def _doc(text: str, indent: str = "") -> list[str]:
    """rustdoc reads Markdown, in which shapes in brackets would be links."""
    escaped = re.sub(r"([\[\]<>*])", r"\\\1", text)
    return [f"{indent}/// {line}" for line in textwrap.wrap(escaped, 96 - len(indent))]


def _signature(parameters, result: Type, prefix: str) -> list[str]:
    ends = "" if result == Type("void") else f" -> {_type(result)}"
    arguments = [f"{p.name}: {_type(p.type)}" for p in parameters]
    line = f"{prefix}({', '.join(arguments)}){ends}"
    if len(line) < 96:
        return [line]
    return [f"{prefix}("] + [f"        {argument}," for argument in arguments] + [f"    ){ends}"]


def _struct(header: Header, struct: Struct) -> list[str]:
    lines = ["", *_doc(struct.doc), "#[repr(C)]", "#[derive(Clone, Copy, Debug)]", f"pub struct {struct.name} {{"]
    for f in struct.fields:
        text = f"[{_type(f.type)}; {f.count}]" if f.count else _type(f.type)
        lines += _doc(f.doc, "    ") + [f"    pub {f.name}: {text},"]
    lines += ["}", ""]
    sized = struct.fields[0].name == "struct_size"
    what = "All zero but `struct_size`" if sized else "All zero"
    lines += [f"/// {what}: zero is every field's default.", f"impl Default for {struct.name} {{",
              "    fn default() -> Self {",
              "        // SAFETY: integers, floats and raw pointers, for all of which zero is a value."]
    if sized:
        lines += ["        let zero: Self = unsafe { core::mem::zeroed() };",
                  "        Self { struct_size: core::mem::size_of::<Self>(), ..zero }"]
    else:
        lines += ["        unsafe { core::mem::zeroed() }"]
    lines += ["    }", "}", "", '#[cfg(target_pointer_width = "64")]', "const _: () = {",
              f"    assert!(core::mem::size_of::<{struct.name}>() == {struct.size});"]
    lines += [f"    assert!(core::mem::offset_of!({struct.name}, {f.name}) == {f.offset});" for f in struct.fields]
    return lines + ["};"]


def emit(header: Header) -> str:
    lines = ["// SPDX-License-Identifier: Apache-2.0",
             "// DO NOT EDIT: written by bindings/generate from include/flashrnn/flashrnn.h.",
             "#[allow(unused_imports)]", "use core::ffi::{c_char, c_void};"]
    functions: list[str] = []
    for item in header.items:
        if isinstance(item, Macro):
            lines += _doc(item.doc) + [f"pub const {item.name}: i32 = {item.value};"]
        elif isinstance(item, Enum):
            carrier = item.name or _SCALARS[item.type]
            lines.append("")
            if item.name:
                lines += _doc(item.doc) + [f"pub type {item.name} = {_SCALARS[item.type]};"]
            for value in item.values:
                lines += _doc(value.doc) + [f"pub const {value.name}: {carrier} = {value.value};"]
        elif isinstance(item, Handle):
            lines += ["", f"/// What `{item.name}` points to; only the library knows what is inside.", "#[repr(C)]",
                      f"pub struct {item.tag} {{", "    _private: [u8; 0],", "}", *_doc(item.doc),
                      f"pub type {item.name} = *mut {item.tag};"]
        elif isinstance(item, Callback):
            signature = _signature(item.parameters, item.result, 'unsafe extern "C" fn')
            lines += ["", *_doc(item.doc), f"pub type {item.name} = Option<"]
            lines += [f"    {signature[0]},", ">;"] if len(signature) == 1 else [f"    {' '.join(s.strip() for s in signature)},", ">;"]
        elif isinstance(item, Struct):
            lines += _struct(header, item)
        elif isinstance(item, Function):
            signature = _signature(item.parameters, item.result, f"    pub fn {item.name}")
            functions += ["", *_doc(item.doc, "    "), *signature[:-1], signature[-1] + ";"]
    lines += ["", 'extern "C" {', *functions[1:], "}", ""]
    return "\n".join(lines)
