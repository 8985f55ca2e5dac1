# SPDX-License-Identifier: Apache-2.0
"""Puts libflashrnn into the package. In order:

1. FLASHRNN_LIBRARY names a file: that one is taken. The word "none": the wheel carries no library and is for any
   platform; the package then looks for an installed one when it is imported.
2. Within the project's tree, where cmake and a compiler are: the library is built, and nothing else of the tree.
   FLASHRNN_CMAKE_ARGS is handed to cmake.
3. Otherwise as with "none".

Where a C compiler and Python's headers are, pyflashrnn.torch gets its compiled part too; it works without, with more time
for each call.
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Distribution, Extension, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:
    from wheel.bdist_wheel import bdist_wheel

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# What every Linux has; the rest of what the library needs goes into the wheel beside it.
SYSTEM = re.compile(r"(linux-vdso|ld-linux.*|libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s)\.so")


def built_library(folder: Path) -> Path:
    arguments = ["-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=ON"]
    arguments += [f"-DFLASHRNN_BUILD_{part}=OFF" for part in ("TESTS", "TOOLS", "BENCH", "EXAMPLES")]
    arguments += os.environ.get("FLASHRNN_CMAKE_ARGS", "").split()
    if shutil.which("ninja"):
        arguments += ["-G", "Ninja"]
    subprocess.run(["cmake", "-S", str(ROOT), "-B", str(folder), *arguments], check=True)
    subprocess.run(["cmake", "--build", str(folder), "--target", "flashrnn", "--parallel", str(os.cpu_count() or 1)],
                   check=True)
    return folder / "src" / "libflashrnn.so"


def library(folder: Path):
    named = os.environ.get("FLASHRNN_LIBRARY")
    if named == "none":
        return None
    if named:
        return Path(named).resolve(strict=True)
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if (ROOT / "src/CMakeLists.txt").exists() and shutil.which("cmake") and compiler:
        return built_library(folder).resolve(strict=True)
    print("pyflashrnn: no cmake and compiler, or not within the project's tree: the package will look for an installed "
          "libflashrnn", file=sys.stderr)
    return None


def needed(path: Path):
    """The libraries that are not every system's, by what the loader would take."""
    listing = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=True).stdout
    for name, target in re.findall(r"^\s*(\S+) => (/\S+)", listing, re.MULTILINE):
        if not SYSTEM.match(name):
            yield name, Path(target)


class BuildPy(build_py):
    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return  # the tree itself is used, and finds the library by FLASHRNN_LIBRARY or where it is installed
        found = library(Path(self.get_finalized_command("build").build_temp).resolve() / "flashrnn")
        if found is None:
            return
        target = Path(self.build_lib).resolve() / "pyflashrnn" / "lib"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        shutil.copyfile(found, target / "libflashrnn.so.0")
        for name, path in needed(found):
            shutil.copyfile(path, target / name)
        if shutil.which("strip"):
            subprocess.run(["strip", "--strip-unneeded", str(target / "libflashrnn.so.0")], check=True)


class BdistWheel(bdist_wheel):
    """The code is for any Python 3; the platform is the library's."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.root_is_pure = os.environ.get("FLASHRNN_LIBRARY") == "none"

    def get_tag(self):
        _, _, platform = super().get_tag()
        return "py3", "none", "any" if self.root_is_pure else platform


class WithLibrary(Distribution):
    def has_ext_modules(self) -> bool:
        return os.environ.get("FLASHRNN_LIBRARY") != "none"


# One binary for every Python from 3.10. Others, and a build without a compiler, do without.
helper = Extension("pyflashrnn.torch._compiled", ["src/pyflashrnn/torch/_compiled.c"], py_limited_api=True, optional=True,
                   extra_compile_args=["-std=c99", "-O2", "-g0"])
with_helper = os.environ.get("FLASHRNN_LIBRARY") != "none" and sys.version_info >= (3, 10)
setup(cmdclass={"build_py": BuildPy, "bdist_wheel": BdistWheel}, distclass=WithLibrary,
      ext_modules=[helper] if with_helper else [])
