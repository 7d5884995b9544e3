"""Draws: the random numbers that a check of a gradient is made with."""

from __future__ import annotations

import operator

import numpy as np
import torch

from verify.finite_differences.line import Rungs, Vector

_LEVELS = 512


class Draws:
    """A stream of random numbers from a seed; torch's own stream is not touched.

    Raises: ValueError where the seed is no whole number.
    """

    def __init__(self, seed: int) -> None:
        try:
            whole = operator.index(seed)
        except TypeError as error:
            raise ValueError(
                f"seed is {seed!r}: it must be a whole number, or None for a fresh one"
            ) from error
        # What torch takes for a seed has 64 bits.
        self._generator = torch.Generator().manual_seed(whole % 2**64)

    def _uniform(self, count: int) -> Vector:
        return np.asarray(torch.rand(count, dtype=torch.float64, generator=self._generator).numpy())

    def few_bits(self, count: int) -> Vector:
        """Numbers of magnitude 1/2 to 1 with 10 bits. Shapes: (count,)."""
        # No two alike as long as there are enough: an exchange of two entries then never cancels. The
        # signs are drawn by themselves: if the sum hardly varied, a term that is missing in every entry
        # would not show.
        if count <= _LEVELS:
            levels = torch.randperm(_LEVELS, generator=self._generator)[:count]
        else:
            levels = torch.randint(_LEVELS, (count,), generator=self._generator)
        sizes = (levels.numpy() + (_LEVELS + 1)) / (2.0 * _LEVELS)
        return np.asarray(np.copysign(sizes, self._uniform(count) - 0.5))

    def cotangent(self, count: int) -> Vector:
        """Numbers of magnitude 1/4 to 1 with all digits. Shapes: (count,)."""
        # All digits, so that a narrower type on the way shows; none small, so that no output hides.
        signed = 2 * self._uniform(count) - 1
        return np.copysign(0.25 + 0.75 * np.abs(signed), signed)

    def signs(self, count: int) -> Vector:
        """Numbers 1 and −1. Shapes: (count,)."""
        return np.copysign(1.0, self._uniform(count) - 0.5)

    def order(self, count: int) -> Rungs:
        """A permutation of 0 … count − 1. Shapes: (count,)."""
        return np.asarray(torch.randperm(count, generator=self._generator).numpy())

    def seed(self) -> int:
        """A seed for another stream."""
        return int(torch.randint(2**31, (), generator=self._generator))
