# SPDX-License-Identifier: Apache-2.0
"""The package's types hold, and those of what is public are complete: a program passes `mypy --strict`."""
import os
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]


def mypy(tmp_path, *arguments):
    done = subprocess.run([sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path), *arguments], cwd=PACKAGE,
                          env=dict(os.environ, MYPYPATH=str(PACKAGE / "src")), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package(tmp_path):
    mypy(tmp_path)


def test_what_is_public_in_a_strict_program(tmp_path):
    empty = tmp_path / "mypy.ini"
    empty.write_text("[mypy]\n")
    mypy(tmp_path, "--config-file", str(empty), "--strict", "--follow-imports", "silent", "tests/typing/public.py")
