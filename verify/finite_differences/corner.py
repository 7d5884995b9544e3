"""Corner: where the derivative of an entry of a line jumps, from the even part of its samples."""

from __future__ import annotations

import numpy as np

from verify.finite_differences import stencil
from verify.finite_differences.line import Flags, Line, Rungs, Vector
from verify.finite_differences.rounding import term_noise
from verify.finite_differences.stencil import RUNGS


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
