"""Gradient: do autograd, the closed form and a finite difference agree, each two within their errors?

Three independent witnesses: torch's backward in the case's dtype; the closed form, enclosed in ball
arithmetic; a finite difference of torch's forward in float64, which reports its own error interval.
Where two of them contradict each other, the third says which one is wrong.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from verify import devices
from verify.case import ORDINARY, Case, Point, round_to, to_array, to_tensor
from verify.check import Check, Finding, outcome, worst_of
from verify.comparison import Comparison, cotangent, gradients, result, shows_nothing
from verify.finite_differences.derivative import Derivative
from verify.finite_differences.ladder import LADDERS, derivatives
from verify.finite_differences.line import Vector
from verify.finite_differences.stencil import RUNGS
from verify.operation import Array
from verify.outcome import Outcome, Status, judge

# One direction through all entries and two sparse ones: a fault in every entry shows in the first, one
# in few entries stands out in a sparse one that meets it.
_SPARSE = 2

CLOSED, DIFFERENCE, BOTH = (
    "autograd against closed form",
    "autograd against finite difference",
    "closed form against finite difference",
)


@dataclass(frozen=True)
class Direction:
    """A line through a point along ±1 entries of one input, and the derivative measured along it.

    `size` is Σ|g f|, the size of the terms that are summed. `again()` measures along half the direction,
    with other roundings.
    """

    entries: Array
    derivative: Derivative
    size: float
    again: Callable[[], Direction]


def examine(case: Case, seed: int) -> Iterator[Outcome]:
    """All three pairs of witnesses, for every differentiable input of every point that is not far out.

    Far out a finite difference sees nothing (both are 0); there the accuracy and stability checks
    compare with the closed form.
    """
    if case.operation.vjp is None:
        yield from _claims_none(case, seed)
        return
    for point in map(_with_few_bits, case.points(seed)):
        if point.far:
            continue
        g = cotangent(case, seed, point, result(case, point).shape)
        for position, gradient in gradients(case, point, g):
            lines = _directions(case, seed, point, g, position)
            findings = [
                _against_closed_form(case, point.inputs[position], gradient),
                _against_difference(DIFFERENCE, gradient, lines, gradient.computed, gradient.bound),
                _against_difference(BOTH, gradient, lines, gradient.exact.value, gradient.exact.radius),
            ]
            remark = _odd_one_out(*(judge(f.measured, f.bound) for f in findings))
            for finding in findings:
                question = f"{finding.question}, input {position}"
                judged = dataclasses.replace(finding, question=question, remark=remark)
                yield outcome(CHECK.name, case, seed, point, judged)


def _claims_none(case: Case, seed: int) -> Iterator[Outcome]:
    """An operation without a gradient must not hand one out."""
    for point in case.points(seed):
        result = case.function(*case.tensors(point, requires_grad=True), **point.options)
        finding = Finding(
            "has no gradient", float(result.requires_grad), 0.0, "outputs that claim a gradient"
        )
        yield outcome(CHECK.name, case, seed, point, finding)


def _against_closed_form(case: Case, x: Array, gradient: Comparison) -> Finding:
    exact = gradient.exact.value
    # Not |computed − value|: in float64 the rounding of `value` is as large as the error that is judged.
    error = gradient.exact.error(gradient.computed, case.arithmetic)
    scale = float(np.max(np.abs(exact), initial=0.0)) or 1.0
    measured, bound, worst = worst_of(
        error, gradient.bound, np.asarray(scale), gradient.computed, exact, (x,)
    )
    blind = shows_nothing(gradient.bound, exact, case.arithmetic)
    return Finding(CLOSED, measured, bound, "of the largest entry", worst, blind=blind)


def _against_difference(
    question: str, gradient: Comparison, lines: list[Direction], claimed: Array, slack: Array
) -> Finding:
    """The worst direction: |⟨claimed, d⟩ − derivative| against the interval plus the claim's own error."""
    unit = "of Σ|∂ᵢ| along the direction"
    worst = Finding(question, 0.0, math.nan, unit)
    for line in lines:
        distance, bound = _apart(line, gradient, claimed, slack)
        if distance > bound:
            # The interval is six deviations of a noise that eight points tell, and they may all lie close by
            # chance: a contradiction has to be met twice.
            again = _apart(line.again(), gradient, claimed, slack)
            distance, bound = again if again[0] <= again[1] < 1 else (distance, bound)
        if math.isnan(distance) or not (bound < 1 or distance > bound):
            # A direction along which even a gradient of 0 would be accepted shows nothing; others may.
            continue
        if math.isnan(worst.bound) or distance * worst.bound >= worst.measured * bound:
            worst = Finding(question, distance, bound, unit)
    return worst


