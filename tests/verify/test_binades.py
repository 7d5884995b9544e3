"""A survey finds what a look at every exponent would, wherever its places tell of a change."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.binades import Stretch, exponents, survey
from verify.formulas.arithmetic import DTYPES, Arithmetic


@given(st.sets(st.integers(-1022, 1023), min_size=1, max_size=8), st.sets(st.integers(-1022, 1023)))
def test_steps_are_found_where_a_place_lies_on_either_side(steps, more):
    """The slow oracle looks everywhere; between two places there is at most one step."""
    places = {-1022, 1023, *more, *steps}

    def look(exponent: int) -> int:
        return sum(step <= exponent for step in steps)

    found = survey(look, places)
    assert found[0].first == -1022
    assert found[-1].last == 1023
    for before, after in itertools.pairwise(found):
        assert before.last + 1 == after.first
    assert [look(e) for s in found for e in range(s.first, s.last + 1)] == [
        look(e) for e in range(-1022, 1024)
    ]
    assert [s.seen for s in found for _ in range(s.binades)] == [look(e) for e in range(-1022, 1024)]


def test_bisection_looks_at_few():
    looked = []
    found = survey(lambda e: looked.append(e) or e >= 300, (-1022, 1023))
    assert found == (Stretch(-1022, 299, False), Stretch(300, 1023, True))
    assert len(looked) <= 2 + 11


def test_what_lies_between_two_places_that_look_alike_is_not_seen():
    assert survey(lambda e: e == 5, (0, 10)) == (Stretch(0, 10, False),)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("thorough", [False, True])
def test_places_lie_in_the_range_and_reach_its_ends(dtype, thorough):
    a = Arithmetic.of(dtype)
    places = exponents(a, thorough)
    assert (places[0], places[-1]) == a.exponents
    assert 2.0 ** places[0] == a.smallest_normal
    assert 2.0 ** places[-1] <= a.largest < 2 * 2.0 ** places[-1]
    assert set(exponents(a, False)) <= set(exponents(a, True))
    assert len(set(exponents(a, True)) - set(places)) >= (0 if thorough or dtype == "float16" else 40)
    # Where exp, tanh and sigmoid round away and underflow.
    assert set(range(-2, 11)) <= set(places)
