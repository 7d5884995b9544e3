"""Two answers apart: what rounding explains of a difference, what it does not, and what cannot be said."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.samples.operator_record import Record, UnaryUfuncInfo
from verify.call import Call, Results, results
from verify.samples.allowed import Unjudged, allowed, distance
from verify.samples.apart import against_exact, compared, explained, same
from verify.samples.posed import Posed
from verify.samples.sample import Sample

U = 2.0**-24


def posed(function, *inputs, draws=False):
    call = Call(lambda *x: (function(*x),), inputs, {})
    return Posed(call, results(call), draws)


def sample(entrywise=False):
    kind = UnaryUfuncInfo if entrywise else Record
    return Sample(kind("f", torch.exp), 0, (), {}, lambda y: y, False)


def of(asked, entrywise=False):
    return explained(sample(entrywise), asked, 1)


def positive(*shape):
    torch.manual_seed(0)
    return torch.rand(*shape) + 0.5


@pytest.mark.parametrize("entrywise", [False, True])
def test_what_is_allowed_is_a_few_roundings_of_what_they_move(entrywise):
    asked = posed(torch.square, positive(50))
    (allow,) = allowed(asked.call, asked.first, entrywise, 1)
    relative = allow.bound / abs(allow.exact).max()
    # x² moves by two roundings of x and one of its own: at most 12 (1 + 3) of them where nothing is summed.
    assert (relative <= 12 * 4 * U * (1 + 1e-3) + (0 if entrywise else 6 * math.sqrt(50) * 4 * U)).all()
    assert (allow.bound >= 12 * U * abs(allow.exact)).all()
    assert not allow.blind
    assert not allow.jumps.any()


@given(st.lists(st.floats(0.0078125, 100, width=32), min_size=1, max_size=20), st.integers(0, 100))
@settings(deadline=None, max_examples=50)
def test_right_results_are_never_beyond_what_is_explained(values, seed):
    asked = posed(lambda x: torch.log1p(x) / x, torch.tensor(values))
    found = against_exact("forward", asked, explained(sample(entrywise=True), asked, seed))
    assert found.measured <= found.bound


def test_each_entry_of_an_entrywise_operator_has_its_own_scale():
    x = torch.tensor([1e-3, 1e6])
    asked = posed(lambda x: x * 1, x)
    wrong = Results((torch.tensor([1.001e-3, 1e6]),))
    assert compared("f", asked.first, wrong, of(asked, entrywise=True)).measured > 1
    assert compared("f", asked.first, wrong, of(asked)).measured < 1


def test_two_answers_that_are_one_rounding_apart_are_not_explained_at_length():
    y = positive(9)
    asked = posed(torch.clone, y)
    beside = Results((torch.nextafter(y, torch.full_like(y, torch.inf)),))

    def must_not_be_asked(changes):
        raise AssertionError(changes)

    found = compared("f", asked.first, beside, must_not_be_asked)
    assert 0 < found.measured <= 1 / 12
    assert found.figures == {"entries that differ": 9.0}


def test_a_difference_is_held_against_both_answers_roundings():
    y = positive(9)
    asked = posed(torch.clone, y)
    for factor, passes in ((1 + 2 * 20 * U, True), (1 + 2 * 60 * U, False)):
        found = compared("f", asked.first, Results((y * factor,)), of(asked, entrywise=True))
        assert (found.measured <= 1) is passes


def test_a_jump_within_a_rounding_cannot_be_judged():
    asked = posed(torch.floor, torch.tensor([3.0, 7.5]))
    found = compared("f", asked.first, Results((torch.tensor([2.0, 7.0]),)), of(asked, entrywise=True))
    assert math.isnan(found.bound)
    assert "jumps within a rounding" in found.remark
    beside = compared("f", asked.first, Results((torch.tensor([3.0, 8.0]),)), of(asked, entrywise=True))
    assert beside.measured > beside.bound


def test_an_integer_that_no_rounding_turns_must_be_the_same():
    asked = posed(torch.argmax, torch.tensor([1.0, 3.0, 2.0]))
    assert compared("f", asked.first, Results((torch.tensor(2),)), of(asked)).measured == math.inf
    tie = posed(torch.argmax, torch.tensor([1.0, 3.0, 3.0]))
    assert math.isnan(compared("f", tie.first, Results((torch.tensor(2),)), of(tie)).bound)


@pytest.mark.parametrize("function", [torch.cos, lambda x: torch.cos(x) + 0])
def test_what_even_zeros_would_pass_is_blind(function):
    asked = posed(function, torch.tensor([3e30, 1e30, 2e31]))
    found = compared("f", asked.first, Results((torch.zeros(3),)), of(asked))
    assert found.blind or math.isnan(found.bound)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (math.inf, 1e300, 0.0),
        (math.inf, 3e38, float(torch.finfo(torch.float32).max) - 3e38),
        (math.nan, math.nan, 0.0),
        (-math.inf, math.inf, 2 * float(torch.finfo(torch.float32).max)),
        (1.0, 3.0, 2.0),
    ],
)
def test_what_cannot_be_held_is_as_far_off_as_the_largest_number(a, b, expected):
    largest = float(torch.finfo(torch.float32).max)

    assert distance(np.array([a]), np.array([b]), largest)[0] == pytest.approx(expected)


def test_a_number_where_float64_has_none_is_beyond_all_bounds():
    asked = posed(torch.log, torch.tensor([1.0, -1.0]))
    wrong = Posed(asked.call, Results((torch.tensor([0.0, 5.0]),)), False)
    assert against_exact("f", wrong, of(wrong, entrywise=True)).measured == math.inf


def test_a_result_that_overflows_is_as_good_as_inf():
    asked = posed(torch.exp, torch.tensor([1.0, 89.0]))
    assert asked.first.outputs[0][1] == torch.inf
    assert against_exact("f", asked, of(asked, entrywise=True)).measured <= 1


def test_random_numbers_are_not_held_against_other_ones():
    asked = posed(torch.clone, positive(3), draws=True)
    with pytest.raises(Unjudged, match="draws random numbers"):
        compared("f", asked.first, Results((positive(3) * 2,)), of(asked))


def test_other_shapes_in_float64_cannot_be_judged():
    asked = posed(lambda x: x if x.dtype is torch.float64 else x[:1], positive(3))
    with pytest.raises(Unjudged, match="other shapes in float64"):
        against_exact("f", asked, of(asked))


def test_bits_that_must_be_the_same_are_named_where_they_are_not():
    y = positive(2, 3)
    z = y.clone()
    z[1, 2] = 9.0
    found = same("once more", Results((y,)), Results((z,)))
    assert found.measured == 1
    assert found.bound == 0
    assert found.worst.index == (1, 2)
    assert "9.0 where it was" in found.remark
    assert same("once more", Results((y,)), Results((y.clone(),))).measured == 0


def test_a_number_that_is_lost_is_seen_where_the_result_jumps_too():
    """Not by what it should be, which hangs on a rounding, but by being no number whatever rounding does."""
    asked = posed(torch.fmod, torch.tensor([3e38, 1.0]), torch.tensor([0.7, 0.3]))
    wrong = Results((torch.tensor([torch.nan, float(asked.first.outputs[0][1])]),))
    found = compared("f", asked.first, wrong, of(asked, entrywise=True))
    assert found.measured == math.inf
    other = Results((torch.tensor([0.5, float(asked.first.outputs[0][1])]),))
    assert math.isnan(compared("f", asked.first, other, of(asked, entrywise=True)).bound)
