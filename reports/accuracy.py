"""Accuracy: measured errors as a fraction of their bound, by operation, dtype and device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.ordering import dtype_rank
from reports.outcomes import Run
from verify.outcome import Outcome, Status


@dataclass(frozen=True)
class AccuracyRow:
    """The errors of one operation in one dtype on one device.

    `fractions` are all its errors over their bounds, `known` those of known deviations; `worst` is the
    largest of both. `ulps` is the largest error in units in the last place, None where none was counted.
    """

    operation: str
    dtype: str
    device: str
    fractions: tuple[float, ...]
    known: tuple[float, ...]
    worst: float
    worst_case: str
    worst_point: str
    ulps: float | None


def accuracy(run: Run, operations: Sequence[str]) -> tuple[AccuracyRow, ...]:
    """One row for each operation, dtype and device that has outcomes with a `fraction` or `ulps` figure.

    The rows follow the order of `operations`, then from the widest dtype to the narrowest.
    """
    measured: dict[tuple[str, str, str], list[Outcome]] = {}
    for outcome in run.outcomes:
        if outcome.status is not Status.SKIPPED and not {"fraction", "ulps"}.isdisjoint(outcome.figures):
            measured.setdefault((outcome.operation, outcome.device, outcome.dtype), []).append(outcome)
    rows = [_row(*key, members) for key, members in measured.items()]
    position = {name: i for i, name in enumerate(operations)}
    return tuple(
        sorted(rows, key=lambda row: (position.get(row.operation, -1), row.device, dtype_rank(row.dtype)))
    )


def fraction_of(outcome: Outcome) -> float:
    """The error over its bound; a nan, where the result itself is gone, counts as infinite."""
    figure = outcome.figures.get("fraction", outcome.fraction)
    return math.inf if figure is None or math.isnan(figure) else figure


def _row(operation: str, device: str, dtype: str, outcomes: list[Outcome]) -> AccuracyRow:
    worst = max(outcomes, key=fraction_of)
    ulps = [math.inf if math.isnan(u) else u for o in outcomes if (u := o.figures.get("ulps")) is not None]
    return AccuracyRow(
        operation=operation,
        dtype=dtype,
        device=device,
        fractions=tuple(sorted(fraction_of(o) for o in outcomes if o.status is not Status.KNOWN)),
        known=tuple(sorted(fraction_of(o) for o in outcomes if o.status is Status.KNOWN)),
        worst=fraction_of(worst),
        worst_case=worst.case,
        worst_point=worst.point,
        ulps=max(ulps, default=None),
    )
