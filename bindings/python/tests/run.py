# SPDX-License-Identifier: Apache-2.0
"""run.py numpy|torch|packaging [PYTEST ARGUMENT...]: runs a part of the tests with the first Python that has what it needs: the one
that FLASHRNN_PYTHON names, this one, the system's. Exit status 77, for ctest's "skipped", where none has."""
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PARTS = {"numpy": (["numpy", "pytest"], sorted(HERE.glob("test_*.py"))),
         "torch": (["numpy", "pytest", "torch"], [HERE / "pytorch", HERE / "test_readme.py"]),
         "packaging": (["setuptools", "wheel", "pip", "numpy", "pytest"], [HERE / "packaging"])}


def main() -> int:
    modules, places = PARTS[sys.argv[1]]
    needed = "import " + ", ".join(modules)
    tried = []
    for python in (os.environ.get("FLASHRNN_PYTHON"), sys.executable, "/usr/bin/python3"):
        if not python or python in tried:
            continue
        tried.append(python)
        if subprocess.run([python, "-c", needed], stderr=subprocess.DEVNULL).returncode == 0:
            path = os.pathsep.join(filter(None, [str(HERE.parent / "src"), os.environ.get("PYTHONPATH")]))
            environment = dict(os.environ, PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1")
            command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *sys.argv[2:], *map(str, places)]
            return subprocess.run(command, env=environment).returncode
    print(f"SKIPPED: none of {', '.join(tried)} can {needed}")
    return 77


if __name__ == "__main__":
    sys.exit(main())
