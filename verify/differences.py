"""Differences: derivatives along a line by finite differences that report their own error interval.

Central differences D(h) = (φ(h) − φ(−h))/2h have the error series c₂h² + c₄h⁴ + c₆h⁶ + …; Richardson's
extrapolation over h, h/2, h/4 removes the first two terms and leaves order 6. Over a ladder of dyadic
steps the truncation error falls and the rounding error rises; the step with the smallest sum of the two
is taken, and that sum is the interval. Nothing is chosen by hand: the truncation error is what the
other rungs disagree by, the rounding error is measured on the function itself. A corner of φ is
recognised; at it the one-sided derivatives are returned instead of their meaningless mean. All of it is
done for every entry of a vector function at once, each with its own step.

What it cannot see: features narrower than the fine grid beside 0, 2⁻²⁰ (`verify/line.py`).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from verify.line import (
    GRID_SPACING,
    RUNGS,
    UNIT_ROUNDOFF,
    Flags,
    Line,
    Rungs,
    Vector,
    corner,
    even_part,
    from_rung,
    jumps,
    least_movement,
    lone_step,
    noise,
    sample,
    stands_out,
    steps_up,
    term_noise,
    total,
)

# A ladder of 8 steps starts at 2⁻³: there a sixth-order error of a function with derivatives of order one
# is 2⁻¹⁸/7!, and at its end, 2⁻¹⁰, a rounding error of u is amplified to 2⁻⁴³. The lower ladders serve
# functions whose domain ends, or whose corner lies, close by.
LADDERS = (2.0**-3, 2.0**-11, 2.0**-19, 2.0**-27, 2.0**-35)

# Extrapolation takes three rungs, and an error two estimates: no corner may lie above this rung.
_LAST_START = RUNGS - 4
# Entries that are worked on at a time, so that what is formed of them stays in the cache.
_ENTRIES = 2**13


@dataclass(frozen=True)
class Derivative:
    """φ′(0) with an interval: every one-sided derivative lies in [low − error, high + error].

    Away from a corner low and high are equal. `error` is infinite or nan where nothing can be said.
    """

    low: float
    high: float
    error: float
    kink: bool

    @property
    def middle(self) -> float:
        """The derivative; at a corner the mean of the two sides."""
        return (self.low + self.high) / 2

    def contradicts(self, other: Derivative) -> bool:
        """Whether two intervals for one derivative have no number in common."""
        error = self.error + other.error
        return self.low - error > other.high or other.low - error > self.high

    def distance(self, claim: float) -> float:
        """How far a claimed derivative lies from [low, high], not counting the error. nan if unknown."""
        if math.isnan(self.low + self.high + claim):
            return math.nan
        return max(self.low - claim, claim - self.high, 0.0)


@dataclass(frozen=True)
class Derivatives:
    """The derivative at 0 of every entry of a vector function, each with its interval.

    `error` is nan where nothing can be said. `flat` entries stand still beside 0 and move further out by
    far more than a rounding: a step function, of which 0 is the derivative, or a function that something
    rounds coarsely, of which the interval holds the slope. `reach` is the largest magnitude seen.
    Shapes: (m,) all.
    """

    low: Vector
    high: Vector
    error: Vector
    kink: Flags
    flat: Flags
    reach: Vector

    @classmethod
    def unknown(cls, size: int) -> Derivatives:
        """Nothing said yet of so many entries."""
        low, high, error = (np.full(size, np.nan) for _ in range(3))
        kink, flat = (np.zeros(size, dtype=bool) for _ in range(2))
        return cls(low, high, error, kink, flat, np.zeros(size))

    def scaled(self, factor: float) -> Derivatives:
        """The derivatives along a line that is `factor` times as long. Units: factor > 0."""
        return replace(self, low=factor * self.low, high=factor * self.high, error=factor * self.error)

    @property
    def known(self) -> Flags:
        """Which entries something can be said of."""
        return np.isfinite(self.error)

    def weighted(self, weights: Vector) -> Derivative:
        """The derivative of Σ wⱼφⱼ: the widest set that conventions for the entries allow.

        An entry whose weight is 0 takes no part. Shapes: (m,).
        """
        part = weights != 0
        w, kink = weights[part], self.kink[part]
        low, high = w * self.low[part], w * self.high[part]
        error = float(np.abs(w) @ self.error[part])
        if not kink.any():
            value = total(low)
            return Derivative(value, value, error, False)
        return Derivative(total(np.minimum(low, high)), total(np.maximum(low, high)), error, True)

    def distance(self, claims: Vector) -> Vector:
        """How far claimed derivatives lie from [low, high], not counting the error; nan where unknown."""
        beyond = np.maximum(np.maximum(self.low - claims, claims - self.high), 0.0)
        return np.where(np.isnan(self.low + self.high + claims), np.nan, beyond)


def derivatives(function: Callable[[Vector], Vector]) -> Derivatives:
    """The derivative at 0 of every entry of a vector function of one variable, with its interval.

    The caller moves its argument by exactly t: a rounded argument is an error that no grid can show. It
    is asked for lower ladders only while some entry's domain ends, or its corner lies, close by.

    Shapes: the function takes (places,) and gives (places, m).
    """
    lines: list[Line] = []
    found: Derivatives | None = None
    unsettled: Rungs = np.zeros(0, dtype=np.intp)
    for ladder in LADDERS:
        line = sample(function, ladder)
        if found is None:
            size = line.center.size
            found = Derivatives.unknown(size)
            unsettled = np.arange(size)
        lines.append(line)
        unsettled = unsettled[~_settle_in_parts(lines, unsettled, found)]
        if not unsettled.size:
            return found
    assert found is not None
    _settle_at_corners([line.entries(unsettled) for line in lines], unsettled, found)
    return found


def _settle_in_parts(lines: Sequence[Line], chosen: Rungs, found: Derivatives) -> Flags:
    """As `_settle`, for no more entries at a time than fit into the cache."""
    size = float(np.max(np.abs(lines[-1].center), initial=0.0, where=np.isfinite(lines[-1].center)))
    if chosen.size == lines[-1].center.size <= _ENTRIES:
        return _settle(lines[-1], lines[:-1], chosen, found, size)
    parts = np.split(chosen, range(_ENTRIES, chosen.size, _ENTRIES))
    lines_of = [[line.entries(part) for line in lines] for part in parts]
    return np.concatenate(
        [_settle(own[-1], own[:-1], part, found, size) for own, part in zip(lines_of, parts, strict=True)]
    )


def _settle(line: Line, coarser: Sequence[Line], chosen: Rungs, found: Derivatives, size: float) -> Flags:
    """Write down the derivatives that this ladder of steps can tell. Returns which of its entries."""
    with np.errstate(all="ignore"):
        even, off = even_part(line)
        last = corner(even, off)
        # A corner at distance δ bends the two rungs below the last one on which it is recognised.
        start = np.where(last < 0, 0, last + 3)
        clear = line.finite & ~stands_out(line) & ~lone_step(line) & (start <= _LAST_START)
        if not clear.any():
            return clear
        if not clear.all():
            line, coarser = line.entries(clear), [c.entries(clear) for c in coarser]
            even, off, start, chosen = even[:, clear], off[:, clear], start[clear], chosen[clear]
        value, error = _central(line, start if start.any() else None, coarser, even, off)
        flat = steps_up(line, coarser, size)
        if coarser:
            error = np.where(_torn(coarser[0], value), np.nan, error)
    found.low[chosen] = found.high[chosen] = value
    found.error[chosen] = error
    found.reach[chosen] = line.largest
    found.flat[chosen] = flat
    return clear


def _settle_at_corners(lines: Sequence[Line], chosen: Rungs, found: Derivatives) -> None:
    """One-sided derivatives, from the coarsest ladder that an entry's domain allows."""
    with np.errstate(all="ignore"):
        lost = stands_out(lines[-1]) | jumps(lines[-1])
        waiting = ~lost
        for line in lines:
            now = waiting & line.finite
            if now.any():
                part = line.entries(now)
                low, high, error = _one_sided(part)
                there = chosen[now]
                found.low[there], found.high[there], found.error[there] = low, high, error
                found.kink[there] = True
                found.reach[there] = part.largest
            waiting &= ~now


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


