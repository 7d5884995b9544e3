"""Differences: a derivative along a line by finite differences that report their own error interval.

Central differences D(h) = (φ(h) − φ(−h))/2h have the error series c₂h² + c₄h⁴ + c₆h⁶ + …; Richardson's
extrapolation over h, h/2, h/4 removes the first two terms and leaves order 6. Over a ladder of dyadic
steps the truncation error falls and the rounding error rises; the step with the smallest sum of the two
is taken, and that sum is the interval. Nothing is chosen by hand: the truncation error is what the
neighbouring rung disagrees by, the rounding error is measured on the function itself. A corner of φ is
recognised; at it the one-sided derivatives are returned instead of their meaningless mean.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

RUNGS = 8
# A ladder of 8 steps starts at 2⁻³: there a sixth-order error of a function with derivatives of order one
# is 2⁻¹⁸/7!, and at its end, 2⁻¹⁰, a rounding error of u is amplified to 2⁻⁴³. The lower ladders serve
# functions whose domain ends, or whose corner lies, close by.
LADDERS = (2.0**-3, 2.0**-11, 2.0**-19, 2.0**-27, 2.0**-35)
# Spacing of the points on which the noise is measured, of the ladder's last step: on the first ladder
# 2⁻²⁰, so small that the third difference of a smooth function, 2⁻⁶⁰φ‴, lies below the roundoff that it
# is to measure, and on every ladder closer to 0 than its last step.
_NOISE_SPACING = 2.0**-10
_NOISE_POINTS = 8
# Deviations of rounding noise beyond six standard deviations: 2 in 10⁹ for a normal law, and a sum of
# bounded rounding errors has lighter tails (Hoeffding 1963, theorem 2).
_DEVIATIONS = 6.0
_UNIT_ROUNDOFF = 2.0**-53


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


@dataclass(frozen=True)
class Line:
    """A function φ = Σ terms sampled along a line: at 0, at ± every step, and on a fine grid beside 0.

    Shapes: `steps` (rungs,), `center` (m,), `plus` and `minus` (rungs, m), `fine` (points, m) for m terms.
    """

    steps: Vector
    center: Vector
    plus: Vector
    minus: Vector
    fine: Vector


def derivative(terms: Callable[[float], Vector]) -> Derivative:
    """The derivative at 0 of t ↦ Σ terms(t), with its interval.

    The caller moves its argument by exactly t: a rounded argument is an error that no grid can show.
    The terms are looked at one by one for corners (two corners may cancel in the sum), and together for
    the derivative.
    """
    first: Line | None = None
    for ladder in LADDERS:
        line = sample(terms, ladder)
        if not (np.isfinite(line.plus).all() and np.isfinite(line.minus).all()):
            continue
        first = first or line
        corner = _corner(line)
        if corner is None:
            return _central(line, 0)
        # A corner at distance δ bends the two rungs below the last one on which it is recognised.
        if corner + 3 <= RUNGS - 4:
            return _central(line, corner + 3)
    if first is None:
        return Derivative(math.nan, math.nan, math.nan, False, math.nan)
    return _one_sided(first)


def sample(terms: Callable[[float], Vector], first_step: float) -> Line:
    """Evaluate the terms on one ladder of steps and on the fine grid."""
    steps: Vector = np.asarray(first_step * 2.0 ** -np.arange(RUNGS), dtype=np.float64)
    center = terms(0.0)
    return Line(
        steps,
        center,
        np.array([terms(h) for h in steps]),
        np.array([terms(-h) for h in steps]),
        np.array([center, *(terms(i * _NOISE_SPACING * float(steps[-1])) for i in range(1, _NOISE_POINTS))]),
    )


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


def noise_level(values: Vector) -> Vector:
    """The standard deviation of the noise in smooth functions sampled at equally spaced points.

    The k-th difference of pure noise has variance (2k)!/(k!)² σ²; from order 3 on the smooth part is
    gone. The largest of the estimates is taken: it errs on the side of seeing less.

    Shapes: (points, m) gives (m,).
    Source: Moré & Wild, Estimating computational noise, SIAM J. Sci. Comput. 33 (2011), equation (2.2).
    """
    differences, level = values, np.zeros(values.shape[1:])
    for order in range(1, len(values) - 1):
        differences = np.diff(differences, axis=0)
        if order >= 3:
            variance = np.mean(differences**2, axis=0) / math.comb(2 * order, order)
            level = np.maximum(level, np.sqrt(variance))
    return level


def _noise(line: Line) -> float:
    """How far an evaluation of φ may be off. Each term is rounded at least once, whatever the grid shows:
    a function that happens to be exact there would otherwise claim an interval of width 0.
    """
    total = np.array([[math.fsum(row)] for row in line.fine])
    return _DEVIATIONS * float(noise_level(total)[0]) + _UNIT_ROUNDOFF * math.fsum(np.abs(line.center))


def _corner(line: Line) -> int | None:
    """The last rung on which some term looks like a corner; None if no term does.

    E(h) = (φ(h) + φ(−h) − 2φ(0))/h is h·φ″ for a smooth function, so it halves with h; at a corner it
    tends to the jump of the derivative. Between the ratios 1/2 and 1 the limit is set in the middle.
    """
    noise = _DEVIATIONS * noise_level(line.fine) + _UNIT_ROUNDOFF * np.abs(line.center)
    even = np.abs(line.plus + line.minus - 2 * line.center) / line.steps[:, None]
    # E is off by 4·noise/h. Only where it stands eight times clear of that is its ratio read: the ratio
    # is then off by less than 2/8, the distance from 3/4 to either case.
    clear = even > 8 * 4 * noise / line.steps[:, None]
    cornered = np.any(clear[1:] & (even[1:] > 0.75 * even[:-1]), axis=1)
    return int(np.flatnonzero(cornered)[-1]) + 1 if cornered.any() else None


_CENTRAL = extrapolation((2, 4))
_ONE_SIDED = extrapolation((1, 2, 3))


def _summed(rows: Vector) -> Vector:
    return np.array([math.fsum(row) for row in rows])


def _central(line: Line, start: int) -> Derivative:
    quotients = _summed(line.plus - line.minus) / (2 * line.steps)
    value, error, step = _climb(quotients[start:], line.steps[start:], _noise(line), _CENTRAL)
    return Derivative(value, value, error, False, step)


def _one_sided(line: Line) -> Derivative:
    """The sum of every term's two one-sided derivatives: the widest set a convention may choose from."""
    noise = 2 * (_DEVIATIONS * noise_level(line.fine) + _UNIT_ROUNDOFF * np.abs(line.center))
    low = high = error = step = 0.0
    # A corner that is not quite at 0 leaves a term in 1/h: rungs then disagree by half of their error.
    for j in range(line.center.size):
        right, right_error, step = _climb(
            (line.plus[:, j] - line.center[j]) / line.steps, line.steps, float(noise[j]), _ONE_SIDED
        )
        left, left_error, _ = _climb(
            (line.center[j] - line.minus[:, j]) / line.steps, line.steps, float(noise[j]), _ONE_SIDED
        )
        low, high = low + min(left, right), high + max(left, right)
        error += 2 * max(left_error, right_error)
    return Derivative(low, high, error, True, step)


