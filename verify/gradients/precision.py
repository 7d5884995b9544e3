"""Precision: gradients narrower than float64, judged against a run of the same function in float64.

The unit is u × scale. A random relative change of u in the inputs and the cotangents, made in float64,
shows how far the exact gradient moves with them; an algorithm is right if its error is no larger than
that and the gradient's own rounding, times the number of roundings that an entry passes through.

Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., §1.5 and §1.6.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from verify.arithmetic import Arithmetic
from verify.gradients import reverse
from verify.gradients.function import Evaluated, Function, Point, laid_out, row, split
from verify.gradients.report import Answer
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


def narrow(point: Point) -> bool:
    """Whether some variable is narrower than float64."""
    return any(x.dtype in _WIDE for x in point.variables)


def witness(point: Point) -> Point:
    """The same point in float64, every tensor's value kept; float64 variables lose all but 24 bits.

    With these a step is added without rounding. A float64 value far from 0 moves by 2⁻²⁵ of itself.
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
    """x in float64, with the leading 24 bits of every entry.

    Source: Veltkamp's splitting; Muller et al., Handbook of Floating-Point Arithmetic, 2nd ed., §4.4.1.
    """
    if x.dtype in _WIDE:
        return x.to(_WIDE[x.dtype])
    entries = torch.view_as_real(x.resolve_conj()) if x.is_complex() else x
    scaled = entries * (2.0**29 + 1)
    leading = scaled - (scaled - entries)
    # Beyond 10²⁹⁹ the product overflows; such an entry keeps its bits.
    leading = torch.where(leading.isfinite(), leading, entries)
    return torch.view_as_complex(leading) if x.is_complex() else leading


def _variables(argument: Any) -> list[torch.Tensor]:
    if type(argument) in (list, tuple):
        return [t for item in argument for t in _variables(item)]
    return [argument] if isinstance(argument, torch.Tensor) and argument.requires_grad else []


def against_witness(low: Function, precise: Function, generator: np.random.Generator) -> Answer:
    """The gradient in the inputs' own dtype against the one in float64."""
    at, exactly = low.evaluated(), precise.evaluated()
    dtype = at.variables[0].dtype
    name = _NAMES.get(dtype, str(dtype).removeprefix("torch."))
    a = Arithmetic.of(name, at.variables[0].device.type)
    question = f"{str(dtype).removeprefix('torch.')} against float64"
    if low.draws:
        note = "the function draws random numbers, which are others in float64"
        return Answer(question, Status.INCONCLUSIVE, note=note)
    m = sum(y.numel() * (2 if y.is_complex() else 1) for y in exactly.outputs)
    # Of the dtype's own digits, so that both runs are given the same.
    g = _rounded(generator.uniform(0.25, 1.0, m) * generator.choice((-1.0, 1.0), m), at)
    found, exact = reverse.gradient(at, g), reverse.gradient(exactly, g)
    moved = np.zeros_like(exact)
    for _ in range(_CHANGES):
        x = row(precise.point.variables)
        change = 1 + a.u * generator.choice((-1.0, 1.0), x.size)
        there = precise.evaluated_at(x * change)
        g_there = g * (1 + a.u * generator.choice((-1.0, 1.0), m))
        moved = np.maximum(moved, np.abs(reverse.gradient(there, g_there) - exact))
    n = max((x.numel() for x in at.variables), default=1)
    roundings = _ROUNDINGS + _DEVIATIONS * math.sqrt(max(n, m)) * a.w / a.u
    worst = Answer(question, Status.PASS)
    for piece, true, shift in zip(*(split(v, at.variables) for v in (found, exact, moved)), strict=True):
        if not true.size:
            continue
        error = float(np.max(np.abs(piece - true))) if np.isfinite(piece).all() else math.nan
        scale = float(np.max(np.abs(true) + shift / a.u))
        bound = roundings * (a.u * scale + a.smallest)
        status = judge(error, bound)
        visible = bound / float(np.max(np.abs(true))) if true.any() else 0.0
        if status is Status.PASS and visible >= 1:
            status = Status.INCONCLUSIVE
        if status is Status.FAIL or (worst.status is Status.PASS and visible >= worst.visible):
            note = f"{error / (a.u * scale) if scale else 0.0:.2g} u × scale"
            worst = Answer(question, status, error, bound, visible, note)
    return worst


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
