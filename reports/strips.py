"""Strips: figures as dots on a shared logarithmic axis, as the path data of an SVG a hundred units wide."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from reports.accuracy import AccuracyRow
from reports.speed import SpeedRow

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Axis:
    """Powers of ten from 10^low to 10^high, laid out over 0 to 100."""

    low: int
    high: int

    @property
    def decades(self) -> int:
        """The number of powers of ten that the axis spans."""
        return self.high - self.low

    def position(self, value: float) -> float:
        """Where a value lies; 0 and whatever is too small on the left edge, the too large on the right."""
        if value <= 0:
            return 0.0
        if math.isinf(value):
            return 100.0
        return min(100.0, max(0.0, 100 * (math.log10(value) - self.low) / self.decades))

    def moments(self) -> tuple[tuple[int, str], ...]:
        """The positions of the units of time that lie on an axis of seconds."""
        units = {-9: "1 ns", -6: "1 µs", -3: "1 ms", 0: "1 s"}
        on_axis = [power for power in units if self.low <= power <= self.high]
        return tuple((round(self.position(10.0**power)), units[power]) for power in on_axis)

    def ticks(self) -> tuple[tuple[int, str], ...]:
        """At most seven labelled positions, 1 always among them where it is on the axis."""
        step = math.ceil(self.decades / 6)
        powers = [power for power in range(self.low, self.high + 1) if power % step == 0]
        return tuple((round(self.position(10.0**power)), _power(power)) for power in powers)


def _power(power: int) -> str:
    return {0: "1", 1: "10"}.get(power, "10" + str(power).translate(_SUPERSCRIPTS))


@dataclass(frozen=True)
class Strip:
    """The dots of one accuracy row: within the bound, beyond it, and beyond it as known."""

    within: str
    beyond: str
    known: str


def error_axis(rows: Iterable[AccuracyRow]) -> Axis:
    """An axis that holds the errors and the bound, but at most six powers of ten either side of it."""
    values = [f for row in rows for f in (*row.fractions, *row.known) if 0 < f < math.inf]
    low = math.floor(math.log10(min(values, default=0.1)))
    high = math.ceil(math.log10(max(values, default=1.0)))
    return Axis(max(-6, min(-2, low)), min(6, max(1, high)))


def strip(row: AccuracyRow, axis: Axis) -> Strip:
    """The dots of one row."""
    return Strip(
        within=_dots(axis, (f for f in row.fractions if f <= 1)),
        beyond=_dots(axis, (f for f in row.fractions if f > 1)),
        known=_dots(axis, row.known),
    )


def _dots(axis: Axis, values: Iterable[float]) -> str:
    # A line of no length with round ends is a dot. Dots that fall together are drawn once.
    positions = dict.fromkeys(round(axis.position(value), 1) for value in values)
    return "".join(f"M{position:g} 10h0" for position in positions)


def time_axis(rows: Iterable[SpeedRow]) -> Axis:
    """An axis that holds every forward and backward time."""
    times = [t.seconds for row in rows for t in (row.forward, row.backward) if t and t.seconds > 0]
    low = math.floor(math.log10(min(times, default=1e-6)))
    high = math.ceil(math.log10(max(times, default=1e-3)))
    return Axis(low, max(high, low + 1))
