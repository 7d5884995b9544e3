import math
import random
import re
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.probes.orders import ORDERS, sequential
from verify.formulas.arithmetic import DTYPES, Arithmetic
from verify.probes.mask import Mask
from verify.probes.summation import Unrevealed, reveal
from verify.probes.tree import Tree


def form(tree):
    """A tree by its sets of leaves, whatever its numbering."""
    return {tree.leaves(tree.terms + k) for k in range(len(tree.nodes))}


def mask(dtype, terms, parts=1):
    return Mask.of(Arithmetic.of(dtype), terms, parts)


@pytest.mark.parametrize("terms", [1, 2, 3, 7, 16, 65])
@pytest.mark.parametrize("name", ORDERS)
def test_a_known_order_is_revealed(name, terms):
    order = ORDERS[name]
    found = reveal(order.sum_in(np.float32), terms, mask("float32", terms))
    assert form(found) == form(order.tree(terms))
    assert found.depth == order.tree(terms).depth


@pytest.mark.parametrize(("accumulator", "dtype"), [(np.float16, "float16"), (np.float64, "bfloat16")])
@pytest.mark.parametrize("name", ORDERS)
def test_an_order_is_revealed_in_a_narrower_and_in_a_wider_accumulator(name, accumulator, dtype):
    found = reveal(ORDERS[name].sum_in(accumulator), 40, mask(dtype, 40))
    assert form(found) == form(ORDERS[name].tree(40))


def random_order(terms, generator):
    """A tree of random nodes, some of them fused, and a sum by it."""
    nodes, loose = [], list(range(terms))
    while len(loose) > 1:
        size = generator.choice([2, 2, 2, 3, 5])
        members = generator.sample(loose, min(size, len(loose)))
        loose = [k for k in loose if k not in members]
        nodes.append(tuple(sorted(members)))
        loose.append(terms + len(nodes) - 1)
    return Tree(terms, tuple(nodes))


@settings(max_examples=60)
@given(st.integers(2, 40), st.integers(0, 2**32))
def test_any_tree_is_revealed_fused_nodes_included(terms, seed):
    tree = random_order(terms, random.Random(seed))

    def add(values):
        # A fused node aligns with its largest member: what is smaller by 2^60 is cut off, as in tensor cores.
        def fused(members):
            unit = max(map(abs, members)) * 2.0**-60
            return math.fsum(m for m in members if abs(m) > unit)

        return tree.gathered(list(values), fused)[-1]

    assert form(reveal(add, terms, mask("float64", terms), seed)) == form(tree)


def test_a_fused_sum_of_hundreds_of_terms_is_no_deep_recursion():
    tree = Tree(300, (tuple(range(300)),))
    assert reveal(lambda v: 0.0, 300, mask("float64", 300)) == tree


def test_far_fewer_probes_than_pairs_are_needed_in_any_order():
    terms = 256
    for name, order in ORDERS.items():
        tree, asked = order.tree(terms), []

        def add(values, tree=tree, asked=asked):
            asked.append(1)
            return tree.evaluate(values, float)

        reveal(add, terms, mask("float64", terms))
        assert len(asked) < terms * (terms - 1) / 2 / 12, name


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("terms", [5, 64, 257, 1000])
def test_the_revealed_tree_has_the_bits_of_torch_sum(dtype, terms):
    """The test of the whole: random numbers added by the tree are what torch adds."""
    kind = getattr(torch, dtype)
    wide = torch.float64 if dtype == "float64" else torch.float32

    def rounded(value):
        return float(torch.tensor(value, dtype=torch.float64).to(wide))

    tree = reveal(lambda v: float(torch.from_numpy(v).to(kind).sum()), terms, mask(dtype, terms))
    generator = torch.Generator().manual_seed(terms)
    for _ in range(20):
        x = torch.randn(terms, generator=generator, dtype=torch.float64).to(kind)
        added = torch.tensor(tree.evaluate(x.double().tolist(), rounded), dtype=torch.float64).to(kind)
        assert torch.equal(added, x.sum())


def test_another_tree_has_other_bits():
    x = np.random.default_rng(0).standard_normal(64).astype(np.float32)
    sums = {order.tree(64).evaluate(x, lambda v: float(np.float32(v))) for order in ORDERS.values()}
    assert len(sums) >= 4


