"""Picture: what is to be drawn, as data: series over shared axes, and a field of heights behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Series:
    """Points in order. Shapes: `x` and `y` are equally long. `kind` says how they are drawn."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    kind: Literal["line", "points", "steps", "bars"] = "line"

    @classmethod
    def of(
        cls,
        label: str,
        x: Sequence[float],
        y: Sequence[float],
        kind: Literal["line", "points", "steps", "bars"] = "line",
    ) -> Series:
        """A series of any numbers (an array's, a tensor's). Raises: ValueError if they are not as many."""
        if len(x) != len(y):
            raise ValueError(f"{label}: {len(x)} places and {len(y)} values")
        return cls(label, tuple(map(float, x)), tuple(map(float, y)), kind)


@dataclass(frozen=True)
class Field:
    """Heights over a grid, drawn as contours at `levels`. Shapes: `heights` holds a row for each y."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    heights: tuple[tuple[float, ...], ...]
    levels: tuple[float, ...]


@dataclass(frozen=True)
class Note:
    """A word at a place of the picture."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Picture:
    """One pair of axes. `x_ticks` replaces the numbers under the axis by words, at 0, 1, 2, ..."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_log: bool = False
    y_log: bool = False
    field: Field | None = None
    notes: tuple[Note, ...] = ()
    x_ticks: tuple[str, ...] = ()
