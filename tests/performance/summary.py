"""Summary: how many times as fast our gradient check is as torch's two, from the medians of one run. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence

# Of one shape: the median seconds of a call, by checker. A part of a run lacks some.
Medians = Mapping[str, float]

OURS, SLOW, FAST = "ours", "slow", "fast"
_NOTHING = "–"


def lines(medians: Mapping[str, Medians], small: Collection[str]) -> list[str]:
    """A table with a line for each shape, and the geometric means; `small` names the small shapes."""
    width = max(map(len, medians), default=0)
    headings = ("ours/ms", "slow/ms", "fast/ms", "slow/ours", "fast/ours")
    table = [f"{'shape':{width}}" + "".join(f"{heading:>11}" for heading in headings)]
    for shape, found in medians.items():
        times = "".join(f"{_milliseconds(found.get(checker)):>11}" for checker in (OURS, SLOW, FAST))
        ratios = "".join(f"{_times(faster(found, checker)):>11}" for checker in (SLOW, FAST))
        table.append(f"{shape:{width}}{times}{ratios}")
    few = [found for shape, found in medians.items() if shape in small]
    many = [found for shape, found in medians.items() if shape not in small]
    return [
        *table,
        "",
        _mean("small shapes against slow", few, SLOW),
        _mean("real shapes against slow", many, SLOW),
        _mean("all shapes against fast", [*few, *many], FAST),
    ]


def faster(found: Medians, checker: str) -> float | None:
    """How many times as fast ours is as a checker; None where one of the two was not timed."""
    return found[checker] / found[OURS] if OURS in found and checker in found else None


def _mean(title: str, shapes: Sequence[Medians], checker: str) -> str:
    ratios = [ratio for found in shapes if (ratio := faster(found, checker)) is not None]
    mean = statistics.geometric_mean(ratios) if ratios else None
    return f"{title:26}{_times(mean):>8} times as fast, geometric mean of {len(ratios)}"


def _milliseconds(seconds: float | None) -> str:
    return _NOTHING if seconds is None else f"{1e3 * seconds:.2f}"


def _times(ratio: float | None) -> str:
    return _NOTHING if ratio is None else f"{ratio:.2f}"
