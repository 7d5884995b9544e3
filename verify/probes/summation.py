"""Summation: the order in which an implementation adds, found from nothing but its results.

Put a large number at term i, its opposite at term j and units elsewhere. Every unit that meets the large
number before its opposite does is absorbed; the others are counted by the result. So n less the result is
the number of terms below the lowest node that has both i and j below it. From these sizes the whole tree
follows, and from one random pivot after another in far fewer than n²/2 probes.

Source: Xie, Gao & Xue, FPRev: Revealing the Order of Floating-Point Summation, 2024, algorithms 3 and 4.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from verify.probes.mask import Mask
from verify.probes.tree import Tree

# What is probed: from n terms, float64 values that the dtype holds, to their sum as something adds them.
Sum = Callable[[npt.NDArray[Any]], float]
# Extra probes at random places. A wrong tree of n terms that disagrees in a part q of all pairs passes with
# probability (1 − q)^32: where one pair in two disagrees, 2e-10.
EXTRA = 32


class Unrevealed(Exception):
    """No tree explains what an implementation returned; the message says what was seen, and why it may be."""


def reveal(add: Sum, terms: int, mask: Mask, seed: int = 0) -> Tree:
    """The tree by which `add` sums so many terms.

    Raises: Unrevealed where the results contradict every tree, or differ from call to call.
    """
    if terms == 1:
        return Tree(1, ())
    found = _Search(_Probe(add, terms, mask), random.Random(seed))
    tree = found.whole()
    _agrees(tree, found)
    return tree


@dataclass
class _Probe:
    """Asks how many terms are below the node where two of them meet."""

    add: Sum
    terms: int
    mask: Mask

    def size(self, i: int, j: int) -> int:
        """The number of terms below the lowest node above both. Raises: Unrevealed for what is no number."""
        chunk = self.mask.chunk
        counted = sum(self._count(i, j, at, at + chunk) for at in range(0, self.terms, chunk))
        return self.terms - counted

    def _count(self, i: int, j: int, start: int, stop: int) -> int:
        values = np.zeros(self.terms)
        values[start:stop] = self.mask.unit
        values[i], values[j] = self.mask.large, -self.mask.large
        most = len(range(start, min(stop, self.terms))) - (start <= i < stop) - (start <= j < stop)
        count = self.add(values) / self.mask.unit
        # A quotient is off by 2^(1−p) k ≤ 1/4, as no chunk of it is longer than 2^(p−3); nan is no count.
        if not -0.25 < count < most + 0.25 or abs(count - round(count)) > 0.25:
            raise Unrevealed(
                f"with ±{self.mask.large:g} at terms {i} and {j} the {most} units at other terms came out as "
                f"{count:g}: a part of a sum overflows, or is not rounded to nearest, or to too few bits"
            )
        return round(count)


@dataclass
class _Search:
    """The nodes found so far, numbered in the order in which they were completed."""

    probe: _Probe
    random: random.Random
    nodes: list[tuple[int, ...]] = field(default_factory=list)

    def whole(self) -> Tree:
        """The tree of all terms."""
        n = self.probe.terms
        self._absorbs(n)
        self._node(self._members(list(range(n)), n))
        return Tree(n, tuple(self.nodes))

    def _absorbs(self, n: int) -> None:
        sizes = {self.probe.size(0, j) for j in {1, n // 2, n - 1}}
        if n > 2 and sizes == {2} and self.probe.size(n // 2, n - 1) == 2:
            raise Unrevealed(
                f"no unit is ever absorbed by ±{self.probe.mask.large:g}: the sum is compensated or exact, "
                f"or its accumulator is wider than the {self.probe.mask.bits} bits that the range can tell"
            )

    def _node(self, members: list[int]) -> int:
        if len(members) == 1:
            return members[0]
        self.nodes.append(tuple(sorted(members)))
        return self.probe.terms + len(self.nodes) - 1

    def _members(self, terms: list[int], size: int) -> list[int]:
        """Members of one node of a known size, given all the terms below some of them."""
        members, left = [], terms
        while left:
            member, left = self._member(left, size)
            members.append(member)
        return members

    def _member(self, terms: list[int], size: int) -> tuple[int, list[int]]:
        """One member of a node of a known size, and those of the terms that are not below it."""
        pivot = terms[self.random.randrange(len(terms))]
        groups: dict[int, list[int]] = defaultdict(list)
        for term in terms:
            if term != pivot:
                groups[self.probe.size(pivot, term)].append(term)
        beside = groups.pop(size, [])
        member, below = pivot, 1
        for meeting, group in sorted(groups.items()):
            below += len(group)
            if meeting != below or meeting > size:
                raise Unrevealed(
                    f"term {pivot} meets term {group[0]} in a node of {meeting} terms, which has {below} "
                    "below it: the order differs from call to call or with the values, or the sum is "
                    "compensated"
                )
            member = self._node([member, *self._members(group, meeting)])
        return member, beside


def _agrees(tree: Tree, search: _Search) -> None:
    """Raises: Unrevealed where random pairs, most of which were never asked, meet elsewhere in the tree."""
    for _ in range(EXTRA):
        i, j = search.random.sample(range(tree.terms), 2)
        seen, expected = search.probe.size(i, j), tree.sizes[tree.meeting(i, j)]
        if seen != expected:
            raise Unrevealed(
                f"terms {i} and {j} meet in a node of {seen} terms, and by the tree that all other probes "
                f"give in one of {expected}: the order differs from call to call or with the values"
            )
