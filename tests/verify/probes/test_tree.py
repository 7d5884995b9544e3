import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.probes.tree import Tree

BALANCED = Tree(4, ((0, 1), (2, 3), (4, 5)))
SEQUENTIAL = Tree(4, ((0, 1), (2, 4), (3, 5)))


def exact(value):
    return value


@pytest.mark.parametrize(
    ("terms", "nodes"),
    [
        (2, ()),
        (3, ((0, 1),)),
        (3, ((0, 1), (0, 2))),
        (3, ((0, 1, 2), (3, 3))),
        (3, ((0, 4), (1, 2))),
        (2, ((0,), (1, 2))),
        (0, ((0, 1),)),
    ],
)
def test_what_is_no_tree_is_refused(terms, nodes):
    with pytest.raises(ValueError, match="make no tree"):
        Tree(terms, nodes)


def test_depths_sizes_and_leaves():
    assert (BALANCED.depth, SEQUENTIAL.depth, Tree(1, ()).depth) == (2, 3, 0)
    assert BALANCED.sizes == (1, 1, 1, 1, 2, 2, 4)
    assert SEQUENTIAL.leaves(5) == (0, 1, 2)
    assert SEQUENTIAL.leaves(3) == (3,)


def test_a_fused_node_counts_as_its_members_in_the_worst_order():
    assert Tree(4, ((0, 1, 2, 3),)).depth == 3
    assert Tree(5, ((0, 1, 2), (3, 4, 5))).depth == 4


def test_two_terms_meet_in_the_lowest_node_above_both():
    for i, j in itertools.combinations(range(4), 2):
        assert SEQUENTIAL.sizes[SEQUENTIAL.meeting(i, j)] == j + 1
    assert BALANCED.meeting(0, 1) == 4
    assert BALANCED.meeting(3, 0) == 6


def test_a_sum_follows_the_order():
    terms = [1.0, 2.0**-60, 2.0**-60, -1.0]
    assert SEQUENTIAL.evaluate(terms, exact) == 0
    assert Tree(4, ((1, 2), (0, 3), (4, 5))).evaluate(terms, exact) == 2.0**-59
    assert Tree(4, ((0, 1, 2, 3),)).evaluate(terms, exact) == 2.0**-59
    with pytest.raises(ValueError, match="3 terms for a tree of 4"):
        SEQUENTIAL.evaluate(terms[:3], exact)


@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=2, max_size=40))
def test_a_sequential_tree_adds_as_numpy_does_in_float32(terms):
    nodes = ((0, 1), *((k, len(terms) + k - 2) for k in range(2, len(terms))))
    found = Tree(len(terms), nodes).evaluate(terms, lambda x: float(np.float32(x)))
    assert found == np.cumsum(np.array(terms, np.float32), dtype=np.float32)[-1]


def test_partial_sums_are_those_of_the_nodes():
    assert BALANCED.partial_sums([1.0, 2.0, 3.0, 4.0]) == (3.0, 7.0, 10.0)


def test_a_tree_of_a_hundred_thousand_terms_in_sequence_is_no_deep_recursion():
    n = 100_000
    tree = Tree(n, ((0, 1), *((k, n + k - 2) for k in range(2, n))))
    assert tree.depth == n - 1
    assert len(tree.leaves(2 * n - 2)) == n