def _apart(line: Direction, gradient: Comparison, claimed: Array, slack: Array) -> tuple[float, float]:
    """|⟨claimed, d⟩ − derivative| and what both may be off by, as shares of Σ|∂ᵢdᵢ|."""
    along = math.fsum((claimed * line.entries).ravel())
    scale = float(np.sum(np.abs(gradient.exact.value * line.entries)))
    if scale <= 2.0**-100 * line.size:
        # A gradient that is 0 leaves a ball of radius 2⁻¹²⁸ or less; then φ itself, or the jump of its
        # derivative, sets the scale.
        jump = line.derivative.high - line.derivative.low
        scale = max(line.size, jump) or 1.0
    bound = line.derivative.error + float(np.sum(slack * np.abs(line.entries)))
    return line.derivative.distance(along) / scale, bound / scale


def _directions(case: Case, seed: int, point: Point, g: Array, position: int) -> list[Direction]:
    """Derivatives of ⟨g, f⟩ along ±1 directions of one input, by differences in float64.

    Only entries that every step moves without rounding take part; where none does there is no direction.
    """
    generator = case.generator(seed, f"directions {point.name} {position}")
    x = point.inputs[position]
    movable = _moves_exactly(x)
    signs = [generator.choice((-1.0, 1.0), size=x.shape)]
    for _ in range(_SPARSE if x.size > 3 else 0):
        chosen = generator.permutation(x.size).reshape(x.shape) < max(1, math.isqrt(x.size))
        signs.append(np.where(chosen, generator.choice((-1.0, 1.0), size=x.shape), 0.0))
    entries = [sign * movable for sign in signs]
    return [_along(case, point, g, position, d) for d in entries if d.any()]


def _along(case: Case, point: Point, g: Array, position: int, direction: Array) -> Direction:
    device = case.device if devices.unsupported(case.device, "float64") is None else "cpu"
    inputs = [to_tensor(x, "float64", device, case.workload.layout) for x in point.inputs]
    line = to_tensor(direction, "float64", device)

    def moved(t: float) -> Vector:
        there = [x + t * line if i == position else x for i, x in enumerate(inputs)]
        return np.asarray(to_array(case.function(*there, **point.options)), dtype=float).ravel()

    with torch.no_grad():
        found = derivatives(lambda places: np.array([moved(t) for t in places]))
        size = math.fsum(np.abs(g.ravel() * moved(0.0)))
    again = functools.cache(lambda: _along(case, point, g, position, direction / 2))
    return Direction(direction, found.weighted(g.ravel()), size, again)


def _moves_exactly(x: Array) -> Array:
    """Which entries take every step ±h of the first ladder without rounding.

    An entry so small that it vanishes beside the step counts: no slope makes 2⁻¹²⁰ of a step visible.
    """
    steps = (LADDERS[0], LADDERS[0] * 2.0**-RUNGS)
    lost = [np.abs((x + h) - h - x) + np.abs((x + h) - x - h) for step in steps for h in (step, -step)]
    return np.asarray(np.max(lost, axis=0) <= 2.0**-120)


def _with_few_bits(point: Point) -> Point:
    """A sampled point with float32's precision, so that float64 adds every step without rounding."""
    if point.name != ORDINARY:
        return point
    inputs = tuple(round_to(x, "float32") if x.dtype.kind == "f" else x for x in point.inputs)
    return dataclasses.replace(point, inputs=inputs)


def _odd_one_out(closed: Status, difference: Status, both: Status) -> str:
    if Status.INCONCLUSIVE in (closed, difference, both):
        return "A finite difference sees nothing here."
    verdict = (closed is Status.PASS, difference is Status.PASS, both is Status.PASS)
    return {
        (False, False, True): "The closed form and the finite difference agree: autograd is wrong.",
        (False, True, False): "Autograd and the finite difference agree: the closed form is wrong.",
        (True, False, False): "Autograd and the closed form agree: the forward result does not match them.",
        (False, True, True): "The finite difference is too coarse to tell which of the two is wrong.",
    }.get(verdict, "")


CHECK = Check("gradient", "Do autograd, closed form and finite difference agree?", examine)