def _even_noise(weights: Sequence[float]) -> float:
    """By how much independent noise at 0 and at the steps moves Σ wₖE(h/2ᵏ), in units of 4/h of its bound.

    At a step it enters with wₖ2ᵏ, on both sides; at 0, where all share it, with their sum twice.
    """
    at_steps = [w * 2.0**k for k, w in enumerate(weights)]
    return math.sqrt(2 * sum(a * a for a in at_steps) + (2 * sum(at_steps)) ** 2) / 4


_CENTRAL = extrapolation((2, 4))
_ONE_SIDED = extrapolation((1, 2, 3))
# The limit of the even part, of which a smooth function has only odd powers; and its noise.
_EVEN = tuple((w, _even_noise(w)) for w, _ in (extrapolation((1, 3)), extrapolation((1, 3, 5))))
_BESIDE = extrapolation((1, 2))
# The same as weights of what the first points of the fine grid, 1, 2, 3 … spacings out, differ by.
_BESIDE_ROW = np.zeros(7)
_BESIDE_ROW[[3, 1, 0]] = np.array(_BESIDE[0]) / (4, 2, 1)
# [k, j]: whether the estimate from rung 2 + j is no finer than that from rung 1 + k.
_COARSER = np.arange(1, RUNGS)[:, None] >= np.arange(2, RUNGS + 1)


