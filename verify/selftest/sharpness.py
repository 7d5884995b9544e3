"""Sharpness: how small an error a gradient checker could have seen, over many gradients. Imports no torch."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Sharpness:
    """Median and largest of the smallest visible errors of `count` checks.

    `without` counts further checks, which stated none; where all are such, there is no figure. Units: the
    errors are relative.
    """

    count: int
    without: int
    median: float | None
    largest: float | None


def sharpness(visible: Iterable[float | None]) -> Sharpness:
    """Of what each check stated as its smallest visible error; None and nan are left out and counted."""
    figures = tuple(visible)
    stated = [v for v in figures if v is not None and not math.isnan(v)]
    return Sharpness(
        count=len(stated),
        without=len(figures) - len(stated),
        median=statistics.median(stated) if stated else None,
        largest=max(stated, default=None),
    )
