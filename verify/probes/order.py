"""Order: what was found of the order of one sum. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from verify.probes.tree import Tree


@dataclass(frozen=True)
class Order:
    """What was found of one sum: its tree, or why there is none.

    `added_in` is the type in which the tree, evaluated, has the bits of the implementation; empty: none has.
    """

    what: str
    dtype: str
    terms: int
    tree: Tree | None
    added_in: str
    reason: str
