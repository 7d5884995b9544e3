"""Line: a vector function sampled along a line, and what the samples tell of noise, corners and jumps."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from verify import stencil
from verify.stencil import GRID, GRID_POINTS, LEFT, RIGHT, RUNGS, STEPS

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rungs = npt.NDArray[np.signedinteger[Any]]

UNIT_ROUNDOFF = 2.0**-53
_SMALLEST = 2.0**-1022
# By how much an entry grows from beside 0 to the steps that is judged at the steps.
_GROWN = 2.0**8
# Deviations of rounding noise beyond six standard deviations: 2 in 10⁹ for a normal law, and a sum of
# bounded rounding errors has lighter tails (Hoeffding 1963, theorem 2).
_DEVIATIONS = 6.0


@dataclass(frozen=True)
class Line:
    """A vector function sampled along a line: at 0, on a fine grid beside 0, and at ± every step.

    Shapes: `samples` (places, m) in the order of `stencil.PLACES`.
    """

    first_step: float
    samples: Vector

    @property
    def steps(self) -> Vector:
        """How far out the steps are, the largest first. Shapes: (rungs,)."""
        return stencil.places(self.first_step)[RIGHT]

    @property
    def center(self) -> Vector:
        """The values at 0. Shapes: (m,)."""
        return np.asarray(self.samples[0])

    @property
    def plus(self) -> Vector:
        """The values at every step, the largest first. Shapes: (rungs, m)."""
        return self.samples[RIGHT]

    @property
    def minus(self) -> Vector:
        """The values at every step to the other side. Shapes: (rungs, m)."""
        return self.samples[LEFT]

    @property
    def fine(self) -> Vector:
        """The values at 0 and beside it. Shapes: (points, m)."""
        return self.samples[GRID]

    @functools.cached_property
    def moves(self) -> Vector:
        """How far each sample is from the value at 0, neighbours of which differ from it exactly.

        Shapes: (places, m).
        """
        return np.asarray(self.samples - self.samples[0])

    @functools.cached_property
    def odd(self) -> Vector:
        """φ(h) − φ(−h) at every step. Shapes: (rungs, m)."""
        return np.asarray(self.moves[RIGHT] - self.moves[LEFT])

    @functools.cached_property
    def even(self) -> Vector:
        """The magnitudes of E(h) = (φ(h) + φ(−h) − 2φ(0))/h at every step, and of its limits at h = 0.

        For a smooth function E(h) is h·φ″ and halves with h; at a corner it tends to the jump of the
        derivative. Shapes: (rows, m).
        """
        both = self.moves[RIGHT] + self.moves[LEFT]
        return np.abs(stencil.EVEN_PART @ both) / self.first_step

    @functools.cached_property
    def grid(self) -> Vector:
        """Differences of noise on the fine grid, and h times the derivative from it. Shapes: (rows, m)."""
        return np.asarray(stencil.GRID_ROWS @ self.moves[GRID][1:])

    @functools.cached_property
    def sizes(self) -> Vector:
        """Those of the samples. Shapes: (places, m)."""
        return np.abs(self.samples)

    @functools.cached_property
    def beside(self) -> Vector:
        """The largest magnitude at 0 and on the fine grid. Shapes: (m,)."""
        return np.asarray(np.maximum.reduce(self.sizes[GRID]))

    @functools.cached_property
    def largest(self) -> Vector:
        """The largest magnitude at all. Shapes: (m,)."""
        return np.maximum(self.beside, np.maximum.reduce(self.sizes[STEPS]))

    @property
    def finite(self) -> Flags:
        """Which entries are numbers at every sample. Shapes: (m,)."""
        return np.isfinite(self.largest)

    @functools.cached_property
    def noise(self) -> Vector:
        """The standard deviation of the noise beside 0. Shapes: (m,)."""
        return _of_differences(self.grid[stencil.OF_NOISE], stencil.NOISE_ORDERS)

    @functools.cached_property
    def uneven(self) -> Flags | None:
        """Which entries vary beside 0 by far more than a rounding; None where none does.

        64 roundings are the most that a difference of the values on 8 points can be taken for: its weights
        are at most C(7, 3) = 35. Shapes: (m,).
        """
        flags = self.noise > 64 * UNIT_ROUNDOFF * self.largest
        return flags if flags.any() else None

    @functools.cached_property
    def resting(self) -> Flags | None:
        """Where the fine grid has the value of the point before; None where nowhere.

        Shapes: (points − 1, m).
        """
        flags = self.fine[1:] == self.fine[:-1]
        return flags if flags.any() else None

    def entries(self, chosen: Flags | Rungs) -> Line:
        """The line of some entries alone."""
        return Line(self.first_step, self.samples[:, chosen])


def sample(function: Callable[[Vector], Vector], first_step: float) -> Line:
    """Evaluate a function on one ladder of steps and on the fine grid.

    Shapes: the function takes (places,) and gives (places, m).
    """
    return Line(first_step, function(stencil.places(first_step)))


def total(terms: Vector) -> float:
    """The sum of terms, in pairs and in the widest type that numpy has: a rounding that does not count."""
    return float(np.add.reduce(terms, dtype=np.longdouble))


def noise_level(values: Vector) -> Vector:
    """The standard deviation of the noise in smooth functions sampled at equally spaced points.

    The largest of the estimates of order 3 and higher is taken: it errs on the side of seeing less.

    Shapes: (points, m) gives (m,).
    Source: Moré & Wild, Estimating computational noise, SIAM J. Sci. Comput. 33 (2011), equation (2.2).
    """
    rows, orders = stencil.differences_of_noise(len(values))
    # Neighbouring values differ by little, and that difference is exact; the rows then round nothing of size.
    return _of_differences(rows @ (values[1:] - values[0]), orders)


def _of_differences(differences: Vector, orders: Vector) -> Vector:
    return np.asarray(np.sqrt(np.maximum.reduce(orders @ (differences * differences))))


def term_noise(line: Line) -> Vector:
    """How far each entry beside 0 may be off. Each is rounded once, whatever the grid shows."""
    return np.asarray(_DEVIATIONS * line.noise + UNIT_ROUNDOFF * line.sizes[0])


def from_rung(values: Vector, start: Rungs | None, reduce: np.ufunc = np.maximum) -> Vector:
    """The largest (or, by `reduce`, least) of every column from its own start on; from the top if None.

    Shapes: `values` (rungs, m), `start` (m,) gives (m,).
    """
    if start is None:
        return np.asarray(reduce.reduce(values, axis=0))
    upwards = reduce.accumulate(values[::-1], axis=0)[::-1]
    return np.asarray(upwards[start, np.arange(start.size)])


def noise(line: Line, start: Rungs | None, coarser: Sequence[Line], scatter: Callable[[], Vector]) -> Vector:
    """How far an evaluation of each entry may be off, at any place from rung `start` on.

    Noise that is relative to the value is larger at a rung than beside 0, in proportion to the value. Where
    the value grows a lot from next to nothing, as x³ does from 0, what looks like noise beside 0 may be
    the function itself: it is then no more than the `scatter` of what the rungs tell. An entry that stands
    still on the grid may be rounded more coarsely than the grid can show: then its least visible movement,
    on the ladders tried before too, is taken for a rounding.
    """
    largest = line.largest
    if start is not None:
        out = from_rung(np.maximum(line.sizes[RIGHT], line.sizes[LEFT]), start)
        largest = np.maximum(line.beside, out)
    # Where all values beside 0 are 0, so is their noise.
    relative = _DEVIATIONS * line.noise / np.maximum(line.beside, _SMALLEST)
    off = (relative + UNIT_ROUNDOFF) * largest
    grown = largest > _GROWN * line.beside
    if grown.any():
        off = np.where(grown, np.minimum(off, _DEVIATIONS * scatter() + UNIT_ROUNDOFF * largest), off)
    if _still(line) is not None:
        # A staircase moves on both sides; what moves on one only is a maximum or a clamp at its corner.
        plus, minus = (
            least_movement(line, [getattr(line, side), *(getattr(c, side) for c in coarser)], start)
            for side in ("plus", "minus")
        )
        off = off + np.minimum(plus, minus)
    return np.asarray(off)


def lone_step(line: Line) -> Flags | None:
    """Whether an entry that moves steadily along the fine grid makes one step in it: it jumps close by."""
    if line.uneven is None:
        return None
    moves = np.abs(line.fine[1:] - line.fine[:-1])
    second, largest = np.partition(moves, -2, axis=0)[-2:]
    return np.asarray((second > 0) & (largest > 64 * (second + UNIT_ROUNDOFF * line.largest)))


def stands_out(line: Line) -> Flags | None:
    """Whether the noise is that of the value at 0 alone, far beyond roundoff: a peak within the grid."""
    if line.uneven is None:
        return None
    return np.asarray(line.uneven & (line.noise > 64 * noise_level(line.fine[1:])))


def _still(line: Line) -> Flags | None:
    """Which entries stand still on half of the grid. One that is 0 does so exactly: rounding is relative."""
    if line.resting is None:
        return None
    half = 2 * np.count_nonzero(line.resting, axis=0) >= GRID_POINTS - 1
    flags = np.asarray(half & (line.center != 0))
    return flags if flags.any() else None


def least_movement(line: Line, sides: Sequence[Vector], start: Rungs | None = None) -> Vector:
    """The smallest movement that the samples show of an entry that stands still on half the grid; else 0.

    The first of `sides` counts from rung `start` on. Shapes: every side (rungs, m) gives (m,).
    """

    def least(values: Vector, start: Rungs | None = None) -> Vector:
        moved = np.abs(values - line.center)
        return from_rung(np.where(moved > 0, moved, np.inf), start, np.minimum)

    still = _still(line)
    if still is None:
        return np.zeros(line.center.shape)
    found = np.minimum(least(line.fine), least(sides[0], start))
    for side in sides[1:]:
        found = np.minimum(found, least(side))
    return np.where(still & np.isfinite(found), found, 0.0)


def steps_up(line: Line, coarser: Sequence[Line], size: Callable[[], float]) -> Flags | None:
    """Which entries stand still on the whole fine grid and move further out by far more than a rounding.

    `size` tells the largest magnitude among the entries, of which an entry near 0 may be a rounding error.
    """
    if line.resting is None:
        return None
    flat = line.resting.all(axis=0)
    if not flat.any():
        return None
    moved = np.full(line.center.shape, np.inf)
    for samples in (line.samples, *(c.samples for c in coarser)):
        apart = np.abs(samples - line.center)
        moved = np.fmin(moved, np.where(apart > 0, apart, np.inf).min(axis=0))
    # 64 roundings are the most that a difference of two values can be taken for.
    return np.asarray(flat & np.isfinite(moved) & (moved > 64 * UNIT_ROUNDOFF * size()))


def even_part(line: Line) -> tuple[Vector, Vector]:
    """|E(h)| of every entry, and how far noise may put it off. Shapes: (rungs, m) both."""
    off = stencil.EVEN_NOISE[:RUNGS] * (term_noise(line) / line.first_step)
    return line.even[:RUNGS], off


def hidden_corner(line: Line, start: Rungs | None) -> Vector:
    """The largest jump of each entry's derivative at 0 that the samples cannot exclude.

    It is the limit of E(h), of which a smooth function has only the odd powers of h; a central
    difference does not see it.
    """
    limits = line.even[RUNGS:] + stencil.EVEN_NOISE[RUNGS:] * (term_noise(line) / line.first_step)
    if start is not None:
        limits[stencil.EVEN_RUNGS[RUNGS:, None] < start] = np.inf
    return np.asarray(np.minimum.reduce(limits))


def jumps(line: Line) -> Flags:
    """Whether E(h) grows as h falls: φ jumps, or its derivative is infinite. At a corner it is steady."""
    even, off = even_part(line)
    return np.asarray(np.any((even[1:] > 8 * off[1:]) & (even[1:] > 1.25 * even[:-1]), axis=0))


def after_corner(line: Line) -> Rungs | None:
    """The first rung that no corner bends, for each entry; None where no entry looks like a corner.

    Between the ratios 1/2 (smooth) and 1 (a corner) of E(h) at neighbouring rungs the limit is set in the
    middle. Shapes: (m,).
    """
    even, off = even_part(line)
    # Only where E stands eight times clear of the noise is its ratio read: the ratio is then off by less
    # than 2/8, the distance from 3/4 to either case.
    cornered = (even[1:] > 8 * off[1:]) & (even[1:] > 0.75 * even[:-1])
    if not cornered.any():
        return None
    last = RUNGS - 1 - np.argmax(cornered[::-1], axis=0)
    # A corner at distance δ bends the two rungs below the last one on which it is recognised.
    return np.where(cornered.any(axis=0), last + 3, 0)
