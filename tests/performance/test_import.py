"""What `import torchstone` adds to `import torch`: the ratio of the two rows of pytest-benchmark's table."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.benchmark(group="import", min_rounds=5)
@pytest.mark.parametrize("modules", ["torch", "torch, torchstone"])
def test_import(benchmark, modules):
    benchmark(subprocess.run, [sys.executable, "-c", f"import {modules}"], check=True)
