"""Windows: which entries of a dimension a sliding window reads, and which windows read an entry."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.operation import Array


@dataclass(frozen=True)
class Window:
    """A window of `kernel` taps, `dilation` apart, moved by `stride` over `size` entries between paddings.

    Source: torch.nn.Conv2d and torch.nn.MaxPool2d, "Shape".
    """

    size: int
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def places(self) -> int:
        """How many places the window takes."""
        return (self.size + 2 * self.padding - self.dilation * (self.kernel - 1) - 1) // self.stride + 1

    @property
    def reads(self) -> Array:
        """The entry each place reads through each tap; `size` in the padding. Shapes: (places, kernel)."""
        entry = self.stride * np.arange(self.places)[:, None] + self._taps - self.padding
        return np.where((entry >= 0) & (entry < self.size), entry, self.size)

    @property
    def read_by(self) -> Array:
        """The place that reads each entry through each tap; `places` if none. Shapes: (size, kernel)."""
        moved = np.arange(self.size)[:, None] + self.padding - self._taps
        place = moved // self.stride
        found = (moved % self.stride == 0) & (place >= 0) & (place < self.places)
        return np.where(found, place, self.places)

    @property
    def _taps(self) -> Array:
        return self.dilation * np.arange(self.kernel)


def gathered(x: Any, indices: tuple[Array, ...]) -> Any:
    """The entries of the last dimensions at indices (rows, taps); the first index beyond the last gives 0.

    Shapes: (batch, channels, *sizes) gives (batch, channels, rows, taps, rows, taps, ...).
    """
    for position, index in enumerate(indices):
        axis = 2 + 2 * position
        ended = np.concatenate([x, 0 * np.take(x, np.array([0]), axis=axis)], axis=axis)
        x = np.take(ended, index, axis=axis)
    return x


def added(terms: Iterable[Any]) -> Any:
    """One after another, each sum stored: what a kernel does that adds in place."""
    return functools.reduce(operator.add, terms)
