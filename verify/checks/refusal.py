"""Refusal: is a call that is documented as an error raised as one, not answered and not a crash?"""

from __future__ import annotations

from collections.abc import Iterator

from verify.case import HARD, Case, Point
from verify.check import Check, Finding, outcome
from verify.outcome import Outcome
from verify.refused import REFUSED, reply


def examine(case: Case, seed: int) -> Iterator[Outcome]:
    """Every call that the operation documents as an error."""
    for refusal in case.operation.refuses:
        said = reply(case, refusal)
        names = " or ".join(error.__name__ for error in refusal.raises)
        remark = f"{said[:1].upper()}{said[1:]} where {names} is documented."
        finding = Finding("is refused", float(said != REFUSED), 0.0, "calls not refused", remark=remark)
        yield outcome(CHECK.name, case, seed, Point(refusal.name, (), {}), finding)


def _applies(case: Case) -> bool:
    return case.workload == HARD and bool(case.operation.refuses)


CHECK = Check(
    "refusal", "Is a call that is documented as an error raised as one?", examine, _applies, draws=False
)
