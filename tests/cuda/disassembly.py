# SPDX-License-Identifier: Apache-2.0
"""What the tests that read machine code share: each cubin's instructions, and the exit status."""
import shutil
import subprocess

SKIPPED = 77


def check_each(nvdisasm, cubins, is_wrong):
    """The exit status of is_wrong(cubin, text) of every cubin, which prints what it finds."""
    if not shutil.which(nvdisasm):
        print("SKIPPED: no nvdisasm")
        return SKIPPED
    found = [
        is_wrong(cubin, subprocess.run([nvdisasm, "-c", cubin], check=True, capture_output=True, text=True).stdout) for cubin in cubins
    ]
    return 1 if any(found) or not found else 0
