"""Precision: gradients narrower than float64, judged against a run of the same function in float64.

The unit is u × scale. A random relative change of u in the inputs, the cotangents and the result of
every operation on the way, made in float64, shows how far roundings move the gradient; one that is
computed with roundings of u is right if it is off by no more than that and its own rounding, times the
number of roundings that an entry passes through.

Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., §1.5 and §1.6.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from verify.finite_differences.line import Vector
from verify.formulas.arithmetic import Arithmetic
from verify.gradients.allowance import CHANGES, NEARER, allowance, passed
from verify.gradients.claim import gravest
from verify.gradients.draws import Draws
from verify.gradients.function import Evaluated, Function, UnusableFunction
from verify.gradients.mode import Mode, modes
from verify.gradients.nest import mapped
from verify.gradients.point import Point
from verify.gradients.questions import Questions
from verify.gradients.report import Answer
from verify.gradients.reverse import Vjp
from verify.gradients.rounding import RandomlyRounded
from verify.gradients.rows import Tensors, laid_out, row, size, split, tensors_of
from verify.outcome import Status, judge

_WIDE = {
    torch.float16: torch.float64,
    torch.bfloat16: torch.float64,
    torch.float32: torch.float64,
    torch.complex64: torch.complex128,
}
_NAMES = {torch.complex64: "float32"}
_EXACT = (torch.float64, torch.complex128)
# The sign, the exponent and 23 bits behind the leading one, of a float64.
_LEADING = -(2**29)


def narrow(point: Point) -> bool:
    """Whether some variable is narrower than float64."""
    return any(x.dtype in _WIDE for x in point.variables)


def witness(point: Point) -> Point:
    """The same point in float64, every tensor's value kept; float64 variables lose all but 24 bits.

    With these a step is added without rounding. A float64 value moves by less than 2⁻²³ of itself.
    """
    arguments = mapped(widened, point.arguments)
    return Point(arguments, point.variables_in(arguments))


def widened(x: torch.Tensor) -> torch.Tensor:
    """A tensor in float64; one that requires a gradient with few bits and in its layout."""
    if not x.requires_grad:
        return x.to(_WIDE.get(x.dtype, x.dtype))
    values = _few_bits(x.detach())
    if values.stride() != x.stride() or values.data_ptr() == x.data_ptr():
        values = laid_out(values, x)
    return values.requires_grad_()


def _few_bits(x: torch.Tensor) -> torch.Tensor:
    """x in float64, with the leading 24 bits of every entry; the others are cut off."""
    if x.dtype in _WIDE:
        return x.to(_WIDE[x.dtype])
    x = x.resolve_conj().resolve_neg()
    entries = torch.view_as_real(x) if x.is_complex() else x
    leading = (entries.view(torch.int64) & _LEADING).view(torch.float64)
    return torch.view_as_complex(leading) if x.is_complex() else leading


def against_witness(
    low: Function,
    precise: Function,
    questions: Questions,
    draws: Draws,
    vjp: Vjp | None = None,
    prefix: str = "",
) -> list[Answer]:
    """Every derivative that is asked for, in the inputs' own dtypes against the same in float64."""
    at, exactly = low.evaluated(), precise.evaluated()
    a = _coarsest(at)
    question = f"{a.dtype} against float64" + (f", {prefix}" if prefix else "")
    if low.draws:
        note = "the function draws random numbers, which are others in float64"
        return [Answer(question, Status.INCONCLUSIVE, note=note)]
    if [y.shape for y in at.outputs] != [y.shape for y in exactly.outputs]:
        note = "its outputs have other shapes in float64, or others of them carry a gradient"
        return [Answer(question, Status.INCONCLUSIVE, note=note)]
    return [
        answer
        for mode in modes(at, questions, vjp)
        for answer in _in_mode(question, mode, low, at, precise, exactly, draws)
    ]


def _in_mode(
    question: str,
    mode: Mode,
    low: Function,
    at: Evaluated,
    precise: Function,
    exactly: Evaluated,
    draws: Draws,
) -> Iterator[Answer]:
    a = _coarsest(at)
    # Of the dtype's own digits, so that both runs are given the same.
    weighted = mode.weights(at)
    g = _rounded(draws.cotangent(sum(size(t) for t in weighted)), weighted)
    first = next(iter(mode.ways.values()))

    def moved(change: float, exact: Vector) -> Vector:
        x = row(precise.point.variables)
        x_there, g_there = (v * (1 + change * draws.signs(v.size)) for v in (x, g))
        rounded = RandomlyRounded(change, draws.seed())
        there = precise.evaluated_at(x_there, rounded)
        with rounded:
            return np.abs(first(precise, there, g_there) - exact)

    try:
        exact = first(precise, exactly, g)
        far = np.max([moved(a.u, exact) for _ in range(CHANGES)], axis=0)
        near = np.max([moved(a.u / NEARER, exact) for _ in range(CHANGES)], axis=0)
    except UnusableFunction as error:
        yield Answer(question, Status.INCONCLUSIVE, note=f"in float64, {error}")
        return
    roundings = passed(a, *(sum(size(t) for t in held) for held in (exactly.variables, exactly.outputs)))
    before: Vector | None = None
    for name, way in mode.ways.items():
        asked = ", ".join(filter(None, (question, name)))
        try:
            found = way(low, at, g)
        except UnusableFunction as error:
            yield Answer(asked, Status.FAIL, note=str(error))
            continue
        if before is not None and np.array_equal(found, before):
            continue  # the same bits were judged already
        before = found
        pieces = (split(v, mode.gives(at)) for v in (found, exact, far, near))
        yield gravest(
            [_compared(asked, a, roundings, *four) for four in zip(*pieces, strict=True) if four[0].size]
            or [Answer(asked, Status.PASS, note="there is no entry")]
        )


def _compared(
    question: str, a: Arithmetic, roundings: float, found: Vector, exact: Vector, far: Vector, near: Vector
) -> Answer:
    """One variable's gradient; `far` and `near` are what changes of u and of much less make of it."""
    allowed = allowance(a, roundings, exact, far, near)
    off = np.abs(found - exact)
    error = float(np.max(off)) if np.isfinite(found).all() else math.nan
    status = judge(error, allowed.bound)
    note = f"{error / (a.u * allowed.scale) if allowed.scale else 0.0:.2g} u × scale"
    beyond = off > allowed.bound
    if status is Status.FAIL and not beyond[~allowed.jumps].any() and not math.isnan(error):
        return Answer(question, Status.INCONCLUSIVE, error, allowed.bound, note="it jumps within a rounding")
    if status is Status.PASS and allowed.visible >= 1:
        status = Status.INCONCLUSIVE
    return Answer(question, status, error, allowed.bound, allowed.visible, note)


def _coarsest(at: Evaluated) -> Arithmetic:
    """The arithmetic of the narrowest dtype among the variables and the outputs."""
    dtypes = {t.dtype for t in (*at.variables, *at.outputs)}
    names = [_NAMES.get(d, str(d).removeprefix("torch.")) for d in dtypes if d not in _EXACT]
    device = at.variables[0].device.type
    return max((Arithmetic.of(name, device) for name in names), key=lambda a: a.u)


def _rounded(g: Vector, weighted: Tensors) -> Vector:
    """Weights with the digits of the tensors that they belong to."""
    return row(tensors_of(g, weighted))
