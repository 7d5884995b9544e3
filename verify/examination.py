"""Examination: one check of one case, in as many draws as it takes to see something."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from verify.case import Case
from verify.check import Check, raised
from verify.outcome import Outcome, Status

# A gradient that is a sum over random signs is lost in its own rounding in one draw of ten at most (a
# thousand terms in bfloat16): eight draws leave 1e-8.
LOOKS = 8
# Seeds that `fresh_seed` never gives.
_BEYOND_SEEDS = 2**31


def examine(case: Case, check: Check, seed: int) -> tuple[Outcome, ...]:
    """One check of one case; an exception from the operation or its formulas becomes a failing outcome.

    What could not be judged is asked again of other draws, up to `LOOKS` in all: a sum may cancel by chance.
    Each draw has a seed of its own, which its outcomes name; a failure in any of them is kept.
    """
    found = _examine(case, check, seed)
    for look in range(1, LOOKS if check.draws else 1):
        if not any(o.status is Status.INCONCLUSIVE for o in found):
            break
        found = _with_another_look(found, _examine(case, check, seed + look * _BEYOND_SEEDS))
    return found


def _with_another_look(found: tuple[Outcome, ...], again: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """What could not be judged gives way to what another draw says of it; further failures are added.

    A draw may not come to a question, as to the order of many terms where that of a few is not told, or
    skip it, which is no answer.
    """
    again = tuple(o for o in again if o.status is not Status.SKIPPED)
    open_questions = {(o.question, o.point) for o in found if o.status is Status.INCONCLUSIVE}
    answers = [o for o in again if (o.question, o.point) in open_questions or o.status is Status.FAIL]
    answered = {(o.question, o.point) for o in again}
    kept = [o for o in found if o.status is not Status.INCONCLUSIVE or (o.question, o.point) not in answered]
    return (*kept, *answers)


def _examine(case: Case, check: Check, seed: int) -> tuple[Outcome, ...]:
    try:
        with warnings.catch_warnings():
            # torch warns of a deprecation or a slow path; neither changes a figure.
            warnings.simplefilter("ignore")
            return tuple(check.examine(case, seed))
    except Exception as error:  # the operation under test may raise anything
        return (raised(check.name, case, seed, error),)


def nearest(draws: list[tuple[Outcome, ...]]) -> Iterator[Outcome]:
    """Of several draws that pass a question the one nearest to its bound; all that does not pass.

    `figures` tell for how many draws a pass stands.
    """
    passed: dict[tuple[str, str, int], list[Outcome]] = {}
    for drawn in draws:
        asked: Counter[tuple[str, str]] = Counter()  # two witnesses may ask the same of the same point
        for outcome in drawn:
            what = outcome.question, outcome.point
            asked[what] += 1
            if outcome.status is Status.PASS:
                passed.setdefault((*what, asked[what]), []).append(outcome)
            else:
                yield outcome
    for alike in passed.values():
        nearest = max(alike, key=lambda outcome: outcome.fraction or 0.0)
        if len(alike) > 1:
            nearest = replace(nearest, figures={**nearest.figures, "draws": float(len(alike))})
        yield nearest
