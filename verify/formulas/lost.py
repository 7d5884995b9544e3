"""Lost: which entries of a result have lost the value that a number of the format could have held.

An entry is lost where the exact value y is a normal number of the format and the computed ŷ is no number,
or |ŷ − y| ≥ |y|/2, so that no digit of it is right, unless the condition of the problem explains it:
an algorithm as good as any errs by e = c u (|y| + Σᵢ|xᵢ ∂y/∂xᵢ|), and may lose y where e ≥ |y|/2, or where
y ± e, or the terms that y is a sum of, reach beyond the normal numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from verify.formulas.arithmetic import Arithmetic
from verify.formulas.reference import Enclosure, enclosures
from verify.operation import Array

# A loss is an error of half the value: an enclosure that is wide by 2⁻¹⁰ of it can turn no verdict that the
# 2⁻⁹ taken off below does not.
_FINENESS = 2.0**-10
# From the least to what 1 ± exp(−744) asks for, and the inputs' own spread of twice 1074 bits.
_PRECISIONS = (128, 512, 2304)

_lower = np.frompyfunc(lambda ball: float(ball.abs_lower()), 1, 1)


def enclosed(
    evaluate: Callable[..., Any],
    arguments: tuple[Any, ...],
    options: Mapping[str, Any],
    arithmetic: Arithmetic,
) -> tuple[Enclosure | None, ...]:
    """Enclose every array that a formula returns, as finely as tells a lost value from a right one."""
    for precision in _PRECISIONS:
        try:
            found = enclosures(evaluate, arguments, options, precision)
        except ValueError:
            # What a formula cannot isolate with few bits it may with more.
            if precision == _PRECISIONS[-1]:
                raise
            continue
        if all(e is None or told(e, arithmetic).all() for e in found):
            break
    return found


def told(exact: Enclosure, arithmetic: Arithmetic) -> Array:
    """Which entries are known to 2⁻¹⁰ of themselves, or to lie beyond the normal numbers.

    The rest has no value there, or none that the highest precision encloses.
    """
    size, radius = np.abs(exact.value), exact.radius
    with np.errstate(all="ignore"):
        known = (radius <= _FINENESS * size) & np.isfinite(size)
        below = size + radius < arithmetic.smallest_normal
    rest = ~(known | below)
    if rest.any():
        above = np.zeros(size.shape, dtype=bool)
        above[rest] = np.asarray(_lower(exact.balls), dtype=float)[rest] > arithmetic.largest
        rest = rest & ~above
    return np.asarray(~rest)


def in_range(exact: Enclosure, arithmetic: Arithmetic) -> Array:
    """Which entries are enclosed, and normal numbers of the format."""
    size = np.abs(exact.value)
    normal = (size >= arithmetic.smallest_normal) & (size <= arithmetic.largest)
    return np.asarray(normal & told(exact, arithmetic))


def off(computed: Array, exact: Enclosure, inside: Array) -> Array:
    """Which entries in range are no number, or off by half of themselves: lost, or ill-conditioned.

    `inside` is what `in_range` tells. Shapes: all the same.
    """
    value = exact.value
    with np.errstate(all="ignore"):
        near = np.abs(computed - value) < np.abs(value) * (0.5 + 2.0**-9)
    return np.asarray(inside & ~near)


def kept(exact: Enclosure, moved: Sequence[Array], terms: int, a: Arithmetic) -> Array:
    """Which entries an algorithm that is as good as the condition allows keeps, in range.

    `moved` holds u Σᵢ|xᵢ ∂y/∂xᵢ| for the entries of each argument. A sum of `terms` terms rounds once for
    each, in the working type; two elementary functions (each worth `elementary`/u roundings), a shift, a
    product, a quotient and the storing round in the stored type, and as many subnormals may be lost on the
    way. Where the largest Σᵢ|xᵢ ∂y/∂xᵢ| is beyond the range, y is the small rest of terms that are: then only
    another order of summation, not another scale, would keep it.
    """
    roundings = terms * a.w / a.u + 2 * a.elementary / a.u + 4
    size, sums = np.abs(exact.value), [np.broadcast_to(m, exact.value.shape) for m in moved]
    with np.errstate(all="ignore"):
        error = roundings * (a.u * size + sum(sums) + a.smallest)
        within = (size - error >= a.smallest_normal) & (size + error <= a.largest)
        of_terms = np.max(sums, axis=0) <= a.u * a.largest
    return np.asarray(within & of_terms & (error < size / 2))


def precision_for(exact: Enclosure) -> int:
    """Enough bits for the effect of a change of 2⁻¹⁰⁰ to be told as finely as the value itself."""
    return 2 * exact.precision + 128
