"""Line: a function sampled along a line, and what the samples tell of noise, corners and jumps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

RUNGS = 8
UNIT_ROUNDOFF = 2.0**-53
# Spacing of the fine grid, of the last step: on the first ladder 2⁻²⁰, so small that the third difference
# of a smooth function, 2⁻⁶⁰φ‴, lies below the roundoff that it is to measure. A feature narrower than
# the grid is not seen.
GRID_SPACING = 2.0**-10
_GRID_POINTS = 8
# Deviations of rounding noise beyond six standard deviations: 2 in 10⁹ for a normal law, and a sum of
# bounded rounding errors has lighter tails (Hoeffding 1963, theorem 2).
_DEVIATIONS = 6.0


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

    @property
    def finite(self) -> bool:
        """Whether every sample is a number."""
        return all(np.isfinite(part).all() for part in (self.plus, self.minus, self.fine))


def sample(terms: Callable[[float], Vector], first_step: float) -> Line:
    """Evaluate the terms on one ladder of steps and on the fine grid."""
    steps: Vector = np.asarray(first_step * 2.0 ** -np.arange(RUNGS), dtype=np.float64)
    center = terms(0.0)
    spacing = GRID_SPACING * float(steps[-1])
    return Line(
        steps,
        center,
        np.array([terms(h) for h in steps]),
        np.array([terms(-h) for h in steps]),
        np.array([center, *(terms(i * spacing) for i in range(1, _GRID_POINTS))]),
    )


def summed(rows: Vector) -> Vector:
    """Σ terms at every sample, without a rounding of its own. Shapes: (samples, m) gives (samples,)."""
    return np.array([math.fsum(row) for row in rows])


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


def term_noise(line: Line) -> Vector:
    """How far each term beside 0 may be off. Each is rounded once, whatever the grid shows."""
    return _DEVIATIONS * noise_level(line.fine) + UNIT_ROUNDOFF * np.abs(line.center)


def noise(line: Line, start: int, coarser: Sequence[Line]) -> float:
    """How far an evaluation of φ may be off, at any point from rung `start` on.

    Noise that is relative to the value is larger at a rung than beside 0, in proportion to the terms. A
    term that stands still on the grid may be rounded more coarsely than the grid can show: then its least
    visible movement, on the ladders tried before too, is taken for a rounding.
    """
    rungs = np.concatenate([line.plus[start:], line.minus[start:]])
    beside = float(np.max(np.sum(np.abs(line.fine), axis=1)))
    out = float(np.max(np.sum(np.abs(rungs), axis=1)))
    growth = max(1.0, out / beside) if beside > 0 else 1.0
    plus = np.concatenate([line.plus[start:], *(c.plus for c in coarser)])
    minus = np.concatenate([line.minus[start:], *(c.minus for c in coarser)])
    # A staircase moves on both sides; what moves on one only is a maximum or a clamp at its corner.
    staircase = math.fsum(np.minimum(least_movement(line, plus), least_movement(line, minus)))
    measured = float(noise_level(summed(line.fine)[:, None])[0])
    return _DEVIATIONS * growth * measured + UNIT_ROUNDOFF * max(out, beside) + staircase


def least_movement(line: Line, rungs: Vector) -> Vector:
    """The smallest movement that the samples show of a term that stands still on half of the grid; else 0.

    Shapes: `rungs` (samples, m) gives (m,).
    """
    still = 2 * np.sum(np.diff(line.fine, axis=0) == 0, axis=0) >= _GRID_POINTS - 1
    moved = np.abs(np.concatenate([rungs, line.fine]) - line.center)
    least = np.min(np.where(moved > 0, moved, np.inf), axis=0)
    # A term that is 0 stands still exactly: rounding is relative.
    return np.where(still & np.isfinite(least) & (line.center != 0), least, 0.0)


def stands_out(line: Line) -> bool:
    """Whether the noise is that of φ(0) alone, far beyond roundoff: a peak narrower than the grid."""
    total = summed(line.fine)[:, None]
    size = max(float(np.max(np.abs(part))) for part in (line.fine, line.plus, line.minus))
    others = max(UNIT_ROUNDOFF * size, float(noise_level(total[1:])[0]))
    # 64: the weights of the differences on 8 points, at most C(7, 3) = 35, cannot make this of one roundoff.
    return float(noise_level(total)[0]) > 64 * others


def even_part(line: Line) -> tuple[Vector, Vector]:
    """E(h) = (φ(h) + φ(−h) − 2φ(0))/h of every term, signed, and how far noise may put it off.

    For a smooth function it is h·φ″ and halves with h; at a corner it tends to the jump of the derivative.
    """
    steps = line.steps[:, None]
    return (line.plus + line.minus - 2 * line.center) / steps, 4 * term_noise(line) / steps


def jumps(line: Line) -> bool:
    """Whether E(h) grows as h falls: φ jumps, or its derivative is infinite. At a corner it is steady."""
    even, off = even_part(line)
    even = np.abs(even)
    return bool(np.any((even[1:] > 8 * off[1:]) & (even[1:] > 1.25 * even[:-1])))


def corner(line: Line) -> int | None:
    """The last rung on which some term looks like a corner; None if no term does.

    Between the ratios 1/2 (smooth) and 1 (a corner) of E(h) at neighbouring rungs the limit is set in the
    middle.
    """
    even, off = even_part(line)
    even = np.abs(even)
    # Only where E stands eight times clear of the noise is its ratio read: the ratio is then off by less
    # than 2/8, the distance from 3/4 to either case.
    clear = even > 8 * off
    cornered = np.any(clear[1:] & (even[1:] > 0.75 * even[:-1]), axis=1)
    return int(np.flatnonzero(cornered)[-1]) + 1 if cornered.any() else None
