"""Workers: the checks of operators shared out among processes, with their outcomes in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from verify.outcome import Outcome
from verify.samples.checks import sample_checks
from verify.samples.operators import every_operator
from verify.samples.outcomes import dtypes, outcomes
from verify.workers import in_order


@dataclass(frozen=True)
class Task:
    """A check of an operator in a dtype, of some of its samples or of all (None)."""

    check: str
    operator: str
    only: frozenset[int] | None
    device: str
    dtype: str
    seed: int


Progress = Callable[[Task], None]


def tasks(
    chosen: dict[str, frozenset[int] | None],
    checks: Sequence[str],
    wanted: Sequence[str],
    device: str,
    seed: int,
) -> tuple[Task, ...]:
    """What there is to ask, check by check: operators in the dtypes wanted, or in each check's own."""
    known = every_operator()
    return tuple(
        Task(check, name, only, device, dtype, seed)
        for check in checks
        for name, only in chosen.items()
        for dtype in dtypes(sample_checks()[check], known[name], wanted)
    )


def applicable(checks: Sequence[str], wanted: Sequence[str]) -> Mapping[str, Any]:
    """The operators of which at least one of the checks may be asked, by name. Raises: Missing."""
    found = {
        name: record
        for name, record in every_operator().items()
        if any(dtypes(sample_checks()[check], record, wanted) for check in checks)
    }
    return MappingProxyType(found)


def examined(asked: Sequence[Task], workers: int, progress: Progress) -> Iterator[Outcome]:
    """The outcomes of all tasks in their order, from so many processes; one is this process."""
    if workers == 1:
        for task in asked:
            progress(task)
            yield from _outcomes(task)
        return
    for task, found in zip(asked, in_order(_outcomes, asked, workers), strict=True):
        progress(task)
        yield from found


def _outcomes(task: Task) -> list[Outcome]:
    check, record = sample_checks()[task.check], every_operator()[task.operator]
    return list(outcomes(check, record, task.only, task.device, task.dtype, task.seed))
