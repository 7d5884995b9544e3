"""Invariance: is the answer the same when the same question is asked in another way?

Every variation in `verify/variations/` that applies is asked; whether the bits are the same is a cell of
the invariance matrix, with the first counterexample and the largest relative difference. Where torch
promises the bits they must be the same; elsewhere two answers may be as far apart as rounding explains,
which is twice the bound of either.
"""

from __future__ import annotations

from collections.abc import Iterator

from verify.call import Call, results
from verify.case import Case, Point
from verify.check import Check, Finding, outcome, skipped
from verify.invariance import KINDS, asked, compared, present, without_signs
from verify.operation import Batch
from verify.outcome import Outcome
from verify.variation import Variation


def examine(case: Case, seed: int) -> Iterator[Outcome]:
    """One outcome for every variation of every call that shows it."""
    for kind in KINDS:
        for point, call, batch in asked(case, kind, seed):
            first = results(call)
            for variation in present(case, kind):
                absence = variation.absence()
                if absence:
                    yield skipped(CHECK.name, case, seed, absence)
                    continue
                finding = compared(case, point, call, first, variation, batch)
                if finding is not None and finding.blind:
                    yield _again(case, seed, point, call, variation, batch, finding)
                elif finding is not None:
                    yield outcome(CHECK.name, case, seed, point, finding)


def _again(
    case: Case,
    seed: int,
    point: Point,
    call: Call,
    variation: Variation,
    batch: Batch | None,
    blind: Finding,
) -> Outcome:
    """What could not be judged, asked again of magnitudes, whose sums do not cancel."""
    positive = without_signs(point, call)
    if positive is not None:
        finding = compared(case, *positive, results(positive[1]), variation, batch)
        if finding is not None:
            return outcome(CHECK.name, case, seed, positive[0], finding)
    return outcome(CHECK.name, case, seed, point, blind)


CHECK = Check("invariance", "Is the answer the same when the same question is asked in another way?", examine)
