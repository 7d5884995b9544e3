"""Timing: how long a call takes, with a stopping rule and a memory for disturbed samples."""

from __future__ import annotations

import contextlib
import gc
import itertools
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

BUDGET_VARIABLE = "TORCHSTONE_BENCH_SECONDS"
# A hundred samples of a fast call, so that the whole catalogue takes minutes; a longer budget narrows the
# quartiles, not the difference between two processes.
BUDGET_SECONDS = 0.1

# The clock reads to about 50 ns and one reading costs as much: 1e-4 of a sample this long.
SAMPLE_SECONDS = 1e-3
# Enough for quartiles, which asv stores, when a single call outlasts the budget.
MINIMUM_SAMPLES = 5
# Oversubscribed machines would never show a clean sample: the search ends at this many budgets.
PATIENCE = 2
# A sample is disturbed when its threads waited for a core for more than this share of it: smaller than
# the 2 % change that the comparison of two runs is meant to see.
DISTURBED_SHARE = 0.01
# The first call loads kernels, the second takes memory from the allocator's first guess; the third counts.
WARM_CALLS = 3


@dataclass(frozen=True)
class Timing:
    """What was measured. Units: `samples` in seconds a call, each the mean of `number` calls.

    `disturbed` counts the samples in which the scheduler made the process wait; they are not in
    `samples`, unless too few others were left.
    """

    samples: tuple[float, ...]
    number: int
    disturbed: int

    @property
    def seconds(self) -> float:
        """The median time of a call."""
        return statistics.median(self.samples)


def run_queue_seconds() -> float:
    """How long this process's threads have waited for a core while able to run; 0 where Linux is not.

    Source: Linux, Documentation/scheduler/sched-stats.rst, "/proc/<pid>/schedstat", second field, in ns.
    """
    waited = 0
    for task in Path("/proc/self/task").glob("*/schedstat"):
        # A thread may end between the listing and the reading; some kernels keep no statistics.
        with contextlib.suppress(OSError, IndexError, ValueError):
            waited += int(task.read_text().split()[1])
    return waited / 1e9


def page_faults() -> int:
    """Page faults of this process that needed no disk; 0 where the system does not count them."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


@dataclass(frozen=True)
class Gauges:
    """What the timer reads off the machine: the time, the wait for a core, and the page faults."""

    seconds: Callable[[], float] = time.perf_counter
    waited_seconds: Callable[[], float] = run_queue_seconds
    page_faults: Callable[[], int] = page_faults


@dataclass(frozen=True)
class _Sample:
    seconds: float
    waited: float

    @property
    def disturbed(self) -> bool:
        return self.waited > DISTURBED_SHARE * self.seconds


def budget_seconds() -> float:
    """How long to sample one benchmark: `TORCHSTONE_BENCH_SECONDS`, or 0.1.

    Raises: ValueError naming the variable if it is no positive number.
    """
    text = os.environ.get(BUDGET_VARIABLE) or str(BUDGET_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (0 < seconds < math.inf):
        raise ValueError(f"{BUDGET_VARIABLE}={text!r}: a positive number of seconds is needed")
    return seconds


def measure(
    function: Callable[[], object],
    synchronize: Callable[[], None] = lambda: None,
    budget: float | None = None,
    gauges: Gauges | None = None,
) -> Timing:
    """Time `function` until the budget of seconds is spent, and at least `MINIMUM_SAMPLES` times.

    What is timed: `number` calls one after the other and one `synchronize`, which waits until the
    device has done them. The function is called unmeasured first, until a call causes no page fault.
    """
    gauges = gauges or Gauges()
    budget = budget_seconds() if budget is None else budget
    collecting = gc.isenabled()
    gc.disable()
    try:
        synchronize()
        fastest = _warm_up(function, synchronize, budget, gauges)
        number = _calls_a_sample(function, synchronize, fastest, gauges)
        samples = list(_samples(function, number, synchronize, budget, gauges))
    finally:
        if collecting:
            gc.enable()
    kept = tuple(sample.seconds / number for sample in _kept(samples))
    return Timing(kept, number, sum(sample.disturbed for sample in samples))


def _sample(
    function: Callable[[], object], number: int, synchronize: Callable[[], None], gauges: Gauges
) -> _Sample:
    calls = itertools.repeat(None, number)
    waited = gauges.waited_seconds()
    start = gauges.seconds()
    for _ in calls:
        function()
    synchronize()
    seconds = gauges.seconds() - start
    return _Sample(seconds, gauges.waited_seconds() - waited)


def _warm_up(
    function: Callable[[], object], synchronize: Callable[[], None], budget: float, gauges: Gauges
) -> float:
    """Call until the memory is there, or the budget is spent; the fastest call in seconds."""
    start = gauges.seconds()
    fastest = math.inf
    for calls in itertools.count(1):
        before = gauges.page_faults()
        fastest = min(fastest, _sample(function, 1, synchronize, gauges).seconds)
        warm = calls >= WARM_CALLS and gauges.page_faults() == before
        if warm or gauges.seconds() - start >= budget:
            break
    return fastest


def _calls_a_sample(
    function: Callable[[], object], synchronize: Callable[[], None], fastest: float, gauges: Gauges
) -> int:
    """How many calls last `SAMPLE_SECONDS`: a single call, clock and all, is only the first guess."""
    number, seconds = 1, fastest
    while seconds < SAMPLE_SECONDS:
        # A fifth more than needed, so that the guess converges; tenfold at most, so that it cannot run away.
        wanted = math.ceil(1.2 * number * SAMPLE_SECONDS / max(seconds, SAMPLE_SECONDS / 1e6))
        number = max(number + 1, min(10 * number, wanted))
        # The faster of two: a disturbance only ever lengthens a sample.
        seconds = min(_sample(function, number, synchronize, gauges).seconds for _ in range(2))
    return number


def _samples(
    function: Callable[[], object],
    number: int,
    synchronize: Callable[[], None],
    budget: float,
    gauges: Gauges,
) -> Iterator[_Sample]:
    start = gauges.seconds()
    clean = 0
    for taken in itertools.count(1):
        sample = _sample(function, number, synchronize, gauges)
        yield sample
        clean += not sample.disturbed
        spent = gauges.seconds() - start
        enough = clean >= MINIMUM_SAMPLES or spent >= PATIENCE * budget
        if taken >= MINIMUM_SAMPLES and spent >= budget and enough:
            return


def _kept(samples: list[_Sample]) -> list[_Sample]:
    """The undisturbed samples in the order taken, made up to the minimum with the least disturbed."""
    clean = [sample for sample in samples if not sample.disturbed]
    if len(clean) >= MINIMUM_SAMPLES:
        return clean
    return sorted(samples, key=lambda sample: sample.waited / sample.seconds)[:MINIMUM_SAMPLES]