def _windows(weights: Sequence[float], rungs: Vector) -> Vector:
    """The weighted sum of every run of neighbouring rungs. Shapes: (rungs, m) gives (runs, m)."""
    return np.asarray(_band(tuple(weights), len(rungs)) @ rungs)


@functools.cache
def _band(weights: tuple[float, ...], rungs: int) -> Vector:
    """The matrix that takes all runs of neighbouring rungs."""
    runs = rungs - len(weights) + 1
    band = np.zeros((runs, rungs))
    for run in range(runs):
        band[run, run : run + len(weights)] = weights
    return band


def _central(
    line: Line, start: Rungs | None, coarser: Sequence[Line], even: Vector, even_off: Vector
) -> tuple[Vector, Vector]:
    steps = 2 * line.steps[:, None]
    quotients = (line.moves[1 : 1 + RUNGS] - line.moves[1 + RUNGS : 1 + 2 * RUNGS]) / steps
    off = noise(line, start, coarser)
    value, error = _climb(quotients, line.steps, off, _CENTRAL, start, _beside(line, off))
    return value, error + _hidden(even, even_off, start) / 2


def _torn(coarsest: Line, value: Vector) -> Flags:
    """Whether large steps, to both sides, agree on another slope than the one that was found close by.

    Something inside is rounded so coarsely that short steps do not move it, or ripples too fine for large
    ones to see: which of the two slopes is meant cannot be told. At a corner close by one side has the
    slope that was found; at a steep place or a pole the quotients double or quadruple with every step.
    """
    steps = coarsest.steps[:3, None]
    right = coarsest.moves[1:4] / steps
    left = -coarsest.moves[1 + RUNGS : 4 + RUNGS] / steps
    slopes = (right + left) / 2
    slope, gap = np.abs(slopes[2]), np.abs(slopes[2] - value)
    # A quarter of the gap tells the two apart; an eighth of the slope is far from a doubling.
    spread = np.max(np.abs(slopes - slopes[2]), axis=0)
    sides = np.maximum(np.abs(right[2] - slopes[2]), np.abs(left[2] - slopes[2]))
    return np.asarray((spread < np.minimum(gap / 4, slope / 8)) & (sides < gap / 4))


def _hidden(even: Vector, off: Vector, start: Rungs | None) -> Vector:
    """The largest jump of each entry's derivative at 0 that the samples cannot exclude.

    It is the limit of E(h), of which a smooth function has only the odd powers of h; a central
    difference does not see it.
    """
    found = []
    for weights, amplification in _EVEN:
        limits = np.abs(_windows(weights, even))
        limits += amplification * off[: len(limits)]
        found.append(from_rung(limits, start, np.minimum))
    return np.minimum(*found)


