"""Invariance: is the answer the same when the same question is asked in another way?

Every variation in `verify/variations/` that applies is asked; whether the bits are the same is a cell of
the invariance matrix, with the first counterexample and the largest relative difference. Where torch
promises the bits they must be the same; elsewhere two answers may be as far apart as rounding explains,
which is twice the bound of either.
"""

from __future__ import annotations

from collections.abc import Iterator

from verify.call import results
from verify.case import Case
from verify.check import Check, outcome, skipped
from verify.invariance import KINDS, asked, compared, present
from verify.outcome import Outcome


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
                if finding is not None:
                    yield outcome(CHECK.name, case, seed, point, finding)


CHECK = Check("invariance", "Is the answer the same when the same question is asked in another way?", examine)
