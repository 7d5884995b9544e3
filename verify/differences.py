"""Differences: a derivative along a line by finite differences that report their own error interval.

Central differences D(h) = (φ(h) − φ(−h))/2h have the error series c₂h² + c₄h⁴ + c₆h⁶ + …; Richardson's
extrapolation over h, h/2, h/4 removes the first two terms and leaves order 6. Over a ladder of dyadic
steps the truncation error falls and the rounding error rises; the step with the smallest sum of the two
is taken, and that sum is the interval. Nothing is chosen by hand: the truncation error is what the
other rungs disagree by, the rounding error is measured on the function itself. A corner of φ is
recognised; at it the one-sided derivatives are returned instead of their meaningless mean.

What it cannot see: features narrower than the fine grid beside 0, 2⁻²⁰ (`verify/line.py`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from verify.line import (
    GRID_SPACING,
    RUNGS,
    UNIT_ROUNDOFF,
    Line,
    Vector,
    corner,
    even_part,
    jumps,
    least_movement,
    noise,
    sample,
    stands_out,
    summed,
    term_noise,
)

# A ladder of 8 steps starts at 2⁻³: there a sixth-order error of a function with derivatives of order one
# is 2⁻¹⁸/7!, and at its end, 2⁻¹⁰, a rounding error of u is amplified to 2⁻⁴³. The lower ladders serve
# functions whose domain ends, or whose corner lies, close by.
LADDERS = (2.0**-3, 2.0**-11, 2.0**-19, 2.0**-27, 2.0**-35)


@dataclass(frozen=True)
class Derivative:
    """φ′(0) with an interval: every one-sided derivative lies in [low − error, high + error].

    Away from a corner low and high are equal. `error` is infinite or nan where nothing can be said.
    `step` is the largest step of the rung used.
    """

    low: float
    high: float
    error: float
    kink: bool
    step: float

    @property
    def value(self) -> float:
        """The derivative; at a corner the mean of the two sides."""
        return (self.low + self.high) / 2

    def distance(self, claim: float) -> float:
        """How far a claimed derivative lies from [low, high], not counting the error. nan if unknown."""
        if math.isnan(self.low + self.high + claim):
            return math.nan
        return max(self.low - claim, claim - self.high, 0.0)


_NOTHING = Derivative(math.nan, math.nan, math.nan, False, math.nan)


def derivative(terms: Callable[[float], Vector]) -> Derivative:
    """The derivative at 0 of t ↦ Σ terms(t), with its interval.

    The caller moves its argument by exactly t: a rounded argument is an error that no grid can show.
    The terms are looked at one by one for corners (two corners may cancel in the sum), and together for
    the derivative.
    """
    lines: list[Line] = []
    for ladder in LADDERS:
        line = sample(terms, ladder)
        if not line.finite:
            continue
        lines.append(line)
        if stands_out(line):
            continue
        rung = corner(line)
        # A corner at distance δ bends the two rungs below the last one on which it is recognised.
        start = 0 if rung is None else rung + 3
        if start <= RUNGS - 4:
            return _central(line, start, lines[:-1])
    if not lines or stands_out(lines[-1]) or jumps(lines[-1]):
        return _NOTHING
    return _one_sided(lines[0])


def extrapolation(powers: Sequence[int]) -> tuple[tuple[float, ...], float]:
    """Weights that combine D(h), D(h/2), …, D(h/2^m) so that the terms h^p of each power vanish.

    Returns the weights, largest step first, and Σ|weight|·2^k: how much they amplify noise/h.
    Solved in exact rationals: each power p is removed by (2^p·finer − coarser)/(2^p − 1).
    """
    rows = [[Fraction(int(i == k)) for i in range(len(powers) + 1)] for k in range(len(powers) + 1)]
    for power in powers:
        rows = [
            [(2**power * f - c) / (2**power - 1) for c, f in zip(coarse, fine, strict=True)]
            for coarse, fine in itertools.pairwise(rows)
        ]
    (weights,) = rows
    amplification = sum(abs(weight) * 2**k for k, weight in enumerate(weights))
    return tuple(float(weight) for weight in weights), float(amplification)


_CENTRAL = extrapolation((2, 4))
_EVEN = extrapolation((1, 3, 5))
_ONE_SIDED = extrapolation((1, 2, 3))
_BESIDE = extrapolation((1, 2))


def _weighted(weights: Sequence[float], values: Sequence[float] | Vector) -> float:
    return float(sum(w * v for w, v in zip(weights, values, strict=False)))


def _central(line: Line, start: int, coarser: Sequence[Line]) -> Derivative:
    quotients = summed(line.plus - line.minus) / (2 * line.steps)
    off = noise(line, start, coarser)
    value, error, step = _climb(quotients[start:], line.steps[start:], off, _CENTRAL, [_beside(line, off)])
    return Derivative(value, value, error + _hidden(line, start) / 2, False, step)


def _hidden(line: Line, start: int) -> float:
    """The largest jump of a term's derivative at 0 that the samples cannot exclude.

    It is the limit of E(h), of which a smooth function has only the odd powers of h; a central
    difference does not see it.
    """
    weights, amplification = _EVEN
    even, off = (part[start:] for part in even_part(line))
    limits = [
        np.abs(sum(w * e for w, e in zip(weights, even[k:], strict=False))) + amplification * off[k]
        for k in range(len(even) - len(weights) + 1)
    ]
    return float(np.sum(np.min(limits, axis=0)))


def _beside(line: Line, off: float) -> tuple[float, float]:
    """A one-sided estimate from the fine grid and its rounding error.

    It is coarse, but no feature wider than the grid hides from it, as one may from the rungs (a period
    that divides every step, a narrow bend).
    """
    spacing = float(line.steps[-1]) * GRID_SPACING
    total = summed(line.fine)
    weights, amplification = _BESIDE
    quotients = [(total[i] - total[0]) / (i * spacing) for i in (4, 2, 1)]
    return _weighted(weights, quotients), 2 * amplification * off / (4 * spacing)


def _one_sided(line: Line) -> Derivative:
    """The sum of every term's two one-sided derivatives: the widest set a convention may choose from."""
    rungs = np.concatenate([line.plus, line.minus])
    off = 2 * (term_noise(line) + UNIT_ROUNDOFF * np.max(np.abs(rungs), axis=0))
    # The grid lies on the right; a term may stand still there and move on the left.
    still = least_movement(line, line.plus)
    low = high = error = step = 0.0
    # A corner that is not quite at 0 leaves a term in 1/h: rungs then disagree by half of their error.
    for j in range(line.center.size):
        up = (line.plus[:, j] - line.center[j]) / line.steps
        down = (line.center[j] - line.minus[:, j]) / line.steps
        right, right_error, step = _climb(up, line.steps, float(off[j] + still[j]), _ONE_SIDED)
        left, left_error, _ = _climb(down, line.steps, float(off[j]), _ONE_SIDED)
        low, high = low + min(left, right), high + max(left, right)
        error += 2 * max(left_error, right_error)
    return Derivative(low, high, error, True, step)