def _climb(
    quotients: Vector, steps: Vector, noise: float, method: tuple[tuple[float, ...], float]
) -> tuple[float, float, float]:
    """Extrapolate from every rung and keep the one with the smallest truncation plus rounding error."""
    weights, amplification = method
    rungs = len(steps) - len(weights) + 1
    estimates = [sum(w * q for w, q in zip(weights, quotients[k:], strict=False)) for k in range(rungs)]
    # The quotients and their weighted sum are rounded themselves, four times each at most.
    arithmetic = 4 * _UNIT_ROUNDOFF * float(np.max(np.abs(quotients))) * sum(abs(w) for w in weights)
    best = (math.nan, math.inf, math.nan)
    for k in range(1, rungs):
        # The rung above disagrees by almost all of its own error, which is larger than this one's by
        # the ratio 2^order: a safety factor of 63 (central) where the series has set in. Two estimates
        # can agree by chance, so the disagreement before that, reduced by the ratio, counts too.
        truncation = abs(estimates[k] - estimates[k - 1])
        if k >= 2:
            truncation = max(truncation, abs(estimates[k - 1] - estimates[k - 2]) / 64)
        error = truncation + amplification * noise / steps[k] + arithmetic
        if error < best[1]:
            best = (float(estimates[k]), float(error), float(steps[k]))
    return best
