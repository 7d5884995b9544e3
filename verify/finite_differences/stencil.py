"""Stencil: where a line is sampled, and the weighted sums of the samples that are wanted, as matrices.

A derivative, the even part, their extrapolations, what two estimates differ by and what noise is left are
all linear in the samples: a matrix product takes them for all entries of a vector function at once.

Places and weights are for a ladder of steps 1, 1/2, 1/4 …; on a ladder that begins at h the places are h
times, and the sums that stand for a derivative 1/h times as large, which rounds nothing as h is a power
of 2.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float64]
Rungs = npt.NDArray[np.signedinteger[Any]]

RUNGS = 8
# Spacing of the fine grid, of the last step: on a ladder from 2⁻³ it is 2⁻²⁰, so small that the third
# difference of a smooth function, 2⁻⁶⁰φ‴, lies below the roundoff that it is to measure. A feature
# narrower than the grid is not seen.
GRID_SPACING = 2.0**-10
GRID_POINTS = 8

# The order of the places: 0, the grid beside it, the steps to the right, the steps to the left.
GRID = slice(0, GRID_POINTS)
RIGHT = slice(GRID_POINTS, GRID_POINTS + RUNGS)
LEFT = slice(GRID_POINTS + RUNGS, GRID_POINTS + 2 * RUNGS)
STEPS = slice(GRID_POINTS, GRID_POINTS + 2 * RUNGS)
_STEP_SIZES = 2.0 ** -np.arange(RUNGS)
_SPACING = float(GRID_SPACING * _STEP_SIZES[-1])
_PLACES = np.concatenate([_SPACING * np.arange(GRID_POINTS), _STEP_SIZES, -_STEP_SIZES])


@functools.cache
def places(first_step: float) -> Weights:
    """Where a line on this ladder is sampled. Shapes: (places,)."""
    return first_step * _PLACES


@dataclass(frozen=True)
class Extrapolation:
    """Weights that combine D(h), D(h/2), … so that terms of its error series vanish.

    `amplification` is Σ|weight|·2^k: how much they amplify noise/h.
    """

    weights: tuple[float, ...]
    amplification: float

    @classmethod
    def over(cls, powers: Sequence[int]) -> Extrapolation:
        """The one that removes the terms h^p of these powers, largest step first.

        Solved in exact rationals: each power p is removed by (2^p·finer − coarser)/(2^p − 1).
        """
        count = len(powers) + 1
        rows = [[Fraction(int(i == k)) for i in range(count)] for k in range(count)]
        for power in powers:
            rows = [
                [(2**power * f - c) / (2**power - 1) for c, f in zip(coarse, fine, strict=True)]
                for coarse, fine in itertools.pairwise(rows)
            ]
        (weights,) = rows
        amplification = sum(abs(weight) * 2**k for k, weight in enumerate(weights))
        return cls(tuple(float(weight) for weight in weights), float(amplification))

    def windows(self, rungs: Weights) -> Weights:
        """The weighted sum of every run of neighbouring rungs. Shapes: (rungs, …) gives (runs, …)."""
        runs = len(rungs) - len(self.weights) + 1
        return np.asarray(sum(w * rungs[k : k + runs] for k, w in enumerate(self.weights)))


def _column(values: Sequence[float] | Weights) -> Weights:
    return np.array(values, dtype=np.float64)[:, None]


@dataclass(frozen=True)
class Climb:
    """Rows that extrapolate difference quotients from every rung.

    They are the `quotients`; how far each estimate is `apart` from the one above; and the `estimates` from
    every rung, of which each has so much `noise`/h.
    Shapes: `rows` (rows, rungs), `noise` (estimates, 1).
    """

    rows: Weights
    quotients: slice
    apart: slice
    estimates: slice
    noise: Weights
    # By how much the roundings of the quotients are amplified.
    size: float

    @property
    def count(self) -> int:
        """How many estimates there are."""
        return len(self.noise)

    @classmethod
    def of(cls, method: Extrapolation, span: float) -> Climb:
        """For differences over so many steps: 2 where they are central."""
        quotients = np.diag(1 / (span * _STEP_SIZES))
        estimates = method.windows(quotients)
        rows, (of_quotients, apart, of_estimates) = _stacked(quotients, np.diff(estimates, axis=0), estimates)
        noise = [method.amplification * 2.0**rung for rung in range(len(estimates))]
        size = sum(abs(w) for w in method.weights)
        return cls(rows, of_quotients, apart, of_estimates, _column(noise), size)


def _stacked(*blocks: Weights) -> tuple[Weights, list[slice]]:
    """Blocks of rows below each other, and where each lies."""
    ends = list(itertools.accumulate(len(block) for block in blocks))
    parts = [slice(end - len(block), end) for end, block in zip(ends, blocks, strict=True)]
    return np.concatenate(blocks), parts


def _of_even_part() -> tuple[Weights, Weights, Rungs]:
    """Rows of E(h) and of its limits at h = 0; how much noise/h is in each; at which rung each begins.

    A smooth function has only odd powers of h in E(h). Independent noise at 0 and at the steps moves
    Σ wₖE(h/2ᵏ) at a step by wₖ2ᵏ, on both sides; at 0, where all share it, by their sum twice. In E(h)
    itself it counts in full: of three values one twice.
    """
    even = np.diag(1 / _STEP_SIZES)
    rows, noise, rungs = [*even], [4.0 * 2.0**rung for rung in range(RUNGS)], [*range(RUNGS)]
    for powers in ((1, 3), (1, 3, 5)):
        method = Extrapolation.over(powers)
        at_steps = [w * 2.0**k for k, w in enumerate(method.weights)]
        amount = math.sqrt(2 * sum(a * a for a in at_steps) + (2 * sum(at_steps)) ** 2)
        for rung, row in enumerate(method.windows(even)):
            rows.append(row)
            noise.append(amount * 2.0**rung)
            rungs.append(rung)
    return np.array(rows), _column(noise), np.array(rungs)


@functools.cache
def differences_of_noise(points: int) -> tuple[Weights, Weights]:
    """Rows that take the differences of order 3 and higher of equally spaced points; and their orders.

    The k-th difference of pure noise has variance (2k)!/(k!)² σ²; from order 3 on the smooth part is
    gone. Rows are scaled to the variance σ². The first point differs from itself by 0 and has no column.
    The second matrix takes the mean over each order. Shapes: (rows, points − 1), (orders, rows).
    """
    blocks = []
    for order in range(3, points - 1):
        rows = np.diff(np.eye(points), n=order, axis=0)[:, 1:]
        blocks.append(rows / math.sqrt(math.comb(2 * order, order)))
    table, parts = _stacked(*blocks)
    means = np.zeros((len(parts), len(table)))
    for mean, part in zip(means, parts, strict=True):
        mean[part] = 1 / (part.stop - part.start)
    return table, means


def _beside() -> tuple[Weights, float]:
    """A one-sided derivative from the grid, 1, 2 and 4 spacings out, and how much noise/h is in it.

    It is coarse, but no feature wider than the grid hides from it, as one may from the rungs (a period
    that divides every step, a narrow bend). Its noise is counted twice, for both ends of a difference.
    Shapes: (1, points − 1).
    """
    method = Extrapolation.over((1, 2))
    row = np.zeros((1, GRID_POINTS - 1))
    for spacings, weight in zip((4, 2, 1), method.weights, strict=True):
        row[0, spacings - 1] = weight / (spacings * _SPACING)
    return row, 2 * method.amplification / (4 * _SPACING)


# Of φ(h) − φ(−h); and of the two sides alone.
CENTRAL = Climb.of(Extrapolation.over((2, 4)), span=2.0)
ONE_SIDED = Climb.of(Extrapolation.over((1, 2, 3)), span=1.0)
# Of φ(h) + φ(−h) − 2φ(0).
EVEN_PART, EVEN_NOISE, EVEN_RUNGS = _of_even_part()
# Of the grid.
_NOISE, NOISE_ORDERS = differences_of_noise(GRID_POINTS)
_BESIDE, BESIDE_NOISE = _beside()
GRID_ROWS, (OF_NOISE, OF_BESIDE) = _stacked(_NOISE, _BESIDE)
