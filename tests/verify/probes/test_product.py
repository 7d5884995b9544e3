import itertools

import numpy as np
import pytest
import torch

from tests.verify.probes.simulated import PRODUCTS
from verify.formulas.arithmetic import DTYPES
from verify.probes.mask import Mask
from verify.probes.multiplication import Multiplication
from verify.probes.product import facts
from verify.probes.summation import reveal

SIZE = 16
# What a loop over K in float32 answers, each product rounded before it is added.
PLAIN = {
    "left operand, bits": "all 24",
    "right operand, bits": "all 24",
    "products": "rounded, then added",
    "accumulator": "24 bits, nearest",
    "stored results": "nearest even",
    "subnormal operands": "kept",
    "subnormal results": "kept",
    "identity, permutation": "exact",
    "whole numbers": "exact below 2^10",
    "algorithm": "classical",
    "number of rows": "same bits",
    "repetition": "same bits",
}
_FUSED = "fused multiply-add"
_EXACT = "exact until added"
_CHANGED = {"identity, permutation": "change entries"}
# What each of the products written on purpose answers otherwise than a plain loop.
OTHERWISE = {
    "float32 in sequence": {},
    "K in four parts": {},
    "fused multiply-add": {"products": _FUSED},
    "float64 accumulator": {"products": _EXACT, "accumulator": "53 bits, nearest"},
    "float16 accumulator": {
        "left operand, bits": "11 of 24, rounded to nearest",
        "right operand, bits": "11 of 24, rounded to nearest",
        "accumulator": "11 bits, nearest",
        "stored results": "not told: fewer bits are added in",
        "subnormal operands": "changed",
        "subnormal results": "flushed to 0",
        "whole numbers": "exact below 2^4 alone",
        **_CHANGED,
    },
    "20 bits": {
        "left operand, bits": "20 of 24, rounded to nearest",
        "right operand, bits": "20 of 24, rounded to nearest",
        "products": _FUSED,
        "accumulator": "20 bits, nearest",
        "stored results": "not told: fewer bits are added in",
        "whole numbers": "exact below 2^8 alone",
        **_CHANGED,
    },
    "partial sums cut off": {
        "products": _FUSED,
        "accumulator": "24 bits, cut off",
        "stored results": "towards 0",
    },
    "results cut off": {
        "products": _EXACT,
        "accumulator": "53 bits, nearest",
        "stored results": "towards 0",
    },
    "results rounded up": {
        "products": _EXACT,
        "accumulator": "53 bits, nearest",
        "stored results": "up",
    },
    "results rounded at random": {
        "products": _EXACT,
        "accumulator": "53 bits, nearest",
        "stored results": "rounded in no standard way",
        "algorithm": "not told: no two calls alike",
        "number of rows": "not told: no two calls alike",
        "repetition": "other bits",
    },
    "operands cut to 11 bits": {
        "left operand, bits": "11 of 24, cut off",
        "right operand, bits": "11 of 24, cut off",
        "products": _EXACT,
        "subnormal operands": "flushed to 0",
        **_CHANGED,
    },
    "operands rounded to bfloat16": {
        "left operand, bits": "8 of 24, rounded to nearest",
        "right operand, bits": "8 of 24, rounded to nearest",
        "products": _EXACT,
        "subnormal operands": "flushed to 0",
        "whole numbers": "exact below 2^8 alone",
        **_CHANGED,
    },
    "left operand rounded to bfloat16": {
        "left operand, bits": "8 of 24, rounded to nearest",
        "products": _EXACT,
        "subnormal operands": "flushed to 0",
        "whole numbers": "exact below 2^8 alone",
        **_CHANGED,
    },
    "operands flushed": {"subnormal operands": "flushed to 0"},
    "results flushed": {"subnormal results": "flushed to 0"},
    "Strassen": {
        "products": _FUSED,
        "algorithm": "mixes rows, as Strassen's",
        "number of rows": "other bits",
        **_CHANGED,
    },
    "four at once": {"accumulator": "24 bits, cut off", "stored results": "towards 0"},
    "one row in another order": {"number of rows": "other bits"},
    "an entry lost": {"whole numbers": "exact below 2^0 alone", **_CHANGED},
}


def found(name, size=SIZE):
    return {fact.name: fact for fact in facts(Multiplication(PRODUCTS[name], "float32", size=size))}


# Strassen's blocks are multiplied by torch, whose order differs from machine to machine: the next test's.
@pytest.mark.parametrize("name", [name for name in PRODUCTS if name != "Strassen"])
def test_each_way_to_multiply_is_told_by_its_own_facts(name):
    assert {fact.name: fact.value for fact in found(name).values()} == PLAIN | OTHERWISE[name]


def test_strassen_is_told_on_any_machine():
    answers = found("Strassen")
    assert answers["algorithm"].value == "mixes rows, as Strassen's"
    assert not answers["algorithm"].regular


def test_no_two_ways_have_the_same_facts_and_order():
    """Splitting K changes no fact but the order, which the tree tells."""
    alike = [
        (a, b)
        for a, b in itertools.combinations(OTHERWISE, 2)
        if OTHERWISE[a] == OTHERWISE[b] and _order(a) == _order(b)
    ]
    assert not alike


def _order(name):
    m = Multiplication(PRODUCTS[name], "float32", size=SIZE)
    tree = reveal(m.total, SIZE, Mask.of(m.arithmetic, SIZE))
    return {tree.leaves(SIZE + k) for k in range(len(tree.nodes))}, tree.depth


def test_the_order_along_k_is_told():
    assert _order("float32 in sequence")[1] == SIZE - 1
    assert _order("K in four parts")[1] == 3 + 3


@pytest.mark.parametrize("name", PRODUCTS)
def test_what_a_plain_loop_answers_is_regular_and_nothing_else(name):
    for fact in found(name).values():
        usual = {PLAIN[fact.name], _FUSED, _EXACT} if fact.name == "products" else {PLAIN[fact.name]}
        if fact.name == "accumulator":
            usual.add("53 bits, nearest")
        assert fact.regular == (fact.value in usual), fact


@pytest.mark.parametrize("name", PRODUCTS)
def test_every_fact_has_a_proof(name):
    assert all(fact.proof for fact in found(name).values())


@pytest.mark.parametrize("dtype", DTYPES)
def test_torch_answers_every_question(dtype):
    answers = facts(Multiplication(torch.mm, dtype, size=8))
    assert [fact.name for fact in answers] == list(PLAIN)


def test_an_entry_is_that_of_a_row_and_a_column():
    m = Multiplication(torch.mm, "float64", size=5)
    assert m.entry([2.0, 3.0], [5.0, 7.0]) == 31.0
    assert m.total(np.array([1.0, 2.0, 4.0])) == 7.0
    assert (m.precision, m.working, m.large) == (53, 53, 2.0**511)
    narrow = Multiplication(torch.mm, "float16")
    assert (narrow.precision, narrow.working, narrow.large) == (11, 24, 2.0**7)
