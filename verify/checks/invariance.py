"""Invariance: is the answer the same when the same question is asked in another way?

Every variation in `verify/variations/` that applies is asked; whether the bits are the same is a cell of
the invariance matrix, with the first counterexample and the largest relative difference. Where torch
promises the bits they must be the same; elsewhere two answers may be as far apart as rounding explains,
which is twice the bound of either.
"""

from __future__ import annotations

from collections.abc import Iterator

from verify.case import Case
from verify.check import Check, Finding, outcome, skipped
from verify.invariance.difference import compared
from verify.invariance.question import KINDS, Question, asked, instead, present
from verify.outcome import Outcome
from verify.variation import Variation


def examine(case: Case, seed: int) -> Iterator[Outcome]:
    """One outcome for every variation of every call that shows it."""
    for kind in KINDS:
        for question in asked(case, kind, seed):
            for variation in present(case, kind):
                absence = variation.absence()
                if absence:
                    yield skipped(CHECK.name, case, seed, absence)
                else:
                    yield from _answered(case, question, variation, seed)


def _answered(case: Case, question: Question, variation: Variation, seed: int) -> Iterator[Outcome]:
    finding = compared(case, question, variation)
    if finding is None:
        return
    for other in instead(case, question, variation, seed) if _hidden(finding) else ():
        seen = compared(case, other, variation)
        if seen is not None:
            question, finding = other, seen
            if not _hidden(seen):
                break
    yield outcome(CHECK.name, case, seed, question.point, finding)


def _hidden(finding: Finding) -> bool:
    # What fails beside what rounding hides has been seen.
    return finding.blind and finding.measured <= finding.bound


CHECK = Check("invariance", "Is the answer the same when the same question is asked in another way?", examine)
