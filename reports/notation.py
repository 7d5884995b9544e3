"""Notation: figures as a reader meets them, one way for the whole page."""

from __future__ import annotations

import math
from datetime import datetime

NONE = "—"
_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def number(value: float | None, digits: int = 3) -> str:
    """`0.0310`, `3.10e-7`, `∞`, `nan`, and a dash for a figure that does not exist."""
    if value is None:
        return NONE
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    mantissa, power = f"{value:.{digits - 1}e}".split("e")
    if -3 <= int(power) < 5:
        return f"{value:,.{max(0, digits - 1 - int(power))}f}"
    return f"{mantissa}e{int(power)}"  # the usual form has a sign and a zero that say nothing


def fraction(value: float | None) -> str:
    """A fraction of a bound: `0.42`, `31.6`; two figures are enough to judge it."""
    return number(value, 2)


def percent(value: float | None) -> str:
    """A fraction as per cent; below one, with enough figures not to read as nothing."""
    if value is None or math.isnan(value):
        return NONE
    return f"{value:.0%}" if value >= 0.0995 else f"{number(100 * value, 2)}%"


def seconds(value: float | None) -> str:
    """A duration with its unit: `12.3 µs`."""
    if value is None or math.isnan(value):
        return NONE
    for scale, unit in _SECONDS:
        if value >= scale:
            return f"{number(value / scale)} {unit}"
    return f"{number(value / 1e-9)} ns"


def memory(value: object) -> str:
    """Bytes of memory in GiB."""
    return f"{value / 2**30:,.0f} GiB" if isinstance(value, int | float) else NONE


def giga(value: float | None) -> str:
    """A rate in thousand millions a second, without the unit."""
    return NONE if value is None else number(value / 1e9)


def when(moment: datetime) -> str:
    """`2025-11-23 10:00 UTC`: to the minute, in the zone it was recorded in."""
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname()}"
