# SPDX-License-Identifier: Apache-2.0
"""run.py numpy|torch|compiled|typing|packaging [PYTEST ARGUMENT...]: runs a part of the tests with the first Python that has
what it needs: the one that FLASHRNN_PYTHON names, this one, the system's. Exit status 77, for ctest's "skipped", where
none has. "torch" is without the package's compiled part, "compiled" the same tests with it, built for them."""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent / "src/pyflashrnn/torch/_compiled.c"
TORCH = (["numpy", "pytest", "torch"], [HERE / "pytorch", HERE / "test_readme.py"])
PARTS = {"numpy": (["numpy", "pytest"], sorted(HERE.glob("test_*.py"))), "torch": TORCH, "compiled": TORCH,
         "typing": (["numpy", "pytest", "torch", "mypy"], [HERE / "typing"]),
         "packaging": (["setuptools", "wheel", "pip", "numpy", "pytest"], [HERE / "packaging"])}


def compiled(python: str, folder: str):
    """The file of the compiled part, or why there is none."""
    found = subprocess.run([python, "-c", "import sys, sysconfig, torch; print(sysconfig.get_path('include'));"
                            "print(sys.version_info >= (3, 10) and hasattr(torch.Tensor, '__dlpack_c_exchange_api__'))"],
                           capture_output=True, text=True, check=True).stdout.split()
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if found[1] != "True":
        return None, "it is for Python 3.10 and PyTorch 2.10, and newer"
    if not compiler or not Path(found[0], "Python.h").exists():
        return None, f"no C compiler, or no Python.h in {found[0]}"
    file = Path(folder) / "_compiled.abi3.so"
    subprocess.run([compiler, "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2", "-shared", "-fPIC",
                    "-I", found[0], str(SOURCE), "-o", str(file)], check=True)
    return str(file), ""


def run(python: str, part: str, places: list, folder: str) -> int:
    path = os.pathsep.join(filter(None, [str(HERE.parent / "src"), os.environ.get("PYTHONPATH")]))
    environment = dict(os.environ, PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1", FLASHRNN_PYTHON_HELPER="none")
    if part == "compiled":
        file, reason = compiled(python, folder)
        if file is None:
            print(f"SKIPPED: {reason}")
            return 77
        environment["FLASHRNN_PYTHON_HELPER"] = file
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *sys.argv[2:], *map(str, places)]
    return subprocess.run(command, env=environment).returncode


def main() -> int:
    modules, places = PARTS[sys.argv[1]]
    needed = "import " + ", ".join(modules)
    tried = []
    for python in (os.environ.get("FLASHRNN_PYTHON"), sys.executable, "/usr/bin/python3"):
        if not python or python in tried:
            continue
        tried.append(python)
        if subprocess.run([python, "-c", needed], stderr=subprocess.DEVNULL).returncode == 0:
            with tempfile.TemporaryDirectory() as folder:
                return run(python, sys.argv[1], places, folder)
    print(f"SKIPPED: none of {', '.join(tried)} can {needed}")
    return 77


if __name__ == "__main__":
    sys.exit(main())
