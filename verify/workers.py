"""Workers: the cases of a run shared out among processes, and their outcomes in the order of the cases."""

from __future__ import annotations

import functools
import itertools
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import torch

from verify.case import Case
from verify.check import Check
from verify.checks import checks
from verify.operations import catalogue
from verify.outcome import Outcome
from verify.run import THREADS, Progress, examined
from verify.selection import Selection, cases, chosen_checks

Part = TypeVar("Part")
Found = TypeVar("Found")

# A worker takes as long to start, mostly for importing torch, as some hundreds of cases take.
WORTH_A_WORKER = 300
# More would only wait for each other's memory.
MOST = 4


def useful(number_of_cases: int, wanted: int | None = None) -> int:
    """How many processes to start: as many as are wanted or there are cores, each with enough to do."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(wanted or min(cores, MOST), number_of_cases // WORTH_A_WORKER))


def shared_out(
    chosen: Selection, devices: Sequence[str], seed: int, workers: int, progress: Progress
) -> Iterator[Outcome]:
    """What `run.examined` yields of the same selection, from so many processes.

    Each builds the cases for itself, since their formulas cannot be sent; one's own operations are found by
    way of the environment.
    """
    present = tuple(devices)
    held, questions = _asked(chosen, present)
    parts = tuple(_parts(held))
    work = functools.partial(_examined, chosen, present, seed)
    for part, outcomes in zip(parts, in_order(work, parts, workers), strict=True):
        for case, check in itertools.product(held[slice(*part)], questions):
            progress(case, check)
        yield from outcomes


def in_order(work: Callable[[Part], Found], parts: Sequence[Part], workers: int) -> Iterator[Found]:
    """What `work` makes of every part, in their order, from so many processes of one thread each.

    A worker is deaf to Ctrl-C, which is for this process to answer.
    """
    executor = ProcessPoolExecutor(workers, get_context("spawn"), _start)
    try:
        yield from executor.map(work, parts)
    finally:
        executor.shutdown(cancel_futures=True)


def _parts(held: Sequence[Case]) -> Iterator[tuple[int, int]]:
    """From where to where the cases of one operation in one dtype go."""
    first = 0
    for _, members in itertools.groupby(held, lambda case: (case.operation.name, case.device, case.dtype)):
        last = first + len(list(members))
        yield first, last
        first = last


@functools.cache
def _asked(chosen: Selection, devices: tuple[str, ...]) -> tuple[tuple[Case, ...], tuple[Check, ...]]:
    return tuple(cases(chosen, catalogue(), devices)), chosen_checks(chosen, checks())


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(THREADS)


def _examined(chosen: Selection, devices: tuple[str, ...], seed: int, part: tuple[int, int]) -> list[Outcome]:
    held, questions = _asked(chosen, devices)
    return list(examined(held[slice(*part)], questions, chosen, seed))
