"""After pytest-benchmark's tables: the ratios that the medians of the gradient checks amount to."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

# It is run rather than imported: test folders are no packages here.
_lines: Callable[..., list[str]] = runpy.run_path(str(Path(__file__).with_name("summary.py")))["lines"]


@dataclass
class Timed:
    """Median seconds of a run so far, by shape and checker, and which of the shapes are small."""

    medians: dict[str, dict[str, float]] = field(default_factory=dict)
    small: set[str] = field(default_factory=set)


_TIMED = pytest.StashKey[Timed]()


@pytest.fixture
def keep_median(benchmark: Any, request: pytest.FixtureRequest) -> Callable[[str, str, bool], None]:
    """Keep the median of the benchmark that just ran, as a checker's on a shape that is small or not."""

    def keep(shape: str, checker: str, small: bool) -> None:
        if benchmark.stats is None:
            return  # --benchmark-disable: it was called once, and not timed
        timed = request.config.stash.setdefault(_TIMED, Timed())
        timed.medians.setdefault(shape, {})[checker] = benchmark.stats.stats.median
        if small:
            timed.small.add(shape)

    return keep


@pytest.fixture
def one_thread() -> Iterator[None]:
    """One thread: the tensors are small, and threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# Last: pytest-benchmark prints its tables from the same hook.
@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    timed = terminalreporter.config.stash.get(_TIMED, None)
    if timed is None:
        return
    terminalreporter.section("gradient checks: our check against torch's gradcheck, medians, one thread")
    for line in _lines(timed.medians, timed.small):
        terminalreporter.write_line(line)
