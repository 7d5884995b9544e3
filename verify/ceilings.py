"""Ceilings: what the machine itself can do, measured in the same run as the operations. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ceiling:
    """A simple kernel that a whole class of operations cannot beat.

    `kind` is `flops` (a square matrix product) or `elements` (a copy); `amount` is how many of them one
    call does, counting an element read and an element written as two; `size` is the side of the product
    or the number of elements copied. The benchmark is `ceilings.<Class>.track_forward` with `label` as
    its first parameter.
    """

    label: str
    kind: str
    amount: float
    size: int


def _product(side: int) -> Ceiling:
    return Ceiling(f"product {side}", "flops", 2.0 * side**3, side)


def _copy(elements: int) -> Ceiling:
    return Ceiling(f"copy {elements}", "elements", 2.0 * elements, elements)


# One product large enough to be compute bound; copies from the first-level cache out to main memory.
CEILINGS = (_product(1024), _copy(2**11), _copy(2**14), _copy(2**17), _copy(2**20), _copy(2**23))
