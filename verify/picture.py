"""Picture: what is to be drawn, as data: series over shared axes, and a field of heights behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Kind = Literal["line", "points", "steps", "bars"]


class Numbers(Protocol):
    """A list, a range, an array or a tensor of numbers."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...


@dataclass(frozen=True)
class Series:
    """Points in order. Shapes: `x` and `y` are equally long.

    `kind` says how they are drawn: `steps` keep each value until the next place, and `bars` of several
    series stand side by side.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    kind: Kind = "line"

    @classmethod
    def of(cls, label: str, x: Numbers, y: Numbers, kind: Kind = "line") -> Series:
        """A series of any numbers. Raises: ValueError if they are not as many."""
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

    @classmethod
    def of(
        cls,
        x: Numbers,
        y: Numbers,
        heights: Numbers,
        levels: Numbers,
    ) -> Field:
        """A field of any numbers. Raises: ValueError if the heights are no row a y of one value an x."""
        rows = tuple(tuple(map(float, row)) for row in heights)
        if len(rows) != len(y) or any(len(row) != len(x) for row in rows):
            raise ValueError(f"the heights are not {len(y)} rows of {len(x)}")
        return cls(tuple(map(float, x)), tuple(map(float, y)), rows, tuple(map(float, levels)))


@dataclass(frozen=True)
class Note:
    """A word at a place of the picture."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Picture:
    """One pair of axes. `x_ticks` replaces the numbers under the axis by words, at 0, 1, 2, ...

    `equal` draws a unit equally long along both axes, so that a circle is round.
    """

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_log: bool = False
    y_log: bool = False
    field: Field | None = None
    notes: tuple[Note, ...] = ()
    x_ticks: tuple[str, ...] = ()
    equal: bool = False
