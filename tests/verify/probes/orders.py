"""Sums in plain Python whose order is known: the slow oracles for what probing reveals."""

from __future__ import annotations

import numpy as np

from verify.probes.tree import Tree


class Order:
    """A way of adding: `add(a, b)` is called for every addition, on numbers or on the nodes of a tree."""

    def __init__(self, how):
        self.how = how

    def sum_in(self, dtype):
        """The sum of float64 values, rounded to a NumPy dtype after every addition."""

        def total(values):
            with np.errstate(all="ignore"):
                return float(self.how([dtype(v) for v in values], lambda a, b: dtype(a + b)))

        return total

    def tree(self, terms):
        """The same order as a tree."""
        nodes = []

        def joined(a, b):
            nodes.append(tuple(sorted((a, b))))
            return terms + len(nodes) - 1

        self.how(list(range(terms)), joined)
        return Tree(terms, tuple(nodes))


def sequential(terms, add):
    total = terms[0]
    for term in terms[1:]:
        total = add(total, term)
    return total


def backwards(terms, add):
    return sequential(terms[::-1], add)


def pairwise(terms, add):
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return add(pairwise(terms[:middle], add), pairwise(terms[middle:], add))


def lanes(terms, add, width=8):
    """Every width-th term into one lane, then the lanes in pairs, as vector kernels do."""
    return pairwise([sequential(terms[k::width], add) for k in range(min(width, len(terms)))], add)


def blocks(terms, add, length=5):
    return sequential([sequential(terms[k : k + length], add) for k in range(0, len(terms), length)], add)


def outside_in(terms, add):
    total = terms[0]
    for k in range(1, len(terms)):
        total = add(total, terms[-((k + 1) // 2)] if k % 2 else terms[k // 2])
    return total


ORDERS = {
    order.__name__: Order(order) for order in (sequential, backwards, pairwise, lanes, blocks, outside_in)
}
