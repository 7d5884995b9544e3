"""Differences: a derivative along a line by finite differences that report their own error interval.

Central differences D(h) = (φ(h) − φ(−h))/2h have the error series c₂h² + c₄h⁴ + c₆h⁶ + …; Richardson's
extrapolation over h, h/2, h/4 removes the first two terms and leaves order 6. Over a ladder of dyadic
steps the truncation error falls and the rounding error rises; the step with the smallest sum of the two
is taken, and that sum is the interval. Nothing is chosen by hand: the truncation error is what the
neighbouring rung disagrees by, the rounding error is measured on the function itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

# Steps 2⁻³ … 2⁻¹². At 2⁻³ a sixth-order error of a function with derivatives of order one is 2⁻¹⁸/7!;
# below 2⁻¹² a rounding error of u is already amplified to 2⁻⁴¹.
RUNGS = 10
FIRST_STEP = 2.0**-3
# Spacing of the points on which the noise is measured: so small that the third difference of a smooth
# function, δ³φ‴ = 2⁻⁶⁰φ‴, lies below the roundoff that it is to measure.
_NOISE_SPACING = 2.0**-20
_NOISE_POINTS = 8
# Deviations of rounding noise beyond six standard deviations: 2 in 10⁹ for a normal law, and a sum of
# bounded rounding errors has lighter tails (Hoeffding 1963, theorem 2).
_DEVIATIONS = 6.0
_UNIT_ROUNDOFF = 2.0**-53


@dataclass(frozen=True)
class Derivative:
    """φ′(0) with an interval: the exact value lies in value ± error, unless the noise model is wrong.

    At a kink `left` and `right` differ and `value` is their mean; elsewhere all three are equal.
    `error` is infinite or nan where nothing can be said. `step` is the largest step of the rung used.
    """

    value: float
    error: float
    left: float
    right: float
    kink: bool
    step: float

    @property
    def interval(self) -> tuple[float, float]:
        """Where the derivative of every one-sided convention lies."""
        return min(self.left, self.right) - self.error, max(self.left, self.right) + self.error

    def distance(self, claim: float) -> float:
        """How far a claimed derivative lies from [left, right], not counting the error. nan if unknown."""
        low, high = min(self.left, self.right), max(self.left, self.right)
        return max(low - claim, claim - high, 0.0) if not math.isnan(low + high + claim) else math.nan


def extrapolation(powers: Sequence[int]) -> tuple[tuple[float, ...], float]:
    """Weights that combine D(h), D(h/2), …, D(h/2^m) so that the terms h^p of each power vanish.

    Returns the weights, largest step first, and Σ|weight|·2^k: how much they amplify noise/h.
    Solved in exact rationals: each power p is removed by (2^p·finer − coarser)/(2^p − 1).
    """
    rows = [[Fraction(int(i == k)) for i in range(len(powers) + 1)] for k in range(len(powers) + 1)]
    for power in powers:
        rows = [
            [(2**power * f - c) / (2**power - 1) for c, f in zip(coarse, fine, strict=True)]
            for coarse, fine in zip(rows, rows[1:], strict=False)
        ]
    (weights,) = rows
    amplification = sum(abs(weight) * 2**k for k, weight in enumerate(weights))
    return tuple(float(weight) for weight in weights), float(amplification)


def noise_level(values: Vector) -> float:
    """The standard deviation of the noise in a smooth function sampled at equally spaced points.

    The k-th difference of pure noise has variance (2k)!/(k!)² σ²; from order 3 on the smooth part is
    gone. The largest of the estimates is taken: it errs on the side of seeing less.

    Source: Moré & Wild, Estimating computational noise, SIAM J. Sci. Comput. 33 (2011), equation (2.2).
    """
    differences = np.asarray(values, dtype=float)
    level = 0.0
    for order in range(1, len(values) - 1):
        differences = np.diff(differences)
        if order >= 3:
            variance = float(np.mean(differences**2)) / math.comb(2 * order, order)
            level = max(level, math.sqrt(variance))
    return level


@dataclass(frozen=True)
class Line:
    """φ sampled along a line: at 0, at ± every step, and on the fine grid that the noise is read from.

    Shapes: each of `plus` and `minus` (rungs, m), `center` (m,), `fine` (points, m) for m functions at
    once; `magnitude` (m,) bounds the size of the terms summed into φ (for a scalar: |φ|).
    """

    steps: Vector
    center: Vector
    plus: Vector
    minus: Vector
    fine: Vector
    magnitude: Vector


def sample(phi: Callable[[float], tuple[Vector, Vector]], first_step: float = FIRST_STEP) -> Line:
    """Evaluate φ(t) → (values, magnitudes) on the ladder; where it is not finite the ladder starts lower.

    The ladder is lowered by 8 up to three times, so that steps stay inside a domain with an edge.
    """
    center, magnitude = phi(0.0)
    for lowered in range(4):
        steps = first_step * 8.0**-lowered * 2.0 ** -np.arange(RUNGS)
        plus = np.array([phi(h)[0] for h in steps])
        minus = np.array([phi(-h)[0] for h in steps])
        if np.isfinite(plus).all() and np.isfinite(minus).all():
            break
    fine = np.array([center, *(phi(i * _NOISE_SPACING)[0] for i in range(1, _NOISE_POINTS))])
    return Line(steps, center, plus, minus, fine, magnitude)


def derivatives(line: Line) -> tuple[Derivative, ...]:
    """The derivative at 0 of each of the m functions sampled on a line."""
    return tuple(_derivative(line, j) for j in range(line.center.size))


_CENTRAL = extrapolation((2, 4))
_ONE_SIDED = extrapolation((1, 2, 3))


def _derivative(line: Line, j: int) -> Derivative:
    plus, minus, center, steps = line.plus[:, j], line.minus[:, j], float(line.center[j]), line.steps
    if not (np.isfinite(plus).all() and np.isfinite(minus).all() and math.isfinite(center)):
        return Derivative(math.nan, math.nan, math.nan, math.nan, False, math.nan)
    # Each evaluation is rounded at least once, whatever the measured noise says: a function whose values
    # happen to be exact on the fine grid would otherwise claim an interval of width 0.
    noise = _DEVIATIONS * noise_level(line.fine[:, j]) + _UNIT_ROUNDOFF * float(line.magnitude[j])
    if _kinked(plus, minus, center, steps, noise):
        right, right_error, step = _climb((plus - center) / steps, steps, 2 * noise, _ONE_SIDED)
        left, left_error, _ = _climb((center - minus) / steps, steps, 2 * noise, _ONE_SIDED)
        return Derivative((left + right) / 2, max(left_error, right_error), left, right, True, step)
    value, error, step = _climb((plus - minus) / (2 * steps), steps, noise, _CENTRAL)
    return Derivative(value, error, value, value, False, step)


def _kinked(plus: Vector, minus: Vector, center: float, steps: Vector, noise: float) -> bool:
    """Whether φ has a corner at 0: the even part over h tends to a constant, not to 0.

    E(h) = (φ(h) + φ(−h) − 2φ(0))/h is h·φ″ for a smooth function, so it halves with h; at a corner it
    tends to the jump of the derivative. The limit between ratios 1/2 and 1 is set in the middle, at 3/4.
    The step is the smallest at which E stands clear of its noise, 4·noise/h.
    """
    even = np.abs(plus + minus - 2 * center) / steps
    # Only rungs that stand eight times clear of their noise are read: their ratio is then off by less
    # than 2/8, the distance from 3/4 to either case.
    clear = [k for k in range(1, len(steps)) if even[k] > 8 * 4 * noise / steps[k]]
    return bool(clear) and bool(even[clear[-1]] > 0.75 * even[clear[-1] - 1])


def _climb(
    quotients: Vector, steps: Vector, noise: float, method: tuple[tuple[float, ...], float]
) -> tuple[float, float, float]:
    """Extrapolate from every rung and keep the one with the smallest truncation plus rounding error."""
    weights, amplification = method
    rungs = len(steps) - len(weights) + 1
    estimates = [sum(w * q for w, q in zip(weights, quotients[k:], strict=False)) for k in range(rungs)]
    best = (math.nan, math.inf, math.nan)
    for k in range(1, rungs):
        # The rung below disagrees by almost all of its own error, which is larger than this one's by
        # the ratio 2^order: a safety factor of 63 (central) where the series has set in. Two estimates
        # can agree by chance, so the disagreement before that, reduced by the ratio, counts too.
        truncation = abs(estimates[k] - estimates[k - 1])
        if k >= 2:
            truncation = max(truncation, abs(estimates[k - 1] - estimates[k - 2]) / 64)
        error = truncation + amplification * noise / steps[k]
        if error < best[1]:
            best = (float(estimates[k]), float(error), float(steps[k]))
    return best
