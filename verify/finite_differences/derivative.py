"""Derivative: a slope with the interval that it lies in."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from verify.finite_differences.line import Flags, Vector, total


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
        chosen = weights != 0
        part = slice(None) if chosen.all() else chosen
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
