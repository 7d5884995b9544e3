"""Condition: how far a relative change of u in the inputs moves an exact result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flint
import numpy as np

from verify.formulas.reference import in_balls
from verify.operation import Array, Inputs

# The relative change of an input whose effect is measured. The effect is linear to within this factor,
# and enough bits are left for a probability of exp(−1500) to be subtracted from 1.
_CHANGE = 2.0**-100
_PRECISION = 4096


def condition(
    evaluate: Callable[..., Any], inputs: Inputs, u: float, precision: int = _PRECISION
) -> tuple[Array, ...]:
    """u Σᵢ |xᵢ ∂y/∂xᵢ| for every entry of every result, from a change of each input entry in turn.

    The factor u is taken in ball arithmetic: the sum alone may lie beyond float64's range. `precision` may be
    lower where the values are known to need less. Units: bits.
    Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., §1.6.
    """
    totals: list[Array] = []
    with flint.ctx.workprec(precision), np.errstate(all="ignore"):
        balls = in_balls(inputs)
        start = _results(evaluate(*balls))
        for position, x in enumerate(inputs):
            if x.dtype.kind != "f":
                continue
            for index in np.ndindex(x.shape):
                changed = balls[position].copy()
                changed[index] = changed[index] * (1 + flint.arb(_CHANGE))
                moved = _results(evaluate(*balls[:position], changed, *balls[position + 1 :]))
                effects = [_effect(s, m, u) for s, m in zip(start, moved, strict=True)]
                totals = [t + e for t, e in zip(totals, effects, strict=True)] if totals else effects
    return tuple(totals)


def _results(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


_size = np.frompyfunc(lambda change, u: float(abs(flint.arb(change)).mid() * (u / _CHANGE)), 2, 1)


def _effect(start: Any, moved: Any, u: float) -> Array:
    if start is None:
        return np.zeros(())
    change = np.asarray(moved, dtype=object) - np.asarray(start, dtype=object)
    return np.asarray(_size(change, u), dtype=float)
