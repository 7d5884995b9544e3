"""Derivative: what a report of a gradient says, as a verdict."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from verify.gradients.function import UnusableFunction
from verify.gradients.point import UnusableInput
from verify.gradients.report import Answer, GradientReport
from verify.outcome import Status
from verify.samples.allowed import Unjudged
from verify.samples.check import NotAsked
from verify.samples.posed import told_apart
from verify.samples.verdict import Verdict

# What torch raises of a backward that it does not differentiate.
_UNDEFINED = "is not implemented"
# Seeds that no run has.
_OTHER = 2**31
UNIT = "of the derivative along the line"


def confirmed(examine: Callable[[int], GradientReport], seed: int) -> Verdict:
    """The verdict along the line of a seed; a failure must be one along another line too.

    An interval that is too narrow by chance, where what is differenced cancels, is so along one line alone.
    Raises: as `verdict`.
    """
    first = verdict(lambda: examine(seed))
    if first.status is not Status.FAIL or verdict(lambda: examine(seed + _OTHER)).status is Status.FAIL:
        return first
    message = f"{first.message}. It is no failure along another line"
    return replace(first, status=Status.INCONCLUSIVE, message=message)


def verdict(examine: Callable[[], GradientReport]) -> Verdict:
    """The gravest of a report's answers. Raises: NotAsked, Unjudged, with the reason."""
    try:
        with told_apart():
            report = examine()
    except UnusableInput as reason:
        raise NotAsked(str(reason)) from reason
    except UnusableFunction as reason:
        if _UNDEFINED in str(reason):
            raise NotAsked(f"torch does not define it: {reason}") from reason
        raise Unjudged(str(reason)) from reason
    gravest = next(a for a in report.answers if a.status is report.status)
    told = "; ".join(a.told for a in report.answers if a.status is report.status)
    place = f". Worst: {report.worst}" if report.worst else ""
    measured, bound = _relative(gravest)
    return Verdict(gravest.question, report.status, f"{told}{place}", measured, bound, UNIT)


def _relative(answer: Answer) -> tuple[float, float]:
    """What was measured and its bound, of the derivative along the line where that is not 0."""
    if math.isnan(answer.measured):
        return math.inf, answer.bound  # what is no number is as far off as can be
    if answer.bound > 0 and answer.visible > 0:
        return answer.measured / answer.bound * answer.visible, answer.visible
    return answer.measured, answer.bound
