# SPDX-License-Identifier: Apache-2.0
"""Writes the declarations of every binding from include/flashrnn/flashrnn.h. Standard library only.

    python3 bindings/generate            writes the files that are not as they should be
    python3 bindings/generate --check    writes nothing; fails where a file is not, or where the layout of the structs
                                         is not the one of tests/abi/layout.txt
    python3 bindings/generate --list     names the files

A language is one module emit_<language>.py beside this file with

    OUTPUT = "bindings/..."              the file, from the root of the tree
    def emit(header) -> str              all of its text; `header` is a parse.Header

The text begins with the licence and a line that says DO NOT EDIT and names this generator. It depends on the header
alone, so that the same header gives the same bytes everywhere.
"""
from __future__ import annotations

import argparse
import difflib
import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import parse  # noqa: E402


def emitters():
    return [importlib.import_module(path.stem) for path in sorted(HERE.glob("emit_*.py"))]


def difference(old: str, new: str, name: str) -> str:
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), name, "as it should be", lineterm="", n=1))
    more = [f"... {len(lines) - 40} lines more"] if len(lines) > 40 else []
    return "\n".join(lines[:40] + more)


def main() -> int:
    options = argparse.ArgumentParser(prog="bindings/generate", description="Writes the declarations of every binding.")
    options.add_argument("--check", action="store_true", help="write nothing, fail where a file would change")
    options.add_argument("--list", action="store_true", help="name the files")
    options.add_argument("--root", type=Path, default=ROOT, help="root of the tree whose header is read")
    chosen = options.parse_args()

    modules = emitters()
    if chosen.list:
        print("\n".join(module.OUTPUT for module in modules))
        return 0
    try:
        header = parse.parse_file(chosen.root / "include/flashrnn/flashrnn.h")
    except parse.ParseError as error:
        print(error, file=sys.stderr)
        return 1

    failed = False
    for module in modules:
        path = chosen.root / module.OUTPUT
        wanted = module.emit(header)
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        if found == wanted:
            continue
        if chosen.check:
            failed = True
            print(difference(found, wanted, module.OUTPUT))
            print(f"{module.OUTPUT} is not what the header gives: run python3 bindings/generate", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted, encoding="utf-8")
            print(f"wrote {module.OUTPUT}")

    layout = chosen.root / "tests/abi/layout.txt"
    if chosen.check and layout.exists() and layout.read_text(encoding="utf-8") != header.layout():
        failed = True
        print(difference(layout.read_text(encoding="utf-8"), header.layout(), "tests/abi/layout.txt"))
        print("the layout computed from the header is not the compiler's: parse.py misreads it", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