def _beside(line: Line, off: Vector) -> tuple[Vector, Vector]:
    """A one-sided estimate from the fine grid and its rounding error.

    It is coarse, but no feature wider than the grid hides from it, as one may from the rungs (a period
    that divides every step, a narrow bend).
    """
    spacing = float(line.steps[-1]) * GRID_SPACING
    value = (_BESIDE_ROW @ line.moves[1 + 2 * RUNGS :]) / spacing
    return value, 2 * _BESIDE[1] * off / (4 * spacing)


def _one_sided(line: Line) -> tuple[Vector, Vector, Vector]:
    """Every entry's two one-sided derivatives: a convention may choose any number between them."""
    rungs = np.maximum(np.abs(line.plus), np.abs(line.minus))
    off = 2 * (term_noise(line) + UNIT_ROUNDOFF * np.max(rungs, axis=0))
    # The grid lies on the right; an entry may stand still there and move on the left.
    still = least_movement(line, [line.plus])
    steps = line.steps[:, None]
    # A corner that is not quite at 0 leaves a term in 1/h: rungs then disagree by half of their error.
    right, right_error = _climb((line.plus - line.center) / steps, line.steps, off + still, _ONE_SIDED)
    left, left_error = _climb((line.center - line.minus) / steps, line.steps, off, _ONE_SIDED)
    error = 2 * np.maximum(left_error, right_error)
    return np.minimum(left, right), np.maximum(left, right), error


def _climb(
    quotients: Vector,
    steps: Vector,
    off: Vector,
    method: tuple[tuple[float, ...], float],
    start: Rungs | None = None,
    beside: tuple[Vector, Vector] | None = None,
) -> tuple[Vector, Vector]:
    """Extrapolate from every rung and keep the one with the smallest truncation plus rounding error.

    `beside` is an estimate from closer by, with its rounding error. Returns values and errors.
    Shapes: `quotients` (rungs, m), the others (m,).
    """
    weights, amplification = method
    estimates = _windows(weights, quotients)
    count = len(estimates)
    # The quotients and their weighted sum are rounded themselves, four times each at most.
    arithmetic = 4 * UNIT_ROUNDOFF * sum(abs(w) for w in weights) * from_rung(np.abs(quotients), start)
    rounding = amplification * off / steps[:count, None] + arithmetic
    # The rung above disagrees by almost all of its own error, which is larger than this one's by
    # the ratio 2^order: a safety factor of 63 (central) where the series has set in. Two estimates
    # can agree by chance, so the disagreement before that, reduced by the ratio, counts too.
    apart = np.abs(estimates[1:] - estimates[:-1])
    before = apart[:-1] / 64
    if start is not None:
        # Estimates above an entry's first rung are no evidence.
        before = np.where(np.arange(count - 2)[:, None] >= start, before, 0.0)
    truncation = apart.copy()
    truncation[1:] = np.maximum(apart[1:], before)
    # What rounding does not explain of the disagreement with any finer estimate is truncation too: a
    # series that has not set in, or converges slowly, shows there. Half may lie beyond the finest.
    finer = np.abs(estimates[1:, None] - estimates[None, 2:])
    finer -= rounding[2:]
    finer[_COARSER[: count - 1, : count - 2]] = 0.0
    unexplained = np.maximum(np.maximum.reduce(finer, axis=1) - rounding[1:], 0.0)
    if beside is not None:
        unexplained = np.maximum(unexplained, np.abs(estimates[1:] - beside[0]) - beside[1] - rounding[1:])
    error = np.maximum(truncation, 2 * unexplained) + rounding[1:]
    if start is not None:
        error = np.where(np.arange(1, count)[:, None] > start, error, np.inf)
    error = np.where(np.isnan(error), np.inf, error)
    best, entries = np.argmin(error, axis=0), np.arange(error.shape[1])
    return estimates[best + 1, entries], error[best, entries]
