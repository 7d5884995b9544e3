"""Places in rows, counted in bulk, against a loop."""

from __future__ import annotations

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.verify.laws.test_alone import broken, wrong
from verify.laws.ties import Found

entry = st.sampled_from([0.0, -0.0, 1.0, 2.0, math.nan])


@st.composite
def found(draw):
    """Rows of entries with many ties, and some of their places in any order."""
    n = draw(st.integers(1, 6))
    m = draw(st.integers(1, n))
    rows = draw(st.lists(st.lists(entry, min_size=n, max_size=n), min_size=1, max_size=3))
    places = [draw(st.permutations(range(n)))[:m] for _ in rows]
    entries = torch.tensor(rows)
    taken = torch.tensor(places)
    return Found(entries, taken, entries.gather(1, taken))


def equal(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


@given(found())
def test_equals_are_counted_as_a_loop_counts_them(found):
    for row, places, before, taken_before in zip(
        found.entries.tolist(),
        found.places.tolist(),
        found.equals_before.tolist(),
        found.equals_taken_before.tolist(),
        strict=True,
    ):
        for rank, place in enumerate(places):
            equals = [j for j in range(place) if equal(row[j], row[place])]
            assert before[rank] == len(equals)
            assert taken_before[rank] == len([j for j in equals if j in places[:rank]])


@given(found())
def test_a_stable_order_takes_equals_as_they_come(found):
    n = found.entries.shape[1]
    order = torch.sort(found.entries, dim=1, stable=True).indices
    stable = Found(found.entries, order, found.entries.gather(1, order))
    assert torch.equal(stable.equals_before, stable.equals_taken_before)
    assert (stable.times == 1).all()
    twice = Found(found.entries, order[:, [0] * n], stable.values)
    assert (twice.times == n).all()


def test_values_among_some_that_are_equal_are_those_of_the_formula():
    def one_more(x, k, dim=-1, keepdim=False):
        y = torch.kthvalue(x, k, dim, keepdim).values
        return y + 1 if 1 < x.unique().numel() < x.numel() else y

    found = broken("ties", wrong("kthvalue", one_more), "float64")
    assert any(r.startswith("three values, the values, forward") for r in found)
