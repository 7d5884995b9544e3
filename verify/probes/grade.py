"""Grade: how near the error of a whole matrix product comes to what explains it. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Grade:
    """How near a product of m × k by k × n comes to its bounds.

    `certain` and `random` are the largest |Ĉ − C| over γ_h |A||B| and over √k w |A||B|, without what storing
    explains. `explained` is the largest |Ĉ − C| over all that explains it there, of `entries` that were
    compared. `depth` is that of the tree, h − 1; None where the order was not told: k − 1 stands for it.
    """

    shape: Shape
    layout: str
    threads: int
    depth: int | None
    certain: float
    random: float
    explained: float
    entries: int

    @property
    def within(self) -> bool:
        """Whether the error is explained, by the worst case and by random roundings both."""
        return self.explained <= 1
