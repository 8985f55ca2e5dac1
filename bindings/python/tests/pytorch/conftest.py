# SPDX-License-Identifier: Apache-2.0
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for vectors.py


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)
