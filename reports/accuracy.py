"""Accuracy: measured errors as a fraction of their bound, by operation, dtype and device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.ordering import dtype_rank
from reports.outcomes import Run
from verify.outcome import Outcome, Status


@dataclass(frozen=True)
class Ulps:
    """The largest error in units in the last place, and the input where it was measured."""

    error: float
    point: str


@dataclass(frozen=True)
class AccuracyRow:
    """The errors of one operation in one dtype on one device.

    `fractions` are all its errors over their bounds, `known` those of known deviations; `worst` is the
    largest of both. `forward` and `gradient` are in ulps, None where none was counted.
    """

    operation: str
    dtype: str
    device: str
    fractions: tuple[float, ...]
    known: tuple[float, ...]
    worst: float
    worst_case: str
    worst_point: str
    forward: Ulps | None
    gradient: Ulps | None


def accuracy(run: Run, operations: Sequence[str]) -> tuple[AccuracyRow, ...]:
    """One row for each operation, dtype and device that has outcomes with an `ulps` figure.

    The rows follow the order of `operations`, then from the widest dtype to the narrowest.
    """
    measured: dict[tuple[str, str, str], list[Outcome]] = {}
    for outcome in run.outcomes:
        if outcome.status is not Status.SKIPPED and "ulps" in outcome.figures:
            measured.setdefault((outcome.operation, outcome.device, outcome.dtype), []).append(outcome)
    rows = [_row(*key, members) for key, members in measured.items()]
    position = {name: i for i, name in enumerate(operations)}
    return tuple(
        sorted(rows, key=lambda row: (position.get(row.operation, -1), row.device, dtype_rank(row.dtype)))
    )


def fraction_of(outcome: Outcome) -> float:
    """The error over its bound; a nan, where the result itself is gone, counts as infinite."""
    figure = outcome.fraction
    return math.inf if figure is None or math.isnan(figure) else figure


def _row(operation: str, device: str, dtype: str, outcomes: list[Outcome]) -> AccuracyRow:
    worst = max(outcomes, key=fraction_of)
    return AccuracyRow(
        operation=operation,
        dtype=dtype,
        device=device,
        fractions=tuple(sorted(fraction_of(o) for o in outcomes if o.status is not Status.KNOWN)),
        known=tuple(sorted(fraction_of(o) for o in outcomes if o.status is Status.KNOWN)),
        worst=fraction_of(worst),
        worst_case=worst.case,
        worst_point=worst.point,
        forward=_ulps([o for o in outcomes if not _of_gradient(o)]),
        gradient=_ulps([o for o in outcomes if _of_gradient(o)]),
    )


def _of_gradient(outcome: Outcome) -> bool:
    return outcome.question.startswith("gradient")


def _ulps(outcomes: Sequence[Outcome]) -> Ulps | None:
    """The largest error; a nan, where the result itself is gone, counts as infinite."""
    counted = [(o.figures["ulps"], o.point) for o in outcomes if "ulps" in o.figures]
    errors = [Ulps(math.inf if math.isnan(error) else error, point) for error, point in counted]
    return max(errors, key=lambda ulps: ulps.error, default=None)
