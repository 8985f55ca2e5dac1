# SPDX-License-Identifier: Apache-2.0
"""Reads the public header into plain data that the emitters walk.

It knows the small part of C that the header keeps to, and refuses everything else with the line's number: a
declaration that it cannot read is an error here, never one that is missing from the bindings.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Optional

# Size and alignment of the types by value on 64-bit platforms.
SCALARS = {"char": 1, "int8_t": 1, "uint8_t": 1, "int16_t": 2, "uint16_t": 2, "int32_t": 4, "uint32_t": 4,
           "int64_t": 8, "uint64_t": 8, "size_t": 8, "float": 4, "double": 8}
POINTER = 8


@dataclass(frozen=True)
class Type:
    """`const char*` is Type("char", pointers=1, const=True). `base` is a key of SCALARS, "void", or the name of an
    enum, a handle, a callback or a struct of the header."""

    base: str
    pointers: int = 0
    const: bool = False  # of what the innermost pointer points to


@dataclass
class Macro:
    name: str
    value: int
    doc: str = ""


@dataclass
class EnumValue:
    name: str
    value: int
    doc: str = ""


@dataclass
class Enum:
    """`name` is that of the typedef over it, or "" for a set of bits, which the header gives no type; `doc` then says
    what holds them. `type` is the type that carries the values: int32_t, or uint32_t for bits."""

    name: str
    type: str
    values: list[EnumValue]
    doc: str = ""

    @property
    def is_bits(self) -> bool:
        return not self.name


@dataclass
class Handle:
    """typedef struct <tag>* <name>;"""

    name: str
    tag: str
    doc: str = ""


@dataclass
class Parameter:
    name: str
    type: Type


@dataclass
class Callback:
    name: str
    result: Type
    parameters: list[Parameter]
    doc: str = ""


@dataclass
class Field:
    name: str
    type: Type
    count: int = 0  # elements of an array, 0 for a plain field
    doc: str = ""
    offset: int = 0  # on 64-bit platforms


@dataclass
class Struct:
    name: str
    fields: list[Field]
    doc: str = ""
    size: int = 0  # on 64-bit platforms
    alignment: int = 1


@dataclass
class Function:
    name: str
    result: Type
    parameters: list[Parameter]
    doc: str = ""


@dataclass
class Header:
    """Everything in the header's order, so that what is used comes after what it uses. `items` holds all of them,
    mixed, in that order."""

    items: list = field(default_factory=list)

    def _all(self, kind):
        return [item for item in self.items if isinstance(item, kind)]

    @property
    def macros(self) -> list[Macro]:
        return self._all(Macro)

    @property
    def enums(self) -> list[Enum]:
        return self._all(Enum)

    @property
    def handles(self) -> list[Handle]:
        return self._all(Handle)

    @property
    def callbacks(self) -> list[Callback]:
        return self._all(Callback)

    @property
    def structs(self) -> list[Struct]:
        return self._all(Struct)

    @property
    def functions(self) -> list[Function]:
        return self._all(Function)

    def constants(self) -> dict[str, int]:
        values = {macro.name: macro.value for macro in self.macros}
        values.update((value.name, value.value) for enum in self.enums for value in enum.values)
        return values

    def size_of(self, field: Field) -> int:
        return _measure(self, field.type)[0] * max(field.count, 1)

    def layout(self) -> str:
        """Constants (but the version) and structs in the format of tests/abi/layout.txt."""
        lines = [f"{value.name} {value.value}" for enum in self.enums for value in enum.values]
        lines += [f"{macro.name} {macro.value}" for macro in self.macros if "_VERSION_" not in macro.name]
        for struct in self.structs:
            lines.append(f"{struct.name} {struct.size}")
            lines += [f"  {f.name} {f.offset} {self.size_of(f)}" for f in struct.fields]
        return "\n".join(lines) + "\n"


class ParseError(Exception):
    pass


class Token(NamedTuple):
    kind: str  # "word", "number", "mark", "string" or "comment"
    text: str
    line: int
    end_line: int


_TOKEN = re.compile(r"""
    (?P<comment>/\*.*?\*/) | (?P<string>"[^"\n]*") | (?P<word>[A-Za-z_]\w*) | (?P<number>0[xX][0-9a-fA-F]+|\d+)[uUlL]*
  | (?P<mark><<|[-+*(){}\[\],;=|]) | (?P<space>\s+)""", re.VERBOSE | re.DOTALL)


def _visible(text: str) -> tuple[str, dict[int, tuple[str, str]]]:
    """Blanks directives and what they hide (anything but plain C on any platform but Windows), keeping the lines;
    gives the integer macros by line too."""
    shown, macros, conditions = [], {}, []
    continued = False
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        is_directive = continued or (bool(words) and words[0].startswith("#"))
        if is_directive and not continued:
            directive = words[0][1:]
            if directive == "ifndef":
                conditions.append(True)
            elif directive in ("if", "ifdef"):
                conditions.append(False)
            elif directive in ("else", "elif"):
                conditions[-1] = directive == "else" and not conditions[-1]
            elif directive == "endif":
                conditions.pop()
            elif directive == "define" and all(conditions):
                match = re.fullmatch(r"#define\s+(\w+)\s+(0[xX][0-9a-fA-F]+|\d+)\s*(/\*.*\*/)?\s*", line)
                if match:
                    macros[number] = (match[1], match[2])
            elif directive not in ("include", "define"):
                raise ParseError(f"line {number}: directive #{directive} is not known here")
        continued = is_directive and line.endswith("\\")
        shown.append("" if is_directive or not all(conditions) else line)
    if conditions:
        raise ParseError("the end of the file is reached within an #if")
    return "\n".join(shown), macros


def _tokens(text: str) -> list[Token]:
    tokens, position, line = [], 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match:
            raise ParseError(f"line {line}: {text[position:position + 20]!r} is not known here")
        end_line = line + match[0].count("\n")
        if match.lastgroup != "space":
            tokens.append(Token(match.lastgroup, match[match.lastgroup], line, end_line))
        position, line = match.end(), end_line
    return tokens


def _comment_text(token: Token) -> str:
    lines = [re.sub(r"^\s*\*? ?", "", line).rstrip() for line in token.text[2:-2].split("\n")]
    return " ".join(line for line in (line.strip() for line in lines) if line)


class _Parser:
    """Comments: one that starts on the line of the token before it belongs to that item; one that ends on the line
    before the next token belongs to that; any other stands alone and belongs to none."""

    def __init__(self, tokens: list[Token]):
        self.tokens = tokens
        self.place = 0
        self.last: Optional[Token] = None
        self.leading = ""
        self.trailing = ""
        self.skip_comments()

    def skip_comments(self) -> None:
        self.leading = self.trailing = ""
        while self.place < len(self.tokens) and self.tokens[self.place].kind == "comment":
            token = self.tokens[self.place]
            self.place += 1
            following = self.tokens[self.place] if self.place < len(self.tokens) else None
            if self.last and token.line == self.last.end_line:
                self.trailing = _comment_text(token)
            elif following and following.kind != "comment" and following.line == token.end_line + 1:
                self.leading = _comment_text(token)

    def peek(self) -> str:
        return self.tokens[self.place].text if self.place < len(self.tokens) else ""

    def fail(self, wanted: str):
        found = repr(self.peek()) if self.peek() else "the end of the file"
        line = self.tokens[min(self.place, len(self.tokens) - 1)].line
        raise ParseError(f"line {line}: {wanted} is expected, not {found}")

    def take(self, text: str = "", kind: str = "") -> str:
        if self.place >= len(self.tokens):
            self.fail(text or f"a {kind}")
        token = self.tokens[self.place]
        if (text and token.text != text) or (kind and token.kind != kind):
            self.fail(repr(text) if text else f"a {kind}")
        self.place += 1
        self.last = token
        self.skip_comments()
        return token.text

    def take_if(self, text: str) -> bool:
        if self.peek() != text:
            return False
        self.take(text)
        return True

    # One method for each rule of the grammar.

    def type(self) -> Type:
        const = self.take_if("const")
        base = self.take(kind="word")
        const = self.take_if("const") or const
        pointers = 0
        while self.take_if("*"):
            pointers += 1
        return Type(base, pointers, const)

    def constant(self, known: dict[str, int]) -> int:
        sign = -1 if self.take_if("-") else 1
        token = self.tokens[self.place] if self.place < len(self.tokens) else None
        if token and token.kind == "word":
            if token.text not in known:
                self.fail("a constant defined above")
            return sign * known[self.take()]
        value = sign * int(self.take(kind="number"), 0)
        if self.take_if("<<"):
            value <<= int(self.take(kind="number"), 0)
        return value

    def parameters(self) -> list[Parameter]:
        self.take("(")
        found: list[Parameter] = []
        if self.take_if(")"):
            return found
        while True:
            type_ = self.type()
            if type_ == Type("void") and self.peek() == ")":
                break
            found.append(Parameter(self.take(kind="word"), type_))
            if not self.take_if(","):
                break
        self.take(")")
        return found

    def enum_values(self, known: dict[str, int]) -> list[EnumValue]:
        self.take("enum")
        self.take("{")
        found: list[EnumValue] = []
        while self.peek() != "}":
            doc = self.leading
            name = self.take(kind="word")
            self.take("=")  # values are pinned, so each is spelt out
            value = EnumValue(name, self.constant(known))
            before = self.trailing
            has_next = self.take_if(",")
            value.doc = self.trailing or before or doc
            known[name] = value.value
            found.append(value)
            if not has_next:
                break
        self.take("}")
        self.take(";")
        return found

    def fields(self, known: dict[str, int]) -> list[Field]:
        self.take("{")
        found: list[Field] = []
        while self.peek() != "}":
            doc = self.leading
            type_ = self.type()
            name = self.take(kind="word")
            count = 0
            if self.take_if("["):
                count = self.constant(known)
                self.take("]")
            self.take(";")
            found.append(Field(name, type_, count, self.trailing or doc))
        self.take("}")
        return found

    def typedef(self, known: dict[str, int]):
        doc = self.leading
        self.take("typedef")
        if self.take_if("struct"):
            tag = self.take(kind="word")
            if self.take_if("*"):
                item = Handle(self.take(kind="word"), tag, doc)
                self.take(";")
                return item
            fields = self.fields(known)
            item = Struct(self.take(kind="word"), fields, doc)
            self.take(";")
            return item
        type_ = self.type()
        if self.take_if("("):
            self.take("*")
            name = self.take(kind="word")
            self.take(")")
            item = Callback(name, type_, self.parameters(), doc)
            self.take(";")
            return item
        name = self.take(kind="word")
        self.take(";")
        return Enum(name, type_.base, self.enum_values(known), doc)

    def item(self, known: dict[str, int]):
        doc = self.leading
        if self.peek() == "typedef":
            return self.typedef(known)
        if self.peek() == "enum":
            return Enum("", "uint32_t", self.enum_values(known), doc)
        self.take("FLASHRNN_API")
        result = self.type()
        item = Function(self.take(kind="word"), result, self.parameters(), doc)
        self.take(";")
        return item


def _measure(header: Header, type_: Type) -> tuple[int, int]:
    """Size and alignment."""
    if type_.pointers or any(item.name == type_.base for item in header.handles + header.callbacks):
        return POINTER, POINTER
    if type_.base in SCALARS:
        return SCALARS[type_.base], SCALARS[type_.base]
    for enum in header.enums:
        if enum.name == type_.base:
            return SCALARS[enum.type], SCALARS[enum.type]
    for struct in header.structs:
        if struct.name == type_.base:
            return struct.size, struct.alignment
    raise ParseError(f"type {type_.base} is neither one of C's that are known here nor declared above its use")


def _lay_out(header: Header, struct: Struct) -> None:
    size = 0
    for f in struct.fields:
        alignment = _measure(header, f.type)[1]
        f.offset = -(-size // alignment) * alignment
        size = f.offset + header.size_of(f)
        struct.alignment = max(struct.alignment, alignment)
    struct.size = -(-size // struct.alignment) * struct.alignment


def parse(text: str) -> Header:
    visible, macros = _visible(text)
    parser = _Parser(_tokens(visible))
    header = Header()
    known: dict[str, int] = {}
    pending = sorted(macros.items())

    def add_macros(before: float) -> None:
        while pending and pending[0][0] < before:
            _, (name, value) = pending.pop(0)
            known[name] = int(value, 0)
            header.items.append(Macro(name, known[name]))

    while parser.place < len(parser.tokens):
        add_macros(parser.tokens[parser.place].line)
        item = parser.item(known)
        if isinstance(item, Struct):
            _lay_out(header, item)
        for parameter in getattr(item, "parameters", []):
            if parameter.type.base != "void":
                _measure(header, parameter.type if parameter.type.pointers == 0 else Type(parameter.type.base))
        header.items.append(item)
    add_macros(float("inf"))
    return header


def parse_file(path: Path) -> Header:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except ParseError as error:
        raise ParseError(f"{path}: {error}") from None
