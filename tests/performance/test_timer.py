"""What the timer costs beside a bare loop over the same calls. Figures, never assertions.

Run: `pytest tests/performance --benchmark-only`; compare the groups' medians.
"""

from __future__ import annotations

import itertools

import pytest
import torch

from benchmarks.timing import Gauges, _sample

CALLS = 200


@pytest.fixture
def call():
    x = torch.linspace(-1, 1, 64)
    return lambda: torch.relu(x)


@pytest.mark.benchmark(group="200 calls of relu 64")
def test_bare_loop(benchmark, call):
    def loop():
        for _ in itertools.repeat(None, CALLS):
            call()

    benchmark(loop)


@pytest.mark.benchmark(group="200 calls of relu 64")
def test_sample_with_its_readings_of_the_scheduler(benchmark, call):
    benchmark(_sample, call, CALLS, lambda: None, Gauges())
