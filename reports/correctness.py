"""Correctness: outcomes by operation and check, the ones that ask for attention, and what changed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from reports.outcomes import Run
from reports.verdict import SEVERITY
from verify.outcome import Outcome, Status


@dataclass(frozen=True)
class Cell:
    """What one check found on one operation: the worst status and the number of outcomes of each status."""

    operation: str
    check: str
    worst: Status
    counts: Mapping[Status, int]

    @property
    def asked(self) -> int:
        """The outcomes in the cell that were not skipped; all of them where all were."""
        skipped = self.counts[Status.SKIPPED]
        return sum(self.counts.values()) - skipped or skipped


@dataclass(frozen=True)
class Group:
    """Outcomes of one status that ask the same question of the same operation, the worst first."""

    operation: str
    check: str
    question: str
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class Change:
    """An outcome whose status is not the one it had in the run before; `before` is None for a new one."""

    outcome: Outcome
    before: Status | None


def matrix(run: Run) -> Mapping[tuple[str, str], Cell]:
    """The cells by (operation, check)."""
    if run.frame.empty:
        return {}
    cells = {}
    # Statuses are grouped by their words: a column of enum members cannot be sorted.
    words = run.frame.assign(status=[o.status.value for o in run.outcomes])
    table = words.groupby(["operation", "check", "status"], sort=False).size().unstack(fill_value=0)
    for record in table.reset_index().to_dict("records"):
        key = (str(record["operation"]), str(record["check"]))
        counts = {status: int(record.get(status.value, 0)) for status in SEVERITY}
        worst = next(status for status in SEVERITY if counts[status])
        cells[key] = Cell(*key, worst, counts)
    return cells


def severity(outcome: Outcome) -> float:
    """How far an outcome is beyond its bound; a figure that is nan, or missing, counts as infinitely far."""
    fraction = outcome.fraction
    return math.inf if fraction is None or math.isnan(fraction) else fraction


def groups(outcomes: Iterable[Outcome], status: Status) -> tuple[Group, ...]:
    """The outcomes of a status, grouped by question; in each group the furthest beyond its bound is first."""
    chosen = sorted((o for o in outcomes if o.status is status), key=_question)
    return tuple(
        Group(*key, outcomes=tuple(sorted(members, key=severity, reverse=True)))
        for key, members in groupby(chosen, key=_question)
    )


def _question(outcome: Outcome) -> tuple[str, str, str]:
    return outcome.operation, outcome.check, outcome.question


def changes(before: Run, after: Run) -> tuple[Change, ...]:
    """The outcomes whose status changed between two runs, the worst first.

    Outcomes are matched by case, check, question and point. Those that only one of the runs asked are
    no change, except where they fail: a failure is never passed over.
    """
    earlier = {key: outcome.status for key, outcome in _worst(before).items()}
    found = []
    for outcome in _worst(after).values():
        status = earlier.get(_identity(outcome))
        if status is None and outcome.status is not Status.FAIL:
            continue
        if status is not outcome.status:
            found.append(Change(outcome, status))
    return tuple(sorted(found, key=lambda change: SEVERITY.index(change.outcome.status)))


def _worst(run: Run) -> Mapping[tuple[str, ...], Outcome]:
    # A check may ask the same of the same point twice, by two witnesses: the worse answer counts.
    kept: dict[tuple[str, ...], Outcome] = {}
    for outcome in sorted(run.outcomes, key=lambda o: SEVERITY.index(o.status)):
        kept.setdefault(_identity(outcome), outcome)
    return kept


def _identity(outcome: Outcome) -> tuple[str, ...]:
    return outcome.case, outcome.check, outcome.question, outcome.point


def worst_draws(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Of outcomes that ask the same of one point of a case, in several draws, the worst; in their order."""
    kept: dict[tuple[str, ...], Outcome] = {}
    for outcome in outcomes:
        other = kept.setdefault(_identity(outcome), outcome)
        if _rank(outcome) < _rank(other):
            kept[_identity(outcome)] = outcome
    return tuple(kept.values())


def _rank(outcome: Outcome) -> tuple[int, float]:
    return SEVERITY.index(outcome.status), -severity(outcome)


def comparable(runs: Sequence[Run]) -> Run | None:
    """The run to compare the last one with: the one before it, on whatever machine and torch it was."""
    return runs[-2] if len(runs) > 1 else None
