"""Stability: far out, is the result still the nearly right answer to a nearly right question?

An algorithm is stable where its error is no larger than what a relative change of u in the inputs can
make of the exact result, times a modest constant: |ŷ − y| ≤ c u (|y| + Σᵢ |xᵢ ∂y/∂xᵢ|). The condition
term is computed from the reference formula itself, in ball arithmetic, so the gate knows nothing of the
algorithm. Where the documented algorithm has a tighter bound, that one counts: a shift by the maximum is
exact, and so softmax far out is better than its condition. The textbook formula must fail on at least one
of the same inputs; if it survives them all, they are not far enough out to show anything.

Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., §1.5 and §1.6.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from verify.case import HARD, Case, Point, to_array
from verify.check import Check, Finding, outcome
from verify.comparison import Comparison, cotangent, forward, gradients, in_ulps, result
from verify.formulas.condition import condition
from verify.formulas.reference import wrong_entries
from verify.operation import Array
from verify.outcome import Outcome, Status, judge


def examine(case: Case, seed: int) -> Iterator[Outcome]:
    """The library's result and gradient at every far input; then that the textbook formula fails there."""
    operation = case.operation
    far = [point for point in case.points(seed) if point.far]
    for point in far:
        computed = result(case, point)
        if computed.dtype.kind == "f":
            finding = _forward(case, point, computed)
        else:
            wrong = wrong_entries(operation.forward.evaluate, point.inputs, point.options, computed)
            finding = Finding("forward", wrong, 0.0, "wrong entries")
        yield outcome(CHECK.name, case, seed, point, finding)
        if operation.vjp is not None:
            for finding in _gradients(case, point, cotangent(case, seed, point, computed.shape)):
                yield outcome(CHECK.name, case, seed, point, finding)
    if operation.naive is not None:
        survived = sum(not _textbook_fails(case, point) for point in far)
        finding = Finding("the textbook formula fails", survived, len(far) - 1.0, "far inputs it survives")
        yield outcome(CHECK.name, case, seed, Point("all far inputs", (), {}), finding)


def _forward(case: Case, point: Point, computed: Array) -> Finding:
    evaluate = case.operation.forward.evaluate
    (moved,) = condition(lambda *x: evaluate(*x, **point.options), point.inputs, case.arithmetic.u)
    return _gate(case, point, forward(case, point, computed), moved)


def _gradients(case: Case, point: Point, g: Array) -> Iterator[Finding]:
    vjp = case.operation.vjp
    assert vjp is not None  # the caller asks only where there is a gradient
    # The cotangent is data like the inputs: where its entries cancel, their roundings are not a fault.
    moved = condition(lambda *x: vjp.evaluate(*x, **point.options), (g, *point.inputs), case.arithmetic.u)
    for position, gradient in gradients(case, point, g):
        yield _gate(case, point, gradient, moved[position])


def _textbook_fails(case: Case, point: Point) -> bool:
    naive = case.operation.naive
    assert naive is not None  # the caller asks only where there is a textbook formula
    finding = _forward(case, point, to_array(naive(*case.tensors(point), **point.options)))
    return judge(finding.measured, finding.bound) is Status.FAIL


def _gate(case: Case, point: Point, compared: Comparison, moved: Array) -> Finding:
    a, exact = case.arithmetic, compared.exact.value
    # Roundings that an entry can pass through: one for each of n terms, two elementary functions (each
    # worth `elementary`/u roundings), and a shift, a product, a quotient and the storing.
    roundings = max(x.size for x in point.inputs) + 2 * a.elementary / a.u + 4
    # A few subnormals may be lost on the way to a result that is itself near the bottom of the range.
    conditioned = roundings * (a.u * np.abs(exact) + moved + a.smallest)
    return in_ulps(case, point, dataclasses.replace(compared, bound=np.fmin(conditioned, compared.bound)))


def _applies(case: Case) -> bool:
    return case.workload == HARD and any(hard.far for hard in case.operation.domain.hard)


CHECK = Check(
    "stability",
    "Far out, is the result still nearly right where the textbook formula is not?",
    examine,
    _applies,
)
