"""Special: is the result the required one at nan, infinities, signed zeros and inputs without entries?

And is a gradient nan where neither an input nor a result is? torch takes a gradient at such a place by
continuity, where it may be infinite (torch documentation, Autograd mechanics, Gradients for
non-differentiable functions, rule 4); nan is left for where a function is not defined (rule 5).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from verify.case import HARD, Case, Point
from verify.check import Check, Finding, outcome, worst_of
from verify.comparison import autograd, result
from verify.operation import Array
from verify.outcome import Outcome

_NUMBER = "a gradient that is a number"


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
        # Of no entries there is no gradient to be a number.
        entries = sum(special.inputs[i].size for i in point.differentiable)
        if case.operation.vjp is not None and entries and not _nan(*special.inputs, expected):
            yield outcome(CHECK.name, case, seed, point, _gradient(case, point, expected.shape))


def _gradient(case: Case, point: Point, shape: tuple[int, ...]) -> Finding:
    """How many entries of the gradients are nan, for a cotangent of ones."""
    found = list(zip(point.differentiable, autograd(case, point, np.ones(shape)), strict=True))
    lost = float(sum(np.isnan(gradient).sum() for _, gradient in found))
    remark = ", ".join(f"input {i}: {gradient.tolist()}" for i, gradient in found if _nan(gradient))
    return Finding(_NUMBER, lost, 0.0, "entries that are nan", remark=f"{remark}.")


def _nan(*arrays: Array) -> bool:
    return any(bool(np.isnan(x).any()) for x in arrays if x.dtype.kind == "f")


def _differ(computed: Array, expected: Array) -> Array:
    same = (computed == expected) & (np.signbit(computed) == np.signbit(expected))
    return np.asarray(~(same | (np.isnan(computed) & np.isnan(expected))), dtype=float)


def _applies(case: Case) -> bool:
    return case.workload == HARD and bool(case.operation.special)


CHECK = Check(
    "special", "Is the result the required one at nan, ±inf, ±0 and nothing?", examine, _applies, draws=False
)