def compensated(values):
    total, lost = np.float32(0), np.float32(0)
    for value in np.asarray(values, np.float32):
        new = np.float32(total + value)
        back = np.float32(new - total)
        lost = np.float32(
            lost + np.float32(np.float32(total - np.float32(new - back)) + np.float32(value - back))
        )
        total = new
    return float(np.float32(total + lost))


def test_a_compensated_sum_is_not_given_a_tree():
    with pytest.raises(Unrevealed, match="compensated"):
        reveal(compensated, 20, mask("float32", 20))


def test_an_exact_sum_is_not_given_a_tree():
    with pytest.raises(Unrevealed, match="no unit is ever absorbed"):
        reveal(lambda v: float(sum(map(Fraction, v))), 20, mask("float32", 20))


def test_an_accumulator_wider_than_the_range_can_tell_is_named():
    found = mask("float16", 20)
    assert found.bits < 53
    with pytest.raises(Unrevealed, match=f"wider than the {found.bits} bits"):
        reveal(ORDERS["pairwise"].sum_in(np.float64), 20, found)


def test_an_order_that_differs_from_call_to_call_is_not_given_a_tree():
    generator = random.Random(1)

    def add(values):
        shuffled = list(np.asarray(values, np.float32))
        generator.shuffle(shuffled)
        return float(sequential(shuffled, lambda a, b: np.float32(a + b)))

    with pytest.raises(Unrevealed, match=r"from call to call|is compensated"):
        reveal(add, 20, mask("float32", 20))


def test_an_order_that_changes_once_the_tree_is_known_is_noticed():
    asked, needed = [], []
    first, second = ORDERS["sequential"].sum_in(np.float32), ORDERS["backwards"].sum_in(np.float32)
    reveal(lambda v: needed.append(1) or first(v), 20, mask("float32", 20))

    def add(values):
        asked.append(1)
        return first(values) if len(asked) <= len(needed) - 32 else second(values)

    with pytest.raises(Unrevealed, match="by the tree that all other probes give"):
        reveal(add, 20, mask("float32", 20))


@pytest.mark.parametrize("wrong", [math.nan, math.inf, 3.5, -1.0, 99.0])
def test_what_is_no_count_is_named(wrong):
    with pytest.raises(Unrevealed, match=re.escape("18 units at other terms")):
        reveal(lambda v: wrong, 20, mask("float32", 20))


def test_a_sum_that_is_divided_is_revealed_through_its_quotient():
    def mean(values):
        return float(np.float32(ORDERS["lanes"].sum_in(np.float32)(values) / np.float32(37))) * 37

    assert form(reveal(mean, 37, mask("float32", 37, 37))) == form(ORDERS["lanes"].tree(37))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("terms", [3, 64, 1000])
def test_a_mask_holds_what_it_says(dtype, terms):
    """By exact arithmetic: k units beside the large number are below half a spacing."""
    a, found = Arithmetic.of(dtype), mask(dtype, terms)
    large, unit, k = Fraction(found.large), Fraction(found.unit), found.chunk
    assert 4 * large <= Fraction(a.largest) * 2
    assert k * unit < large * Fraction(1, 2 ** (found.bits + 1))
    assert k <= 1 / a.u
    assert found.bits >= round(-math.log2(Arithmetic.of("float32").u))
    held = torch.tensor([found.large, found.unit], dtype=torch.float64).to(getattr(torch, dtype)).double()
    assert held.tolist() == [found.large, found.unit]


def test_a_range_too_short_for_a_quotient_has_no_mask():
    assert mask("float16", 7, 7) is None
    assert mask("bfloat16", 7, 7) is not None


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("parts", [7, 37, 257, 1000])
def test_a_count_is_told_from_its_quotient(dtype, parts):
    """Divided, or multiplied by a rounded quotient, every count that is put in at once comes back."""
    kind, chunk = getattr(torch, dtype), mask(dtype, 1000, parts).chunk
    counts = torch.arange(1, chunk + 1).to(kind)
    assert counts.double().tolist() == list(range(1, chunk + 1))
    for quotients in (counts / parts, counts * torch.tensor(1 / parts, dtype=kind)):
        assert ((quotients.double() * parts).round() == counts.double()).all()
        assert ((quotients.double() * parts - counts.double()).abs() <= 0.25).all()
