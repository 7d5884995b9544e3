"""Grading: the error of a whole matrix product, entry by entry, as a fraction of what its order explains.

|Ĉ − C| ≤ γ_h |A||B| for h − 1 additions in a row and the rounding of each product (Higham, Accuracy and
Stability of Numerical Algorithms, 2nd ed., §3.5), and |Ĉ − C| ≤ λ √k w |A||B| with probability
1 − 2 exp(−λ²/2) where roundings are random (Higham & Mary 2019, theorem 3.1). What storing the result in a
narrower type explains, and operands that a mode of precision promises to shorten, come on top: u|C|, and
2 · 2⁻ᵇ |A||B| for b bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import torch

from verify.layout import laid_out
from verify.probes.grade import Grade, Shape
from verify.probes.mask import Mask
from verify.probes.multiplication import Array, Multiplication
from verify.probes.summation import Unrevealed, reveal

# One false alarm in 10^12 grades: each entry may exceed the random bound with probability 10⁻¹² / entries.
ALARM = 1e-12
# So many entries are compared with exact fractions where float64 is no better than what is judged.
SAMPLED = 48


def grade(m: Multiplication, shape: Shape, layout: str, operands: int | None = None, seed: int = 0) -> Grade:
    """Grade the product of two random matrices of full digits in a shape and a layout."""
    multiply = _in_layout(m, layout)
    rows, inner, columns = shape
    a, b = m.random(rows, inner, seed), m.random(inner, columns, seed + 1)
    computed, size = multiply(a, b), np.abs(a) @ np.abs(b)
    exact, error, at = _errors(m, a, b, computed)
    # Probes on several threads wait for each other; and what other threads add may be other parts.
    depth = _depth(multiply, m, shape) if torch.get_num_threads() == 1 else None
    arithmetic = m.arithmetic
    stored = np.asarray(arithmetic.stored(exact, 0.0)) if arithmetic.u > arithmetic.w else 0.0
    # Storing comes last: it rounds the error before it too, by a factor of 1 + u.
    left = np.maximum(error - stored, 0) / (1 + arithmetic.u)
    gamma = float(arithmetic.gamma((inner - 1 if depth is None else depth) + 1))
    typical = math.sqrt(inner) * arithmetic.w
    short = 0.0 if operands is None or operands >= m.precision else 2 * 2.0**-operands * (1 + 2.0**-operands)
    # Neither bound may be exceeded, so the smaller one counts.
    allowed = min(_deviations(len(at[0])), gamma / typical) + short / typical
    return Grade(
        shape,
        layout,
        torch.get_num_threads(),
        depth,
        float(np.max(left / size[at] / gamma, initial=0.0)),
        float(np.max(left / size[at] / typical, initial=0.0)),
        allowed,
        len(at[0]),
    )


def _deviations(entries: int) -> float:
    return math.sqrt(2 * math.log(2 * entries / ALARM))


def _in_layout(m: Multiplication, layout: str) -> Callable[[Array, Array], Array]:
    def multiply(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return m.multiply(laid_out(a, layout), laid_out(b, layout))

    return Multiplication(multiply, m.dtype, m.device, m.size)


def _depth(multiply: Callable[[Array, Array], Array], m: Multiplication, shape: Shape) -> int | None:
    rows, inner, columns = shape
    left, ones = np.zeros((rows, inner)), np.ones((inner, columns))

    def total(terms: Array) -> float:
        left[0] = terms
        return float(multiply(left, ones)[0, 0])

    mask = Mask.of(m.arithmetic, inner)
    if mask is None:
        return None
    try:
        return reveal(total, inner, mask).depth
    except Unrevealed:
        return None


def _errors(m: Multiplication, a: Array, b: Array, computed: Array) -> tuple[Array, Array, tuple[Array, ...]]:
    """The exact values and proved errors of some entries, and where those are."""
    rows, columns = computed.shape
    if m.working < 53:
        at: tuple[Array, ...] = tuple(i.ravel() for i in np.indices(computed.shape))
        exact = a @ b
        # float64's own error: γ_k |A||B| of 53 bits.
        own = a.shape[1] * 2.0**-53 * (np.abs(a) @ np.abs(b))
        return exact[at], (np.abs(computed - exact) + own)[at], at
    generator = np.random.default_rng(0)
    at = generator.integers(0, rows, SAMPLED), generator.integers(0, columns, SAMPLED)
    pairs = [(i, j, _exact(a[i], b[:, j])) for i, j in zip(*at, strict=True)]
    errors = [float(abs(Fraction(float(computed[i, j])) - value)) for i, j, value in pairs]
    return np.array([float(value) for *_, value in pairs]), np.array(errors), at


def _exact(row: Array, column: Array) -> Fraction:
    terms = zip(row.tolist(), column.tolist(), strict=True)
    return sum((Fraction(x) * Fraction(y) for x, y in terms), Fraction(0))
