"""Product: what is true of a whole matrix product, and all facts of one, from a few inputs each."""

from __future__ import annotations

import itertools
import math

import numpy as np

from verify.probes.fact import Fact
from verify.probes.multiplication import Array, Multiplication, stored
from verify.probes.rounding import (
    accumulator,
    operand,
    power,
    residual,
    storing,
    subnormal_operand,
    subnormal_result,
)

# How often a product is repeated. A race that shows in half of all runs goes unseen in one of 32.
AGAIN = 5
_NOT_TOLD = "not told: no two calls alike"


def rearranging(m: Multiplication) -> Fact:
    """Whether a product with an identity or a permutation returns every entry as it was."""
    a = m.random(m.size, m.size)
    order = np.random.default_rng(1).permutation(m.size)
    by = {"the identity": np.eye(m.size), "a permutation": np.eye(m.size)[order]}
    for (name, matrix), left in itertools.product(by.items(), (True, False)):
        found, expected = (m(matrix, a), matrix @ a) if left else (m(a, matrix), a @ matrix)
        if not np.array_equal(found, expected):
            at = tuple(int(i) for i in np.argwhere(found != expected)[0])
            proof = f"a product with {name} has {found[at].hex()} for {expected[at].hex()} at {at}"
            return Fact("identity, permutation", "change entries", proof, regular=False)
    return Fact("identity, permutation", "exact", f"all {m.size}² random entries come back, from both sides")


def integers(m: Multiplication) -> Fact:
    """Up to what size whole numbers are multiplied and added without an error but that of storing.

    `size` products of numbers below 2^q add to less than `size` 4^q: exact while that is at most 2^P, for an
    accumulator of P bits, and the operands fit into the stored type.
    """
    most = min(m.precision, int((m.working - math.log2(m.size)) // 2))
    generator = np.random.default_rng(2)
    for q in range(1, most + 1):
        a, b = (generator.integers(-(2**q) + 1, 2**q, (m.size, m.size)).astype(float) for _ in range(2))
        found, expected = m(a, b), stored(a @ b, m.dtype)
        if not np.array_equal(found, expected):
            at = tuple(int(i) for i in np.argwhere(found != expected)[0])
            proof = f"numbers below 2^{q}: {found[at]:.17g} for {expected[at]:.17g} at {at}"
            return Fact("whole numbers", f"exact below 2^{q - 1} alone", proof, regular=False)
    return Fact(
        "whole numbers", f"exact below 2^{most}", f"{m.size}³ random products for every power up to it"
    )


def blocks(m: Multiplication) -> Fact:
    """Whether an entry depends on rows and columns other than its own, as by Strassen's algorithm.

    Half of the rows of A, and half of the columns of B, are very large. A classical product of the other
    halves does not see them.
    """
    half, huge = m.size // 2, m.large
    a, b = m.random(m.size, m.size, 3), m.random(m.size, m.size, 4)
    large_a, large_b, alone_a, alone_b = (x.copy() for x in (a, b, a, b))
    large_a[half:], large_b[:, half:], alone_a[half:], alone_b[:, half:] = huge, huge, 0, 0
    if not _repeats(m, a, b):
        return Fact("algorithm", _NOT_TOLD, "the same product twice", regular=False)
    beside, alone = m(large_a, large_b)[:half, :half], m(alone_a, alone_b)[:half, :half]
    if np.array_equal(beside, alone):
        proof = f"a quarter of the result is the same beside 0 and beside {power(huge)}"
        return Fact("algorithm", "classical", proof)
    off = float(np.max(np.abs(beside - alone)))  # nan where the huge ones left the range
    proof = f"a quarter of the result changes by {off:.3g} with rows and columns that are not its own"
    return Fact("algorithm", "mixes rows, as Strassen's", proof, regular=False)


def rows_alone(m: Multiplication) -> Fact:
    """Whether the first rows of a product are the same, bit for bit, whatever the number of rows."""
    a, b = m.random(m.size, m.size, 5), m.random(m.size, m.size, 6)
    whole = m(a, b)
    if not _repeats(m, a, b):
        return Fact("number of rows", _NOT_TOLD, "the same product twice", regular=False)
    for rows in (1, 2, 3, 8, m.size // 2):
        found = m(a[:rows], b)
        if not np.array_equal(found, whole[:rows]):
            off = float(np.max(np.abs(found - whole[:rows])) / m.arithmetic.u)
            proof = f"of {rows} rows against {m.size}, up to {off:.3g} u apart"
            return Fact("number of rows", "other bits", proof, regular=False)
    return Fact("number of rows", "same bits", f"1, 2, 3, 8, {m.size // 2} rows against {m.size}")


def repetition(m: Multiplication) -> Fact:
    """Whether the same product, again, has the same bits."""
    same = _repeats(m, m.random(m.size, m.size, 7), m.random(m.size, m.size, 8))
    value = "same bits" if same else "other bits"
    return Fact("repetition", value, f"{AGAIN + 1} runs of one random product", regular=same)


def _repeats(m: Multiplication, a: Array, b: Array) -> bool:
    first = m(a, b)
    return all(np.array_equal(first, m(a, b)) for _ in range(AGAIN))


def facts(m: Multiplication) -> tuple[Fact, ...]:
    """Every fact that can be told from the product alone."""
    return (
        operand(m, "left"),
        operand(m, "right"),
        residual(m),
        accumulator(m),
        storing(m),
        subnormal_operand(m),
        subnormal_result(m),
        rearranging(m),
        integers(m),
        blocks(m),
        rows_alone(m),
        repetition(m),
    )
