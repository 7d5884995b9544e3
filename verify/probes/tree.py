"""Tree: the order in which an implementation adds n terms. Imports no torch: stored ones are read without."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Tree:
    """A summation tree over n terms, stored flat, since a sum in sequence is n − 1 nodes deep.

    Numbers 0 … n − 1 are the terms; `nodes[k]` holds the members of node n + k, each numbered lower than
    itself, and the last node is the sum. A node of more than two members is a fused addition (one rounding
    of the whole, as in tensor cores), or one whose inner order no probe can tell.

    Raises: ValueError if some term or node is not a member of exactly one later node.

    Source: Xie, Gao & Xue, FPRev: Revealing the Order of Floating-Point Summation, 2024, §3.
    """

    terms: int
    nodes: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        members = [member for node in self.nodes for member in node]
        ordered = all(
            len(node) >= 2 and max(node) < self.terms + place for place, node in enumerate(self.nodes)
        )
        if not ordered or sorted(members) != list(range(max(0, self.terms + len(self.nodes) - 1))):
            raise ValueError(f"{self.terms} terms and {len(self.nodes)} nodes make no tree")

    @functools.cached_property
    def sizes(self) -> tuple[int, ...]:
        """How many terms are below each term (1) and each node."""
        return tuple(self.gathered([1] * self.terms, sum))

    @functools.cached_property
    def depth(self) -> int:
        """The most roundings that a term can pass through on its way to the sum.

        A node of k members counts as k − 1: as many as it takes in the worst order, and as many
        truncations as it takes to align k − 1 of them with the largest.
        """
        roundings: list[int] = [0] * self.terms
        for node in self.nodes:
            roundings.append(max(roundings[member] for member in node) + len(node) - 1)
        return roundings[-1] if roundings else 0

    @functools.cached_property
    def parents(self) -> tuple[int, ...]:
        """The node that each term or node is a member of; of the last one, itself."""
        above = list(range(self.terms + len(self.nodes)))
        for place, node in enumerate(self.nodes):
            for member in node:
                above[member] = self.terms + place
        return tuple(above)

    def leaves(self, member: int) -> tuple[int, ...]:
        """The terms below a term or node, in ascending order."""
        if member < self.terms:
            return (member,)
        found: list[int] = []
        open_nodes = [member]
        while open_nodes:
            for below in self.nodes[open_nodes.pop() - self.terms]:
                (found if below < self.terms else open_nodes).append(below)
        return tuple(sorted(found))

    def meeting(self, i: int, j: int) -> int:
        """The lowest node that has both of two terms below it."""
        above = {i}
        while self.parents[i] != i:
            i = self.parents[i]
            above.add(i)
        while j not in above:
            j = self.parents[j]
        return j

    def evaluate(self, terms: Sequence[float], rounded: Callable[[float], float]) -> float:
        """The sum of the terms in this order, each node added exactly and then rounded.

        `rounded` rounds a float64 to the type that is added in. Two numbers of q ≤ 25 bits add in float64
        with so many spare bits that rounding twice is rounding once (Figueroa 1995: 53 ≥ 2q + 2).

        Raises: ValueError if there are not as many terms as leaves.
        """
        if len(terms) != self.terms:
            raise ValueError(f"{len(terms)} terms for a tree of {self.terms}")
        return self.gathered(
            [float(x) for x in terms],
            lambda values: rounded(values[0] + values[1] if len(values) == 2 else math.fsum(values)),
        )[-1]

    def partial_sums(self, terms: Sequence[float]) -> tuple[float, ...]:
        """What each node would hold if nothing were rounded (but for float64)."""
        return tuple(self.gathered([float(x) for x in terms], math.fsum)[self.terms :])

    def gathered(self, values: list[T], combined: Callable[[list[T]], T]) -> list[T]:
        """What each term and each node holds, where a node combines what its members hold."""
        values = list(values)
        for node in self.nodes:
            values.append(combined([values[member] for member in node]))
        return values
