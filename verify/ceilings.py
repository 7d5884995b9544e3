"""Ceilings: what the machine itself can do, measured in the same run as the operations. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ceiling:
    """A simple kernel that a whole class of operations cannot beat.

    `kind` is `flops` (a square matrix product), `copied` or `read`; `amount` is how many flops one call
    does, or how many elements it moves, counting an element read and an element written as two; `size` is
    the side of the product or the number of elements. The benchmark is
    `ceilings.Ceilings.track_forward` with `label` as its first parameter.
    """

    label: str
    kind: str
    amount: float
    size: int


def _product(side: int) -> Ceiling:
    return Ceiling(f"product {side}", "flops", 2.0 * side**3, side)


def _copy(elements: int) -> Ceiling:
    return Ceiling(f"copy {elements}", "copied", 2.0 * elements, elements)


def _read(elements: int) -> Ceiling:
    return Ceiling(f"read {elements}", "read", float(elements), elements)


# One product large enough to be compute bound; copies and reads from the first-level cache out to main
# memory, four or eight times larger at each step.
CEILINGS = (
    _product(1024),
    *(_copy(2**power) for power in (11, 14, 17, 20, 22)),
    *(_read(2**power) for power in (12, 15, 18, 20, 22)),
)
