"""Outcome: what a check measured on one case, held against its bound. Imports no torch."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


class Status(enum.StrEnum):
    """The verdict of a check.

    `known` is a failure listed in `known_deviations.toml`; `inconclusive` means the check could not
    see finely enough to judge, and is never a pass.
    """

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    KNOWN = "known"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Worst:
    """The place where an outcome's measured figure was reached.

    `input` holds exact hexadecimal floats (`float.hex`) of the input entry at that place where inputs
    and output share a shape, else of the first entries.
    """

    index: tuple[int, ...]
    input: tuple[str, ...]
    computed: str
    expected: str


@dataclass(frozen=True)
class Outcome:
    """One question asked of one case, and what came of it.

    Units: `measured`, `bound` and `smallest_visible` share `unit`. `smallest_visible` is the smallest
    error the check could have seen. `question` says what was compared and `point` names the input.
    """

    operation: str
    implementation: str
    device: str
    dtype: str
    workload: str
    check: str
    question: str
    point: str
    status: Status
    measured: float | None
    bound: float | None
    unit: str
    seed: int
    message: str
    reproduce: str
    smallest_visible: float | None = None
    worst: Worst | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    issue: str | None = None

    @property
    def case(self) -> str:
        """The name of the case, as it is printed and selected: `softmax[cpu-float32-4x257]`."""
        implementation = "" if self.implementation == "eager" else f"-{self.implementation}"
        return f"{self.operation}[{self.device}-{self.dtype}-{self.workload}{implementation}]"

    @property
    def fraction(self) -> float | None:
        """Measured over bound; None where either is missing. 0/0 counts as 0."""
        if self.measured is None or self.bound is None:
            return None
        if self.measured == 0:
            return 0.0
        return self.measured / self.bound if self.bound else math.inf

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types. Non-finite floats become the strings `inf`, `-inf` and `nan`."""
        record = asdict(self) | {
            "figures": dict(self.figures),
            "status": self.status.value,
            "case": self.case,
        }
        return {key: plain(value) for key, value in record.items()}


def judge(measured: float, bound: float) -> Status:
    """Pass if measured ≤ bound, fail if above, inconclusive where there is nothing finite to compare.

    An infinite or nan measured figure against a finite bound is a failure: the result itself is gone.
    A bound that is infinite or nan can see nothing, so it can never be passed.
    """
    if not math.isfinite(bound):
        return Status.INCONCLUSIVE
    return Status.PASS if measured <= bound else Status.FAIL


def plain(value: Any) -> Any:
    """A value in JSON types: a float that JSON has no word for as one of `inf`, `-inf`, `nan`."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
