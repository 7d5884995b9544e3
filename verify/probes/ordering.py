"""Ordering: the tree by which an implementation adds so many terms, and the type in which it does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from verify.formulas.arithmetic import Arithmetic
from verify.probes.mask import Mask
from verify.probes.multiplication import stored
from verify.probes.order import Order
from verify.probes.summation import Sum, Unrevealed, reveal
from verify.probes.tree import Tree

# Sums of random terms that a tree must give bit for bit. Another working type, or another order, gives the
# same bits of one sum of a few terms perhaps every second time: of all by chance, once in 2^16.
DRAWS = 16


def order(what: str, add: Sum, dtype: str, terms: int) -> Order:
    """Reveal a sum of terms of a dtype, and find the type that it is added in."""
    mask = Mask.of(Arithmetic.of(dtype), terms)
    if mask is None:
        return Order(what, dtype, terms, None, "", f"the range of {dtype} is too short")
    try:
        tree = reveal(add, terms, mask)
    except Unrevealed as reason:
        return Order(what, dtype, terms, None, "", str(reason))
    return Order(what, dtype, terms, tree, _added_in(tree, add, dtype), "")


def _added_in(tree: Tree, add: Sum, dtype: str) -> str:
    generator = np.random.default_rng(0)
    drawn = stored(generator.standard_normal((DRAWS, tree.terms)), dtype)
    sums = [add(terms) for terms in drawn]
    for kind in dict.fromkeys((dtype, "float32", "float64")):
        rounded = _one_by_one(kind)
        evaluated = np.array([tree.evaluate(terms.tolist(), rounded) for terms in drawn])
        if np.array_equal(stored(evaluated, dtype), sums):
            return kind
    return ""


def _one_by_one(dtype: str) -> Callable[[float], float]:
    """Rounds one number at a time: NumPy's scalars are faster than tensors, but know no bfloat16."""
    if dtype == "float64":
        return float
    if dtype == "bfloat16":
        return lambda value: float(stored(np.array([value]), dtype)[0])
    kind = np.dtype(dtype).type
    return lambda value: float(kind(value))
