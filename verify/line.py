"""Line: a vector function sampled along a line, and what the samples tell of noise, corners and jumps."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rungs = npt.NDArray[np.signedinteger[Any]]

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
    """A vector function sampled along a line: at 0, at ± every step, and on a fine grid beside 0.

    Shapes: `steps` (rungs,), `samples` (places, m) in the order of `places`.
    """

    steps: Vector
    samples: Vector

    @functools.cached_property
    def center(self) -> Vector:
        """The values at 0. Shapes: (m,)."""
        return np.asarray(self.samples[0])

    @functools.cached_property
    def plus(self) -> Vector:
        """The values at every step, the largest first. Shapes: (rungs, m)."""
        return self.samples[1 : 1 + RUNGS]

    @functools.cached_property
    def minus(self) -> Vector:
        """The values at every step to the other side. Shapes: (rungs, m)."""
        return self.samples[1 + RUNGS : 1 + 2 * RUNGS]

    @functools.cached_property
    def fine(self) -> Vector:
        """The values at 0 and beside it. Shapes: (points, m)."""
        return np.concatenate([self.samples[:1], self.samples[1 + 2 * RUNGS :]])

    @functools.cached_property
    def moves(self) -> Vector:
        """How far each sample is from the value at 0, neighbours of which differ from it exactly.

        Shapes: (places, m).
        """
        return np.asarray(self.samples - self.samples[0])

    @functools.cached_property
    def sizes(self) -> Vector:
        """The magnitudes of the samples. Shapes: (places, m)."""
        return np.abs(self.samples)

    @functools.cached_property
    def beside(self) -> Vector:
        """The largest magnitude at 0 and on the fine grid. Shapes: (m,)."""
        return np.asarray(np.maximum(self.sizes[0], np.maximum.reduce(self.sizes[1 + 2 * RUNGS :])))

    @functools.cached_property
    def out(self) -> Vector:
        """The largest magnitude at the steps. Shapes: (m,)."""
        return np.asarray(np.maximum.reduce(self.sizes[1 : 1 + 2 * RUNGS]))

    @functools.cached_property
    def largest(self) -> Vector:
        """The largest magnitude at all. Shapes: (m,)."""
        return np.maximum(self.beside, self.out)

    @functools.cached_property
    def uneven(self) -> Flags:
        """Which entries vary beside 0 by far more than a rounding.

        64 roundings are the most that a difference of the values on 8 points can be taken for: its weights
        are at most C(7, 3) = 35. Shapes: (m,).
        """
        return np.asarray(self.noise > 64 * UNIT_ROUNDOFF * self.largest)

    @functools.cached_property
    def noise(self) -> Vector:
        """The standard deviation of the noise beside 0. Shapes: (m,)."""
        return noise_of_moves(self.moves[1 + 2 * RUNGS :])

    @property
    def finite(self) -> Flags:
        """Which entries are numbers at every sample. Shapes: (m,)."""
        return np.asarray(np.isfinite(self.samples).all(axis=0))

    def entries(self, chosen: Flags | Rungs) -> Line:
        """The line of some entries alone."""
        return Line(self.steps, self.samples[:, chosen])


@functools.cache
def _steps(first_step: float) -> Vector:
    return np.asarray(first_step * 2.0 ** -np.arange(RUNGS), dtype=np.float64)


@functools.cache
def places(first_step: float) -> Vector:
    """Where a line on this ladder of steps is sampled: 0, ± every step, and the fine grid.

    Shapes: (1 + 2·rungs + points − 1,).
    """
    steps = _steps(first_step)
    grid = GRID_SPACING * steps[-1] * np.arange(1, _GRID_POINTS)
    return np.concatenate([[0.0], steps, -steps, grid])


def total(terms: Vector) -> float:
    """The sum of terms, in pairs and in the widest type that numpy has: a rounding that does not count."""
    return float(np.add.reduce(terms, dtype=np.longdouble))


def sample(function: Callable[[Vector], Vector], first_step: float) -> Line:
    """Evaluate a function on one ladder of steps and on the fine grid.

    Shapes: the function takes (places,) and gives (places, m).
    """
    return Line(_steps(first_step), function(places(first_step)))


@functools.cache
def _difference_table(points: int) -> tuple[Vector, Rungs, Vector]:
    """Rows that take the differences of order 3 and higher, scaled to the deviation of pure noise.

    The k-th difference of pure noise has variance (2k)!/(k!)² σ²; from order 3 on the smooth part is gone.
    Returns the rows, where each order begins, and how many rows it has.
    """
    orders = range(3, points - 1)
    rows = [np.diff(np.eye(points), n=k, axis=0) / math.sqrt(math.comb(2 * k, k)) for k in orders]
    counts = [len(block) for block in rows]
    # The first point differs from itself by 0.
    table = np.concatenate(rows)[:, 1:].copy()
    return table, np.cumsum([0, *counts[:-1]]), np.array(counts, dtype=np.float64)[:, None]


def noise_level(values: Vector) -> Vector:
    """The standard deviation of the noise in smooth functions sampled at equally spaced points.

    The largest of the estimates of order 3 and higher is taken: it errs on the side of seeing less.

    Shapes: (points, m) gives (m,).
    Source: Moré & Wild, Estimating computational noise, SIAM J. Sci. Comput. 33 (2011), equation (2.2).
    """
    return noise_of_moves(values[1:] - values[0])


def noise_of_moves(moves: Vector) -> Vector:
    """As `noise_level`, of what the points after the first differ from it by.

    Neighbouring values differ by little, and that difference is exact; the rows then round nothing of size.
    """
    rows, begins, counts = _difference_table(len(moves) + 1)
    squares = (rows @ moves) ** 2
    return np.asarray(np.sqrt(np.maximum.reduce(np.add.reduceat(squares, begins, axis=0) / counts)))


def term_noise(line: Line) -> Vector:
    """How far each entry beside 0 may be off. Each is rounded once, whatever the grid shows."""
    return _DEVIATIONS * line.noise + UNIT_ROUNDOFF * np.abs(line.center)


def from_rung(values: Vector, start: Rungs | None, reduce: np.ufunc = np.maximum) -> Vector:
    """The largest (or, by `reduce`, least) of every column from its own start on; from the top if None.

    Shapes: `values` (rungs, m), `start` (m,) gives (m,).
    """
    if start is None:
        return np.asarray(reduce.reduce(values, axis=0))
    upwards = reduce.accumulate(values[::-1], axis=0)[::-1]
    return np.asarray(upwards[start, np.arange(start.size)])


def noise(line: Line, start: Rungs | None, coarser: Sequence[Line]) -> Vector:
    """How far an evaluation of each entry may be off, at any place from rung `start` on.

    Noise that is relative to the value is larger at a rung than beside 0, in proportion to the value. An
    entry that stands still on the grid may be rounded more coarsely than the grid can show: then its
    least visible movement, on the ladders tried before too, is taken for a rounding.
    """
    beside, out = line.beside, line.out
    if start is not None:
        steps = line.sizes[1 : 1 + 2 * RUNGS]
        out = from_rung(np.maximum(steps[:RUNGS], steps[RUNGS:]), start)
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = np.where(beside > 0, np.maximum(1.0, out / beside), 1.0)
    off = _DEVIATIONS * growth * line.noise + UNIT_ROUNDOFF * np.maximum(out, beside)
    still = _still(line)
    if still.any():
        # A staircase moves on both sides; what moves on one only is a maximum or a clamp at its corner.
        plus, minus = (
            least_movement(line, [getattr(line, side), *(getattr(c, side) for c in coarser)], start)
            for side in ("plus", "minus")
        )
        off = off + np.minimum(plus, minus)
    return np.asarray(off)


def lone_step(line: Line) -> Flags:
    """Whether an entry that moves steadily along the fine grid makes one step in it: it jumps close by."""
    if not line.uneven.any():
        return line.uneven
    moves = np.abs(line.fine[1:] - line.fine[:-1])
    second, largest = np.partition(moves, -2, axis=0)[-2:]
    return np.asarray((second > 0) & (largest > 64 * (second + UNIT_ROUNDOFF * line.largest)))


def _still(line: Line) -> Flags:
    """Which entries stand still on half of the grid. One that is 0 does so exactly: rounding is relative."""
    resting = np.add.reduce(line.fine[1:] == line.fine[:-1], dtype=np.intp)
    return np.asarray((2 * resting >= _GRID_POINTS - 1) & (line.center != 0))


def least_movement(line: Line, sides: Sequence[Vector], start: Rungs | None = None) -> Vector:
    """The smallest movement that the samples show of an entry that stands still on half the grid; else 0.

    The first of `sides` counts from rung `start` on. Shapes: every side (rungs, m) gives (m,).
    """

    def least(values: Vector, start: Rungs | None = None) -> Vector:
        moved = np.abs(values - line.center)
        return from_rung(np.where(moved > 0, moved, np.inf), start, np.minimum)

    found = np.minimum(least(line.fine), least(sides[0], start))
    for side in sides[1:]:
        found = np.minimum(found, least(side))
    return np.where(_still(line) & np.isfinite(found), found, 0.0)


def steps_up(line: Line, coarser: Sequence[Line], size: float) -> Flags:
    """Which entries stand still on the whole fine grid and move further out by far more than a rounding.

    `size` is the largest magnitude among the entries, of which an entry near 0 may be a rounding error.
    """
    flat = np.asarray(~np.logical_or.reduce(line.moves[1 + 2 * RUNGS :]))
    if not flat.any():
        return flat
    moved = np.full(line.center.shape, np.inf)
    for samples in (line.samples, *(c.samples for c in coarser)):
        apart = np.abs(samples - line.center)
        moved = np.fmin(moved, np.where(apart > 0, apart, np.inf).min(axis=0))
    # 64 roundings are the most that a difference of two values can be taken for.
    return np.asarray(flat & np.isfinite(moved) & (moved > 64 * UNIT_ROUNDOFF * size))


def stands_out(line: Line) -> Flags:
    """Whether the noise is that of the value at 0 alone, far beyond roundoff: a peak within the grid."""
    if not line.uneven.any():
        return line.uneven
    return np.asarray(line.uneven & (line.noise > 64 * noise_level(line.fine[1:])))


def even_part(line: Line) -> tuple[Vector, Vector]:
    """E(h) = (φ(h) + φ(−h) − 2φ(0))/h of every entry, signed, and how far noise may put it off.

    For a smooth function it is h·φ″ and halves with h; at a corner it tends to the jump of the derivative.
    Shapes: (rungs, m) both.
    """
    steps = line.steps[:, None]
    even: Vector = (line.moves[1 : 1 + RUNGS] + line.moves[1 + RUNGS : 1 + 2 * RUNGS]) / steps
    return even, 4 * term_noise(line) / steps


def jumps(line: Line) -> Flags:
    """Whether E(h) grows as h falls: φ jumps, or its derivative is infinite. At a corner it is steady."""
    even, off = even_part(line)
    even = np.abs(even)
    return np.asarray(np.any((even[1:] > 8 * off[1:]) & (even[1:] > 1.25 * even[:-1]), axis=0))


def corner(even: Vector, off: Vector) -> Rungs:
    """The last rung on which an entry looks like a corner, from its even part; −1 where none does.

    Between the ratios 1/2 (smooth) and 1 (a corner) of E(h) at neighbouring rungs the limit is set in the
    middle. Shapes: (rungs, m) both, gives (m,).
    """
    even = np.abs(even)
    # Only where E stands eight times clear of the noise is its ratio read: the ratio is then off by less
    # than 2/8, the distance from 3/4 to either case.
    cornered = (even[1:] > 8 * off[1:]) & (even[1:] > 0.75 * even[:-1])
    if not cornered.any():
        return np.full(even.shape[1], -1)
    last = len(cornered) - np.argmax(cornered[::-1], axis=0)
    return np.where(cornered.any(axis=0), last, -1)
