"""Precision: gradients narrower than float64, judged against a run of the same function in float64.

The unit is u × scale. A random relative change of u in the inputs, the cotangents and the result of
every operation on the way, made in float64, shows how far roundings move the gradient; one that is
computed with roundings of u is right if it is off by no more than that and its own rounding, times the
number of roundings that an entry passes through.

Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., §1.5 and §1.6.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from verify.arithmetic import Arithmetic
from verify.gradients import reverse
from verify.gradients.draws import Draws
from verify.gradients.function import Evaluated, Function, Point, laid_out, row, size, split
from verify.gradients.report import Answer
from verify.gradients.rounding import RandomlyRounded
from verify.line import Vector
from verify.outcome import Status, judge

_WIDE = {
    torch.float16: torch.float64,
    torch.bfloat16: torch.float64,
    torch.float32: torch.float64,
    torch.complex32: torch.complex128,
    torch.complex64: torch.complex128,
}
_NAMES = {torch.complex32: "float16", torch.complex64: "float32"}
# Roundings beside those of sums: two elementary functions, a shift, a product, a quotient, the storing.
_ROUNDINGS = 12.0
_DEVIATIONS = 6.0
_CHANGES = 3
_NEARER = 256.0
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
    arguments = tuple(_widened(a) for a in point.arguments)
    return Point(arguments, tuple(t for a in arguments for t in _variables(a)))


def _widened(argument: Any) -> Any:
    if type(argument) in (list, tuple):
        return type(argument)(_widened(item) for item in argument)
    if not isinstance(argument, torch.Tensor):
        return argument
    if argument.requires_grad:
        values = _few_bits(argument.detach())
        if values.stride() != argument.stride() or values.data_ptr() == argument.data_ptr():
            values = laid_out(values, argument)
        return values.requires_grad_()
    return argument.to(_WIDE.get(argument.dtype, argument.dtype))


def _few_bits(x: torch.Tensor) -> torch.Tensor:
    """x in float64, with the leading 24 bits of every entry; the others are cut off."""
    if x.dtype in _WIDE:
        return x.to(_WIDE[x.dtype])
    entries = torch.view_as_real(x.resolve_conj()) if x.is_complex() else x
    leading = (entries.view(torch.int64) & _LEADING).view(torch.float64)
    return torch.view_as_complex(leading) if x.is_complex() else leading


def _variables(argument: Any) -> list[torch.Tensor]:
    if type(argument) in (list, tuple):
        return [t for item in argument for t in _variables(item)]
    return [argument] if isinstance(argument, torch.Tensor) and argument.requires_grad else []


def against_witness(low: Function, precise: Function, draws: Draws) -> Answer:
    """The gradient in the inputs' own dtypes against the one in float64."""
    at, exactly = low.evaluated(), precise.evaluated()
    a = _coarsest(at)
    question = f"{a.dtype} against float64"
    if low.draws:
        note = "the function draws random numbers, which are others in float64"
        return Answer(question, Status.INCONCLUSIVE, note=note)
    m = sum(size(y) for y in exactly.outputs)
    # Of the dtype's own digits, so that both runs are given the same.
    g = _rounded(draws.cotangent(m), at)
    found, exact = reverse.gradient(at, g), reverse.gradient(exactly, g)

    def moved(change: float) -> Vector:
        seed = draws.seed()
        x = row(precise.point.variables)
        signs = draws.signs(x.size)
        g_there = g * (1 + change * draws.signs(m))
        rounded = RandomlyRounded(change, seed)
        there = precise.evaluated_at(x * (1 + change * signs), rounded)
        with rounded:
            return np.abs(reverse.gradient(there, g_there) - exact)

    far = np.max([moved(a.u) for _ in range(_CHANGES)], axis=0)
    near = np.max([moved(a.u / _NEARER) for _ in range(_CHANGES)], axis=0)
    n = max((x.numel() for x in at.variables), default=1)
    roundings = _ROUNDINGS + _DEVIATIONS * math.sqrt(max(n, m)) * a.w / a.u
    pieces = (split(v, at.variables) for v in (found, exact, far, near))
    answers = [_compared(question, a, roundings, *four) for four in zip(*pieces, strict=True) if four[0].size]
    grave = (Status.FAIL, Status.INCONCLUSIVE, Status.PASS)
    return min(
        answers,
        key=lambda answer: (grave.index(answer.status), -answer.visible),
        default=Answer(question, Status.PASS),
    )


def _compared(
    question: str, a: Arithmetic, roundings: float, found: Vector, exact: Vector, far: Vector, near: Vector
) -> Answer:
    """One variable's gradient; `far` and `near` are what changes of u and of much less make of it."""
    largest = float(np.max(np.abs(exact)))
    # A gradient that a much smaller change moves as far does not move: a maximum goes to another entry, a
    # corner is passed. Which side is right depends on the roundings.
    jumps = ~np.isfinite(far + near) | ((near > far / 4) & (near > largest * 2.0**-40))
    shift = float(np.max(np.where(jumps, 0.0, far)))
    scale = largest + shift / a.u
    bound = roundings * (a.u * scale + a.smallest)
    off = np.abs(found - exact)
    error = float(np.max(off)) if np.isfinite(found).all() else math.nan
    status = judge(error, bound)
    # A gradient that vanishes is what is left of terms that cancel; these then are its size.
    vanishes = largest <= 2.0**-40 * shift / a.u
    visible = bound / (shift / a.u if vanishes else largest) if scale else 0.0
    note = f"{error / (a.u * scale) if scale else 0.0:.2g} u × scale"
    if status is Status.FAIL and not (off > bound)[~jumps].any() and not math.isnan(error):
        return Answer(question, Status.INCONCLUSIVE, error, bound, note="it jumps within a rounding")
    if status is Status.PASS and visible >= 1:
        status = Status.INCONCLUSIVE
    return Answer(question, status, error, bound, visible, note)


def _coarsest(at: Evaluated) -> Arithmetic:
    """The arithmetic of the narrowest dtype among the variables and the outputs."""
    dtypes = {t.dtype for t in (*at.variables, *at.outputs)}
    names = [_NAMES.get(d, str(d).removeprefix("torch.")) for d in dtypes if d not in _EXACT]
    device = at.variables[0].device.type
    return max((Arithmetic.of(name, device) for name in names), key=lambda a: a.u)


def _rounded(g: Vector, at: Evaluated) -> Vector:
    pieces = split(g, at.outputs)
    return np.concatenate(
        [
            torch.from_numpy(p).to(_real(y.dtype)).to(torch.float64).numpy()
            for p, y in zip(pieces, at.outputs, strict=True)
        ]
    )


def _real(dtype: torch.dtype) -> torch.dtype:
    return dtype.to_real() if dtype.is_complex else dtype
