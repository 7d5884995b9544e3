"""Second order: is the gradient of the gradient right, and the same in forward mode over reverse mode?"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from verify.check import Finding
from verify.finite_differences.line import Vector
from verify.formulas.arithmetic import Arithmetic
from verify.gradients import forward, reverse
from verify.gradients.allowance import CHANGES, passed
from verify.gradients.check import examine_second_order
from verify.gradients.draws import Draws
from verify.gradients.function import Function, UnusableFunction
from verify.gradients.point import UnusableInput, point_of
from verify.gradients.precision import witness
from verify.gradients.questions import Questions
from verify.gradients.rounding import RandomlyRounded
from verify.gradients.rows import row
from verify.gradients.second_order import second_order
from verify.samples.allowed import Unjudged
from verify.samples.apart import UNIT
from verify.samples.check import SampleCheck
from verify.samples.derivative import confirmed
from verify.samples.sample import Sample
from verify.samples.verdict import Verdict, failed, judged

_QUESTIONS = Questions(undefined=False, nondeterminism=math.inf)
# How large the changes are that show how far roundings of float64 move a sum: far above these, so that they
# are seen, and so small that what they move by grows with them.
_CHANGE = 2.0**-40

# A derivative of this share of what rounding explains is 0, and both modes saying so is no blindness.
_VANISHES = 2.0**-10


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """A verdict on reverse over reverse mode, and where torch has it one on forward over reverse mode."""
    (sample,) = draws
    yield confirmed(
        lambda s: examine_second_order(sample.function, sample.arguments, _QUESTIONS, seed=s), seed
    )
    if sample.record.supports_fwgrad_bwgrad:
        yield _forward_over_reverse(sample, seed)


def _forward_over_reverse(sample: Sample, seed: int) -> Verdict:
    """⟨c, J v⟩ = ⟨Jᵀ c, v⟩, J the derivative of the gradient, within what rounding explains of both sides.

    Raises: Unjudged with the reason.
    """
    question, numbers, a = "forward over reverse mode", Draws(seed), Arithmetic.of("float64")
    try:
        gradient = second_order(Function(sample.function, witness(point_of(sample.arguments))), numbers)
        at = gradient.evaluated()
    except (UnusableFunction, UnusableInput) as reason:
        raise Unjudged(str(reason)) from reason
    x, outputs = row(gradient.point.variables), row(at.outputs)
    v, c = numbers.cotangent(x.size), numbers.cotangent(outputs.size)

    def sides(there: Vector, within: AbstractContextManager[Any]) -> Vector:
        moved = gradient.evaluated_at(there, within)
        with within:
            tangent = forward.tangent(gradient, moved.variables, v)
            return np.array([c @ tangent, reverse.gradient(moved, c) @ v])

    try:
        both = sides(x, contextlib.nullcontext())
        off, size = abs(float(both[0] - both[1])), float(np.max(np.abs(both)))
        roundings, far = passed(a, x.size, outputs.size), np.zeros(2)
        # What the sums themselves round by needs no changes to explain it.
        for _ in range(0 if off <= roundings * a.u * size else CHANGES):
            changed = x * (1 + _CHANGE * numbers.signs(x.size))
            there = sides(changed, RandomlyRounded(_CHANGE, numbers.seed()))
            far = np.maximum(far, np.abs(there - both))
    except UnusableFunction as reason:
        return failed(question, str(reason))
    bound = roundings * (a.u * (size + float(far.sum()) / _CHANGE) + a.smallest)
    remark = f"⟨c, J v⟩ = {both[0]:.9g} and ⟨Jᵀ c, v⟩ = {both[1]:.9g}."
    limit = 1.0 if math.isfinite(bound) else math.nan
    blind = bool(_VANISHES * bound < size <= bound)
    return judged(Finding(question, off / bound, limit, UNIT, remark=remark, blind=blind))


CHECK = SampleCheck(
    "second-order",
    "Is the gradient of the gradient right, and the same in forward over reverse mode?",
    examine,
    lambda record: bool(record.supports_autograd and record.supports_gradgrad),
    dtypes=("float64",),
    most=8,
    others=False,
    graph=True,
)
