"""Accuracy: how far is the result, and its gradient, from the exact value?

The exact value is enclosed in ball arithmetic, so the error is proved. It is reported in ulps and as
a fraction of the bound that a rounding-error analysis of the formula gives.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from verify.case import Case, Point, to_array
from verify.check import Check, Finding, outcome, worst_of
from verify.gradients import cotangent, gradients
from verify.operation import Array
from verify.outcome import Outcome
from verify.reference import Enclosure, certify, plain, wrong_entries
from verify.ulp import spacing


def examine(case: Case, seed: int) -> Iterator[Outcome]:
    """The forward result and the gradient of every point, against the enclosure."""
    for point in case.points(seed):
        computed = to_array(case.function(*case.tensors(point), **point.options))
        yield outcome(CHECK.name, case, seed, point, _forward(case, point, computed))
        if case.operation.vjp is None:
            continue
        g = cotangent(case, seed, point, computed.shape)
        for gradient in gradients(case, point, g):
            finding = _measure(
                case,
                point,
                f"gradient of input {gradient.position}",
                gradient.computed,
                gradient.exact,
                gradient.bound,
            )
            yield outcome(CHECK.name, case, seed, point, finding)


def _forward(case: Case, point: Point, computed: Array) -> Finding:
    formula = case.operation.forward
    if computed.dtype.kind != "f":
        wrong = wrong_entries(formula.evaluate, point.inputs, point.options, computed)
        return Finding("forward", wrong, 0.0, "wrong entries")
    (exact,) = certify(formula.evaluate, point.inputs, point.options, case.arithmetic)
    assert exact is not None, f"{case.operation.name}: the reference formula returned nothing"
    (value,) = plain(formula.evaluate, point.inputs, point.options)
    with np.errstate(all="ignore"):
        bound = formula.bound(case.arithmetic, *point.inputs, **point.options)
        bound = np.broadcast_to(case.arithmetic.stored(value, bound), computed.shape)
    return _measure(case, point, "forward", computed, exact, bound)


def _measure(
    case: Case, point: Point, question: str, computed: Array, exact: Enclosure, bound: Array
) -> Finding:
    error = exact.error(computed, case.arithmetic)
    # At an exact 0 the spacing is that of the smallest number, in which any error is astronomical.
    ulp = spacing(np.where(exact.value == 0, computed, exact.value), case.arithmetic)
    measured, allowed, worst = worst_of(error, bound, ulp, computed, exact.value, point.inputs)
    with np.errstate(all="ignore"):
        ulps = float(np.max(error / ulp, initial=0.0))  # beyond float64's range: inf
    fraction = 0.0 if measured == 0 else (measured / allowed if allowed else np.inf)
    return Finding(question, measured, allowed, "ulp", worst, {"ulps": ulps, "fraction": fraction})


CHECK = Check("accuracy", "How far is the result from the exact value, in ulps and of its bound?", examine)
