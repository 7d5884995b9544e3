"""Rounding: how far an evaluation may be off, as the samples of a line themselves show it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from verify.finite_differences.line import UNIT_ROUNDOFF, Flags, Line, Rungs, Vector, from_rung
from verify.finite_differences.stencil import GRID_POINTS, LEFT, RIGHT

_SMALLEST = 2.0**-1022
# By how much an entry grows from beside 0 to the steps that is judged at the steps.
_GROWN = 2.0**8
# Deviations of rounding noise beyond six standard deviations: 2 in 10⁹ for a normal law, and a sum of
# bounded rounding errors has lighter tails (Hoeffding 1963, theorem 2).
_DEVIATIONS = 6.0


def term_noise(line: Line) -> Vector:
    """How far each entry beside 0 may be off. Each is rounded once, whatever the grid shows."""
    return np.asarray(_DEVIATIONS * line.noise + UNIT_ROUNDOFF * line.sizes[0])


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
    if still_entries(line) is not None:
        # A staircase moves on both sides; what moves on one only is a maximum or a clamp at its corner.
        plus, minus = (
            least_movement(line, [getattr(line, side), *(getattr(c, side) for c in coarser)], start)
            for side in ("plus", "minus")
        )
        off = off + np.minimum(plus, minus)
    return np.asarray(off)


def still_entries(line: Line) -> Flags | None:
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

    still = still_entries(line)
    if still is None:
        return np.zeros(line.center.shape)
    found = np.minimum(least(line.fine), least(sides[0], start))
    for side in sides[1:]:
        found = np.minimum(found, least(side))
    return np.where(still & np.isfinite(found), found, 0.0)
