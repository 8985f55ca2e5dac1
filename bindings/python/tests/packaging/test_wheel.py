# SPDX-License-Identifier: Apache-2.0
"""A wheel carries the library and works on its own; one without finds an installed library, or says what is missing."""
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2]
LIBRARY = os.environ.get("FLASHRNN_LIBRARY")
TRY = """
import numpy as np, pyflashrnn
from pyflashrnn import _library
out = pyflashrnn.forward(np.ones((1, 2, 4, 1, 3), np.float32), np.ones((4, 1, 3, 3), np.float32))
assert np.isfinite(out.h).all() and pyflashrnn.__file__.startswith(r"{target}"), pyflashrnn.__file__
print(_library.path)
"""


def pip(*arguments, **environment):
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *arguments], check=True,
                   env=dict(os.environ, PIP_NO_INDEX="1", **environment))


def build(folder, library, **environment):
    """In a copy, so that the tree stays clean."""
    source = folder / "source"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    pip("wheel", "--no-build-isolation", "--no-deps", "-w", str(folder), str(source), FLASHRNN_LIBRARY=library,
        **environment)
    wheel, = folder.glob("*.whl")
    pip("install", "--no-deps", "--target", str(folder / "target"), str(wheel))
    return wheel, folder / "target"


def run(target, code, **environment):
    kept = {name: value for name, value in os.environ.items() if name not in ("FLASHRNN_LIBRARY", "PYTHONPATH")}
    return subprocess.run([sys.executable, "-c", code], cwd=target, capture_output=True, text=True,
                          env=dict(kept, PYTHONPATH=str(target), **environment))


@pytest.fixture(scope="module")
def bundled(tmp_path_factory):
    if not LIBRARY:
        pytest.skip("FLASHRNN_LIBRARY is not set")
    return build(tmp_path_factory.mktemp("bundled"), LIBRARY)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    return build(tmp_path_factory.mktemp("bare"), "none")


def test_a_wheel_carries_the_library(bundled):
    wheel, target = bundled
    assert "-py3-none-linux_" in wheel.name
    names = zipfile.ZipFile(wheel).namelist()
    assert "pyflashrnn/lib/libflashrnn.so.0" in names and "pyflashrnn/py.typed" in names
    done = run(target, TRY.format(target=target))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(target / "pyflashrnn/lib/libflashrnn.so.0")


def can_compile():
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    return bool(compiler) and Path(sysconfig.get_path("include"), "Python.h").exists() and sys.version_info >= (3, 10)


def test_a_wheel_carries_the_compiled_part(bundled, bare):
    part = "pyflashrnn/torch/_compiled.abi3.so"
    assert (part in zipfile.ZipFile(bundled[0]).namelist()) == can_compile()
    assert part not in zipfile.ZipFile(bare[0]).namelist()


def test_a_wheel_is_built_without_a_compiler(tmp_path):
    if not LIBRARY:
        pytest.skip("FLASHRNN_LIBRARY is not set")
    wheel, target = build(tmp_path, LIBRARY, CC="/nonexistent/cc")
    assert not any("_compiled" in name for name in zipfile.ZipFile(wheel).namelist())
    done = run(target, TRY.format(target=target))
    assert done.returncode == 0, done.stderr


def test_what_the_library_needs_is_carried_too(bundled):
    """Loaded from the wheel alone: the names of what the loader took, for those that not every system has."""
    _, target = bundled
    carried = {path.name for path in (target / "pyflashrnn/lib").iterdir()}
    assert any(name.startswith("libhwloc") for name in carried)
    code = ("from pathlib import Path; from pyflashrnn import _library\n"
            "_library._load_beside(_library._BUNDLED / 'libflashrnn.so.0')\n"
            "print(open('/proc/self/maps').read())")
    done = run(target, code)
    for name in carried:
        assert f"pyflashrnn/lib/{name}" in done.stdout, done.stderr


def test_a_wheel_without_a_library_is_for_any_platform(bare):
    wheel, target = bare
    assert wheel.name.endswith("-py3-none-any.whl")
    if LIBRARY:
        done = run(target, TRY.format(target=target), FLASHRNN_LIBRARY=LIBRARY)
        assert done.returncode == 0 and done.stdout.strip() == LIBRARY, done.stderr


def test_pkg_config_is_asked(bare, tmp_path):
    if not LIBRARY or not shutil.which("pkg-config"):
        pytest.skip("no pkg-config or no library")
    (tmp_path / "libflashrnn.so.0").symlink_to(Path(LIBRARY).resolve())
    (tmp_path / "flashrnn.pc").write_text(
        f"libdir={tmp_path}\nName: flashrnn\nDescription: it\nVersion: 0.1.0\nLibs: -L${{libdir}} -lflashrnn\n")
    _, target = bare
    done = run(target, TRY.format(target=target), PKG_CONFIG_PATH=str(tmp_path))
    assert done.returncode == 0 and done.stdout.strip() == str(tmp_path / "libflashrnn.so.0"), done.stderr


def test_a_missing_library_is_told(bare):
    _, target = bare
    done = run(target, "import pyflashrnn", PATH="/nonexistent")
    if done.returncode == 0:
        pytest.skip("libflashrnn is installed in the system")
    assert "set the environment variable FLASHRNN_LIBRARY" in done.stderr.replace("Set", "set")
