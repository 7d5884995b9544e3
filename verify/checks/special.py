"""Special: is the result the required one at nan, infinities, signed zeros and inputs without entries?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from verify.case import HARD, Case, Point
from verify.check import Check, Finding, outcome, worst_of
from verify.comparison import result
from verify.operation import Array
from verify.outcome import Outcome


def examine(case: Case, seed: int) -> Iterator[Outcome]:
    """Every special value of the operation: no rounding is allowed, a nan is a nan, a zero has a sign."""
    for special in case.operation.special:
        point = Point(special.name, special.inputs, special.options)
        computed, expected = result(case, point), np.asarray(special.expected)
        if computed.shape != expected.shape:
            raise ValueError(
                f"{special.name}: the result has shape {computed.shape}, required is {expected.shape}"
            )
        differ = _differ(computed, expected)
        ones = np.ones(expected.shape)
        _, _, worst = worst_of(differ, 0 * ones, ones, computed, expected, special.inputs)
        at = f"{worst.computed} where {worst.expected} is required" if differ.any() else ""
        remark = f"{at}: {special.source}"
        measured = float(differ.sum())
        finding = Finding("the required value", measured, 0.0, "entries that differ", worst, remark=remark)
        yield outcome(CHECK.name, case, seed, point, finding)


def _differ(computed: Array, expected: Array) -> Array:
    same = (computed == expected) & (np.signbit(computed) == np.signbit(expected))
    return np.asarray(~(same | (np.isnan(computed) & np.isnan(expected))), dtype=float)


def _applies(case: Case) -> bool:
    return case.workload == HARD and bool(case.operation.special)


CHECK = Check(
    "special", "Is the result the required one at nan, ±inf, ±0 and nothing?", examine, _applies, draws=False
)
