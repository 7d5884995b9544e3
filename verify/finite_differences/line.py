"""Line: a vector function sampled along a line: at 0, on a fine grid beside 0, and at every step."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from verify.finite_differences import stencil
from verify.finite_differences.stencil import GRID, LEFT, RIGHT, STEPS

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rungs = npt.NDArray[np.signedinteger[Any]]
UNIT_ROUNDOFF = 2.0**-53


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


def from_rung(values: Vector, start: Rungs | None, reduce: np.ufunc = np.maximum) -> Vector:
    """The largest (or, by `reduce`, least) of every column from its own start on; from the top if None.

    Shapes: `values` (rungs, m), `start` (m,) gives (m,).
    """
    if start is None:
        return np.asarray(reduce.reduce(values, axis=0))
    upwards = reduce.accumulate(values[::-1], axis=0)[::-1]
    return np.asarray(upwards[start, np.arange(start.size)])


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
