"""Steps: which entries of a line jump, at a sample or between two of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from verify.finite_differences.line import UNIT_ROUNDOFF, Flags, Line, noise_level


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
