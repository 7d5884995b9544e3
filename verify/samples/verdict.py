"""Verdict: what came of one question asked of one sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from verify.check import Finding
from verify.outcome import Status, Worst, judge


@dataclass(frozen=True)
class Verdict:
    """A question's status, its figure and bound in one unit, and the sentence that goes with them."""

    question: str
    status: Status
    message: str
    measured: float | None = None
    bound: float | None = None
    unit: str = ""
    worst: Worst | None = None
    figures: Mapping[str, float] = field(default_factory=dict)


def judged(finding: Finding) -> Verdict:
    """A finding held against its bound, in words."""
    status = judge(finding.measured, finding.bound)
    figure = f"{finding.measured:.3g} {finding.unit}"
    at = f" at entry {finding.worst.index}" if finding.worst and finding.worst.index else ""
    told = f"{finding.question}: {figure} exceeds the bound {finding.bound:.3g}{at}. {finding.remark}"
    if status is Status.PASS and finding.blind:
        status = Status.INCONCLUSIVE
        told = f"{finding.question}: could not be judged, so wide a bound shows nothing"
    elif status is Status.PASS:
        told = f"{finding.question}: {figure} is within the bound {finding.bound:.3g}"
    elif status is Status.INCONCLUSIVE:
        told = f"{finding.question}: could not be judged, {finding.remark}"
    return Verdict(
        finding.question,
        status,
        told.rstrip(),
        finding.measured,
        finding.bound,
        finding.unit,
        finding.worst,
        dict(finding.figures or {}),
    )


def failed(question: str, what: str) -> Verdict:
    """A failure without a figure: something that must not happen did, or the other way round."""
    return Verdict(question, Status.FAIL, f"{question}: {what}", 1.0, 0.0, "broken promises")


def kept(question: str) -> Verdict:
    """A promise without a figure that was kept."""
    return Verdict(question, Status.PASS, f"{question}: as documented", 0.0, 0.0, "broken promises")
