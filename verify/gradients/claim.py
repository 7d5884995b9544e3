"""Claim: what autograd says of a gradient, held against derivatives along a line that know their error."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from verify.finite_differences.derivative import Derivatives
from verify.finite_differences.line import UNIT_ROUNDOFF, Vector, total
from verify.gradients.report import Answer
from verify.outcome import Status, judge

# Six standard deviations of a sum of independent roundings (Higham & Mary, A new approach to probabilistic
# rounding error analysis, SIAM J. Sci. Comput. 41 (2019), theorem 2.4).
_DEVIATIONS = 6.0


def of_gradient(
    question: str,
    numeric: Derivatives,
    direction: Vector,
    g: Vector,
    gradient: Vector,
    corner: bool = False,
) -> Answer:
    """A gradient for the cotangent g against the derivative along a direction.

    `corner`: of entries with a corner, where anything between the one-sided derivatives passes.
    Shapes: `numeric` and `g` (outputs,), `direction` and `gradient` (variables,).
    """
    exact = numeric.weighted(g)
    terms = gradient * direction
    if not np.isfinite(terms).all():
        if not numeric.known.all():
            note = "nan or inf, as the function's outputs or derivatives elsewhere"
            return Answer(question, Status.INCONCLUSIVE, note=note)
        return Answer(question, Status.FAIL, math.nan, exact.error, note="the gradient has nan or inf")
    claim = total(terms)
    # The terms of φ round too, and where they cancel in its derivative that is what is left.
    reach = total(np.abs(g) * numeric.reach)
    bound = exact.error + _rounding(terms, claim, int(np.count_nonzero(g))) + UNIT_ROUNDOFF * reach
    measured = exact.distance(claim)
    status = judge(measured, bound)
    largest = max(abs(exact.low), abs(exact.high))
    if largest <= bound:
        # Where the derivative vanishes, the function's own size is what an error is seen against.
        largest = max(largest, reach)
    # An error on the other side of what was measured shows that much later.
    unseen = bound + measured if status is Status.PASS else bound
    visible = unseen / largest if largest else (0.0 if unseen == 0 else math.inf)
    if corner:
        note = "anything between the one-sided derivatives passes"
        wide = (unseen + exact.high - exact.low) / largest if largest else 0.0
        return Answer(question, status, measured, bound, wide, note, at_corners=True)
    if status is Status.PASS and visible >= 1:
        status = Status.INCONCLUSIVE
    return Answer(question, status, measured, bound, visible)


def _rounding(terms: Vector, claim: float, count: int) -> float:
    """What rounding in the backward may put into Σ terms, of which each is a sum of `count` products.

    An error of each term by √count roundings, independent of the others; and one that all of them share.
    """
    spread = float(np.sqrt(terms @ terms)) + abs(claim)
    return _DEVIATIONS * math.sqrt(count) * UNIT_ROUNDOFF * spread


def of_tangents(
    question: str, numeric: Derivatives, tangents: Vector, inputs: int, outputs: Sequence[slice]
) -> Answer:
    """Tangents, each a sum over so many inputs, against the derivatives entry by entry.

    `outputs`: where each output's entries lie. Shapes: `numeric` and `tangents` (entries,).
    """
    known = numeric.known
    if known.size and not known.any():
        return Answer(question, Status.INCONCLUSIVE, note="no output entry could be differenced")
    if not known.size:
        return Answer(question, Status.PASS, note="there is no output entry")
    if not np.isfinite(tangents[known]).all():
        return Answer(question, Status.FAIL, math.nan, note="the tangents have nan or inf")
    largest = np.maximum(np.abs(numeric.low), np.abs(numeric.high))[known]
    each = np.zeros(known.size)
    each[known] = largest
    for part in outputs:
        each[part] = np.max(each[part], initial=0.0)
    slack = _DEVIATIONS * math.sqrt(inputs) * UNIT_ROUNDOFF * each[known]
    bound = numeric.error[known] + slack
    measured = numeric.distance(tangents)[known]
    worst = int(np.argmax(measured - bound))
    # As in reverse mode, where a derivative vanishes the function's own size takes its place.
    largest = np.where(largest > bound, largest, np.maximum(largest, numeric.reach[known]))
    with np.errstate(divide="ignore", invalid="ignore"):
        unseen = np.where(measured <= bound, bound + measured, bound)
        visible = float(np.min(np.where(largest > 0, unseen / largest, np.inf)))
    status = judge(float(measured[worst]), float(bound[worst]))
    if not largest.any() and not bound.any():
        visible = 0.0  # constant, and exactly so: any tangent but 0 would show
    if status is Status.PASS and visible >= 1:
        status = Status.INCONCLUSIVE
    return Answer(question, status, float(measured[worst]), float(bound[worst]), visible)


def visible_entry(bound: float, direction: Vector, gradient: Vector) -> float:
    """The relative error of the median entry of the gradient that would show."""
    terms = np.abs(gradient * direction)
    terms = np.sort(terms[terms > 0])
    return bound / float(terms[terms.size // 2]) if terms.size else math.nan


def sharpest(answers: Iterable[Answer]) -> Answer:
    """Of several answers to one question a failure, else the one that saw most."""
    grave = (Status.FAIL, Status.PASS, Status.INCONCLUSIVE)
    return min(answers, key=lambda answer: (grave.index(answer.status), answer.visible))


def gravest(answers: Iterable[Answer]) -> Answer:
    """Of answers about different entries a failure, else the one that saw least."""
    grave = (Status.FAIL, Status.INCONCLUSIVE, Status.PASS)
    return min(answers, key=lambda answer: (grave.index(answer.status), -answer.visible))
