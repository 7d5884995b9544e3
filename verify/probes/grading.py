"""Grading: the error of a whole matrix product, entry by entry, against what its order explains.

|Ĉ − C| ≤ γ_h |A||B| for h − 1 additions in a row and the rounding of each product (Higham, Accuracy and
Stability of Numerical Algorithms, 2nd ed., §3.5). Where roundings are random, |Ĉ − C| ≤ λ w √(Σ s² + Σ p²)
over the partial sums s and the products p of an entry, with probability 1 − 2 exp(−λ²/2), as
`verify.checks.summation` derives; that is at most about λ √k w |A||B| (Higham & Mary 2019, theorem 3.1).
What storing the result in a narrower type explains comes on top, u|C|, and the operands that a mode of
precision promises to shorten: cut to b bits they are off by less than 2^(1−b), both of them.
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
from verify.probes.tree import Tree

# One false alarm in 10^12 grades: each entry may exceed the random bound with probability 10⁻¹² / entries.
ALARM = 1e-12
# So many entries are compared with exact fractions where float64 is no better than what is judged: of a
# kernel that gets a part q of its entries wrong, none is seen with probability (1 − q)⁴⁸, 10⁻³ at q = 1/8.
SAMPLED = 48


def grade(m: Multiplication, shape: Shape, layout: str, operands: int | None = None, seed: int = 0) -> Grade:
    """Grade the product of two random matrices of full digits in a shape and a layout."""
    multiply, arithmetic = _in_layout(m, layout), m.arithmetic
    rows, inner, columns = shape
    a, b = m.random(rows, inner, seed), m.random(inner, columns, seed + 1)
    exact, error, at = _errors(m, a, b, multiply(a, b))
    # Probes on several threads wait for each other; and what several threads add may be other parts.
    tree = _tree(multiply, m, shape) if torch.get_num_threads() == 1 else None
    stored = arithmetic.stored(exact, 0.0) if arithmetic.u > arithmetic.w else 0.0
    # Storing comes last: it rounds the error before it too, by a factor of 1 + u.
    left = np.maximum(error - stored, 0) / (1 + arithmetic.u)
    products = a[at[0]].T * b[:, at[1]]
    size = np.abs(products).sum(axis=0)
    certain = float(arithmetic.gamma((tree.depth if tree else inner - 1) + 1)) * size
    typical = math.sqrt(inner) * arithmetic.w * size
    # Neither bound may be exceeded, so the smaller one counts.
    allowed = np.minimum(certain, _at_random(tree, products, certain) * arithmetic.w)
    if operands is not None and operands < m.precision:
        allowed += ((1 + 2.0 ** (1 - operands)) ** 2 - 1) * size
    return Grade(
        shape,
        layout,
        threads=torch.get_num_threads(),
        depth=tree.depth if tree else None,
        certain=float(np.max(left / certain, initial=0.0)),
        random=float(np.max(left / typical, initial=0.0)),
        explained=float(np.max(left / allowed, initial=0.0)),
        entries=len(size),
    )


def _at_random(tree: Tree | None, products: Array, certain: Array) -> Array:
    """λ √(Σ s² + Σ p²) of each entry. Shapes: `products` (k, entries), `certain` (entries,)."""
    inner, entries = products.shape
    deviations = math.sqrt(2 * math.log(2 * entries / ALARM))
    if tree is None:
        # No partial sum, in any order, is larger than Σ|p|, of which it is made.
        square = (inner - 1) * np.sum(np.abs(products), axis=0) ** 2
    else:
        sums = tree.gathered(list(products), lambda members: np.sum(members, axis=0))[inner:]
        # What is rounded are the computed partial sums, which differ from the exact ones by less than this.
        square = sum(((np.abs(each) + certain) ** 2 for each in sums), np.zeros(entries))
    bound: Array = deviations * np.sqrt(square + np.sum(products**2, axis=0))
    return bound


def _in_layout(m: Multiplication, layout: str) -> Callable[[Array, Array], Array]:
    def multiply(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return m.multiply(laid_out(a, layout), laid_out(b, layout))

    return Multiplication(multiply, m.dtype, m.device, m.size)


def _tree(multiply: Callable[[Array, Array], Array], m: Multiplication, shape: Shape) -> Tree | None:
    rows, inner, columns = shape
    left, ones = np.zeros((rows, inner)), np.ones((inner, columns))

    def total(terms: Array) -> float:
        left[0] = terms
        return float(multiply(left, ones)[0, 0])

    mask = Mask.of(m.arithmetic, inner)
    if mask is None:
        return None
    try:
        return reveal(total, inner, mask)
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
