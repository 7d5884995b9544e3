"""Stability: far out, is the result still the nearly right answer to a nearly right question?

An algorithm is stable where its error is no larger than what a relative change of u in the inputs can
make of the exact result, times a modest constant: |ŷ − y| ≤ c u (|y| + Σᵢ |xᵢ ∂y/∂xᵢ|). The condition
term is computed from the reference formula itself, in ball arithmetic, so the gate knows nothing of the
algorithm. The textbook formula must fail it on at least one of the same inputs; if it survives them
all, they are not far enough out to show anything.

Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., §1.5 and §1.6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import flint
import numpy as np

from verify.case import HARD, Case, Point, to_array
from verify.check import Check, Finding, outcome, worst_of
from verify.gradients import autograd, cotangent
from verify.operation import Array, Inputs
from verify.outcome import Outcome, Status, judge
from verify.reference import Enclosure, certify, in_balls, wrong_entries

# The relative change of an input whose effect is measured. The effect is linear to within this factor,
# and enough bits are left for a probability of exp(−1500) to be subtracted from 1.
_CHANGE = 2.0**-100
_PRECISION = 4096


def examine(case: Case, seed: int) -> Iterator[Outcome]:
    """The library's result and gradient at every far input; then that the textbook formula fails there."""
    survived, tried = 0, 0
    for point in filter(lambda point: point.far, case.points(seed)):
        computed = to_array(case.function(*case.tensors(point), **point.options))
        if computed.dtype.kind != "f":
            wrong = wrong_entries(case.operation.forward.evaluate, point.inputs, point.options, computed)
            yield outcome(CHECK.name, case, seed, point, Finding("forward", wrong, 0.0, "wrong entries"))
            continue
        yield outcome(CHECK.name, case, seed, point, _forward(case, point, computed, "forward"))
        if case.operation.naive is not None:
            textbook = to_array(case.operation.naive(*case.tensors(point), **point.options))
            finding = _forward(case, point, textbook, "textbook formula")
            survived += judge(finding.measured, finding.bound) is Status.PASS
            tried += 1
        if case.operation.vjp is not None:
            yield from _gradient(case, seed, point, cotangent(case, seed, point, computed.shape))
    if tried:
        finding = Finding(
            "the textbook formula fails", float(survived), tried - 1.0, "far inputs it survives"
        )
        yield outcome(CHECK.name, case, seed, Point("all far inputs", (), {}), finding)


def _forward(case: Case, point: Point, computed: Array, question: str) -> Finding:
    evaluate = case.operation.forward.evaluate
    (exact,) = certify(evaluate, point.inputs, point.options, case.arithmetic)
    assert exact is not None, f"{case.operation.name}: the reference formula returned nothing"
    (condition,) = _condition(lambda *x: evaluate(*x, **point.options), point.inputs, case.arithmetic.u)
    return _gate(case, point, question, computed, exact, condition)


def _gradient(case: Case, seed: int, point: Point, g: Array) -> Iterator[Outcome]:
    vjp = case.operation.vjp
    assert vjp is not None
    exact = certify(vjp.evaluate, (g, *point.inputs), point.options, case.arithmetic)
    # The cotangent is data like the inputs: where its entries cancel, their roundings are not a fault.
    condition = _condition(
        lambda *x: vjp.evaluate(*x, **point.options), (g, *point.inputs), case.arithmetic.u
    )
    for position, computed in autograd(case, point, g):
        enclosure = exact[position]
        assert enclosure is not None
        question = f"gradient of input {position}"
        finding = _gate(case, point, question, computed, enclosure, condition[position])
        yield outcome(CHECK.name, case, seed, point, finding)


def _gate(
    case: Case, point: Point, question: str, computed: Array, exact: Enclosure, condition: Array
) -> Finding:
    a = case.arithmetic
    # Roundings that an entry can pass through: one for each of n terms, two elementary functions (each
    # worth `elementary`/u roundings), and a shift, a product, a quotient and the storing.
    roundings = max(x.size for x in point.inputs) + 2 * a.elementary / a.u + 4
    # A few subnormals may be lost on the way to a result that is itself near the bottom of the range.
    bound = roundings * (a.u * np.abs(exact.value) + condition + a.smallest)
    scale = np.maximum(np.abs(exact.value), a.smallest)
    measured, allowed, worst = worst_of(
        exact.error(computed, a), bound, scale, computed, exact.value, point.inputs
    )
    return Finding(question, measured, allowed, "relative", worst)


def _condition(function: Callable[..., Any], inputs: Inputs, u: float) -> tuple[Array, ...]:
    """u Σᵢ |xᵢ ∂y/∂xᵢ| for every entry of every result, from a relative change of each input in turn.

    The factor u is taken in ball arithmetic: the sum alone may lie beyond float64's range.
    """
    totals: list[Array] = []
    with flint.ctx.workprec(_PRECISION), np.errstate(all="ignore"):
        balls = in_balls(inputs)
        start = _results(function(*balls))
        for position, x in enumerate(inputs):
            if x.dtype.kind != "f":
                continue
            for index in np.ndindex(x.shape):
                changed = balls[position].copy()
                changed[index] = changed[index] * (1 + flint.arb(_CHANGE))
                moved = _results(function(*balls[:position], changed, *balls[position + 1 :]))
                effects = [_effect(s, m, u) for s, m in zip(start, moved, strict=True)]
                totals = [t + e for t, e in zip(totals, effects, strict=True)] if totals else effects
    return tuple(totals)


_size = np.frompyfunc(lambda change, u: float(abs(flint.arb(change)).mid() * (u / _CHANGE)), 2, 1)


def _results(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


def _effect(start: Any, moved: Any, u: float) -> Array:
    if start is None:
        return np.zeros(())
    return np.asarray(
        _size(np.asarray(moved, dtype=object) - np.asarray(start, dtype=object), u), dtype=float
    )


def _applies(case: Case) -> bool:
    return case.workload == HARD and any(hard.far for hard in case.operation.domain.hard)


CHECK = Check(
    "stability",
    "Far out, is the result still nearly right where the textbook formula is not?",
    examine,
    _applies,
)
