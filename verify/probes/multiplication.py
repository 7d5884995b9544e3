"""Multiplication: an implementation of the matrix product, put to questions about single entries."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from verify.formulas.arithmetic import Arithmetic

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Multiplication:
    """A product of two square matrices of `size`, in one dtype on one device.

    What is asked of one entry stands in a row and a column of matrices of that size, the rest of which is 0:
    an implementation chooses its algorithm by the size.
    """

    multiply: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    dtype: str
    device: str = "cpu"
    size: int = 64

    @property
    def arithmetic(self) -> Arithmetic:
        """The rounding model that the dtype's documentation promises."""
        return Arithmetic.of(self.dtype, self.device)

    @property
    def precision(self) -> int:
        """The bits of a significand of the stored type."""
        return round(-math.log2(self.arithmetic.u))

    @property
    def working(self) -> int:
        """The bits of a significand of the documented accumulator."""
        return round(-math.log2(self.arithmetic.w))

    @property
    def large(self) -> float:
        """The largest power of 2 whose square is in the range of the stored type."""
        return 2.0 ** ((math.frexp(self.arithmetic.largest)[1] - 1) // 2)

    def __call__(self, a: Array, b: Array) -> Array:
        """The product of two float64 arrays, rounded to the dtype before it and exact after it."""
        kind = getattr(torch, self.dtype)
        left, right = (torch.from_numpy(np.ascontiguousarray(x)).to(kind).to(self.device) for x in (a, b))
        result: Array = self.multiply(left, right).cpu().double().numpy()
        return result

    def entry(self, a: Sequence[float] | Array, b: Sequence[float] | Array) -> float:
        """The first entry of the product of a matrix whose first row begins with `a`, and else is 0, by one
        whose first column begins with `b`. Shapes: equally long, at most `size`.
        """
        left, right = np.zeros((self.size, self.size)), np.zeros((self.size, self.size))
        left[0, : len(a)], right[: len(b), 0] = a, b
        return float(self(left, right)[0, 0])

    def total(self, terms: Array) -> float:
        """The sum of terms, each multiplied by 1."""
        return self.entry(terms, np.ones(len(terms)))

    def random(self, rows: int, columns: int, seed: int = 0) -> Array:
        """Standard normal numbers with all of the dtype's digits."""
        drawn = np.random.default_rng(seed).standard_normal((rows, columns))
        return stored(drawn, self.dtype)


def stored(values: Array, dtype: str) -> Array:
    """Each number rounded to a dtype."""
    rounded: Array = torch.from_numpy(values).to(getattr(torch, dtype)).double().numpy()
    return rounded
