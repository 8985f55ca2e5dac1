# SPDX-License-Identifier: Apache-2.0
"""Runs a language's section of the README as it is written.

    run.py README SECTION FOLDER

In a fresh FOLDER that sees the tree's bindings/, the code blocks under "## SECTION" are taken in their order: one in `sh` is run,
any other is written to the file that the comment in its first line names. What the last line of output must be stands
behind "prints". Exit status 77, as everywhere in the tests, where a command of the section is missing.
"""
import re
import shutil
import subprocess
import sys
from pathlib import Path


def main() -> int:
    readme, section, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    text = readme.read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        sys.exit(f"{readme} has no section {section}")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", found[1], re.MULTILINE | re.DOTALL)
    expected = re.search(r"^prints `([^`]+)`", found[1], re.MULTILINE)
    if not expected or not any(language == "sh" for language, _ in blocks):
        sys.exit(f"{readme}, section {section}: there must be a block of sh, and what it prints")

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "bindings").symlink_to(readme.resolve().parent / "bindings")
    output = ""
    for language, block in blocks:
        if language != "sh":
            name = re.match(r"(?:/\*|//|#)\s*(\S+)", block)
            (folder / name[1]).write_text(block, encoding="utf-8")
            continue
        command = block.split()[0]
        if not shutil.which(command):
            print(f"SKIPPED: no {command}")
            return 77
        print(block, end="", flush=True)
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=folder, stdout=subprocess.PIPE, text=True)
        print(done.stdout, end="", flush=True)
        if done.returncode:
            sys.exit(f"exit status {done.returncode}")
        output = done.stdout
    last = (output.strip().splitlines() or [""])[-1].strip()
    if last != expected[1]:
        sys.exit(f"the last line is {last!r}: README.md says {expected[1]!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