def _climb(
    quotients: Vector,
    steps: Vector,
    off: float,
    method: tuple[tuple[float, ...], float],
    finest: Sequence[tuple[float, float]] = (),
) -> tuple[float, float, float]:
    """Extrapolate from every rung and keep the one with the smallest truncation plus rounding error.

    `finest` are estimates from closer by, with their rounding errors. Returns value, error and step.
    """
    weights, amplification = method
    estimates = [_weighted(weights, quotients[k:]) for k in range(len(steps) - len(weights) + 1)]
    # The quotients and their weighted sum are rounded themselves, four times each at most.
    arithmetic = 4 * UNIT_ROUNDOFF * float(np.max(np.abs(quotients))) * sum(abs(w) for w in weights)
    ladder = [(e, amplification * off / float(steps[k]) + arithmetic) for k, e in enumerate(estimates)]
    ladder += finest
    best = (math.nan, math.inf, math.nan)
    for k in range(1, len(estimates)):
        value, rounding = ladder[k]
        # The rung above disagrees by almost all of its own error, which is larger than this one's by
        # the ratio 2^order: a safety factor of 63 (central) where the series has set in. Two estimates
        # can agree by chance, so the disagreement before that, reduced by the ratio, counts too.
        truncation = abs(value - estimates[k - 1])
        if k >= 2:
            truncation = max(truncation, abs(estimates[k - 1] - estimates[k - 2]) / 64)
        # What rounding does not explain of the disagreement with any finer estimate is truncation too: a
        # series that has not set in, or converges slowly, shows there. Half may lie beyond the finest.
        finer = [abs(value - other) - error - rounding for other, error in ladder[k + 1 :]]
        error = max(truncation, 2 * max([0.0, *finer])) + rounding
        if error < best[1]:
            best = (value, error, float(steps[k]))
    return best
